"""Integration of positions, written so that its derivative is right at rest."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from mujoco import mjx
from mujoco.mjx._src import math as mjx_math

from dynsparse.physics.simulator import Simulator

__all__ = ["integrate_position"]

Array = jax.Array


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
