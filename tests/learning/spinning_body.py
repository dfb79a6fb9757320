"""A body that spins and bounces, in closed form: height, a quaternion, and a rotation speed; 8 numbers, tangents of 7.

With R the rotation by h w, and J its right Jacobian (derivative of a rotation by its vector, in the turned frame):

    z' = 0.9 z + 0.1 a0    q' = q exp(h w / 2)    w' = w + h (a1, a2, a3), less z in w_x' where z < 0
    dr'/dr = R^T, dr'/dw = h J       (q exp(r / 2) exp(h w / 2) = q exp(h w / 2) exp(R^T r / 2))

In every other episode the body spins about z alone: then R and J are zero between z and the other two, exactly.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from dynsparse.dataset import DatasetDescription, create_dataset
from dynsparse.physics.state_space import StateSpace

H = 0.3
SPACE = StateSpace(8, (1,))
NAMES = ("qpos z", *(f"qpos q{part}" for part in "wxyz"), *(f"qvel r{axis}" for axis in "xyz"))


def step(state, action):
    """(8,) next state, in JAX; the quaternion as long as it was."""
    height, quaternion, speed = state[0], state[1:5], state[5:]
    turn = H * speed / 2
    angle = jnp.sqrt(turn @ turn)
    vector = jnp.sin(angle) / angle * turn
    w, v = quaternion[0], quaternion[1:]
    real = w * jnp.cos(angle) - v @ vector
    imaginary = w * vector + jnp.cos(angle) * v + jnp.cross(v, vector)
    bounce = jnp.where(height < 0, -height, 0.0) * jnp.array([1.0, 0.0, 0.0])
    after = speed + H * action[1:] + bounce
    return jnp.concatenate([jnp.array([0.9 * height + 0.1 * action[0]]), real[None], imaginary, after])


def jacobian(state, action):
    """(7, 11) its derivative in tangents, by hand."""
    turn = H * state[5:]
    angle = np.sqrt(turn @ turn)
    cross = np.array([[0, -turn[2], turn[1]], [turn[2], 0, -turn[0]], [-turn[1], turn[0], 0]])
    rotation = np.eye(3) + np.sin(angle) / angle * cross + (1 - np.cos(angle)) / angle**2 * cross @ cross
    right = np.eye(3) - (1 - np.cos(angle)) / angle**2 * cross + (angle - np.sin(angle)) / angle**3 * cross @ cross
    found = np.zeros((7, 11))
    found[0, 0], found[0, 7] = 0.9, 0.1
    found[1:4, 1:4], found[1:4, 4:7] = rotation.T, H * right
    found[4:7, 4:7], found[4:7, 8:11] = np.eye(3), H * np.eye(3)
    found[4, 0] = -1.0 if state[0] < 0 else 0.0
    return found


def made_arrays(episodes: int = 8, steps: int = 12, seed: int = 0) -> dict[str, Any]:
    """Return whole episodes, every field that scoring reads; call it with 64-bit numbers enabled."""
    rng = np.random.default_rng(seed)
    rows: dict[str, list[Any]] = {name: [] for name in ("state", "action", "next_state", "jacobian", "episode", "t")}
    for episode in range(episodes):
        quaternion = rng.normal(size=4)
        flat = episode % 2 == 1
        speed = np.array([0.0, 0.0, 5.0]) if flat else rng.uniform(1, 2, 3)
        state = np.concatenate([[5.0 if flat else rng.normal()], quaternion / np.linalg.norm(quaternion), speed])
        for t in range(steps):
            action = rng.uniform(-1, 1, 4) * ([1, 0, 0, 1] if flat else [1, 1, 1, 1])
            following = np.array(step(state, action))
            following[1:5] /= np.linalg.norm(following[1:5])
            found = (state.copy(), action, following, jacobian(state, action), episode, t)
            for name, value in zip(rows, found, strict=True):
                rows[name].append(value)
            state = following
    arrays = {name: np.array(values) for name, values in rows.items()}
    both = arrays.pop("jacobian")
    return arrays | {
        "jac_state": both[:, :, :7],
        "jac_action": both[:, :, 7:],
        "constraint_active": arrays["state"][:, :1] < 0,
        "finite": np.ones(len(both), dtype=bool),
    }


def store(path: Path, arrays: dict[str, Any]) -> None:
    """Write the arrays as a data set of two episodes a block."""
    steps, count = int(arrays["t"].max()) + 1, len(arrays["t"])
    description = DatasetDescription(
        environment="Spinning",
        state_names=NAMES,
        state_units=("m", "", "", "", "", *["rad/s"] * 3),
        action_names=("lift", "x", "y", "z"),
        action_low=(-1.0,) * 4,
        action_high=(1.0,) * 4,
        constraint_names=("floor",),
        nv=1,
        rows=count,
        episode_steps=steps,
        episodes_per_block=2,
        policy={"name": "toy", "family": "uniform", "sha256": None},
        seed=0,
        substeps=1,
        dt=H,
        quaternions=(1,),
    )
    none = np.zeros(count, dtype=bool)
    whole = {
        **arrays,
        "action_raw": arrays["action"],
        "warmstart": np.zeros((count, 1)),
        "reward": np.zeros(count),
        "terminated": none,
        "truncated": arrays["t"] == steps - 1,
        "constraint_active_start": arrays["constraint_active"],
        "solver_residual": np.zeros(count),
    }
    with create_dataset(path, description) as writer:
        for block in writer.missing:
            rows = description.block_rows(block)
            writer.commit(block, {name: whole[name][rows] for name in description.fields()})
