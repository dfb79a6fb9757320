"""Experts: the trained policies that come with the package, at three levels of skill."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from dynsparse.config import nearest_names
from dynsparse.errors import PolicyError
from dynsparse.rollout.policy_file import read_weights

__all__ = ["LEVELS", "PAPER_RETURNS", "ShippedExpert", "policy_path", "shipped_experts", "shipped_file"]

LEVELS = ("novice", "paper", "expert")
"""Early in training; as skilful as the paper's agent; the best."""

PAPER_RETURNS: Mapping[str, float] = MappingProxyType(
    {
        "CartpoleBalance": 999.88,
        "BallInCup": 960.0,
        "FingerSpin": 902.56,
        "ReacherHard": 709.20,
        "SwimmerSwimmer6": 650.36,
        "FingerTurnEasy": 515.66,
        "CheetahRun": 351.75,
        "WalkerRun": 327.80,
    }
)
"""Mean return of the paper's agents (Table A1.1)."""

_FOLDER = Path(__file__).parent / "weights"


@dataclass(frozen=True)
class ShippedExpert:
    """A policy that comes with the package, and how good it is.

    Attributes:
        environment: What it was trained on.
        level: One of ``LEVELS``.
        path: Its file.
        mean_return: Mean return of whole episodes with the stochastic policy, as ``results/experts.csv`` has it.
        return_low: Lower end of the 95 % interval of that mean.
        return_high: Upper end.
        episodes: How many episodes were run for it.
        steps: Control steps that it learned from.
    """

    environment: str
    level: str
    path: Path
    mean_return: float
    return_low: float
    return_high: float
    episodes: int
    steps: int


def shipped_file(environment: str, level: str) -> Path:
    """Return where a policy of the package lies, whether there is one or not."""
    return _FOLDER / f"{environment}-{level}.safetensors"


def shipped_experts(environment: str) -> dict[str, ShippedExpert]:
    """Return the policies of one environment that come with the package, by level."""
    found = {}
    for level in LEVELS:
        path = shipped_file(environment, level)
        if not path.exists():
            continue
        notes = read_weights(path).notes
        low, high = (float(word) for word in notes["return_interval_95"].split())
        found[level] = ShippedExpert(
            environment=environment,
            level=level,
            path=path,
            mean_return=float(notes["mean_return"]),
            return_low=low,
            return_high=high,
            episodes=int(notes["return_episodes"]),
            steps=int(notes["steps"]),
        )
    return found


def policy_path(environment: str, policy: str) -> str:
    """Return the file of a policy as users name it.

    Args:
        environment: Name of the environment.
        policy: ``"random"``, a level of skill, or the path of a policy file (``./expert`` for one that is called so).

    Returns:
        The path, empty for the random policy.

    Raises:
        PolicyError: If the package has no policy of that level for the environment.
    """
    if policy == "random":
        return ""
    if policy not in LEVELS:
        if not Path(policy).exists() and not Path(policy).suffix:
            known = ("random", *LEVELS)
            raise PolicyError(
                f"expected {', '.join(known)} or the path of a policy file, there is no file {policy!r}"
                f"{nearest_names(policy, known)}"
            )
        inside = Path(policy) / "policy.safetensors"
        if Path(policy).is_dir():
            raise PolicyError(
                f"expected a policy file, {policy} is a folder"
                f"{f'; try {inside}' if inside.exists() else '; name a file in it'}"
            )
        return policy
    path = shipped_file(environment, policy)
    if not path.exists():
        raise PolicyError(
            f"no {policy} policy comes with dynsparse for {environment}; "
            "train one with dynsparse train-expert and give its policy.safetensors"
        )
    return str(path)
