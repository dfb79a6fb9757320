"""Finite differences of the MJX control step in every column: the referee of the audit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from dynsparse.physics.linearization import Evaluation

__all__ = ["COARSE_STEP", "FINE_STEP", "ColumnDifferences", "Evaluator", "difference_columns"]

COARSE_STEP = 1e-5
FINE_STEP = 1e-6
"""In the unit of the perturbed variable (m, rad, m/s, rad/s, or the actuator's)."""


class Evaluator(Protocol):
    """What differences are taken of: anything that runs control steps of many rows."""

    def evaluate(
        self, states: np.ndarray, actions: np.ndarray, warmstarts: np.ndarray | None = None
    ) -> Evaluation:  # fmt: skip
        """Run one control step for each row."""


@dataclass(frozen=True)
class ColumnDifferences:
    """Slopes of the control step by differences; columns are the state variables, then the actions.

    Attributes:
        next_state: (n, ds), the unperturbed step.
        central_coarse: (n, ds, ds + da), central at 1e-5.
        central_fine: (n, ds, ds + da), central at 1e-6.
        forward: (n, ds, ds + da), one-sided at 1e-6.
        backward: (n, ds, ds + da), one-sided at 1e-6.
    """

    next_state: np.ndarray
    central_coarse: np.ndarray
    central_fine: np.ndarray
    forward: np.ndarray
    backward: np.ndarray


def difference_columns(
    evaluator: Evaluator, states: np.ndarray, actions: np.ndarray, warmstarts: np.ndarray
) -> ColumnDifferences:
    """Perturb every state variable and action of every row, up and down, by two sizes.

    Positions are perturbed as numbers, which is right for hinges and slides; the warm start is held.
    An action may leave its range by the perturbation: the step that is differenced has no clamp.

    Args:
        evaluator: runs the control steps.
        states: (n, ds).
        actions: (n, da).
        warmstarts: (n, nv), m/s^2 or rad/s^2.

    Returns:
        The differences of all rows.
    """
    state_dim = states.shape[1]
    inputs = np.concatenate([states, actions], axis=1)
    rows, columns = inputs.shape
    # One batch: base, then +coarse, -coarse, +fine, -fine for every column.
    moved = np.repeat(inputs[:, None, None, :], columns, axis=1).repeat(4, axis=2)
    column = np.arange(columns)
    for index, step in enumerate((COARSE_STEP, -COARSE_STEP, FINE_STEP, -FINE_STEP)):
        moved[:, column, index, column] += step
    batch = np.concatenate([inputs, moved.reshape(-1, columns)])
    starts = np.concatenate([warmstarts, np.repeat(warmstarts, 4 * columns, axis=0)])
    ends = evaluator.evaluate(batch[:, :state_dim], batch[:, state_dim:], starts).next_state
    base, ends = ends[:rows], ends[rows:].reshape(rows, columns, 4, state_dim)

    # Divided by the distance that floating point really moved, which differs from the step by 1e-9 of it at x = 10.
    def slope(high: np.ndarray, low: np.ndarray, distance: np.ndarray) -> np.ndarray:
        return np.swapaxes((high - low) / distance[:, :, None], 1, 2)

    at = moved[:, column, :, column].transpose(1, 0, 2)  # (n, columns, 4), the perturbed variable itself
    origin = base[:, None, :]
    return ColumnDifferences(
        next_state=base,
        central_coarse=slope(ends[:, :, 0], ends[:, :, 1], at[:, :, 0] - at[:, :, 1]),
        central_fine=slope(ends[:, :, 2], ends[:, :, 3], at[:, :, 2] - at[:, :, 3]),
        forward=slope(ends[:, :, 2], origin, at[:, :, 2] - inputs),
        backward=slope(origin, ends[:, :, 3], inputs - at[:, :, 3]),
    )
