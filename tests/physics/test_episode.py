"""Several control steps in one call: the same code for one step and for many, against steps taken one by one."""

from __future__ import annotations

import jax
import numpy as np

from dynsparse.physics.engine import BatchSizes, Engine
from dynsparse.physics.episode import STEPS, EpisodeFunction

from .hand_models import ARM, arm_rows, build


def test_many_steps_are_single_ones_to_the_bit_whoever_stands_beside():
    env = build(ARM)
    engine = Engine(env.model, env.substeps, sizes=BatchSizes(value=4))
    run = EpisodeFunction(engine.simulator, 4)
    states, _ = arm_rows(6)
    steps = STEPS + 5  # more than one call takes
    actions = np.random.default_rng(0).uniform(-1, 1, (6, steps, 2))
    starts = np.zeros((6, env.nv))
    together = run(states, actions, starts)  # six rows: a full call and a padded one
    assert together.qpos.shape == (6, steps, 4)
    assert together.calls.acceleration.shape == (6, steps, env.substeps, 1, env.nv)

    alone = run(states[4:5], actions[4:5], starts[4:5])
    for one, all_ in zip(jax.tree.leaves(alone), jax.tree.leaves(together), strict=True):
        np.testing.assert_array_equal(one[0], all_[4])

    state, warmstart = states, starts
    for t in range(steps):
        single = run(state, actions[:, t : t + 1], warmstart)
        for one, all_ in zip(jax.tree.leaves(single), jax.tree.leaves(together), strict=True):
            np.testing.assert_array_equal(one[:, 0], all_[:, t])
        if t < 3:
            # Another compilation of the same step: equal but for round-off, not yet blown up by contacts.
            other = engine.step(state, actions[:, t], warmstart)
            np.testing.assert_allclose(single.qvel[:, 0], other.qvel, rtol=1e-9, atol=1e-9)
            np.testing.assert_array_equal(single.calls.active[:, 0], other.calls.active)
        state = np.concatenate([single.qpos[:, 0], single.qvel[:, 0]], axis=1)
        warmstart = single.warmstart[:, 0]
