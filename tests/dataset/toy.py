"""A toy system in NumPy alone, collected block by block: a block depends on the seed and its number alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dynsparse.dataset import DatasetDescription, create_dataset

# Two masses of different damping, one action that moves the second only: no element equals its transpose.
A = np.array([[0.9, 0.1, 0.0], [0.0, 0.8, 0.3], [0.2, 0.0, 0.7]])
B = np.array([[0.0, 0.1], [0.5, 0.0], [0.0, -0.4]])


def describe(**changed: Any) -> DatasetDescription:
    """Return the description of a toy data set: 3 states, 2 actions, 13 rows in episodes of 3, 5, the last one of 1."""
    values: dict[str, Any] = {
        "environment": "Toy",
        "state_names": ("x", "y", "z"),
        "state_units": ("m", "m/s", "rad"),
        "action_names": ("push", "turn"),
        "action_low": (-1.0, -np.inf),
        "action_high": (1.0, np.inf),
        "constraint_names": ("limit x", "limit y", "pair", "floor"),
        "nv": 1,
        "rows": 13,
        "episode_steps": 3,
        "episodes_per_block": 2,
        "policy": {"name": "toy", "family": "uniform", "sha256": None},
        "seed": 7,
        "substeps": 2,
        "dt": 0.02,
        "versions": {"toy": "1.0", "zarr": "3"},
        "environment_config": {"task": {"mass": 2.0}},
    }
    return DatasetDescription(**{**values, **changed})


def block_arrays(description: DatasetDescription, block: int) -> dict[str, np.ndarray]:
    """Return every field of a block."""
    episodes, rows = description.block_episodes(block), description.block_rows(block)
    shown = {name: [] for name in description.fields()}
    for episode in episodes:
        steps = min(description.episode_steps, description.rows - episode * description.episode_steps)
        for name, array in _episode(description, episode, steps).items():
            shown[name].append(array)
    arrays = {name: np.concatenate(parts) for name, parts in shown.items()}
    assert len(arrays["state"]) == rows.stop - rows.start
    return arrays


def _episode(description: DatasetDescription, episode: int, steps: int) -> dict[str, np.ndarray]:
    draws = np.random.default_rng([description.seed, episode])
    ds, da = description.state_dim, description.action_dim
    raw = draws.normal(size=(steps, da)) * 2
    action = np.clip(raw, description.action_low, description.action_high)
    matrix, forcing = np.resize(A, (ds, ds)), np.resize(B, (ds, da))
    states = [draws.normal(size=ds)]
    for t in range(steps):
        states.append(matrix @ np.tanh(states[-1]) + forcing @ action[t])
    states = np.array(states)
    slopes = 1 - np.tanh(states[:-1]) ** 2
    at = np.arange(steps)
    active = draws.random((steps, len(description.constraint_names))) < 0.5
    arrays: dict[str, np.ndarray] = {
        "state": states[:-1],
        "next_state": states[1:],
        "action": action,
        "action_raw": raw,
        "warmstart": draws.normal(size=(steps, description.nv)),
        "jac_state": matrix * slopes[:, None, :],
        "jac_action": np.tile(forcing, (steps, 1, 1)),
        "reward": draws.random(steps),
        "terminated": np.zeros(steps, dtype=bool),
        "truncated": at == steps - 1,
        "episode": np.full(steps, episode),
        "t": at,
        "constraint_active": active,
        "constraint_active_start": active & (draws.random(active.shape) < 0.5),
        "mocap_pos": draws.normal(size=(steps, description.nmocap, 3)),
        "mocap_quat": draws.normal(size=(steps, description.nmocap, 4)),
        "penetrating": draws.random(steps) < 0.5,
        "solver_residual": draws.random(steps) * 1e-10,
        "finite": np.ones(steps, dtype=bool),
    }
    if episode == 1 and ds > 1:  # one row whose derivative is broken
        arrays["jac_state"][-1, 0, 1] = np.nan
        arrays["finite"][-1] = False
    fields = description.fields()
    return {
        name: array.astype(fields[name].dtype) if fields[name].is_float else array
        for name, array in arrays.items()
        if name in fields
    }


def collect(path: Path, description: DatasetDescription, **options: Any) -> None:
    """Collect a toy data set, or the blocks that are missing."""
    with create_dataset(path, description, **options) as writer:
        for block in writer.missing:
            writer.commit(block, block_arrays(description, block))


def contents(path: Path) -> Mapping[str, bytes]:
    """Return the content of every file below a folder."""
    return {p.relative_to(path).as_posix(): p.read_bytes() for p in sorted(path.rglob("*")) if p.is_file()}


def all_rows(description: DatasetDescription) -> dict[str, np.ndarray]:
    """Return every row of a data set as it is collected."""
    blocks = [block_arrays(description, block) for block in range(description.blocks)]
    return {name: np.concatenate([block[name] for block in blocks]) for name in description.fields()}
