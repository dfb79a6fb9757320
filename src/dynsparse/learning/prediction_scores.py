"""Prediction scores: how far a model's next states are from the simulator's, after one step and after many."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynsparse.learning.predictions import Predictions
from dynsparse.learning.scored_rows import ScoredRows

__all__ = ["OPEN_LOOP_STEPS", "OpenLoopError", "PredictionScores", "score_predictions"]

Array = NDArray[np.float64]

OPEN_LOOP_STEPS = (1, 5, 10, 25, 50)
"""After how many control steps the error is told."""

_ROUND_OFF = 8 * np.finfo(np.float64).eps


@dataclass(frozen=True)
class OpenLoopError:
    """Error of a model that was rolled forward from its own predictions.

    Attributes:
        steps: After how many control steps.
        mse: Mean squared error then, in normalized coordinates; None where no window is that long, or one diverged.
        windows: How many windows were rolled that far.
        diverged: In how many of them the error was no longer a finite number, or the model raised after the first step.
    """

    steps: int
    mse: float | None
    windows: int
    diverged: int


@dataclass(frozen=True)
class PredictionScores:
    """Scores of next states.

    Attributes:
        mse: Mean squared error one step ahead, in normalized coordinates; None where it is beyond the largest number.
        mse_per_dimension: (ds,) of each state variable.
        r2: Mean of ``r2_per_dimension`` where there is one.
        r2_per_dimension: (ds,) share of the variance of the change s' - s that is explained: 1 is best, 0 is what its
            mean would reach, and there is no lower end.  None where the change is constant.
        open_loop: After ``OPEN_LOOP_STEPS`` control steps.
    """

    mse: float | None
    mse_per_dimension: tuple[float | None, ...]
    r2: float | None
    r2_per_dimension: tuple[float | None, ...]
    open_loop: tuple[OpenLoopError, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the scores as plain JSON values."""
        values = asdict(self)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def score_predictions(found: Predictions, rows: ScoredRows, which: NDArray[np.bool_]) -> PredictionScores | None:
    """Score next states.

    Args:
        found: What the model says.
        rows: The truth.
        which: (m,) the rows that count; windows count by the row with which they start.

    Returns:
        The scores; None where the model gives no next states, or no row counts.
    """
    if found.next_state is None or not which.any():
        return None
    scale = rows.normalizer.output_std + rows.normalizer.epsilon
    with np.errstate(over="ignore", invalid="ignore"):
        errors = (found.next_state[which] - rows.next_state[which]) ** 2
        per_dimension = (errors / scale**2).mean(axis=0)
        r2 = _explained(errors, rows.state[which], rows.next_state[which])
        open_loop = _open_loop(found.trajectory, rows, which, scale)
    defined = [value for value in r2 if value is not None]
    return PredictionScores(
        mse=_number(per_dimension.mean()),
        mse_per_dimension=tuple(map(_number, per_dimension)),
        r2=float(np.mean(defined)) if defined else None,
        r2_per_dimension=r2,
        open_loop=open_loop,
    )


def _explained(errors: Array, state: Array, following: Array) -> tuple[float | None, ...]:
    change = following - state
    # A difference of two rounded numbers: what is smaller than their round-off is no variation.
    size = np.maximum(np.abs(state), np.abs(following)).max(axis=0)
    varies = np.ptp(change, axis=0) > _ROUND_OFF * size
    variance = ((change - change.mean(axis=0)) ** 2).sum(axis=0)
    explained = 1 - errors.sum(axis=0) / np.where(varies, variance, 1.0)
    return tuple(_number(x) if there else None for x, there in zip(explained, varies, strict=True))


def _open_loop(
    trajectory: Array | None, rows: ScoredRows, which: NDArray[np.bool_], scale: Array
) -> tuple[OpenLoopError, ...]:
    if trajectory is None:
        return tuple(OpenLoopError(steps, None, 0, 0) for steps in OPEN_LOOP_STEPS)
    windows, told = rows.windows, []
    for steps in OPEN_LOOP_STEPS:
        there = which[windows.place] & (windows.length >= steps)
        errors = (((trajectory - windows.next_state)[there, steps - 1] / scale) ** 2).mean(axis=1)
        diverged = int(np.count_nonzero(~np.isfinite(errors)))
        mse = _number(errors.mean()) if len(errors) else None
        told.append(OpenLoopError(steps, mse, len(errors), diverged))
    return tuple(told)


def _number(value: Any) -> float | None:
    """Return a float; None where it is not finite, for which JSON has no number."""
    return float(value) if np.isfinite(value) else None
