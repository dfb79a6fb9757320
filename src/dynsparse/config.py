"""Settings: frozen, checked as a whole when they are built, and never written to afterwards."""

from __future__ import annotations

import dataclasses
import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dynsparse.errors import SettingError

__all__ = [
    "DEFAULT_ATOL",
    "DIFFERENCE_ATOL",
    "EPISODE_STEPS",
    "PRESETS",
    "ReproduceSettings",
    "atol_for",
    "check_atol",
    "check_count",
    "nearest_names",
    "preset_settings",
    "settings_from_dict",
    "zero_tolerance",
]

DEFAULT_ATOL = 1e-15
"""The paper's threshold for a zero of the simulator's Jacobian (Section 5.1)."""

DIFFERENCE_ATOL = 1e-8
"""The threshold for Jacobians by finite differences, whose zeros are noise of about 1e-10."""

EPISODE_STEPS = 1_000
"""Control steps of an episode, in the paper and in MuJoCo Playground's suite."""

_DERIVATIVES = ("exact", "autodiff", "finite-difference")
_POLICIES = ("random", "novice", "paper", "expert")


def nearest_names(name: str, known: Sequence[str], count: int = 3) -> str:
    """Say which known names come closest to a misspelt one.

    Args:
        name: What was asked for.
        known: What there is.
        count: How many suggestions at most.

    Returns:
        ``"; did you mean 'a' or 'b'?"``, or the list of all known names when none is close.
    """
    folded = {candidate.casefold(): candidate for candidate in known}
    close = [folded[key] for key in difflib.get_close_matches(name.casefold(), list(folded), count, 0.4)]
    if close:
        return "; did you mean " + " or ".join(repr(candidate) for candidate in close) + "?"
    return "; known: " + ", ".join(known)


def zero_tolerance(derivative: str) -> float:
    """Return the ``atol`` below which nothing can be told from zero: differences leave noise that derivatives do not.

    Args:
        derivative: ``"exact"``, ``"autodiff"`` or ``"finite-difference"``.
    """
    return DIFFERENCE_ATOL if derivative == "finite-difference" else DEFAULT_ATOL


def atol_for(derivative: str, atol: float | None = None) -> float:
    """Return the zero threshold for rows of a derivative.

    Args:
        derivative: what the rows hold.
        atol: what was asked for; None for ``zero_tolerance``.

    Raises:
        SettingError: it is no positive number, or below the noise of differences.
    """
    if atol is None:
        return zero_tolerance(derivative)
    check_atol(atol)
    if derivative == "finite-difference" and atol < DIFFERENCE_ATOL:
        raise SettingError(
            f"expected atol of at least {DIFFERENCE_ATOL:g} for finite-difference Jacobians, whose zeros are noise up "
            f"to there, got {atol:g}; leave it out"
        )
    return float(atol)


def check_atol(atol: float) -> float:
    """Return a zero threshold that has a meaning.

    Args:
        atol: Absolute threshold; an element is zero when ``abs(x) < atol``.

    Returns:
        The same threshold as a float.

    Raises:
        SettingError: If it is not a finite number above zero.  Zero itself is refused because the inequality is
            strict: not even an exact zero would count.
    """
    if isinstance(atol, bool) or not isinstance(atol, (int, float)) or not math.isfinite(atol) or atol <= 0:
        raise SettingError(f"atol must be a finite number above 0, got {atol!r}; try {DEFAULT_ATOL:g} (the paper's)")
    return float(atol)


