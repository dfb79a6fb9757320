"""A made-up data set on disk, written by the library's own writer; its zeros, switches and contacts are known by hand.

Four state variables, two actions, so that no element's place equals its transpose's.  Two episodes of 40 steps; the
mode changes every 8 steps, A first.  In mode B, and only then, ``contact foot-floor`` is active and two elements are
not zero: next ``qvel leg`` by ``qpos leg`` and next ``qvel cart`` by ``turn``.  Step 21 of episode 0 is not finite.

- Always zero: next of all others by ``qpos cart``, 3 elements.
- Of 24 elements 5 are zero in mode A and 3 in mode B; the pattern switches at 8, 16, 24 and 32.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from dynsparse.dataset import DatasetDescription, create_dataset, finite_rows

STATES = ("qpos cart", "qpos leg", "qvel cart", "qvel leg")
ACTIONS = ("push", "turn")
CONSTRAINTS = ("joint limit leg", "contact foot-floor")
STEPS, EPISODES, HOLD, BROKEN = 40, 2, 8, 21


def describe(environment: str = "Hopper", **changed: Any) -> DatasetDescription:
    """Return the description of such a data set."""
    values: dict[str, Any] = {
        "environment": environment,
        "state_names": STATES,
        "state_units": ("m", "rad", "m/s", "rad/s"),
        "action_names": ACTIONS,
        "action_low": (-1.0, -1.0),
        "action_high": (1.0, 1.0),
        "constraint_names": CONSTRAINTS,
        "nv": 2,
        "rows": STEPS * EPISODES,
        "episode_steps": STEPS,
        "episodes_per_block": 1,
        "policy": {"name": "paper", "family": "uniform", "sha256": None},
        "seed": 3,
        "substeps": 1,
        "dt": 0.02,
    }
    return DatasetDescription(**{**values, **changed})


def episode_arrays(description: DatasetDescription, episode: int, steps: int) -> dict[str, np.ndarray]:
    """Return every field of an episode."""
    draws = np.random.default_rng([description.seed, episode])
    states = draws.normal(size=(steps + 1, 4))
    action = draws.uniform(-1, 1, size=(steps, 2))
    jacobian = 10.0 ** draws.uniform(-9, 2, size=(steps, 4, 6)) * np.where(draws.random((steps, 4, 6)) < 0.5, -1, 1)
    jacobian[:, 1:, 0] = 0.0
    jacobian[:, 1, 0] = 1e-17  # below the threshold is zero too
    mode_a = (np.arange(steps) // HOLD) % 2 == 0
    jacobian[mode_a, 3, 1] = jacobian[mode_a, 2, 5] = 0.0
    active = np.stack([np.zeros(steps, dtype=bool), ~mode_a], axis=1)
    if episode == 0 and steps > BROKEN:
        jacobian[BROKEN, 0, 1] = np.nan
    arrays = {
        "state": states[:-1], "next_state": states[1:], "action": action, "action_raw": action,
        "warmstart": np.zeros((steps, 2)), "jac_state": jacobian[:, :, :4], "jac_action": jacobian[:, :, 4:],
        "reward": draws.random(steps), "terminated": np.zeros(steps, dtype=bool),
        "truncated": np.arange(steps) == steps - 1, "episode": np.full(steps, episode), "t": np.arange(steps),
        "constraint_active": active, "constraint_active_start": active,
        "penetrating": np.zeros(steps, dtype=bool), "solver_residual": np.zeros(steps),
    }  # fmt: skip
    arrays = {name: array for name, array in arrays.items() if name in description.fields()}
    return arrays | {"finite": finite_rows(arrays)}


def store(path: Path, environment: str = "Hopper", **changed: Any) -> Path:
    """Write a data set, and return its folder."""
    description = describe(environment, **changed)
    with create_dataset(path, description) as writer:
        for block in writer.missing:
            parts = [
                episode_arrays(description, episode, min(description.episode_steps, description.rows))
                for episode in description.block_episodes(block)
            ]
            writer.commit(block, {name: np.concatenate([part[name] for part in parts]) for name in parts[0]})
    return path
