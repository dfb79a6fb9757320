"""Control steps of many rows: substep after substep, and several steps one after the other."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from dynsparse.physics.batch import Compilation
from dynsparse.physics.control_step import SolverCalls, StepValue, control_step
from dynsparse.physics.native.function import RowFunction
from dynsparse.physics.simulator import Simulator

__all__ = ["StepFunction"]


class StepFunction:
    """The value of control steps, and every solver call in them.

    Args:
        sim: the simulator.
        rows: rows of a batch, where XLA has to do it.
        compilation: how it is compiled.
    """

    def __init__(self, sim: Simulator, *, rows: int, compilation: Compilation | None = None) -> None:
        self._nq, self._substeps = sim.nq, sim.substeps
        one = partial(control_step, replace(sim, substeps=1))
        self._substep = RowFunction(
            one,
            "substep",
            _assembled,
            rows=rows,
            compilation=compilation,
            fed=((0, 0), (1, 1), (2, 3)),  # of (qpos, qvel, warm start, ...) to (qpos, qvel, ctrl, warm start)
            driven=2,
        )

    @property
    def is_native(self) -> bool:
        """Whether a substep has become machine code of its own."""
        return self._substep.is_native

    def __call__(self, states: np.ndarray, actions: np.ndarray, warmstarts: np.ndarray) -> StepValue:
        """Run one control step of each row.

        Args:
            states: (n, ds).
            actions: (n, nu) applied.
            warmstarts: (n, nv).

        Returns:
            The steps, each array (n, ...).
        """
        found = self.several(states, actions[:, None], warmstarts)
        qpos, qvel, warmstart = (part[:, 0] for part in (found.qpos, found.qvel, found.warmstart))
        return StepValue(qpos, qvel, warmstart, SolverCalls(*(part[:, 0] for part in found.calls)))

    def several(self, states: np.ndarray, actions: np.ndarray, warmstarts: np.ndarray) -> StepValue:
        """Run control steps one after the other.

        Args:
            states: (n, ds) where they begin.
            actions: (n, T, nu) applied.
            warmstarts: (n, nv).

        Returns:
            The steps, each array (n, T, ...).
        """
        count, steps = actions.shape[:2]
        held = np.repeat(actions, self._substeps, axis=1)
        made = self._substep.repeat(states[:, : self._nq], states[:, self._nq :], held, warmstarts)
        last = slice(self._substeps - 1, None, self._substeps)
        calls = (part.reshape(count, steps, self._substeps, *part.shape[3:]) for part in made.calls)
        return StepValue(made.qpos[:, last], made.qvel[:, last], made.warmstart[:, last], SolverCalls(*calls))


def _assembled(arrays: list[np.ndarray]) -> StepValue:
    qpos, qvel, warmstart, *calls = arrays
    return StepValue(qpos, qvel, warmstart, SolverCalls(*calls))
