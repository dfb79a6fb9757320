"""Catalog: the names of environments, and which source loads which."""

from __future__ import annotations

import difflib
import os

from dynsparse.errors import UnknownEnvironmentError
from dynsparse.physics.environment import Environment

__all__ = ["ALL_ENVIRONMENT_NAMES", "load_environment", "unknown_environment"]

ALL_ENVIRONMENT_NAMES = (
    "AcrobotSwingup",
    "AcrobotSwingupSparse",
    "BallInCup",
    "CartpoleBalance",
    "CartpoleBalanceSparse",
    "CartpoleSwingup",
    "CartpoleSwingupSparse",
    "CheetahRun",
    "FingerSpin",
    "FingerTurnEasy",
    "FingerTurnHard",
    "FishSwim",
    "HopperHop",
    "HopperStand",
    "HumanoidRun",
    "HumanoidStand",
    "HumanoidWalk",
    "PendulumSwingup",
    "PointMass",
    "ReacherEasy",
    "ReacherHard",
    "SwimmerSwimmer6",
    "WalkerRun",
    "WalkerStand",
    "WalkerWalk",
)
"""All of MuJoCo Playground's DM control suite."""


def load_environment(name: str | os.PathLike[str]) -> Environment:
    """Load an environment.

    Nothing is changed in the user's JAX configuration: the model is built in float64 inside a context.

    Args:
        name: one of ``ALL_ENVIRONMENT_NAMES``, or one that was registered with ``register_environment``.

    Returns:
        The environment.

    Raises:
        UnknownEnvironmentError: if there is no such environment; names the nearest ones.
        UnsupportedModelError: if its model can not be differentiated exactly.
    """
    from dynsparse.physics.registry import registered
    from dynsparse.physics.sources.playground import load_playground

    own = registered(str(name))
    if own is not None:
        return own
    if name not in ALL_ENVIRONMENT_NAMES:
        raise UnknownEnvironmentError(unknown_environment(name))
    return load_playground(str(name))


def unknown_environment(name: object) -> str:
    """Return the message for a name that is no environment's: it says which ones are nearest."""
    near = difflib.get_close_matches(str(name), ALL_ENVIRONMENT_NAMES, n=3, cutoff=0.4)
    folded = [known for known in ALL_ENVIRONMENT_NAMES if str(name).lower() in known.lower() and known not in near]
    nearest = ", ".join([*near, *folded][:3]) or ", ".join(ALL_ENVIRONMENT_NAMES)
    return f"no environment is called {name!r}; nearest: {nearest}. `dynsparse envs` lists all"
