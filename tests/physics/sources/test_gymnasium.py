"""Gymnasium's MuJoCo tasks, as they are installed."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from dynsparse.errors import SettingError, UnknownEnvironmentError, UnsupportedModelError
from dynsparse.physics.engines import make_engine
from dynsparse.physics.environment import load_environment


def test_a_task_steps_and_starts_as_gymnasiums_own():
    import gymnasium

    env = load_environment("HalfCheetah-v5", derivative="finite-difference")
    task = gymnasium.make("HalfCheetah-v5").unwrapped
    assert (env.name, env.substeps, env.dt) == ("HalfCheetah-v5", task.frame_skip, task.dt) and not env.is_rewarded
    task.reset(seed=0)
    task.set_state(task.init_qpos + 0.05, task.init_qvel + 0.1)
    state, warmstart = np.concatenate([task.data.qpos, task.data.qvel]), task.data.qacc_warmstart.copy()
    action = np.linspace(-0.9, 0.9, 6)
    found = make_engine(env, "finite-difference").evaluate(state[None], action[None], warmstart[None])
    task.step(action.astype(np.float32))
    # Gymnasium's actions are float32.
    np.testing.assert_allclose(found.next_state[0], [*task.data.qpos, *task.data.qvel], atol=1e-4)
    starts = np.stack([env.sample_initial_state(key) for key in range(300)])
    assert np.abs(starts[:, :9] - task.init_qpos).max() <= 0.1 and 0.09 < starts[:, 9:].std() < 0.11
    task.close()


@pytest.mark.parametrize(("name", "noise", "law"), [("Hopper-v5", 0.005, "uniform"), ("Pusher-v5", 0.1, "normal")])
def test_each_task_has_its_own_noise_and_the_others_the_usual(name, noise, law):
    start = load_environment(name).source.start
    assert (start.position, start.velocity, start.law) == (noise, noise, law)
    assert load_environment(name, initial_noise=0.3).source.start.position == 0.3


def test_a_model_that_exact_can_not_take_opens_in_c():
    with pytest.raises(UnsupportedModelError, match=r'Humanoid-v5 .* the solver PGS.*derivative="finite-differ'):
        load_environment("Humanoid-v5")
    env = load_environment("Humanoid-v5", derivative="finite-difference")
    assert (env.engine, env.state_dim, env.tangent_dim) == ("mujoco-c", 47, 46)


def test_other_names_are_told():
    with pytest.raises(UnknownEnvironmentError, match=r"no task 'Cheetah-v5'; nearest: HalfCheetah-v4, HalfCheetah-v5"):
        load_environment("Cheetah-v5")
    told = r"CartPole-v1 is no MuJoCo task of Gymnasium's; these are: Ant-v5, .*Walker2d-v5$"
    with pytest.raises(UnknownEnvironmentError, match=told):
        load_environment("CartPole-v1")
    with pytest.raises(
        SettingError, match=r"substeps is for models of your own, got it with Ant-v5; its own frame_skip"
    ):
        load_environment("Ant-v5", substeps=3)


def test_without_gymnasium_the_install_line_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "gymnasium", None)
    with pytest.raises(UnknownEnvironmentError, match=r"pip install 'dynsparse\[gymnasium\]'"):
        load_environment("Ant-v5")
