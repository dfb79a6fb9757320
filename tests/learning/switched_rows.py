"""A toy system whose zeros depend on the state: 3 state variables, 2 actions, contact where the first is above 0."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dynsparse.dataset import DatasetDescription, create_dataset
from dynsparse.learning.normalizer import Normalizer
from dynsparse.learning.scored_rows import ScoredRows

# Two elements change, (1, 2) and (2, 3); six never depend; no element equals its transpose.
CHANGING = np.array([[0, 0, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 1, 0]], dtype=bool)


def step(state, action):
    """(3,) next state, in NumPy alone."""
    contact = float(state[0] > 0)
    return np.array(
        [
            0.9 * state[0] - 0.4 * np.sin(state[1]),
            0.8 * state[1] + 0.5 * action[0] + contact * 0.3 * state[2],
            0.7 * np.tanh(state[2]) + contact * 2.0 * action[0] + 0.1 * action[1],
        ]
    )


def jacobian(state, action):
    """(3, 5) its derivative, by hand."""
    contact = float(state[0] > 0)
    return np.array(
        [
            [0.9, -0.4 * np.cos(state[1]), 0, 0, 0],
            [0, 0.8, 0.3 * contact, 0.5, 0],
            [0, 0, 0.7 * (1 - np.tanh(state[2]) ** 2), 2.0 * contact, 0.1],
        ]
    )


def made_arrays(episodes: int = 6, steps: int = 20, seed: int = 0, nonfinite: tuple[int, ...] = ()) -> dict[str, Any]:
    """Return whole episodes, every field that scoring reads."""
    rng = np.random.default_rng(seed)
    rows: dict[str, list[Any]] = {name: [] for name in ("state", "action", "next_state", "jacobian", "episode", "t")}
    for episode in range(episodes):
        state = rng.normal(size=3)
        for t in range(steps):
            action = rng.uniform(-1, 1, 2)
            following = step(state, action)
            found = (state, action, following, jacobian(state, action), episode, t)
            for name, value in zip(rows, found, strict=True):
                rows[name].append(value)
            state = following
    arrays = {name: np.array(values) for name, values in rows.items()}
    both = arrays.pop("jacobian")
    contact = arrays["state"][:, 0] > 0
    finite = np.ones(len(both), dtype=bool)
    finite[list(nonfinite)] = False
    both[~finite, 0, 1] = np.nan
    return arrays | {
        "jac_state": both[:, :, :3],
        "jac_action": both[:, :, 3:],
        # Of two constraints only the second ever acts.
        "constraint_active": np.stack([np.zeros_like(contact), contact], axis=1),
        "finite": finite,
    }


def scored(arrays: Mapping[str, Any], index: Any = None, **changed: Any) -> ScoredRows:
    """Return rows to score, by default all finite ones, which are the training rows too."""
    finite = arrays["finite"]
    chosen = np.flatnonzero(finite) if index is None else np.asarray(index)
    both = np.concatenate([arrays["jac_state"], arrays["jac_action"]], axis=2)[finite]
    zero = np.abs(both) < 1e-12
    known: dict[str, Any] = {
        "normalizer": Normalizer.fit([{n: arrays[n][finite] for n in ("state", "action", "next_state")}]),
        "training_zero_frequency": zero.mean(axis=0),
        "changing": zero.any(axis=0) & ~zero.all(axis=0),
        "environment": "Toy",
        "policy": "toy",
    }
    return ScoredRows.from_arrays(arrays, chosen, **{**known, **changed})


def store(path: Path, arrays: Mapping[str, Any]) -> None:
    """Write the arrays as a data set of two episodes a block."""
    episodes, steps = int(arrays["episode"][-1]) + 1, int(arrays["t"].max()) + 1
    description = DatasetDescription(
        environment="Toy",
        state_names=("x", "y", "z"),
        state_units=("m", "m/s", "rad"),
        action_names=("push", "turn"),
        action_low=(-1.0, -1.0),
        action_high=(1.0, 1.0),
        constraint_names=("never", "floor"),
        nv=1,
        rows=len(arrays["t"]),
        episode_steps=steps,
        episodes_per_block=2,
        policy={"name": "toy", "family": "uniform", "sha256": None},
        seed=0,
        substeps=1,
        dt=0.01,
    )
    none = np.zeros(len(arrays["t"]), dtype=bool)
    whole = {
        **arrays,
        "action_raw": arrays["action"],
        "warmstart": np.zeros((len(none), 1)),
        "reward": np.zeros(len(none)),
        "terminated": none,
        "truncated": arrays["t"] == steps - 1,
        "constraint_active_start": arrays["constraint_active"],
        "solver_residual": np.zeros(len(none)),
    }
    assert description.episodes == episodes
    with create_dataset(path, description) as writer:
        for block in writer.missing:
            rows = description.block_rows(block)
            writer.commit(block, {name: whole[name][rows] for name in description.fields()})
