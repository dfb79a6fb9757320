"""Episodes side by side: several control steps of every row in one compiled call."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from dynsparse.physics.batch import Compilation
from dynsparse.physics.control_step import StepValue, control_step
from dynsparse.physics.environment import float64_on_cpu
from dynsparse.physics.simulator import Simulator

__all__ = ["EpisodeFunction"]

STEPS = 25
"""Most control steps of one call.  A call for each step costs CartpoleBalance 20 us a row, with 25 steps in it 5 us."""

Array = jax.Array


class EpisodeFunction:
    """Control steps of a fixed number of rows, any number of them one after the other; compiled once.

    How many steps a call makes is an argument of the compiled code, so that a single step and one of many are the
    same code, bit for bit.

    Args:
        sim: the simulator.
        rows: rows of a call; fewer are padded by repeating the first.
        compilation: how it is compiled, when it is first needed.
    """

    def __init__(self, sim: Simulator, rows: int, compilation: Compilation | None = None) -> None:
        self._sim, self._rows = sim, rows
        self._compilation = compilation or Compilation()
        self._function = jax.jit(jax.vmap(partial(_several, sim), in_axes=(0, 0, 0, 0, None)))
        self._compiled: Any = None

    def __call__(self, states: np.ndarray, actions: np.ndarray, warmstarts: np.ndarray) -> StepValue:
        """Run control steps.

        Args:
            states: (n, ds) where they begin; n is any number.
            actions: (n, T, nu) applied.
            warmstarts: (n, nv).

        Returns:
            The steps and their solver calls, each array (n, T, ...).
        """
        with float64_on_cpu():
            pieces = [
                self._rows_of(*(x[first : first + self._rows] for x in (states, actions, warmstarts)))
                for first in range(0, len(states), self._rows)
            ]
            return jax.tree.map(lambda *parts: np.concatenate(parts) if len(parts) > 1 else parts[0], *pieces)

    def _rows_of(self, states: np.ndarray, actions: np.ndarray, warmstarts: np.ndarray) -> StepValue:
        count, steps = actions.shape[:2]
        missing = self._rows - count
        if missing:
            states, actions, warmstarts = (
                np.concatenate([x, np.repeat(x[:1], missing, axis=0)]) for x in (states, actions, warmstarts)
            )
        pieces = []
        for first in range(0, steps, STEPS):
            some = actions[:, first : first + STEPS]
            made = self._call(states, some, warmstarts)
            states = np.concatenate([made.qpos[:, -1], made.qvel[:, -1]], axis=1)
            warmstarts = made.warmstart[:, -1]
            pieces.append(jax.tree.map(lambda x: x[:count], made))
        return jax.tree.map(lambda *parts: np.concatenate(parts, axis=1) if len(parts) > 1 else parts[0], *pieces)

    def _call(self, states: np.ndarray, actions: np.ndarray, warmstarts: np.ndarray) -> StepValue:
        nq, steps = self._sim.nq, actions.shape[1]
        padded = np.zeros((self._rows, STEPS, actions.shape[2]))
        padded[:, :steps] = actions
        arguments = (states[:, :nq], states[:, nq:], padded, warmstarts, np.int32(steps))
        if self._compiled is None:
            lowered = self._function.lower(*arguments)
            with self._compilation.turn():
                self._compiled = lowered.compile(compiler_options=dict(self._compilation.options) or None)
        return jax.tree.map(lambda x: np.asarray(x)[:, :steps], self._compiled(*arguments))


def _several(sim: Simulator, qpos: Array, qvel: Array, actions: Array, warmstart: Array, steps: Array) -> StepValue:
    """Run ``steps`` control steps of one row; what lies behind them stays zero."""
    blank = jax.eval_shape(partial(control_step, sim), qpos, qvel, actions[0], warmstart)
    kept = jax.tree.map(lambda x: jnp.zeros((STEPS, *x.shape), x.dtype), blank)

    def body(i: Array, carry: tuple[tuple[Array, Array, Array], StepValue]) -> tuple[Any, StepValue]:
        at, kept = carry
        value = control_step(sim, at[0], at[1], actions[i], at[2])
        kept = jax.tree.map(lambda buffer, x: buffer.at[i].set(x), kept, value)
        return (value.qpos, value.qvel, value.warmstart), kept

    found: StepValue = jax.lax.fori_loop(0, steps, body, ((qpos, qvel, warmstart), kept))[1]
    return found
