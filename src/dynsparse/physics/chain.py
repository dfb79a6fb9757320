"""The chain rule over the substeps of a control step, by matrix products in NumPy."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

__all__ = ["CarriedJacobians", "PositionSlope", "StageSlopes", "chain_carried", "chain_substeps"]

PositionSlope = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""From (n, nv) velocities to the slopes of the next position's tangent, (n, nv, nv) by the position's and by qvel."""


class StageSlopes(NamedTuple):
    """Where the solver calls of n rows stood, and their slopes.

    Attributes:
        qvel: (n, substeps, stages, nv).
        next_qvel: (n, substeps, nv) velocity after each substep.
        acceleration: (n, substeps, stages, nv, nv + nv + nu + nv) slopes of what the solver returned.
        velocity_rate: same shape; slopes of what moved the velocity.
    """

    qvel: np.ndarray
    next_qvel: np.ndarray
    acceleration: np.ndarray
    velocity_rate: np.ndarray


class CarriedJacobians(NamedTuple):
    """Derivatives of state and warm start after some substeps by state, action and warm start before the first.

    Rows of the data come first, then c counts of substeps; a Jacobian's rows are outputs, its columns inputs.

    Attributes:
        state_by_state: (n, c, 2 nv, 2 nv) of tangents.
        state_by_action: (n, c, 2 nv, nu).
        state_by_warmstart: (n, c, 2 nv, nv); zero where no solver call that matters was unconverged.
        warmstart_by_state: (n, c, nv, 2 nv).
        warmstart_by_action: (n, c, nv, nu).
        warmstart_by_warmstart: (n, c, nv, nv).
    """

    state_by_state: np.ndarray
    state_by_action: np.ndarray
    state_by_warmstart: np.ndarray
    warmstart_by_state: np.ndarray
    warmstart_by_action: np.ndarray
    warmstart_by_warmstart: np.ndarray

    @property
    def finite(self) -> np.ndarray:
        """(n, c) bool; whether every number is finite."""
        found: np.ndarray = np.logical_and.reduce([np.isfinite(part).all(axis=(2, 3)) for part in self])
        return found


class _Tangent(NamedTuple):
    """Derivatives by some inputs at the start of the control step: (n, rows, columns)."""

    position: np.ndarray
    velocity: np.ndarray
    control: np.ndarray
    warmstart: np.ndarray


def chain_substeps(
    slopes: StageSlopes, timestep: float, position_slope: PositionSlope | None, weights: RungeKutta | None
) -> tuple[np.ndarray, np.ndarray]:
    """Multiply the substeps' slopes into the Jacobian of the control step.

    The warm start is held constant at the start of the control step, and carried inside it.

    Args:
        slopes: the solver calls of n rows.
        timestep: duration of a substep, s.
        position_slope: how positions move with velocity; None where all joints are hinges and slides.
        weights: the Runge-Kutta tableau, or None for integrators with one solver call a substep.

    Returns:
        (n, 2 nv, 2 nv) and (n, 2 nv, nu), of tangents.
    """
    nv = slopes.qvel.shape[-1]
    ends = _chain(_of_state_and_control(slopes), slopes, timestep, position_slope, weights)
    (tangent,) = deque(ends, maxlen=1)  # the last of them, the others not kept
    jacobian = np.concatenate([tangent.position, tangent.velocity], axis=1)
    return jacobian[:, :, : 2 * nv], jacobian[:, :, 2 * nv :]


def chain_carried(
    slopes: StageSlopes,
    timestep: float,
    position_slope: PositionSlope | None,
    weights: RungeKutta | None,
    counts: Sequence[int],
) -> CarriedJacobians:
    """Multiply the substeps' slopes into Jacobians of state and warm start together, after several counts of substeps.

    What ``chain_substeps`` returns is ``state_by_state`` and ``state_by_action`` after all substeps, bit for bit.

    Args:
        slopes: the solver calls of n rows.
        timestep: duration of a substep, s.
        position_slope: how positions move with velocity; None where all joints are hinges and slides.
        weights: the Runge-Kutta tableau, or None for integrators with one solver call a substep.
        counts: (c,) after how many substeps, each from 1 to the number of substeps.

    Returns:
        The Jacobians.
    """
    nv = slopes.qvel.shape[-1]
    parts = []
    # Two passes, not one with more columns: the order of a product's sums may depend on its width.
    for start in (_of_state_and_control(slopes), _of_warm_start(slopes)):
        ends = list(_chain(start, slopes, timestep, position_slope, weights))
        states = [np.concatenate([ends[c - 1].position, ends[c - 1].velocity], axis=1) for c in counts]
        parts.append((np.stack(states, axis=1), np.stack([ends[c - 1].warmstart for c in counts], axis=1)))
    (state, warmstart), (state_by_warmstart, warmstart_by_warmstart) = parts
    return CarriedJacobians(
        state[..., : 2 * nv],
        state[..., 2 * nv :],
        state_by_warmstart,
        warmstart[..., : 2 * nv],
        warmstart[..., 2 * nv :],
        warmstart_by_warmstart,
    )


