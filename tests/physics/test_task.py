"""Start, observation and reward against Playground's own step, run as its users run it."""

from __future__ import annotations

import numpy as np
import pytest

from dynsparse.errors import UnsupportedModelError
from dynsparse.physics.batch import Compilation
from dynsparse.physics.engine import BatchSizes, Engine
from dynsparse.physics.sources.names import ALL_ENVIRONMENT_NAMES
from dynsparse.physics.task import LastSubstep, Task
from dynsparse.physics.tasks import observation_dim

from .hand_models import ARM, build

QUICKLY = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
"""Most of the time of a test goes into compiling what then runs a few times."""


# A hinge; a quaternion.
@pytest.mark.parametrize("name", ["PendulumSwingup", pytest.param("FishSwim", marks=pytest.mark.long)])
def test_rewards_and_observations_are_playgrounds(loaded, name):
    import jax

    env = loaded(name)
    task = Task(env, observed_rows=2, rewarded_rows=4, compilation=Compilation(QUICKLY))
    engine = Engine(env.model, env.substeps, sizes=BatchSizes(value=4), compilation=Compilation(QUICKLY))
    starts = [task.start(key) for key in (3, 4)]
    rng = np.random.default_rng(0)
    actions = rng.uniform(env.action_low, env.action_high, (6, 2, env.action_dim))
    with jax.enable_x64(True):
        reset, step = (jax.jit(f, compiler_options=QUICKLY) for f in (env.playground.reset, env.playground.step))
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


@pytest.mark.parametrize("name", ALL_ENVIRONMENT_NAMES)
def test_every_tasks_reward_and_observation_need_no_more_than_a_row(loaded, name, monkeypatch):
    """All 25: what they return beside Playground's own reset, in shape; the step between is traced elsewhere."""
    import jax

    for function in ("step", "forward"):  # which take seconds to trace
        monkeypatch.setattr(f"mujoco.mjx.{function}", lambda _model, data: data)
    env = loaded(name)
    task = Task(env)
    with jax.enable_x64(True):
        theirs = jax.eval_shape(env.playground.reset, jax.random.PRNGKey(0))
        row = [np.zeros(n) for n in (env.nq, env.nv, env.nv, env.nu, env.nq, env.nv)]
        mocap = np.zeros((env.nmocap, 3)), np.zeros((env.nmocap, 4))
        reward, observation = jax.eval_shape(lambda *last: task._observed(True, *last), *row, *mocap)
    assert reward.shape == () == theirs.reward.shape
    assert observation.shape == theirs.obs.shape == (task.observation_dim,) == (observation_dim(env),)
    assert env.is_rewarded and env.state_dim == env.tangent_dim + len(env.space.quaternions)


def test_a_bare_model_has_no_task():
    with pytest.raises(UnsupportedModelError, match="is a model without a task"):
        Task(build(ARM))
