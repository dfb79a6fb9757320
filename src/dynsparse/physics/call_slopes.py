"""The slopes of all solver calls of a control step inside JAX, each differentiated by how it ended."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from dynsparse.physics.control_step import StepValue
from dynsparse.physics.convergence import CONVERGED
from dynsparse.physics.exact import SAME_VALUE
from dynsparse.physics.implicit import CallSlope, implicit_slope
from dynsparse.physics.simulator import Simulator
from dynsparse.physics.unrolled import unrolled_slope

__all__ = ["call_slopes"]

Array = jax.Array

LEAST_ROWS, MOST_ROUNDS = 8, 8
"""Unconverged rows of a batch are differentiated eight or more at a time, in no more than eight rounds."""


class _Call(NamedTuple):
    """One solver call: where it was made, what it returned, and how far from the minimiser that is."""

    qpos: Array
    qvel: Array
    ctrl: Array
    warmstart: Array
    acceleration: Array
    residual: Array


def call_slopes(sim: Simulator, value: StepValue, action: Array) -> CallSlope:
    """Differentiate every solver call of a control step; the same slopes as those of ``ExactJacobian``.

    A function of values, not itself to be differentiated: it holds active sets and solutions constant.

    Args:
        sim: the simulator.
        value: the control step.
        action: (nu,) applied action.

    Returns:
        Two (substeps, stages, nv, nv + nv + nu + nv) slopes; NaN throughout where any number is not finite.
    """
    calls = value.calls
    shape = calls.residual.shape
    points = calls.qpos, calls.qvel, calls.warmstart, calls.acceleration, calls.residual
    qpos, qvel, *rest = (x.reshape(-1, *x.shape[2:]) for x in points)
    ctrl = jnp.broadcast_to(action, (len(qpos), *action.shape))
    # One call after the other, so that a single row pays for no branch that it does not take.
    slopes = jax.lax.map(_slope_of_call(sim), _Call(qpos, qvel, ctrl, *rest))
    sound = jnp.isfinite(calls.acceleration).all() & jnp.isfinite(value.qpos).all()
    for slope in slopes:
        sound &= jnp.isfinite(slope).all()
    return jax.tree.map(lambda x: jnp.where(sound, x, jnp.nan).reshape(*shape, *x.shape[1:]), slopes)


def _slope_of_call(sim: Simulator) -> Callable[[_Call], CallSlope]:
    converged, unconverged = partial(_converged, sim), partial(_unconverged, sim)
    if not sim.constraint_types.size:  # nothing to iterate for
        return converged

    @jax.custom_batching.custom_vmap
    def slope(call: _Call) -> CallSlope:
        return jax.lax.cond(call.residual < CONVERGED, converged, unconverged, call)

    @slope.def_vmap
    def _(rows: int, batched: list[_Call], call: _Call) -> tuple[CallSlope, Any]:
        calls = jax.tree.map(lambda x, b: x if b else jnp.broadcast_to(x, (rows, *x.shape)), call, batched[0])
        slopes = _slopes_of_batch(converged, unconverged, calls)
        return slopes, jax.tree.map(lambda _: True, slopes)

    return slope


def _slopes_of_batch(
    converged: Callable[[_Call], CallSlope], unconverged: Callable[[_Call], CallSlope], calls: _Call
) -> CallSlope:
    """Differentiate many rows as minimisers, then those that are none again, few at a time.

    ``vmap`` alone would make a selection of the branch, and every row would pay for the dearer of the two.
    """
    rows = len(calls.residual)
    if not rows:
        return jax.vmap(converged)(calls)
    size = max(LEAST_ROWS, -(-rows // MOST_ROUNDS))
    left = ~(calls.residual < CONVERGED)  # a NaN is left
    # Those that are left come first; indices beyond the last row are read as the last one, and written nowhere.
    order = jnp.concatenate([jnp.argsort(~left), jnp.full(size, rows)])
    count = left.sum()

    def again(k: Array, slopes: CallSlope) -> CallSlope:
        place = jnp.arange(size) + k * size
        where = jnp.where(place < count, order[place], rows)
        found = jax.vmap(unconverged)(jax.tree.map(lambda x: x.at[where].get(mode="clip"), calls))
        return jax.tree.map(lambda x, new: x.at[where].set(new, mode="drop"), slopes, found)

    return jax.lax.fori_loop(0, -(-count // size), again, jax.vmap(converged)(calls))


def _converged(sim: Simulator, call: _Call) -> CallSlope:
    slope = implicit_slope(sim, call.qpos, call.qvel, call.ctrl, call.acceleration)
    # A minimiser does not depend on where the search for it began.
    return jax.tree.map(lambda x: jnp.pad(x, ((0, 0), (0, sim.nv))), slope)


def _unconverged(sim: Simulator, call: _Call) -> CallSlope:
    slope, repeated = unrolled_slope(sim, call.qpos, call.qvel, call.ctrl, call.warmstart)
    # The mirrored solver is only right where it took the same branches as MJX's own.
    scale = jnp.maximum(1.0, jnp.abs(call.acceleration).max())
    same = jnp.abs(repeated - call.acceleration).max() <= SAME_VALUE * scale
    return jax.tree.map(lambda x: jnp.where(same, x, jnp.nan), slope)
