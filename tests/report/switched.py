"""A switched linear system whose zeros, durations and switches are known by hand.

Two states, one action, two episodes of 64 control steps.  The mode changes every 8 steps, A first:

    A: ds'/ds = [1 0]   ds'/da = [1e-6]      B: ds'/ds = [1 2]   ds'/da = [1e-6]
                [0 1]            [   0]                [0 1]            [   3]

- Always zero: one element, ds1'/ds0.  Zero in mode A only: ds0'/ds1 and ds1'/da.  Never: the other three.
- Zeros in a row: A 3 of 6 (state 2 of 4, action 1 of 2), B 1 of 6 (state 1 of 4, action none).
- Zero stretches: 2 elements x 4 x 2 episodes = 16 of 8 steps, 4 at an episode's start; 2 as long as the episode.
- Non-zero ones: 16 of 8 steps, 4 at an episode's end; 3 elements x 2 episodes = 6 as long as the episode.
- The pattern switches 7 times in 63 pairs of steps.
"""

from __future__ import annotations

import numpy as np

from dynsparse.analysis import ArrayRows, RowDescription, analyze

STEPS, EPISODES, HOLD = 64, 2, 8


def switched_report(environment="Switched", *, states="rollout", audit=None, missing=(), steps=STEPS, names=None):
    """Analyse the system; ``missing`` are rows to be made not finite."""
    t = np.tile(np.arange(steps), EPISODES)
    in_b = (t // HOLD) % 2 == 1
    jac_state = np.zeros((len(t), 2, 2))
    jac_state[:, 0, 0] = jac_state[:, 1, 1] = 1.0
    jac_state[in_b, 0, 1] = 2.0
    jac_action = np.zeros((len(t), 2, 1))
    jac_action[:, 0, 0] = 1e-6
    jac_action[in_b, 1, 0] = 3.0
    jac_state[list(missing), 0, 0] = np.nan
    episode = np.repeat(np.arange(EPISODES), steps)
    if states == "coverage":
        episode, t, steps = np.arange(len(t)), np.zeros_like(t), 1
    description = RowDescription(
        environment, names or ("qpos a", "qvel a"), ("push",), {"name": "random"}, "exact", steps, states
    )
    finite = np.isfinite(jac_state).all(axis=(1, 2))
    arrays = {"jac_state": jac_state, "jac_action": jac_action, "finite": finite, "episode": episode, "t": t}
    record = {"command": "dynsparse analyze data --out out", "seed": 0, "versions": {"numpy": "2", "jax": None}}
    return analyze(ArrayRows(description, arrays), audit=audit, provenance=record)
