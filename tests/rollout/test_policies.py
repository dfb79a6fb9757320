from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from dynsparse.errors import SettingError
from dynsparse.rollout.policies import (
    coverage_stream,
    initial_key,
    policy_noise,
    random_actions,
    random_actions_of,
)

ENV = SimpleNamespace(name="Toy", action_dim=2, action_low=np.array([-1.0, 0.0]), action_high=np.array([1.0, 5.0]))


def test_actions_fill_the_control_range_and_stay_inside():
    actions = random_actions(ENV, 20, 100, seed=0, hold=1)
    assert actions.shape == (20, 100, 2)
    low, high = actions.min(axis=(0, 1)), actions.max(axis=(0, 1))
    assert (low >= ENV.action_low).all()
    assert (high <= ENV.action_high).all()
    # 2,000 draws: the chance that none falls into the outer 2 % of a side is 0.98^2000 < 1e-17.
    assert (low < ENV.action_low + 0.02 * (ENV.action_high - ENV.action_low)).all()
    assert (high > ENV.action_high - 0.02 * (ENV.action_high - ENV.action_low)).all()


def test_actions_are_held():
    actions = random_actions(ENV, 1, 7, seed=0, hold=3)[0]
    changes = np.flatnonzero((np.diff(actions, axis=0) != 0).any(axis=1)) + 1
    assert changes.tolist() == [3, 6]


def test_an_episode_does_not_depend_on_the_others():
    few, many = random_actions(ENV, 2, 10, seed=5, hold=2), random_actions(ENV, 7, 10, seed=5, hold=2)
    assert np.array_equal(few, many[:2])
    assert not np.array_equal(many[0], many[1])


def test_the_seed_reaches_actions_and_initial_states():
    assert not np.array_equal(random_actions(ENV, 1, 10, 0, 2), random_actions(ENV, 1, 10, 1, 2))
    keys = {initial_key(ENV, seed, episode) for seed in range(10) for episode in range(10)}
    assert len(keys) == 100
    assert all(0 <= key < 2**63 for key in keys)
    assert initial_key(ENV, 3, 4) == initial_key(ENV, 3, 4)


def test_two_environments_of_one_model_get_different_rows():
    twin = SimpleNamespace(**{**vars(ENV), "name": "Twin"})
    assert not np.array_equal(random_actions(ENV, 1, 10, 0, 2), random_actions(twin, 1, 10, 0, 2))
    assert initial_key(ENV, 0, 0) != initial_key(twin, 0, 0)


def test_a_range_without_end_is_refused():
    low, high = np.array([-1.0, -np.inf, 0.0]), np.array([1.0, 1.0, np.inf])
    free = SimpleNamespace(
        name="Free", engine="mjx", action_dim=3, action_names=("a", "b", "c"), action_low=low, action_high=high
    )
    with pytest.raises(SettingError, match=r"Free has actuators without one: b, c; give each a ctrlrange"):
        random_actions(free, 1, 1, 0, 1)
    with pytest.raises(SettingError, match=r"Free has no bounds of b, c; pass action_low and action_high"):
        random_actions(SimpleNamespace(**{**vars(free), "engine": "function"}), 1, 1, 0, 1)


def test_one_episode_is_that_of_all_of_them():
    together = random_actions(ENV, 4, 11, seed=6, hold=3)
    for episode in (3, 0, 2):
        assert np.array_equal(random_actions_of(ENV, 6, episode, 11, 3), together[episode])
    assert random_actions_of(ENV, 6, 10**6, 2, 3).shape == (2, 2)


def test_a_longer_episode_begins_like_a_shorter_one():
    assert np.array_equal(random_actions_of(ENV, 1, 5, 40, 3)[:7], random_actions_of(ENV, 1, 5, 7, 3))
    assert np.array_equal(policy_noise("Toy", 1, 5, 40, 3)[:7], policy_noise("Toy", 1, 5, 7, 3))


@pytest.mark.parametrize(("steps", "hold", "named"), [(0, 1, "steps"), (1, 0, "hold"), (1, 1.5, "hold")])
def test_an_episode_without_steps_and_a_hold_of_none_are_refused(steps, hold, named):
    with pytest.raises(SettingError, match=f"{named} must be a whole number of at least 1"):
        random_actions_of(ENV, 0, 0, steps, hold)


def test_noise_is_standard_normal():
    noise = policy_noise("Toy", 0, 0, 4000, 2)
    assert (noise.shape, noise.dtype) == ((4000, 2), np.float32)
    # Standard error of a mean of 4,000 is 0.016, of a standard deviation 0.011, of a correlation 0.016: five of them.
    np.testing.assert_allclose(noise.mean(axis=0), 0.0, atol=0.08)
    np.testing.assert_allclose(noise.std(axis=0), 1.0, atol=0.06)
    assert abs(np.corrcoef(noise.T)[0, 1]) < 0.08


def test_streams_differ_by_seed_environment_episode_and_purpose():
    noises = [
        policy_noise("Toy", 0, 0, 3, 2),
        policy_noise("Toy", 1, 0, 3, 2),
        policy_noise("Twin", 0, 0, 3, 2),
        policy_noise("Toy", 0, 1, 3, 2),
    ]
    assert len({noise.tobytes() for noise in noises}) == len(noises)
    streams = [coverage_stream("Toy", 0), *(coverage_stream("Toy", seed, row) for seed in (0, 1) for row in (0, 1))]
    drawn = [int(stream.generate_state(1, np.uint64)[0]) for stream in streams]
    assert len({*drawn, initial_key(ENV, 0, 0), initial_key(ENV, 0, 1)}) == 7
