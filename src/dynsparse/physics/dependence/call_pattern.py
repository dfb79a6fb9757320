"""On which inputs a solver call's result depends: the pattern of the slope that ``exact`` gives it.

A converged call is the minimiser of its cost, whatever the iterations did: its acceleration ``a`` solves
``r(y, a) = 0`` and moves by ``-(dr/da)^-1 dr/dy``.  The trace of ``r`` by ``a`` is the pattern of the Hessian
``dr/da``; its inverse couples what one connected component of it holds, and nothing else.  An integrator with its own
acceleration solves ``K b = M a`` in the same way.  A call that ran out of iterations is traced as coded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from mujoco import mjx
from mujoco.mjx._src import support as mjx_support

from dynsparse.physics.dependence.matrices import connected
from dynsparse.physics.dependence.sets import through
from dynsparse.physics.dependence.trace import Dependence, DependenceTrace
from dynsparse.physics.implicit import CallSlope, solver_gradient
from dynsparse.physics.simulator import Simulator
from dynsparse.physics.unrolled import solver_call

__all__ = ["CALLS", "CallPatterns", "position_seeds"]

Array = jax.Array

CALLS = 256
"""Solver calls that are traced at once: enough that NumPy works on arrays, few enough that a cache holds them."""


class CallPatterns:
    """Patterns of the slopes of solver calls: the Boolean analogue of ``implicit_slope`` and ``unrolled_slope``.

    Args:
        sim: the simulator.
        open_clamps: see ``DependenceTrace``.
    """

    def __init__(self, sim: Simulator, *, open_clamps: bool = False) -> None:
        self._sim = sim
        self._balance = DependenceTrace(_balance_of(sim), open_clamps=open_clamps)
        self._solver = DependenceTrace(_solver_of(sim), open_clamps=open_clamps)

    def converged(self, qpos: np.ndarray, qvel: np.ndarray, ctrl: np.ndarray, acceleration: np.ndarray) -> CallSlope:
        """Return the patterns of minimisers.

        Args:
            qpos: (n, nq) at the calls.
            qvel: (n, nv).
            ctrl: (n, nu).
            acceleration: (n, nv) what the solver returned.

        Returns:
            Bool (n, nv, nv + nv + nu + nv), positions as tangents; a minimiser has no path from the warm start.
        """
        sim, nv = self._sim, self._sim.nv
        columns = nv + nv + sim.nu
        # The rate's value is irrelevant: it is an input, so that nothing that it multiplies is inert.
        found = self._traced(self._balance, (qpos, qvel, ctrl, acceleration, acceleration))
        force, hessian = found[0].pattern[..., :columns], found[0].pattern[..., columns : columns + nv]
        by_all = through(connected(hessian), force)
        rate = by_all
        if sim.has_own_acceleration:
            of_balance, inertia, matrix = np.split(found[1].pattern, [columns, columns + nv], axis=-1)
            rate = through(connected(matrix), of_balance | through(inertia, by_all))
        none = np.zeros((*by_all.shape[:-1], nv), dtype=bool)
        return CallSlope(*(np.concatenate([part, none], axis=-1) for part in (by_all, rate)))

    def unconverged(self, qpos: np.ndarray, qvel: np.ndarray, ctrl: np.ndarray, warmstart: np.ndarray) -> CallSlope:
        """Return the patterns of the solver's iterations.

        Args:
            qpos: (n, nq) at the calls.
            qvel: (n, nv).
            ctrl: (n, nu).
            warmstart: (n, nv) from where the solver starts.

        Returns:
            Bool (n, nv, nv + nv + nu + nv), positions as tangents.
        """
        found = self._traced(self._solver, (qpos, qvel, ctrl, warmstart))
        return CallSlope(*(part.pattern for part in found))

    def _traced(self, trace: DependenceTrace, columns: tuple[np.ndarray, ...]) -> list[Dependence]:
        """Trace any number of calls, always as many at once: the last ones are filled up with their first."""
        sizes = [self._sim.nv, *(column.shape[1] for column in columns[1:])]
        eye = np.eye(sum(sizes), dtype=bool)
        seeds = {k: part[None] for k, part in enumerate(np.split(eye, np.cumsum(sizes)[:-1]))}
        seeds[0] = through(position_seeds(self._sim), seeds[0])
        count = len(columns[0])
        parts = []
        for first in range(0, count, CALLS):
            size = min(CALLS, count - first)
            rows = np.arange(CALLS if count > CALLS else _rounded(count)) % size + first
            found = trace(*(column[rows] for column in columns), seeds=seeds)
            parts.append([Dependence(one.values[:size], one.pattern[:size]) for one in found])
        return [
            Dependence(*(np.concatenate(arrays) for arrays in zip(*one, strict=True)))
            for one in zip(*parts, strict=True)
        ]


def _rounded(count: int) -> int:
    """Return the next power of 4, so that few shapes occur."""
    size = 1
    while size < count:
        size *= 4
    return size


def position_seeds(sim: Simulator) -> np.ndarray:
    """Return on which tangents the numbers of a position depend, (nq, nv) bool; a quaternion on its whole rotation."""
    seeds = np.zeros((sim.nq, sim.nv), dtype=bool)
    q = v = 0
    for start, place in (*sim.rotations, (sim.nq, sim.nv)):
        seeds[q:start, v:place] = np.eye(start - q, dtype=bool)
        seeds[start : start + 4, place : place + 3] = True
        q, v = start + 4, place + 3
    return seeds


def _balance_of(sim: Simulator) -> Callable[..., Any]:
    """Return the equations that a converged call solves, as a function of everything in them."""

    def balance(qpos: Array, qvel: Array, ctrl: Array, acceleration: Array, rate: Array) -> tuple[Array, ...]:
        stage: mjx.Data = sim.position_stage(qpos, qvel, ctrl)
        gradient = solver_gradient(sim, stage, acceleration)
        if not sim.has_own_acceleration:
            return (gradient,)
        inertial = mjx_support.mul_m(sim.model, stage, acceleration)
        return gradient, inertial - sim.integrator_matrix(stage) @ rate

    return balance


def _solver_of(sim: Simulator) -> Callable[..., Any]:
    def solver(qpos: Array, qvel: Array, ctrl: Array, warmstart: Array) -> CallSlope:
        return solver_call(sim, sim.position_stage(qpos, qvel, ctrl), warmstart)

    return solver
