"""The value of one control step: MJX's own substeps, and a record of every solver call in it."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from mujoco import mjx
from mujoco.mjx._src import forward as mjx_forward
from mujoco.mjx._src import math as mjx_math
from mujoco.mjx._src import solver as mjx_solver
from mujoco.mjx._src import support as mjx_support

from dynsparse.physics.simulator import Simulator

__all__ = ["RUNGE_KUTTA_STEPS", "RUNGE_KUTTA_WEIGHTS", "SolverCalls", "StepValue", "control_step"]

Array = jax.Array
RowArray = Any  # a JAX array of one row inside a compiled function, a NumPy array of many outside

RUNGE_KUTTA_STEPS = tuple(float(a) for a in np.diag(mjx_forward._RK4_A))
RUNGE_KUTTA_WEIGHTS = tuple(float(b) for b in mjx_forward._RK4_B)

_FRICTION_TYPES = (int(mjx.ConstraintType.FRICTION_DOF), int(mjx.ConstraintType.FRICTION_TENDON))


class SolverCalls(NamedTuple):
    """The solver calls of one control step, in the order in which they ran.

    Attributes:
        qpos: (substeps, stages, nq) where the call was made; stages is 4 for Runge-Kutta, else 1.
        qvel: (substeps, stages, nv).
        warmstart: (substeps, stages, nv) from where the solver started.
        acceleration: (substeps, stages, nv) what it returned.
        residual: (substeps, stages) gradient of its cost there, rescaled as MJX does.
        active: (substeps, stages, nc) bool; the named constraints that exerted force.
    """

    qpos: RowArray
    qvel: RowArray
    warmstart: RowArray
    acceleration: RowArray
    residual: RowArray
    active: RowArray


class StepValue(NamedTuple):
    """Where one control step ends, and the solver calls on the way."""

    qpos: RowArray
    qvel: RowArray
    warmstart: RowArray
    calls: SolverCalls


def control_step(sim: Simulator, qpos: Array, qvel: Array, ctrl: Array, warmstart: Array) -> StepValue:
    """Run one control step as MJX codes it.

    Args:
        sim: the simulator.
        qpos: (nq,) positions.
        qvel: (nv,) velocities.
        ctrl: (nu,) applied action.
        warmstart: (nv,) acceleration from which the first solver call starts.

    Returns:
        The end of the step and its solver calls.
    """

    def body(carry: tuple[Array, Array, Array], _: None) -> tuple[tuple[Array, Array, Array], SolverCalls]:
        data = sim.data(*carry[:2], ctrl, carry[2])
        data, calls = _runge_kutta(sim, data) if sim.is_runge_kutta else _single_call(sim, data)
        return (data.qpos, data.qvel, data.qacc_warmstart), calls

    (qpos, qvel, warmstart), calls = jax.lax.scan(body, (qpos, qvel, warmstart), None, length=sim.substeps)
    return StepValue(qpos, qvel, warmstart, calls)


def _single_call(sim: Simulator, data: mjx.Data) -> tuple[mjx.Data, SolverCalls]:
    after = mjx.step(sim.model, data)
    call = _record(sim, data, after)
    return after, jax.tree.map(lambda x: x[None], call)


def _runge_kutta(sim: Simulator, start: mjx.Data) -> tuple[mjx.Data, SolverCalls]:
    """Mirror ``mjx._src.forward.rungekutta4``, which keeps no record of its four solver calls."""
    h = sim.model.opt.timestep
    data = mjx_forward.forward(sim.model, start)
    records = [_record(sim, start, data)]
    slope_vel = start.qvel
    qvel, qacc = RUNGE_KUTTA_WEIGHTS[0] * slope_vel, RUNGE_KUTTA_WEIGHTS[0] * data.qacc
    for a, b in zip(RUNGE_KUTTA_STEPS, RUNGE_KUTTA_WEIGHTS[1:], strict=True):
        qpos = mjx_forward._integrate_pos(sim.model.jnt_type, start.qpos, a * slope_vel, h)
        slope_vel = start.qvel + a * data.qacc * h
        before = data.replace(qpos=qpos, qvel=slope_vel)
        data = mjx_forward.forward(sim.model, before)
        records.append(_record(sim, before, data))
        qvel, qacc = qvel + b * slope_vel, qacc + b * data.qacc
    end = data.replace(qpos=start.qpos, qvel=start.qvel)
    end = mjx_forward._advance(sim.model, end, end.act_dot, qacc, qvel)
    return end, jax.tree.map(lambda *x: jnp.stack(x), *records)


def _record(sim: Simulator, before: mjx.Data, after: mjx.Data) -> SolverCalls:
    """Note one solver call; ``after`` holds the stage data that it read."""
    force = mjx_support.mul_m(sim.model, after, after.qacc)
    gradient = force - after.qfrc_smooth - after.qfrc_constraint
    # MJX's own norm, which says zero where every element is below 1e-8: so it is what stopped the solver.
    residual = mjx_solver._rescale(sim.model, after, mjx_math.norm(gradient))
    return SolverCalls(before.qpos, before.qvel, before.qacc_warmstart, after.qacc, residual, _exerted(sim, after))


def _exerted(sim: Simulator, data: mjx.Data) -> Array:
    """Tell which constraints pushed; friction counts where it slides, which is at its bound."""
    rows = sim.constraints
    if not rows.names:
        return jnp.zeros(0, dtype=bool)
    size = jnp.abs(data._impl.efc_force)
    friction = np.isin(sim.constraint_types, _FRICTION_TYPES)
    pushed = jnp.where(friction, size >= data._impl.efc_frictionloss, size > 0)
    first = len(rows.members)
    # Sums as products: one operation, where a reduction for each constraint would be many.
    member = _belongs(rows.members, np.arange(len(rows.names) - len(rows.pairs)))
    named = pushed[:first].astype(jnp.float32) @ member > 0
    if not len(rows.pairs):
        return named
    contact = data._impl.contact
    touches = pushed[first:].astype(jnp.float32) @ _belongs(rows.slots, np.arange(contact.dim.size))
    geoms = jnp.sort(jnp.asarray(contact.geom), axis=1)
    of_pair = (geoms[:, None] == np.sort(rows.pairs, axis=1)[None]).all(axis=2)
    return jnp.concatenate([named, touches @ of_pair.astype(jnp.float32) > 0])


def _belongs(members: np.ndarray, groups: np.ndarray) -> np.ndarray:
    return (members[:, None] == groups).astype(np.float32)
