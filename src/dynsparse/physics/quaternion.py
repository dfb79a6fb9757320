"""Integration of positions and small changes of them, written so that their derivatives are right at rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from mujoco import mjx
from mujoco.mjx._src import math as mjx_math

from dynsparse.physics.simulator import Simulator

__all__ = [
    "integrate_position",
    "move_slopes",
    "position_change",
    "position_tangent",
    "retract",
    "turn_slopes",
]

Array = jax.Array
AnyArray = Any  # of NumPy or of JAX, whichever the caller computes with


def integrate_position(sim: Simulator, qpos: Array, qvel: Array) -> Array:
    """Move positions along a velocity for one timestep, joint by joint.

    Same value as MJX's ``_integrate_pos``.  MJX turns a quaternion through ``norm(omega)``, whose derivative at
    rest it sets to zero, so that ``jacfwd`` says that angular velocity moves nothing; the truth is 1/2 on the
    vector part.

    Args:
        sim: the simulator.
        qpos: (nq,) positions.
        qvel: (nv,) velocities, m/s and rad/s.

    Returns:
        (nq,) positions one timestep later.
    """
    h = sim.model.opt.timestep
    parts, q, v = [], 0, 0
    for kind in sim.model.jnt_type:
        if kind == mjx.JointType.FREE:
            parts += [qpos[q : q + 3] + h * qvel[v : v + 3], _turn(qpos[q + 3 : q + 7], h * qvel[v + 3 : v + 6])]
            q, v = q + 7, v + 6
        elif kind == mjx.JointType.BALL:
            parts.append(_turn(qpos[q : q + 4], h * qvel[v : v + 3]))
            q, v = q + 4, v + 3
        else:
            parts.append(qpos[q : q + 1] + h * qvel[v : v + 1])
            q, v = q + 1, v + 1
    return jnp.concatenate(parts) if parts else qpos


def _turn(quaternion: Array, rotation: Array) -> Array:
    """Turn by a rotation vector in rad, as a smooth function of it."""
    square = jnp.dot(rotation, rotation)
    small = square < 1e-8
    # Below 1e-4 rad the series of cos(x/2) and sin(x/2)/x to second order is exact to 1e-17.
    angle = jnp.sqrt(jnp.where(small, 1.0, square))
    cosine = jnp.where(small, 1.0 - square / 8.0, jnp.cos(angle / 2.0))
    sine = jnp.where(small, 0.5 - square / 48.0, jnp.sin(angle / 2.0) / angle)
    turned = mjx_math.quat_mul(quaternion, jnp.concatenate([cosine[None], sine * rotation]))
    return turned / jnp.sqrt(jnp.dot(turned, turned))


def retract(sim: Simulator, qpos: Array, tangent: Array) -> Array:
    """Move positions by a small tangent, to first order: its derivative at zero is that of ``mj_integratePos``.

    Linear in the tangent, so that at zero nothing is rounded: the value is ``qpos`` bit for bit.

    Args:
        sim: the simulator.
        qpos: (nq,) positions.
        tangent: (nv,) differences, m or rad; for a quaternion a rotation vector in the body's own frame.

    Returns:
        (nq,) positions.
    """
    return qpos + position_change(sim, qpos, tangent)


def position_change(sim: Simulator, qpos: Array, tangent: Array) -> Array:
    """Return how the numbers of positions change along a tangent, to first order; linear in the tangent.

    Args:
        sim: the simulator.
        qpos: (nq,) positions.
        tangent: (nv,).

    Returns:
        (nq,).
    """
    if not sim.has_quaternions:
        return tangent
    parts, v = [], 0
    for start, place in sim.rotations:
        parts += [tangent[v:place], _turned(qpos[start : start + 4], tangent[place : place + 3])]
        v = place + 3
    return jnp.concatenate([*parts, tangent[v:]])


def position_tangent(sim: Simulator, qpos: Array, d_qpos: Array) -> Array:
    """Return the tangent that a change of positions is: the derivative of ``mj_differentiatePos``.

    Args:
        sim: the simulator.
        qpos: (nq,) positions; quaternions of any length.
        d_qpos: (nq,) change of their numbers.

    Returns:
        (nv,); a change along a quaternion itself turns nothing.
    """
    if not sim.has_quaternions:
        return d_qpos
    parts, q = [], 0
    for start, _ in sim.rotations:
        quaternion = qpos[start : start + 4]
        turned = mjx_math.quat_mul(mjx_math.quat_inv(quaternion), d_qpos[start : start + 4])
        parts += [d_qpos[q:start], 2.0 * turned[1:] / jnp.dot(quaternion, quaternion)]
        q = start + 4
    return jnp.concatenate([*parts, d_qpos[q:]])


def move_slopes(sim: Simulator) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Return the derivatives of moving positions for one timestep, tangents at its end by those at its start.

    Args:
        sim: the simulator.

    Returns:
        From (n, nv) velocities to (n, nv, nv) by the position and (n, nv, nv) by the velocity.
    """
    nv, timestep, rotations = sim.nv, sim.timestep, sim.rotations

    def slopes(qvel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        by_position = np.tile(np.eye(nv), (len(qvel), 1, 1))
        by_velocity = timestep * by_position
        for _, place in rotations:
            span = slice(place, place + 3)
            back, right = turn_slopes(timestep * qvel[:, span], np)
            by_position[:, span, span], by_velocity[:, span, span] = back, timestep * right
        return by_position, by_velocity

    return slopes


def turn_slopes(rotation: AnyArray, xp: Any) -> tuple[AnyArray, AnyArray]:
    """Return how the end of a turn moves with its start and with the turn, each in the body's own frame.

    With ``R(r)`` the turn by a rotation vector, ``R(a) R(r + b) = R(r) R(R(r)' a + J(r) b)`` to first order.  ``J`` is
    the right Jacobian of SO(3); below 1e-4 rad the series of its coefficients to second order is exact to 1e-17.

    Args:
        rotation: (..., 3) rotation vectors r, rad.
        xp: NumPy, or JAX's.

    Returns:
        (..., 3, 3) ``R(r)'`` and (..., 3, 3) ``J(r)``.
    """
    square = (rotation**2).sum(axis=-1)[..., None, None]
    small = square < 1e-8
    angle = xp.sqrt(xp.where(small, 1.0, square))
    sine = xp.where(small, 1.0 - square / 6.0, xp.sin(angle) / angle)
    # 1 - cos x as 2 sin(x/2)^2, which loses nothing.
    bent = xp.where(small, 0.5 - square / 24.0, 2.0 * (xp.sin(angle / 2.0) / angle) ** 2)
    late = xp.where(small, 1.0 / 6.0 - square / 120.0, (angle - xp.sin(angle)) / angle**3)
    x, y, z = rotation[..., 0], rotation[..., 1], rotation[..., 2]
    zero = 0.0 * x
    rows = [xp.stack([zero, -z, y], -1), xp.stack([z, zero, -x], -1), xp.stack([-y, x, zero], -1)]
    cross = xp.stack(rows, -2)
    twice = cross @ cross
    return xp.eye(3) - sine * cross + bent * twice, xp.eye(3) - bent * cross + late * twice


def _turned(quaternion: Array, rotation: Array) -> Array:
    """Return the change of a quaternion that turns by a small rotation vector: half of their product."""
    w, x, y, z = quaternion
    a, b, c = 0.5 * rotation
    return jnp.stack([-x * a - y * b - z * c, w * a + y * c - z * b, w * b + z * a - x * c, w * c + x * b - y * a])
