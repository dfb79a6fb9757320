from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from dynsparse.errors import SettingError
from dynsparse.rollout.policies import initial_key, random_actions

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
    free = SimpleNamespace(name="Free", action_dim=1, action_low=np.array([-np.inf]), action_high=np.array([np.inf]))
    with pytest.raises(SettingError, match="bounded control range, Free"):
        random_actions(free, 1, 1, 0, 1)
