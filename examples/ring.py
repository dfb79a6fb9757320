"""Six carts on a ring that push their neighbours when they touch: a system whose sparsity is known by hand.

Each cart is held to its own place by a weak spring.  A cart feels a neighbour only while the two overlap, so its next
state depends on itself always, on a neighbour now and then, and on all others never.

    dynsparse audit examples/ring.py:ring
    dynsparse collect examples/ring.py:ring --rows 5000 --out data/ring
    dynsparse analyze data/ring --out results/ring
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

import dynsparse

CARTS = 6
DRIVEN = (0, 3)  # the carts that an action pushes
DT = 0.02  # s
MASS = 1.0  # kg
SPRING = 4.0  # N/m, of a cart to its own place
DRAG = 0.2  # N s/m
GAP = 0.3  # m, between neighbours at rest
STIFFNESS = 200.0  # N/m, where two overlap


def step(state: jax.Array, action: jax.Array) -> jax.Array:
    """Move every cart for DT seconds: velocity first, then position with the new velocity.

    Args:
        state: (2 CARTS,) displacements from the places at rest, m, then velocities, m/s.
        action: (2,) forces on the driven carts, N.

    Returns:
        (2 CARTS,) after DT seconds.
    """
    place, velocity = state[:CARTS], state[CARTS:]
    overlap = place - jnp.roll(place, -1) - GAP  # of each cart with the next one
    push = jnp.where(overlap > 0, STIFFNESS * overlap, 0.0)
    force = -SPRING * place - DRAG * velocity - push + jnp.roll(push, 1)
    force = force.at[jnp.array(DRIVEN)].add(action)
    velocity = velocity + DT / MASS * force
    return jnp.concatenate([place + DT * velocity, velocity])


def initial_state(key: jax.Array) -> jax.Array:
    """Draw where an episode starts: every cart near its place, and moving."""
    of_place, of_velocity = jax.random.split(key)
    place = jax.random.uniform(of_place, (CARTS,), minval=-0.1, maxval=0.1)
    return jnp.concatenate([place, jax.random.normal(of_velocity, (CARTS,))])


def reward(state: jax.Array, action: jax.Array, next_state: jax.Array) -> jax.Array:
    """Reward carts that stand at their places, and small forces."""
    return -jnp.sum(next_state[:CARTS] ** 2) - 1e-3 * jnp.sum(action**2)


def ring() -> dynsparse.Environment:
    """Return the ring as an environment."""
    return dynsparse.environment_from_function(
        "Ring",
        step,
        state_names=[f"{what} {i}" for what in ("place", "velocity") for i in range(CARTS)],
        state_units=["m"] * CARTS + ["m/s"] * CARTS,
        action_names=[f"force {i}" for i in DRIVEN],
        action_low=[-5.0] * len(DRIVEN),
        action_high=[5.0] * len(DRIVEN),
        dt=DT,
        initial_state=initial_state,
        reward=reward,
    )