def _of_state_and_control(slopes: StageSlopes) -> _Tangent:
    """Begin with the columns of the tangent of qpos, qvel and ctrl; the warm start is held."""
    n, _, _, nv = slopes.qvel.shape
    columns = slopes.acceleration.shape[-1] - nv
    identity = np.broadcast_to(np.eye(columns), (n, columns, columns))
    return _Tangent(identity[:, :nv], identity[:, nv : 2 * nv], identity[:, 2 * nv :], np.zeros((n, nv, columns)))


def _of_warm_start(slopes: StageSlopes) -> _Tangent:
    """Begin with the columns of the warm start; all else is held."""
    n, _, _, nv = slopes.qvel.shape
    controls = slopes.acceleration.shape[-1] - 3 * nv
    still = np.zeros((n, nv, nv))
    return _Tangent(still, still, np.zeros((n, controls, nv)), np.broadcast_to(np.eye(nv), (n, nv, nv)))


def _chain(
    tangent: _Tangent,
    slopes: StageSlopes,
    timestep: float,
    position_slope: PositionSlope | None,
    weights: RungeKutta | None,
) -> Iterator[_Tangent]:
    """Carry a tangent through the substeps; yield it after each."""
    move = _mover(timestep, position_slope)
    advance = _advance_once if weights is None else weights.advance
    for k in range(slopes.qvel.shape[1]):
        one = StageSlopes(
            slopes.qvel[:, k],
            slopes.next_qvel[:, k],
            slopes.acceleration[:, k],
            slopes.velocity_rate[:, k],
        )
        tangent = advance(tangent, one, timestep, move)
        yield tangent


_Move = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def _mover(timestep: float, position_slope: PositionSlope | None) -> _Move:
    def straight(_v: np.ndarray, d_position: np.ndarray, d_velocity: np.ndarray) -> np.ndarray:
        return d_position + timestep * d_velocity

    def turning(v: np.ndarray, d_position: np.ndarray, d_velocity: np.ndarray) -> np.ndarray:
        by_position, by_velocity = position_slope(v)  # type: ignore[misc] # chosen below only where it is one
        return by_position @ d_position + by_velocity @ d_velocity

    return straight if position_slope is None else turning


def _apply(slope: np.ndarray, tangent: _Tangent) -> np.ndarray:
    """Push a tangent through one solver call's slope."""
    stacked = np.concatenate([tangent.position, tangent.velocity, tangent.control, tangent.warmstart], axis=1)
    return slope @ stacked


def _advance_once(tangent: _Tangent, slopes: StageSlopes, h: float, move: _Move) -> _Tangent:
    """Semi-implicit: velocity first, then position with the new velocity."""
    velocity = tangent.velocity + h * _apply(slopes.velocity_rate[:, 0], tangent)
    position = move(slopes.next_qvel, tangent.position, velocity)
    return _Tangent(position, velocity, tangent.control, _apply(slopes.acceleration[:, 0], tangent))


class RungeKutta(NamedTuple):
    """MJX's explicit tableau: three step fractions and four weights."""

    steps: tuple[float, ...]
    weights: tuple[float, ...]

    def advance(self, tangent: _Tangent, slopes: StageSlopes, h: float, move: _Move) -> _Tangent:
        """Carry a tangent through the four solver calls of one substep; all start from the same warm start."""
        rate = _apply(slopes.acceleration[:, 0], tangent)
        stage_velocity = tangent.velocity
        velocity_sum, rate_sum = self.weights[0] * stage_velocity, self.weights[0] * rate
        value_sum = self.weights[0] * slopes.qvel[:, 0]
        for i, (a, b) in enumerate(zip(self.steps, self.weights[1:], strict=True), start=1):
            position = move(a * slopes.qvel[:, i - 1], tangent.position, a * stage_velocity)
            stage_velocity = tangent.velocity + h * a * rate
            stage = tangent._replace(position=position, velocity=stage_velocity)
            rate = _apply(slopes.acceleration[:, i], stage)
            velocity_sum = velocity_sum + b * stage_velocity
            rate_sum = rate_sum + b * rate
            value_sum = value_sum + b * slopes.qvel[:, i]
        position = move(value_sum, tangent.position, velocity_sum)
        return _Tangent(position, tangent.velocity + h * rate_sum, tangent.control, rate)
