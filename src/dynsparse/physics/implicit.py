"""The slope of a solver call that converged: the implicit function theorem, active set held."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from mujoco import mjx
from mujoco.mjx._src import solver as mjx_solver
from mujoco.mjx._src import support as mjx_support

from dynsparse.physics.linear_solve import solve_spd
from dynsparse.physics.quaternion import retract
from dynsparse.physics.simulator import Simulator

__all__ = ["CallSlope", "implicit_slope", "solver_gradient"]

Array = jax.Array
RowArray = Any  # a JAX array of one row inside a compiled function, a NumPy array of many outside


class CallSlope(NamedTuple):
    """Derivatives of one solver call with respect to (qpos, qvel, ctrl) and, unrolled, the warm start.

    Attributes:
        acceleration: (nv, k) of what the solver returned, which is the next warm start.
        velocity_rate: (nv, k) of what moves the velocity; differs where the integrator takes damping implicitly.
    """

    acceleration: RowArray
    velocity_rate: RowArray


def solver_gradient(sim: Simulator, stage: mjx.Data, acceleration: Array) -> Array:
    """Return the gradient of the solver's cost: inertial minus smooth minus constraint force.

    Args:
        sim: the simulator.
        stage: data of the stage (inertia, constraint rows, smooth forces).
        acceleration: (nv,) where to evaluate it.

    Returns:
        (nv,) force that is left over, N or N m.
    """
    if not sim.constraint_types.size:
        return mjx_support.mul_m(sim.model, stage, acceleration) - stage.qfrc_smooth
    context = mjx_solver.Context.create(sim.model, stage.replace(qacc=acceleration), grad=False)
    return context.Ma - stage.qfrc_smooth - context.qfrc_constraint


def implicit_slope(sim: Simulator, qpos: Array, qvel: Array, ctrl: Array, acceleration: Array) -> CallSlope:
    """Differentiate the minimiser that a converged solver call approximates.

    With gradient ``r(y, a) = 0`` at the minimiser, ``da/dy = -(dr/da)^-1 dr/dy``; ``dr/da`` is the Hessian of the
    cost, the elliptic cones' term included, because it is the derivative of the same coded function.  An
    integrator with its own acceleration ``b`` solves ``K b = M a`` there, hence
    ``db/dy = K^-1 (d(M a - K b)/dy + M da/dy)``.

    Positions, velocities and controls are linearised one after the other, each recomputing only what it moves.
    Positions are differentiated along tangents: a rotation of its own frame for each quaternion.

    Args:
        sim: the simulator.
        qpos: (nq,) at the call.
        qvel: (nv,) at the call.
        ctrl: (nu,) at the call.
        acceleration: (nv,) what the solver returned.

    Returns:
        Slopes with k = nv + nv + nu columns.
    """

    def residuals(stage: mjx.Data, rate: Array) -> tuple[Array, Array]:
        gradient = solver_gradient(sim, stage, acceleration)
        if not sim.has_own_acceleration:
            return gradient, jnp.zeros(0)
        inertial = mjx_support.mul_m(sim.model, stage, acceleration)
        return gradient, inertial - sim.integrator_matrix(stage) @ rate

    def of_position(tangent: Array) -> tuple[tuple[Array, Array], tuple[mjx.Data, Array]]:
        stage = sim.position_stage(retract(sim, qpos, tangent), qvel, ctrl)
        rate = _velocity_rate(sim, jax.lax.stop_gradient(stage), acceleration)
        return residuals(stage, rate), (stage, rate)

    by_position, (stage, rate) = jax.jacfwd(of_position, has_aux=True)(jnp.zeros_like(qvel))
    by_velocity = jax.jacfwd(lambda x: residuals(sim.velocity_stage(stage, x, ctrl), rate))(qvel)
    by_control = jax.jacfwd(lambda x: residuals(sim.control_stage(stage, x), rate))(ctrl)
    hessian = jax.jacfwd(lambda a: solver_gradient(sim, stage, a))(acceleration)

    slope_gradient, slope_rate = (
        jnp.concatenate([by_position[i], by_velocity[i], by_control[i]], axis=1) for i in range(2)
    )
    hessian = 0.5 * (hessian + hessian.T)
    by_all = -jax.scipy.linalg.cho_solve(jax.scipy.linalg.cho_factor(hessian), slope_gradient)
    if not sim.has_own_acceleration:
        return CallSlope(by_all, by_all)
    factor = jax.scipy.linalg.cho_factor(sim.integrator_matrix(stage))
    return CallSlope(by_all, jax.scipy.linalg.cho_solve(factor, slope_rate + sim.inertia(stage) @ by_all))


def _velocity_rate(sim: Simulator, stage: mjx.Data, acceleration: Array) -> Array:
    """Return what the integrator moves the velocity with, given what the solver returned."""
    if not sim.has_own_acceleration:
        return acceleration
    force = mjx_support.mul_m(sim.model, stage, acceleration) - solver_gradient(sim, stage, acceleration)
    return solve_spd(sim.integrator_matrix(stage), force)
