"""Finite differences of the MJX control step in every column: the referee of the audit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from dynsparse.physics.linearization import Evaluation
from dynsparse.physics.state_space import StateSpace

__all__ = ["COARSE_STEP", "FINE_STEP", "ColumnDifferences", "Evaluator", "difference_columns"]

COARSE_STEP = 1e-5
FINE_STEP = 1e-6
"""In the unit of the perturbed coordinate (m, rad, m/s, rad/s, or the actuator's)."""


class Evaluator(Protocol):
    """What differences are taken of: anything that runs control steps of many rows."""

    def evaluate(
        self, states: np.ndarray, actions: np.ndarray, warmstarts: np.ndarray | None = None
    ) -> Evaluation:  # fmt: skip
        """Run one control step for each row."""


@dataclass(frozen=True)
class ColumnDifferences:
    """Slopes of the control step by differences; columns are the state's tangents (dt), then the actions.

    Attributes:
        next_state: (n, ds), the unperturbed step.
        central_coarse: (n, dt, dt + da), central at 1e-5.
        central_fine: (n, dt, dt + da), central at 1e-6.
        forward: (n, dt, dt + da), one-sided at 1e-6.
        backward: (n, dt, dt + da), one-sided at 1e-6.
    """

    next_state: np.ndarray
    central_coarse: np.ndarray
    central_fine: np.ndarray
    forward: np.ndarray
    backward: np.ndarray


def difference_columns(
    evaluator: Evaluator,
    states: np.ndarray,
    actions: np.ndarray,
    warmstarts: np.ndarray,
    space: StateSpace | None = None,
) -> ColumnDifferences:
    """Perturb every state variable and action of every row, up and down, by two sizes.

    Quaternions are turned about each axis of their own frame, and their ends compared by the rotation between them.
    The warm start is held.  An action may leave its range by the perturbation: the step that is differenced has no
    clamp.

    Args:
        evaluator: runs the control steps.
        states: (n, ds).
        actions: (n, da).
        warmstarts: (n, nv), m/s^2 or rad/s^2.
        space: where the state holds quaternions; None for none.

    Returns:
        The differences of all rows.
    """
    space = space or StateSpace(states.shape[1])
    state_dim = space.state_dim
    inputs = np.concatenate([states, actions], axis=1)
    of_inputs = StateSpace(inputs.shape[1], space.quaternions)
    rows, columns = len(inputs), of_inputs.tangent_dim
    steps = np.array([COARSE_STEP, -COARSE_STEP, FINE_STEP, -FINE_STEP])
    moved = of_inputs.integrate(inputs[:, None, None], steps[:, None] * np.eye(columns)[:, None])
    # One batch: base, then +coarse, -coarse, +fine, -fine for every column.
    inputs = np.concatenate([states, actions], axis=1)
    batch = np.concatenate([inputs, moved.reshape(-1, inputs.shape[1])])
    starts = np.concatenate([warmstarts, np.repeat(warmstarts, 4 * columns, axis=0)])
    ends = evaluator.evaluate(batch[:, :state_dim], batch[:, state_dim:], starts).next_state
    base, ends = ends[:rows], ends[rows:].reshape(rows, columns, 4, state_dim)

    # A rotation is counted from where it begins; of all else the numbers are there.
    turned = np.where(of_inputs.is_rotation, steps[:, None], 0.0).T
    origin = of_inputs.coordinates(inputs)
    at = of_inputs.coordinates(moved)[:, np.arange(columns), :, np.arange(columns)].swapaxes(0, 1) + turned

    # Divided by the distance that floating point really moved, which differs from the step by 1e-9 of it at x = 10.
    def slope(high: np.ndarray, low: np.ndarray, distance: np.ndarray) -> np.ndarray:
        return np.swapaxes(space.difference(low, high) / distance[:, :, None], 1, 2)

    return ColumnDifferences(
        next_state=base,
        central_coarse=slope(ends[:, :, 0], ends[:, :, 1], at[:, :, 0] - at[:, :, 1]),
        central_fine=slope(ends[:, :, 2], ends[:, :, 3], at[:, :, 2] - at[:, :, 3]),
        forward=slope(ends[:, :, 2], base[:, None, :], at[:, :, 2] - origin),
        backward=slope(base[:, None, :], ends[:, :, 3], origin - at[:, :, 3]),
    )
