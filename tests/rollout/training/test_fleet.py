"""Episodes side by side: against those that a collection runs, and against themselves after a stop."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from dynsparse.physics.environment import float64_on_cpu, load_environment
from dynsparse.physics.simulator import build_simulator
from dynsparse.physics.stepping import StepFunction
from dynsparse.physics.task import Task
from dynsparse.rollout.collector import Collector
from dynsparse.rollout.policies import initial_key, random_actions
from dynsparse.rollout.settings import CollectSettings
from dynsparse.rollout.training.fleet import Fleet, draw_starts

EPISODES, STEPS = 6, 12


@pytest.fixture(scope="module")
def world(shared_cache):
    env = load_environment("CartpoleBalance")
    with float64_on_cpu():
        run = StepFunction(build_simulator(env.model, env.substeps), rows=128)
    return SimpleNamespace(env=env, task=Task(env, observed_rows=128), run=run)


@pytest.fixture(scope="module")
def starts(world):
    """Where a collection begins its episodes."""
    found = world.task.starts([initial_key(world.env, 0, episode) for episode in range(EPISODES)])
    names = ("state", "warmstart", "observation", "mocap_pos", "mocap_quat")
    return {name: np.stack([getattr(start, name) for start in found]) for name in names}


@pytest.fixture
def fleet(world, starts):
    def make(copies=1, steps=STEPS, seed=0, of=starts):
        several = {name: np.repeat(array, copies, axis=0) for name, array in of.items()}
        return Fleet(world.env, world.task, world.run, several, steps, np.random.default_rng(seed))

    return make


def drawn(count, steps=STEPS):
    """(steps, count, 1) actions, of which some lie outside the control range."""
    return np.random.default_rng(5).uniform(-1.5, 1.5, (steps, count, 1))


def is_a_start(rows, starts):
    return (rows[:, None] == starts[None]).all(axis=2).any(axis=1)


def test_rewards_are_those_of_a_collection_bit_for_bit(world, fleet):
    with Collector(world.env, CollectSettings(rows=1, episode_steps=STEPS), workers=1) as collector:
        theirs = collector.roll_out(EPISODES, STEPS)
    ours = fleet()
    actions = random_actions(world.env, EPISODES, STEPS, seed=0, hold=5)
    steps = [ours.step(actions[:, t]) for t in range(STEPS)]
    np.testing.assert_array_equal(np.stack([s.reward for s in steps], axis=1), theirs.reward.astype(np.float32))
    np.testing.assert_array_equal(
        [s.truncated for s in steps], np.outer(np.arange(STEPS) == STEPS - 1, np.ones(EPISODES))
    )
    assert not any(s.terminated.any() for s in steps)
    np.testing.assert_array_equal(ours.returns(), np.cumsum(theirs.reward, axis=1)[:, -1])
    assert ours.returns().size == 0  # handed out once


def test_an_action_is_clipped_to_the_control_range(fleet):
    one, other = fleet(), fleet()
    actions = drawn(EPISODES)[0]
    assert (np.abs(actions) > 1).any()
    np.testing.assert_array_equal(
        one.step(actions).next_observation, other.step(np.clip(actions, -1, 1)).next_observation
    )


def test_an_episode_that_is_over_begins_anew_from_one_of_the_starts(fleet, starts):
    ours = fleet(copies=4)
    for actions in drawn(4 * EPISODES):
        step = ours.step(actions)
        if not step.truncated.any():
            np.testing.assert_array_equal(ours.observation, step.next_observation)
    assert step.truncated.all()
    assert not is_a_start(step.next_observation, starts["observation"].astype(np.float32)).any()  # what came before it
    at = ours.arrays()
    assert is_a_start(at["state"], starts["state"]).all()
    assert (at["state"] != np.repeat(starts["state"], 4, axis=0)).any()  # not each from its own
    assert is_a_start(ours.observation, starts["observation"].astype(np.float32)).all()
    assert not at["age"].any() and not at["return"].any()


def test_episodes_that_began_in_the_middle_do_not_count(fleet):
    count = 8 * EPISODES
    ours = fleet(copies=8)
    ours.scatter()
    age = ours.arrays()["age"].copy()
    assert (age.min(), age.max()) == (0, STEPS - 1)
    over = np.stack([ours.step(actions).truncated for actions in drawn(count)])
    # Each is over once, when it is twelve steps old; those that began at age 0 alone are told.
    np.testing.assert_array_equal(over, age[None] + np.arange(1, STEPS + 1)[:, None] == STEPS)
    assert len(ours.returns()) == (age == 0).sum() < count
    for actions in drawn(count):
        ours.step(actions)
    assert len(ours.returns()) == count


def test_a_row_that_went_to_nan_is_over_without_reward_and_the_others_go_on(fleet, starts):
    ours, sound = fleet(steps=100), fleet(steps=100)
    actions = drawn(EPISODES, 5)
    earned = sum(ours.step(action).reward.astype(np.float64)[2] for action in actions[:3])
    broken = {name: array.copy() for name, array in ours.arrays().items()}
    sound.restore(broken)
    broken["state"][2, -1] = np.nan
    ours.restore(broken)
    step, other = ours.step(actions[3]), sound.step(actions[3])
    assert (step.reward[2], step.terminated.tolist()) == (0.0, [0, 0, 1, 0, 0, 0])
    assert not step.truncated.any() and not step.next_observation[2].any()
    assert is_a_start(ours.arrays()["state"][2:3], starts["state"]).all()
    np.testing.assert_allclose(ours.returns(), earned, rtol=1e-6)  # what it had until then; summed here from float32
    others = [0, 1, 3, 4, 5]
    for _ in range(2):
        for mine, theirs in zip(step, other, strict=True):
            np.testing.assert_array_equal(mine[others], theirs[others])
        step, other = ours.step(actions[4]), sound.step(actions[4])
    assert np.isfinite(step.reward).all()


def test_a_fleet_goes_on_where_another_one_stood(fleet, starts):
    ours = fleet(copies=2)
    ours.scatter()
    for actions in drawn(2 * EPISODES, 5):
        ours.step(actions)
    ours.returns()
    kept = {name: array.copy() for name, array in ours.arrays().items()}
    # Of other starts; its generator stands where that of the first one does.
    other = fleet(copies=2, of={name: array[::-1] + 0.5 for name, array in starts.items()})
    other.scatter()
    other._rng.bit_generator.state = ours._rng.bit_generator.state
    other.restore(kept)
    for actions in drawn(2 * EPISODES, 2 * STEPS):
        for mine, theirs in zip(ours.step(actions), other.step(actions), strict=True):
            np.testing.assert_array_equal(mine, theirs)
    returns = ours.returns()
    assert len(returns) > EPISODES
    np.testing.assert_array_equal(returns, other.returns())


def test_what_was_taken_stays_as_it_was(fleet):
    ours = fleet(copies=2)
    ours.scatter()
    taken = ours.arrays()
    before = {name: array.copy() for name, array in taken.items()}
    for actions in drawn(2 * EPISODES):
        ours.step(actions)
    for name, array in before.items():
        np.testing.assert_array_equal(taken[name], array, err_msg=name)


def test_starts_are_drawn_from_the_generator_and_all_differ(world):
    found = draw_starts(world.task, 5, np.random.default_rng(1))
    again = draw_starts(world.task, 5, np.random.default_rng(1))
    assert found["state"].shape == (5, world.env.state_dim)
    assert len(np.unique(found["state"], axis=0)) == 5
    for name, array in found.items():
        np.testing.assert_array_equal(array, again[name])
    keys = np.random.default_rng(1).integers(0, 2**62, 5).tolist()
    np.testing.assert_array_equal(found["state"][4], world.task.start(keys[4]).state)
