"""Settings of a collection: whose rows, how many, under which policy, from which seed."""

from __future__ import annotations

from dataclasses import dataclass

from dynsparse.config import EPISODE_STEPS, check_count, nearest_names
from dynsparse.errors import SettingError

__all__ = ["STATES", "CollectSettings"]

STATES = ("rollout", "coverage")

_DERIVATIVES = ("exact", "autodiff", "finite-difference")
_DTYPES = ("float64", "float32")


@dataclass(frozen=True)
class CollectSettings:
    """Everything that decides the rows of a data set; the number of workers does not.

    Attributes:
        rows: Transitions of the whole data set.
        policy: ``"random"``, ``"novice"``, ``"paper"`` or ``"expert"`` (they come with the package), or the path of a
            policy file.
        states: ``"rollout"``, or ``"coverage"`` for one-step episodes spread over the admissible range.
        seed: What initial states and actions are drawn from.
        derivative: ``"exact"``, ``"autodiff"`` or ``"finite-difference"``.
        dtype: How floating-point fields are stored, ``"float64"`` or ``"float32"``; computed is in float64.
        episode_steps: Control steps of an episode; the last one may be shorter.
        action_hold: Control steps for which the random policy keeps an action.
    """

    rows: int
    policy: str = "random"
    states: str = "rollout"
    seed: int = 0
    derivative: str = "exact"
    dtype: str = "float64"
    episode_steps: int = EPISODE_STEPS
    action_hold: int = 5

    def __post_init__(self) -> None:
        """Check the settings as a whole."""
        check_count("rows", self.rows, 1, "one row is one transition")
        check_count("seed", self.seed, 0, "try 0")
        check_count("episode_steps", self.episode_steps, 1, f"the paper's episodes have {EPISODE_STEPS}")
        check_count("action_hold", self.action_hold, 1, "1 draws a new action at every control step")
        for name, choices in (("states", STATES), ("derivative", _DERIVATIVES), ("dtype", _DTYPES)):
            value = getattr(self, name)
            if value not in choices:
                raise SettingError(
                    f"{name} must be one of {', '.join(choices)}, got {value!r}{nearest_names(value, choices)}"
                )
        if not self.policy:
            raise SettingError(
                "policy must be random, novice, paper, expert or the path of a policy file, got ''; try random"
            )
        if self.states == "coverage" and self.policy != "random":
            raise SettingError(
                f"states 'coverage' draws its actions itself, got policy {self.policy!r}; leave --policy out"
            )

    @property
    def is_random(self) -> bool:
        """Whether actions are drawn without looking at the state."""
        return self.policy == "random"
