"""Start, observation and reward against Playground's own step, run as its users run it."""

from __future__ import annotations

import numpy as np
import pytest

from dynsparse.errors import UnsupportedModelError
from dynsparse.physics.engine import BatchSizes, Engine
from dynsparse.physics.task import LastSubstep, Task

from .hand_models import ARM, build


@pytest.mark.parametrize("name", ["ReacherHard", "CartpoleBalance"])
def test_rewards_and_observations_are_playgrounds(loaded, name):
    import jax

    env = loaded(name)
    task = Task(env, observed_rows=2, rewarded_rows=4)
    engine = Engine(env.model, env.substeps, sizes=BatchSizes(value=4))
    starts = [task.start(key) for key in (3, 4)]
    rng = np.random.default_rng(0)
    actions = rng.uniform(env.action_low, env.action_high, (6, 2, env.action_dim))
    with jax.enable_x64(True):
        reset, step = jax.jit(env.playground.reset), jax.jit(env.playground.step)
    for which, start in enumerate(starts):
        with jax.enable_x64(True), jax.threefry_partitionable(True):
            theirs = reset(jax.random.PRNGKey(3 + which, impl="threefry2x32"))
        np.testing.assert_array_equal(start.observation, theirs.obs)
        np.testing.assert_array_equal(start.state[: env.nq], theirs.data.qpos)
        state, warmstart = start.state[None], start.warmstart[None]
        for action in actions[:, which]:
            value = engine.step(state, action[None], warmstart)
            calls = value.calls
            last = LastSubstep(
                calls.qpos[:, -1, 0], calls.qvel[:, -1, 0], calls.warmstart[:, -1, 0], action[None],
                value.qpos, value.qvel, start.mocap_pos[None], start.mocap_quat[None],
            )  # fmt: skip
            reward, observation = task.observe(last)
            with jax.enable_x64(True):
                theirs = step(theirs, action)
            # Playground's observation mixes positions before the last substep with velocities after it, as here.
            np.testing.assert_allclose(observation[0], theirs.obs, atol=1e-9)
            np.testing.assert_allclose(reward[0], theirs.reward, atol=1e-9)
            np.testing.assert_allclose(task.rewards(last), reward, atol=1e-12)
            state, warmstart = np.concatenate([value.qpos, value.qvel], axis=1), value.warmstart
    assert not np.array_equal(starts[0].state, starts[1].state)
    assert task.observation_dim == len(starts[0].observation)


def test_a_bare_model_has_no_task():
    with pytest.raises(UnsupportedModelError, match="is a model without a task"):
        Task(build(ARM))
