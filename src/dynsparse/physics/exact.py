"""The exact Jacobian of many rows: value first, then each solver call by whether it converged, then the chain."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from dynsparse.physics.batch import Compilation
from dynsparse.physics.chain import CarriedJacobians, RungeKutta, StageSlopes, chain_carried, chain_substeps
from dynsparse.physics.control_step import RUNGE_KUTTA_STEPS, RUNGE_KUTTA_WEIGHTS, SolverCalls, StepValue
from dynsparse.physics.convergence import CONVERGED
from dynsparse.physics.implicit import CallSlope, implicit_slope
from dynsparse.physics.native.function import RowFunction
from dynsparse.physics.native.lanes import LANES
from dynsparse.physics.quaternion import move_slopes
from dynsparse.physics.simulator import Simulator
from dynsparse.physics.unrolled import unrolled_slope

__all__ = ["ExactJacobian"]

BLOCK_BYTES = 2**22
"""Bytes of the slopes of the rows that are chained at once, about: what a core's cache holds.  Rows are the same bit
for bit however many there are beside them."""

SAME_VALUE = 1e-6
"""Round-off of two ways to solve the same equations; where a branch flips, the difference is far larger."""


class ExactJacobian:
    """Derivatives of control steps, grouped by how each solver call ended.

    Grouping is worth its gathers: an unrolled call costs four times an implicit one, and a ``select`` between
    the two would pay both on every row.

    Args:
        sim: the simulator.
        implicit_rows: solver calls in a batch of converged ones.
        unrolled_rows: solver calls in a batch of unconverged ones; compiled when the first one appears.
        compilation: how functions are compiled.
    """

    def __init__(
        self,
        sim: Simulator,
        *,
        implicit_rows: int,
        unrolled_rows: int,
        compilation: Compilation | None = None,
    ) -> None:
        self._sim = sim
        self._implicit = RowFunction(
            partial(implicit_slope, sim), "implicit", _slope, rows=implicit_rows, compilation=compilation
        )
        self._unrolled = RowFunction(
            partial(unrolled_slope, sim), "unrolled", _repeated, rows=unrolled_rows, compilation=compilation
        )
        self._position_slope = move_slopes(sim) if sim.has_quaternions else None
        self._weights = RungeKutta(RUNGE_KUTTA_STEPS, RUNGE_KUTTA_WEIGHTS) if sim.is_runge_kutta else None

    def jacobian(self, value: StepValue, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Differentiate control steps whose value is known.

        Args:
            value: the steps of n rows, as NumPy arrays.
            actions: (n, nu) applied actions.

        Returns:
            (n, 2 nv, 2 nv) and (n, 2 nv, nu), of tangents; NaN in a row with a solver call that is not finite.
        """
        n, substeps, stages = value.calls.residual.shape
        nv, nu = self._sim.nv, self._sim.nu
        row_bytes = 2 * substeps * stages * nv * (nv + nv + nu + nv) * 8
        size = max(LANES, BLOCK_BYTES // row_bytes // LANES * LANES)
        jac_state, jac_action = np.empty((n, 2 * nv, 2 * nv)), np.empty((n, 2 * nv, nu))
        for first in range(0, n, size):
            span = slice(first, first + size)
            calls = SolverCalls(*(part[span] for part in value.calls))
            some = StepValue(value.qpos[span], value.qvel[span], value.warmstart[span], calls)
            jac_state[span], jac_action[span] = self._block(some, actions[span])
        return jac_state, jac_action

    def carried(self, value: StepValue, actions: np.ndarray, counts: Sequence[int]) -> CarriedJacobians:
        """Differentiate control steps with their warm start, after several counts of their substeps.

        Args:
            value: the steps of n rows, as NumPy arrays; few enough for one block.
            actions: (n, nu) applied actions.
            counts: after how many substeps, each from 1 to all of them.

        Returns:
            The Jacobians; NaN in a row with a solver call that is not finite.
        """
        stage, sound = self._slopes(value, actions)
        found = chain_carried(stage, self._sim.timestep, self._position_slope, self._weights, counts)
        for part in found:
            part[~sound] = np.nan
        return found

    def _block(self, value: StepValue, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Differentiate as many rows as are chained at once."""
        stage, sound = self._slopes(value, actions)
        jac_state, jac_action = chain_substeps(stage, self._sim.timestep, self._position_slope, self._weights)
        sound &= np.isfinite(stage.acceleration).reshape(len(sound), -1).all(axis=1)
        # What is not finite in the other slope has reached the next velocity: 0 x NaN is NaN.  That is less to look at.
        sound &= np.isfinite(jac_state).reshape(len(sound), -1).all(axis=1)
        jac_state[~sound], jac_action[~sound] = np.nan, np.nan
        return jac_state, jac_action

    def _slopes(self, value: StepValue, actions: np.ndarray) -> tuple[StageSlopes, np.ndarray]:
        """Differentiate every solver call; say of each row whether its calls returned finite numbers."""
        calls = value.calls
        n, substeps, stages = calls.residual.shape
        flat = [x.reshape(n * substeps * stages, -1) for x in (calls.qpos, calls.qvel)]
        flat.append(np.repeat(actions, substeps * stages, axis=0))
        acceleration, warmstart = (x.reshape(n * substeps * stages, -1) for x in (calls.acceleration, calls.warmstart))
        sound = np.isfinite(calls.acceleration).all(axis=(1, 2, 3)) & np.isfinite(value.qpos).all(axis=1)
        counted = np.repeat(sound, substeps * stages)
        converged = calls.residual.reshape(-1) < CONVERGED

        nv = self._sim.nv
        columns = nv + nv + self._sim.nu + nv
        slopes = np.full((2, n * substeps * stages, nv, columns), np.nan)
        implicit = counted & converged
        if implicit.any():
            # A slice does not copy what is already as it should be.
            these = slice(None) if implicit.all() else np.flatnonzero(implicit)
            self._fill(slopes, these, self._implicit(*(x[these] for x in flat), acceleration[these]))
        where = np.flatnonzero(counted & ~converged)
        if where.size:
            found, repeated = self._unrolled(*(x[where] for x in flat), warmstart[where])
            self._fill(slopes, where, found)
            # The mirrored solver is only right where it took the same branches as MJX's own.
            slopes[:, where[_differs(repeated, acceleration[where])]] = np.nan
        shaped = slopes.reshape(2, n, substeps, stages, nv, columns)
        next_qvel = np.concatenate([calls.qvel[:, 1:, 0], value.qvel[:, None]], axis=1)
        return StageSlopes(calls.qvel, next_qvel, shaped[0], shaped[1]), sound

    def _fill(self, slopes: np.ndarray, where: np.ndarray | slice, found: CallSlope) -> None:
        width = found.acceleration.shape[-1]
        slopes[0][where, :, :width], slopes[1][where, :, :width] = found
        # A minimiser does not depend on where the search for it began.
        slopes[:, where, :, width:] = 0.0


def _slope(arrays: list[np.ndarray]) -> CallSlope:
    return CallSlope(*arrays)


def _repeated(arrays: list[np.ndarray]) -> tuple[CallSlope, np.ndarray]:
    return CallSlope(*arrays[:2]), arrays[2]


def _differs(repeated: np.ndarray, returned: np.ndarray) -> np.ndarray:
    """Tell the solver calls, (n,), whose (n, nv) acceleration was not found again."""
    scale = np.maximum(1.0, np.abs(returned).max(axis=1))
    return ~(np.abs(repeated - returned).max(axis=1) <= SAME_VALUE * scale)
