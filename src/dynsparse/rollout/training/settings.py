"""Settings of a training, and those with which the shipped experts were trained."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from dynsparse.config import EPISODE_STEPS, check_count, nearest_names
from dynsparse.errors import SettingError

__all__ = ["EXPERT_SETTINGS", "MOST_SEEDS", "TrainSettings", "expert_settings"]

MOST_SEEDS = 2**32
"""JAX draws networks from 32 bits of a seed: there are no more different ones."""

_MAY_BE_ZERO = ("discounting", "gae_lambda", "entropy_cost")


@dataclass(frozen=True)
class TrainSettings:
    """Everything that decides a training.

    Attributes:
        steps: Control steps in all, over all episodes; a last part that fills no update is left out.
        seed: What networks, episodes and actions are drawn from.
        episodes: Episodes that run side by side.
        unroll_length: Control steps of each between two updates.
        minibatches: Parts into which the episodes are dealt for one gradient step each.
        epochs: How often each part is used.
        learning_rate: Of Adam, at the start; it falls linearly to a twentieth.
        max_grad_norm: Longer gradients are shortened to this.
        discounting: What a reward one control step later is worth.
        gae_lambda: Of the generalised advantage estimate.
        reward_scaling: What rewards are multiplied by.
        entropy_cost: What entropy is rewarded with.
        clipping_epsilon: PPO's clip of the probability ratio.
        policy_layers: Hidden layers of the policy.
        value_layers: Hidden layers of the value function.
        episode_steps: Control steps of an episode.
        evaluations: Points of the evaluation curve; at most one an update.
        evaluation_episodes: Episodes of each; the same starts and the same noise every time.
    """

    steps: int = 20_000_000
    seed: int = 0
    episodes: int = 512
    unroll_length: int = 32
    minibatches: int = 16
    epochs: int = 4
    learning_rate: float = 1e-3
    max_grad_norm: float = 1.0
    discounting: float = 0.99
    gae_lambda: float = 0.95
    reward_scaling: float = 1.0
    entropy_cost: float = 1e-2
    clipping_epsilon: float = 0.3
    policy_layers: tuple[int, ...] = (128, 128, 128)
    value_layers: tuple[int, ...] = (128, 128, 128)
    episode_steps: int = EPISODE_STEPS
    evaluations: int = 40
    evaluation_episodes: int = 32

    def __post_init__(self) -> None:
        """Check the settings as a whole."""
        for name in (
            "episodes",
            "unroll_length",
            "minibatches",
            "epochs",
            "episode_steps",
            "evaluations",
            "evaluation_episodes",
        ):
            check_count(name, getattr(self, name), 1, f"the default is {getattr(TrainSettings, name)}")
        check_count("seed", self.seed, 0, "try 0")
        if self.seed >= MOST_SEEDS:
            raise SettingError(f"seed must be below {MOST_SEEDS:,}, got {self.seed:,}; try 0")
        one = self.episodes * self.unroll_length
        check_count("steps", self.steps, one, f"one update takes {one:,} (episodes times unroll_length)")
        if self.episodes % self.minibatches:
            raise SettingError(
                f"episodes must be a multiple of minibatches, got {self.episodes} and {self.minibatches}; "
                "try 512 and 16"
            )
        self._check_numbers()
        self._check_layers()

    def _check_numbers(self) -> None:
        for name, least, most in (
            ("learning_rate", 0.0, 1.0),
            ("max_grad_norm", 0.0, math.inf),
            ("discounting", 0.0, 1.0),
            ("gae_lambda", 0.0, 1.0),
            ("reward_scaling", 0.0, math.inf),
            ("entropy_cost", 0.0, math.inf),
            ("clipping_epsilon", 0.0, 1.0),
        ):
            value = getattr(self, name)
            is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
            if not is_number or not least <= value <= most or (value == 0 and name not in _MAY_BE_ZERO):
                known = getattr(TrainSettings, name)
                raise SettingError(
                    f"{name} must be a number {'from' if name in _MAY_BE_ZERO else 'above'} 0"
                    f"{'' if most == math.inf else f' to {most:g}'}, got {value!r}; the default is {known:g}"
                )

    def _check_layers(self) -> None:
        for name in ("policy_layers", "value_layers"):
            layers = getattr(self, name)
            if not isinstance(layers, tuple) or not layers:
                raise SettingError(f"{name} must be a tuple of widths, got {layers!r}; try (64, 64)")
            for width in layers:
                check_count(f"each width of {name}", width, 1, "try 64")

    @property
    def updates(self) -> int:
        """How often the policy is updated."""
        return self.steps // (self.episodes * self.unroll_length)

    @property
    def gradient_steps(self) -> int:
        """Steps of the optimiser in all."""
        return self.updates * self.minibatches * self.epochs

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain JSON values."""
        values = dataclasses.asdict(self)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TrainSettings:
        """Undo ``to_dict``.

        Raises:
            SettingError: If a name is unknown (with the nearest ones), or a value can not be used.
        """
        names = tuple(field.name for field in dataclasses.fields(cls))
        for name in values:
            if name not in names:
                raise SettingError(f"unknown setting {name!r}{nearest_names(name, names)}")
        plain: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        return cls(**plain)


EXPERT_SETTINGS: Mapping[str, TrainSettings] = MappingProxyType(
    {
        "BallInCup": TrainSettings(steps=4_000_000, discounting=0.95),
        "CartpoleBalance": TrainSettings(steps=6_000_000, policy_layers=(64, 64, 64)),
        "CheetahRun": TrainSettings(policy_layers=(64, 64, 64)),
        "ReacherHard": TrainSettings(seed=1, reward_scaling=0.1, entropy_cost=5e-3),
        "FingerSpin": TrainSettings(
            steps=12_000_000, learning_rate=3e-4, policy_layers=(64, 64), value_layers=(128, 128)
        ),
        "FingerTurnEasy": TrainSettings(steps=12_000_000, reward_scaling=0.1, entropy_cost=5e-3),
        "WalkerRun": TrainSettings(steps=16_000_000),
        "SwimmerSwimmer6": TrainSettings(steps=25_000_000, discounting=0.995, reward_scaling=0.1, entropy_cost=5e-3),
    }
)
"""By the name that Playground has registered."""


def expert_settings(name: str, **changes: Any) -> TrainSettings:
    """Return the settings of an environment's expert, with the few things that a caller may change.

    Args:
        name: The environment.
        **changes: Settings in place of the table's; None keeps the table's.

    Returns:
        Settings that passed their check.

    Raises:
        SettingError: If the table does not know the environment, or a value can not be used.
    """
    if name not in EXPERT_SETTINGS:
        raise SettingError(f"there are no settings to train {name} with{nearest_names(name, tuple(EXPERT_SETTINGS))}")
    return dataclasses.replace(
        EXPERT_SETTINGS[name], **{key: value for key, value in changes.items() if value is not None}
    )