def check_count(name: str, value: int, least: int, advice: str) -> int:
    """Return a whole number that is large enough.

    Args:
        name: The setting's name, for the message.
        value: What was given.
        least: The smallest value that makes sense.
        advice: What to try next, for the message.

    Returns:
        The value, unchanged.

    Raises:
        SettingError: If it is not an integer of at least ``least``.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise SettingError(f"{name} must be a whole number of at least {least}, got {value!r}; {advice}")
    return value


@dataclass(frozen=True)
class ReproduceSettings:
    """Everything that decides the numbers of one reproduction of the paper.

    Attributes:
        preset: Name under which the settings were made; a label that decides nothing.
        environments: Names of the environments, each once.
        rows: Transitions per environment.
        episode_steps: Control steps of an episode; the last one may be shorter.
        policy: Who chooses the actions.
        seed: Seed of initial states and actions.
        atol: Zero threshold, ``abs(x) < atol``.
        derivative: Which transition Jacobian: exact, autodiff or finite-difference.
        action_hold: Control steps for which the random policy keeps an action.
    """

    preset: str
    environments: tuple[str, ...]
    rows: int
    episode_steps: int = EPISODE_STEPS
    policy: str = "random"
    seed: int = 0
    atol: float = DEFAULT_ATOL
    derivative: str = "exact"
    action_hold: int = 5

    def __post_init__(self) -> None:
        """Check the settings as a whole."""
        if not self.environments:
            raise SettingError("environments must name at least one environment, got none; leave it out for all eight")
        twice = sorted({name for name in self.environments if self.environments.count(name) > 1})
        if twice:
            raise SettingError(f"environments must name each environment once, got {', '.join(twice)} twice; drop one")
        check_count("rows", self.rows, 1, "one row is one transition")
        check_count("episode_steps", self.episode_steps, 1, f"the paper's episodes have {EPISODE_STEPS}")
        check_count("seed", self.seed, 0, "try 0")
        check_count("action_hold", self.action_hold, 1, "1 draws a new action at every control step")
        check_atol(self.atol)
        _check_choice("derivative", self.derivative, _DERIVATIVES)
        _check_choice("policy", self.policy, _POLICIES)

    @property
    def episodes(self) -> int:
        """Episodes that hold all rows."""
        return -(-self.rows // self.episode_steps)

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain values in the order of their declaration."""
        return {**dataclasses.asdict(self), "environments": list(self.environments)}

    def environment_dict(self, environment: str) -> dict[str, Any]:
        """Return what decides one environment's numbers: the label and the other environments do not.

        Args:
            environment: Name of the environment.

        Returns:
            Plain values, the environment's name first.
        """
        settings = self.to_dict()
        return {"environment": environment} | {k: v for k, v in settings.items() if k not in {"preset", "environments"}}


def _check_choice(name: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise SettingError(f"{name} must be one of {', '.join(choices)}, got {value!r}{nearest_names(value, choices)}")


PRESETS: Mapping[str, int] = {"smoke": 4_000, "small": 20_000, "paper": 1_000_000}
"""Rows per environment of each preset; "paper" has the paper's million (Appendix A1)."""


def preset_settings(
    preset: str,
    environments: Sequence[str],
    rows: int | None = None,
    seed: int = 0,
    atol: float = DEFAULT_ATOL,
    policy: str = "random",
) -> ReproduceSettings:
    """Make the settings of a preset, with the few things that a caller may change.

    Args:
        preset: One of ``PRESETS``.
        environments: Names of the environments.
        rows: Transitions per environment in place of the preset's.
        seed: Seed of initial states and actions.
        atol: Zero threshold.
        policy: Who chooses the actions.

    Returns:
        Settings that passed their check.

    Raises:
        SettingError: If the preset is unknown or a value can not be used.
    """
    _check_choice("preset", preset, tuple(PRESETS))
    rows = PRESETS[preset] if rows is None else check_count("rows", rows, 1, "one row is one transition")
    return ReproduceSettings(preset, tuple(environments), rows, policy=policy, seed=seed, atol=atol)


def settings_from_dict(values: Mapping[str, Any]) -> ReproduceSettings:
    """Read settings strictly: an unknown key stops the program, as does a missing one.

    Args:
        values: Plain values, as ``ReproduceSettings.to_dict`` gives them.

    Returns:
        Settings that passed their check.

    Raises:
        SettingError: If a key is unknown (with the nearest names) or missing, or a value can not be used.
    """
    fields = {field.name: field for field in dataclasses.fields(ReproduceSettings)}
    for key in values:
        if key not in fields:
            raise SettingError(f"unknown setting {key!r}{nearest_names(key, tuple(fields))}")
    missing = [name for name, f in fields.items() if f.default is dataclasses.MISSING and name not in values]
    if missing:
        raise SettingError(
            f"settings must hold {', '.join(missing)}, got only {', '.join(values) or 'nothing'}; add it"
        )
    environments = values["environments"]
    if isinstance(environments, str) or not isinstance(environments, Sequence):
        raise SettingError(f"environments must be a list of names, got {environments!r}; write [{environments!r}]")
    return ReproduceSettings(**{**values, "environments": tuple(environments)})
