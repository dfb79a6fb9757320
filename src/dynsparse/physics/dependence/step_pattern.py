"""On which inputs the end of a control step depends: the Boolean analogue of the chain over its substeps."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from dynsparse.physics.control_step import StepValue
from dynsparse.physics.convergence import CONVERGED
from dynsparse.physics.dependence.call_pattern import CallPatterns
from dynsparse.physics.dependence.sets import through
from dynsparse.physics.implicit import CallSlope
from dynsparse.physics.simulator import Simulator

__all__ = ["StepPatterns"]


class StepPatterns:
    """Patterns of control steps, each solver call by how it ended.

    Args:
        sim: the simulator.
        open_clamps: see ``DependenceTrace``.
    """

    def __init__(self, sim: Simulator, *, open_clamps: bool = False) -> None:
        self._sim = sim
        self._calls = CallPatterns(sim, open_clamps=open_clamps)
        # A rotation couples the three tangents of its joint, anything else is its own.
        self._spread = np.eye(sim.nv, dtype=bool)
        for _, place in sim.rotations:
            self._spread[place : place + 3, place : place + 3] = True

    def __call__(self, value: StepValue, actions: np.ndarray) -> np.ndarray:
        """Return which paths the program of a control step has, in the branches that it took.

        The warm start is held constant at the start of the control step, and carried inside it.

        Args:
            value: the steps of n rows, as ``Engine.step`` gives them.
            actions: (n, nu) applied.

        Returns:
            (n, 2 nv, 2 nv + nu) bool: whether a path leads from a tangent of the state, or an action, to a tangent of
            the next state.  A row with a number that is not finite has every path: nothing is known about it.
        """
        calls = value.calls
        n, substeps, stages = calls.residual.shape
        nv, nu = self._sim.nv, self._sim.nu
        slopes = self._call_patterns(value, actions)
        identity = np.broadcast_to(np.eye(2 * nv + nu, dtype=bool), (n, 2 * nv + nu, 2 * nv + nu))
        none = np.zeros((n, nv, 2 * nv + nu), dtype=bool)
        paths = _Paths(identity[:, :nv], identity[:, nv : 2 * nv], identity[:, 2 * nv :], none)
        for k in range(substeps):
            if self._sim.is_runge_kutta:
                paths = self._through_stages(paths, [slopes.acceleration[:, k, i] for i in range(stages)])
            else:
                paths = self._through_call(paths, CallSlope(*(part[:, k, 0] for part in slopes)))
        found = np.concatenate([paths.position, paths.velocity], axis=1)
        numbers = (calls.acceleration, calls.residual, value.qpos, value.qvel)
        sound = np.logical_and.reduce([np.isfinite(x).reshape(n, -1).all(axis=1) for x in numbers])
        found[~sound] = True
        return found

    def _call_patterns(self, value: StepValue, actions: np.ndarray) -> CallSlope:
        """Return the patterns of all calls, bool (n, substeps, stages, nv, nv + nv + nu + nv)."""
        calls = value.calls
        shape = calls.residual.shape
        count = int(np.prod(shape))
        qpos, qvel, warmstart, acceleration = (
            x.reshape(count, -1) for x in (calls.qpos, calls.qvel, calls.warmstart, calls.acceleration)
        )
        ctrl = np.repeat(actions, shape[1] * shape[2], axis=0)
        nv = self._sim.nv
        found = np.ones((2, count, nv, 3 * nv + self._sim.nu), dtype=bool)
        converged = calls.residual.reshape(-1) < CONVERGED
        if converged.any():
            here = np.flatnonzero(converged)
            found[:, here] = self._calls.converged(qpos[here], qvel[here], ctrl[here], acceleration[here])
        if not converged.all():
            here = np.flatnonzero(~converged)
            found[:, here] = self._calls.unconverged(qpos[here], qvel[here], ctrl[here], warmstart[here])
        return CallSlope(*found.reshape(2, *shape, *found.shape[2:]))

    def _moved(self, position: np.ndarray, velocity: np.ndarray) -> np.ndarray:
        """Integrate positions along a velocity."""
        together = position | velocity
        return through(self._spread, together) if self._sim.has_quaternions else together

    def _through_call(self, paths: _Paths, slope: CallSlope) -> _Paths:
        """Semi-implicit: velocity first, then position with the new velocity."""
        velocity = paths.velocity | through(slope.velocity_rate, paths.stacked)
        position = self._moved(paths.position, velocity)
        return _Paths(position, velocity, paths.control, through(slope.acceleration, paths.stacked))

    def _through_stages(self, paths: _Paths, slopes: list[np.ndarray]) -> _Paths:
        """Runge-Kutta: the stages' solver calls, all from the same warm start; no weight is zero."""
        stage, rates, velocities = paths, np.zeros_like(paths.velocity), np.zeros_like(paths.velocity)
        for slope in slopes:
            rate = through(slope, stage.stacked)
            rates, velocities = rates | rate, velocities | stage.velocity
            position = self._moved(paths.position, stage.velocity)
            stage = paths._replace(position=position, velocity=paths.velocity | rate)
        return _Paths(self._moved(paths.position, velocities), paths.velocity | rates, paths.control, rate)


class _Paths(NamedTuple):
    """Paths from (tangent of qpos, qvel, ctrl) at the start of the control step: bool (n, rows, columns)."""

    position: np.ndarray
    velocity: np.ndarray
    control: np.ndarray
    warmstart: np.ndarray

    @property
    def stacked(self) -> np.ndarray:
        """All of them, in the order of a solver call's columns."""
        return np.concatenate(self, axis=1)
