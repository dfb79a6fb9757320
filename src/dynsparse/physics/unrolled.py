"""The slope of a solver call that ran out of iterations: as coded, iteration by iteration."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from mujoco import mjx
from mujoco.mjx._src import math as mjx_math
from mujoco.mjx._src import solver as mjx_solver

from dynsparse.physics.implicit import CallSlope
from dynsparse.physics.linear_solve import solve_spd
from dynsparse.physics.quaternion import retract
from dynsparse.physics.simulator import Simulator

__all__ = ["solver_call", "unrolled_slope"]

Array = jax.Array


def unrolled_slope(sim: Simulator, qpos: Array, qvel: Array, ctrl: Array, warmstart: Array) -> tuple[CallSlope, Array]:
    """Differentiate the solver's iterations.

    Args:
        sim: the simulator.
        qpos: (nq,) at the call.
        qvel: (nv,) at the call.
        ctrl: (nu,) at the call.
        warmstart: (nv,) from where the solver starts.

    Returns:
        Slopes with k = nv + nv + nu + nv columns, the first along tangents of the position, the last with respect
        to the warm start; and the (nv,) acceleration that was differentiated, to be held against the one that MJX
        returned.
    """

    def of_position(tangent: Array) -> tuple[CallSlope, tuple[mjx.Data, Array]]:
        stage = sim.position_stage(retract(sim, qpos, tangent), qvel, ctrl)
        call = solver_call(sim, stage, warmstart)
        return call, (stage, call.acceleration)

    def of_rest(rest: Array) -> CallSlope:
        velocity, control, start = jnp.split(rest, (sim.nv, sim.nv + sim.nu))
        return solver_call(sim, sim.velocity_stage(stage, velocity, control), start)

    by_position, (stage, acceleration) = jax.jacfwd(of_position, has_aux=True)(jnp.zeros_like(qvel))
    by_rest = jax.jacfwd(of_rest)(jnp.concatenate([qvel, ctrl, warmstart]))
    slopes = jax.tree.map(lambda p, r: jnp.concatenate([p, r], axis=1), by_position, by_rest)
    return slopes, acceleration


def solver_call(sim: Simulator, stage: mjx.Data, warmstart: Array) -> CallSlope:
    """Run the solver and the integrator's own solve: the value of what ``CallSlope`` holds the slopes of.

    Mirrors ``mjx._src.solver.solve`` with its own line search and constraint update; only its linear solves are
    replaced, by ones whose tangent does not go through a Cholesky factorisation.

    Args:
        sim: the simulator.
        stage: data of the stage.
        warmstart: (nv,) from where the solver starts.

    Returns:
        The (nv,) acceleration and (nv,) velocity rate.
    """
    stage = stage.replace(qacc_smooth=solve_spd(sim.inertia(stage), stage.qfrc_smooth), qacc_warmstart=warmstart)
    acceleration, force = stage.qacc_smooth, stage.qfrc_smooth
    if sim.constraint_types.size:
        context = _solve(sim, stage)
        acceleration, force = context.qacc, stage.qfrc_smooth + context.qfrc_constraint
    if not sim.has_own_acceleration:
        return CallSlope(acceleration, acceleration)
    return CallSlope(acceleration, solve_spd(sim.integrator_matrix(stage), force))


def _solve(sim: Simulator, stage: mjx.Data) -> mjx_solver.Context:
    model = sim.model

    def unfinished(context: mjx_solver.Context) -> Array:
        improvement = mjx_solver._rescale(model, stage, context.prev_cost - context.cost)
        gradient = mjx_solver._rescale(model, stage, mjx_math.norm(context.grad))
        done = context.solver_niter >= model.opt.iterations
        return ~(done | (improvement < model.opt.tolerance) | (gradient < model.opt.tolerance))

    def iterate(context: mjx_solver.Context) -> mjx_solver.Context:
        before = context
        context = mjx_solver._linesearch(model, stage, _keep_apart(sim, context))
        context = mjx_solver._update_constraint(model, stage, context)
        context = _update_gradient(sim, stage, context)
        search = -context.Mgrad
        if model.opt.solver == mjx.SolverType.CG:  # Polak-Ribiere
            beta = jnp.dot(context.grad, context.Mgrad - before.Mgrad)
            beta = beta / jnp.maximum(1e-15, jnp.dot(before.grad, before.Mgrad))
            search = search + jnp.maximum(0, beta) * before.search
        return context.replace(search=search, solver_niter=context.solver_niter + 1)

    start = stage.qacc_smooth
    if not model.opt.disableflags & mjx.DisableBit.WARMSTART:
        warm = mjx_solver.Context.create(model, stage.replace(qacc=stage.qacc_warmstart), grad=False)
        smooth = mjx_solver.Context.create(model, stage.replace(qacc=stage.qacc_smooth), grad=False)
        start = jnp.where(warm.cost < smooth.cost, stage.qacc_warmstart, stage.qacc_smooth)
    stage = stage.replace(qacc=start)
    context = mjx_solver.Context.create(model, stage, grad=False)
    context = _update_gradient(sim, stage, context)
    context = context.replace(search=-context.Mgrad)
    if model.opt.iterations == 1:
        return iterate(context)
    return jax.lax.while_loop(unfinished, iterate, context)


def _keep_apart(sim: Simulator, context: mjx_solver.Context) -> mjx_solver.Context:
    """Move contacts off the axis of their elliptic cone, for the line search alone.

    There MJX differentiates ``sqrt`` at zero, and the infinite slope times the zero weight of such a contact is
    NaN.  For one that does not touch, a point far inside the free zone has the same cost, zero, and finite slopes;
    one that presses without a tangential part is moved by 1e-12, which changes no zone.
    """
    if sim.model.opt.cone != mjx.ConeType.ELLIPTIC:
        return context
    idle = (context.u == 0).all(axis=1, keepdims=True)
    free = jnp.zeros_like(context.u).at[:, 0].set(2.0 + context.fri[:, 0]).at[:, 1].set(1.0)
    straight = (context.u[:, 1:] == 0).all(axis=1)
    pressed = context.u.at[:, 1].add(jnp.where(straight, 1e-12, 0.0))
    return context.replace(u=jnp.where(idle, free, pressed))


def _update_gradient(sim: Simulator, stage: mjx.Data, context: mjx_solver.Context) -> mjx_solver.Context:
    """Mirror ``mjx._src.solver._update_gradient`` with a solve that differentiates cheaply."""
    gradient = context.Ma - stage.qfrc_smooth - context.qfrc_constraint
    matrix = sim.inertia(stage)
    if sim.model.opt.solver == mjx.SolverType.NEWTON:
        matrix = matrix + _constraint_hessian(sim, stage, context)
    return context.replace(grad=gradient, Mgrad=solve_spd(matrix, gradient))


def _constraint_hessian(sim: Simulator, stage: mjx.Data, context: mjx_solver.Context) -> Array:
    rows, stiffness = stage._impl.efc_J, stage._impl.efc_D * context.active
    if sim.model.opt.cone != mjx.ConeType.ELLIPTIC:
        return (rows.T * stiffness) @ rows
    weight = jnp.diag(stiffness)
    contact = stage._impl.contact
    coupled = contact.dim > 1
    for i, (dim, row) in enumerate(zip(contact.dim[coupled], contact.efc_address[coupled], strict=True)):
        weight = weight.at[row : row + dim, row : row + dim].add(context.h[i, :dim, :dim])
    return rows.T @ weight @ rows
