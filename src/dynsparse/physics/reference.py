"""The undecorated formula of the exact derivative, by plain autodiff of the whole control step: slow, a referee."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from mujoco import mjx
from mujoco.mjx._src import forward as mjx_forward
from mujoco.mjx._src import math as mjx_math
from mujoco.mjx._src import solver as mjx_solver
from mujoco.mjx._src import support as mjx_support

from dynsparse.physics.control_step import RUNGE_KUTTA_STEPS, RUNGE_KUTTA_WEIGHTS
from dynsparse.physics.convergence import CONVERGED
from dynsparse.physics.quaternion import integrate_position
from dynsparse.physics.simulator import Simulator

__all__ = ["reference_step"]

Array = jax.Array
Call = tuple[Array, Array]
State = tuple[Array, Array, Array]


def reference_step(sim: Simulator, qpos: Array, qvel: Array, ctrl: Array, warmstart: Array) -> tuple[Array, Array]:
    """Run a control step whose plain ``jacfwd`` is the exact derivative.

    Implicit where a call converged and as MJX codes it elsewhere, each differentiated by JAX alone: no linear
    solve of its own, no separate treatment of positions, velocities and controls, no chain by hand.

    Args:
        sim: the simulator.
        qpos: (nq,).
        qvel: (nv,).
        ctrl: (nu,).
        warmstart: (nv,).

    Returns:
        The (nq + nv,) next state and the (nv,) next warm start.
    """

    def body(carry: State, _: None) -> tuple[State, None]:
        return _substep(sim, *carry, ctrl), None

    (qpos, qvel, warmstart), _ = jax.lax.scan(body, (qpos, qvel, warmstart), None, length=sim.substeps)
    return jnp.concatenate([qpos, qvel]), warmstart


def _substep(sim: Simulator, qpos: Array, qvel: Array, warmstart: Array, ctrl: Array) -> State:
    h = sim.model.opt.timestep
    acceleration, rate = _call(sim, qpos, qvel, ctrl, warmstart)
    if not sim.is_runge_kutta:
        velocity = qvel + h * rate
        return integrate_position(sim, qpos, velocity), velocity, acceleration
    stage_velocity, weight = qvel, RUNGE_KUTTA_WEIGHTS[0]
    velocity_sum, rate_sum = weight * stage_velocity, weight * rate
    for a, b in zip(RUNGE_KUTTA_STEPS, RUNGE_KUTTA_WEIGHTS[1:], strict=True):
        position = integrate_position(sim, qpos, a * stage_velocity)
        stage_velocity = qvel + h * a * rate
        acceleration, rate = _call(sim, position, stage_velocity, ctrl, warmstart)
        velocity_sum, rate_sum = velocity_sum + b * stage_velocity, rate_sum + b * rate
    return integrate_position(sim, qpos, velocity_sum), qvel + h * rate_sum, acceleration


def _call(sim: Simulator, qpos: Array, qvel: Array, ctrl: Array, warmstart: Array) -> Call:
    data = mjx_forward.forward(sim.model, sim.data(qpos, qvel, ctrl, warmstart))
    gradient = _gradient(sim, data, jax.lax.stop_gradient(data.qacc))
    residual = mjx_solver._rescale(sim.model, data, mjx_math.norm(jax.lax.stop_gradient(gradient)))
    hessian = jax.lax.stop_gradient(_hessian(sim, data))
    change = jax.scipy.linalg.solve(hessian, gradient - jax.lax.stop_gradient(gradient), assume_a="pos")
    implicit = jax.lax.stop_gradient(data.qacc) - change
    acceleration = jnp.where(residual < CONVERGED, implicit, data.qacc)
    if not sim.has_own_acceleration:
        return acceleration, acceleration
    force = mjx_support.mul_m(sim.model, data, acceleration) - _gradient(sim, data, acceleration)
    return acceleration, jax.scipy.linalg.solve(sim.integrator_matrix(data), force, assume_a="pos")


def _gradient(sim: Simulator, data: mjx.Data, acceleration: Array) -> Array:
    inertial = mjx_support.mul_m(sim.model, data, acceleration)
    if not sim.constraint_types.size:
        return inertial - data.qfrc_smooth
    context = mjx_solver.Context.create(sim.model, data.replace(qacc=acceleration), grad=False)
    return inertial - data.qfrc_smooth - data._impl.efc_J.T @ context.efc_force


def _hessian(sim: Simulator, data: mjx.Data) -> Array:
    """Hessian of the cost written out: M + J'DJ over active rows, plus MJX's own cone Hessian."""
    inertia = mjx_support.full_m(sim.model, data)
    if not sim.constraint_types.size:
        return inertia
    model = sim.model.tree_replace({"opt.solver": mjx.SolverType.NEWTON})  # CG leaves the cone Hessian out
    context = mjx_solver.Context.create(model, data, grad=False)
    rows = data._impl.efc_J
    weight = jnp.diag(data._impl.efc_D * context.active)
    if sim.model.opt.cone == mjx.ConeType.ELLIPTIC:
        contact = data._impl.contact
        coupled = contact.dim > 1
        for i, (dim, row) in enumerate(zip(contact.dim[coupled], contact.efc_address[coupled], strict=True)):
            weight = weight.at[row : row + dim, row : row + dim].add(context.h[i, :dim, :dim])
    return inertia + rows.T @ weight @ rows
