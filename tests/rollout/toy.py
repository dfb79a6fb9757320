"""A data set of one joint, whose rows are made by hand."""

from __future__ import annotations

import numpy as np

from dynsparse.dataset import DatasetDescription


def description(rows=11, steps=3, per_block=2, states="rollout"):
    return DatasetDescription(
        environment="Toy",
        state_names=("qpos x", "qvel x"),
        state_units=("m", "m/s"),
        action_names=("u",),
        action_low=(-1.0,),
        action_high=(1.0,),
        constraint_names=("joint limit x",),
        nv=1,
        rows=rows,
        episode_steps=steps,
        episodes_per_block=per_block,
        policy={"name": "random", "family": "uniform, held", "sha256": None},
        seed=0,
        substeps=1,
        dt=0.1,
        states=states,
    )


def made(episodes, first=0, steps=3, episode_steps=3, rows=11):
    """Return rows whose state says which episode and step they are, (100 e + t, -t), up to the data set's last one."""
    numbers = [(e, t) for e in episodes for t in range(first, first + steps) if e * episode_steps + t < rows]
    state = np.array([[100.0 * e + t, -t] for e, t in numbers])
    action = state[:, :1] / 1000
    flags = np.zeros((len(state), 1), dtype=bool)
    return {
        "state": state,
        "next_state": state + np.array([1.0, -1.0]),
        "action": action,
        "action_raw": 2 * action,
        "warmstart": state[:, 1:],
        "next_warmstart": state[:, 1:] - 1,
        "mocap_pos": np.zeros((len(state), 0, 3)),
        "mocap_quat": np.zeros((len(state), 0, 4)),
        "jac_state": np.repeat(state[:, :, None], 2, axis=2),
        "jac_action": state[:, :, None],
        "reward": state[:, 0],
        "solver_residual": np.zeros(len(state)),
        "constraint_active": flags,
        "constraint_active_start": flags,
    }
