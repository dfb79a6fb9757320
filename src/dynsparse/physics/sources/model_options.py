"""The options with which a model without a task is opened, checked before it is."""

from __future__ import annotations

import math

from dynsparse.errors import SettingError
from dynsparse.physics.linearization import DERIVATIVES

__all__ = ["check_noise", "check_substeps", "engine_for"]


def engine_for(derivative: object) -> str:
    """Return the engine that a derivative asks for.

    Raises:
        SettingError: there is no such derivative.
    """
    if derivative not in DERIVATIVES:
        raise SettingError(f"derivative must be one of {', '.join(DERIVATIVES)}, got {derivative!r}; try exact")
    return "mujoco-c" if derivative == "finite-difference" else "mjx"


def check_substeps(substeps: object) -> None:
    """Refuse a number of substeps that can not be.

    Raises:
        SettingError: it is no whole number from 1.
    """
    if isinstance(substeps, bool) or not isinstance(substeps, int) or substeps < 1:
        raise SettingError(f"substeps must be at least 1, got {substeps!r}; try 1")


def check_noise(noise: object) -> None:
    """Refuse noise that can not be.

    Raises:
        SettingError: it is no number from 0.
    """
    if isinstance(noise, bool) or not isinstance(noise, int | float) or not 0 <= noise < math.inf:
        raise SettingError(f"initial_noise must be a number from 0, got {noise!r}; 0 starts every episode alike")
