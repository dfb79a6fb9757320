"""The chain rule over the substeps of a control step, by matrix products in NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

__all__ = ["PositionSlope", "StageSlopes", "chain_substeps"]

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


class _Tangent(NamedTuple):
    """Derivatives by (tangent of qpos, qvel, ctrl) at the start of the control step: (n, rows, columns)."""

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
    n, substeps, _, nv = slopes.qvel.shape
    columns = slopes.acceleration.shape[-1] - nv
    identity = np.broadcast_to(np.eye(columns), (n, columns, columns))
    tangent = _Tangent(identity[:, :nv], identity[:, nv : 2 * nv], identity[:, 2 * nv :], np.zeros((n, nv, columns)))
    move = _mover(timestep, position_slope)
    advance = _advance_once if weights is None else weights.advance
    for k in range(substeps):
        one = StageSlopes(
            slopes.qvel[:, k],
            slopes.next_qvel[:, k],
            slopes.acceleration[:, k],
            slopes.velocity_rate[:, k],
        )
        tangent = advance(tangent, one, timestep, move)
    jacobian = np.concatenate([tangent.position, tangent.velocity], axis=1)
    return jacobian[:, :, : 2 * nv], jacobian[:, :, 2 * nv :]


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
