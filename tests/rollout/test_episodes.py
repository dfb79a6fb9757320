"""Episodes that are run and not differentiated are the rows of a collection, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest

from dynsparse.dataset import open_dataset
from dynsparse.errors import SettingError
from dynsparse.physics.environment import load_environment
from dynsparse.rollout.collect import fill_dataset
from dynsparse.rollout.collector import Collector
from dynsparse.rollout.episodes import EpisodesPlan
from dynsparse.rollout.plan import EPISODES_AT_ONCE, REQUEST_ROWS
from dynsparse.rollout.policy_file import save_policy
from dynsparse.rollout.policy_weights import PolicyWeights
from dynsparse.rollout.settings import CollectSettings

# Two groups, and two requests for each.
EPISODES, STEPS = 18, 140


@pytest.fixture(scope="module")
def cartpole(shared_cache):
    return load_environment("CartpoleBalance")


def write_policy(path):
    rng = np.random.default_rng(0)
    layers = tuple(
        (rng.normal(size=shape).astype(np.float32), rng.normal(size=shape[1]).astype(np.float32))
        for shape in ((5, 3), (3, 2))
    )
    return save_policy(path, PolicyWeights("tiny", "CartpoleBalance", "tanh-normal", "swish", layers))


@pytest.mark.parametrize("policy", ["random", "tiny.safetensors"])
def test_episodes_are_those_that_are_collected(policy, cartpole, own_folder):
    assert EPISODES_AT_ONCE < EPISODES and REQUEST_ROWS // EPISODES_AT_ONCE < STEPS
    write_policy("tiny.safetensors")
    settings = CollectSettings(EPISODES * STEPS, policy, seed=4, episode_steps=STEPS)
    with Collector(cartpole, settings, workers=1) as collector:
        fill_dataset(cartpole, settings, "data", collector)
        found = collector.roll_out(EPISODES, STEPS)
    rows = {name: x.reshape(EPISODES, STEPS, *x.shape[1:]) for name, x in open_dataset("data").load().items()}
    np.testing.assert_array_equal(found.state[:, :-1], rows["state"])
    np.testing.assert_array_equal(found.state[:, 1:], rows["next_state"])
    np.testing.assert_array_equal(found.action, rows["action"])
    np.testing.assert_array_equal(found.reward, rows["reward"])
    np.testing.assert_allclose(found.returns, rows["reward"].sum(axis=1), rtol=1e-12)
    assert len(np.unique(found.returns)) == EPISODES
    assert (found.mocap_pos.shape, found.mocap_quat.shape) == ((EPISODES, 0, 3), (EPISODES, 0, 4))


@pytest.mark.parametrize(("episodes", "steps", "named"), [(0, 5, "episodes"), (5, 0, "steps"), (1.5, 5, "episodes")])
def test_no_episode_and_no_step_are_refused(episodes, steps, named):
    with pytest.raises(SettingError, match=f"{named} must be a whole number of at least 1"):
        EpisodesPlan(episodes, steps)
