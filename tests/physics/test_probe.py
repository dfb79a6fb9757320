from __future__ import annotations

import mujoco
import numpy as np
import pytest

from dynsparse.errors import SettingError
from dynsparse.physics import probe
from dynsparse.physics.environment import Environment, load_environment
from dynsparse.physics.linearization import Evaluation, Rollout
from dynsparse.physics.probe import ProbeRows, probe_rows, random_rows


class Drift:
    """Stands in for a Linearizer: positions drift, and a constraint pushes where a rule says so."""

    def __init__(self, nq: int, rule):
        self.nq, self.rule = nq, rule

    def evaluate(self, states, actions, warmstarts=None):
        ahead = states.copy()
        ahead[:, : self.nq] += 0.01 * states[:, self.nq :]
        still = np.zeros((len(states), self.nq))
        active = self.rule(states)
        return Evaluation(ahead, still, np.zeros(len(states)), active, active, active)

    def roll_out(self, initial_states, actions, warmstarts=None):
        states = [initial_states]
        for step in range(actions.shape[1]):
            states.append(self.evaluate(states[-1], actions[:, step]).next_state)
        joined = np.stack(states, axis=1)
        return Rollout(joined, np.zeros((*joined.shape[:2], self.nq)))


def kinds(states: np.ndarray, **where: np.ndarray) -> np.ndarray:
    active = np.zeros((len(states), 5), dtype=bool)
    for column, mask in where.items():
        active[:, int(column[1:])] = mask
    return active


def never(states):
    return kinds(states)


def at_the_rail(states):
    return kinds(states, k2=np.abs(states[:, 0]) > 1.8)


@pytest.fixture(scope="module")
def cartpole() -> Environment:
    return load_environment("CartpoleBalance")


def test_half_the_rows_are_ordinary_and_the_rest_have_an_active_constraint(cartpole):
    rows = probe_rows(cartpole, Drift(2, at_the_rail), 60, 0)
    assert len(rows) == 60
    assert (rows.origin[:30] == 0).all()
    assert rows.active[30:].any(axis=1).all()
    # Those were made to be at the limit: ordinary rows never reach it here.
    assert (rows.origin[30:] == 2).any()
    np.testing.assert_array_equal(rows.active, at_the_rail(rows.states))


def test_ordinary_rows_fill_up_where_no_constraint_ever_pushes(cartpole):
    rows = probe_rows(cartpole, Drift(2, never), 40, 0)
    assert (rows.origin == 0).all()
    assert len(np.unique(rows.states, axis=0)) == 40


def test_a_rare_kind_of_constraint_is_not_drowned_by_a_common_one():
    active = np.ones((100, 5), dtype=bool) & (np.arange(5) == 4)
    active[[70, 80, 90], 1] = True
    active[[70, 80, 90], 4] = False
    zero = np.zeros((100, 1))
    pool = ProbeRows(zero, zero, zero, np.repeat([0, 1], 50), active)
    chosen = probe._choose(pool, 20)
    assert len(set(chosen.tolist())) == 20
    np.testing.assert_array_equal(chosen[:10], np.arange(10))
    assert {70, 80, 90} <= set(chosen.tolist())


def test_the_seed_decides_everything(cartpole):
    first, again, other = (probe_rows(cartpole, Drift(2, at_the_rail), 20, seed) for seed in (3, 3, 4))
    for name in ("states", "actions", "warmstarts", "origin", "active"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
    assert not np.isin(first.states[:, 2], other.states[:, 2]).any()


def test_actions_stay_inside_the_control_range_and_are_held(cartpole):
    actions = probe._held_actions(cartpole, np.random.default_rng(0), 200, 100)
    assert actions.shape == (200, 100, 1)
    assert (np.abs(actions) <= 1.0).all()
    changes = (np.diff(actions[:, :, 0], axis=1) != 0).sum(axis=1)
    # Held for 1 to 10 steps: 9 to 99 changes in 100 steps.
    assert changes.min() == 9
    assert changes.max() == 99


def test_rows_that_are_not_finite_are_left_out(cartpole):
    class Exploding(Drift):
        def roll_out(self, initial_states, actions, warmstarts=None):
            episodes = super().roll_out(initial_states, actions)
            episodes.states[0, 5:] = np.nan
            return episodes

    rows = random_rows(cartpole, Exploding(2, never), 10, 0)
    assert np.isfinite(rows.states).all()


@pytest.mark.parametrize("part", ["next_state", "next_warmstart"])
def test_rows_at_which_the_simulator_diverges_are_left_out(cartpole, part):
    class Diverging(Drift):
        def evaluate(self, states, actions, warmstarts=None):
            found = super().evaluate(states, actions, warmstarts)
            getattr(found, part)[:4, -1] = np.nan
            return found

        def roll_out(self, initial_states, actions, warmstarts=None):
            return Drift(2, never).roll_out(initial_states, actions)

    whole = random_rows(cartpole, Drift(2, never), 10, 0)
    rows = random_rows(cartpole, Diverging(2, never), 10, 0)
    np.testing.assert_array_equal(rows.states[:6], whole.states[4:])


def test_states_near_limits_are_close_to_them_and_move_beyond(cartpole):
    states = probe._near_limits(cartpole, np.random.default_rng(0), 200)
    # The range is 3.6 m: from 2 % of it inside to 1 % outside, on both sides.
    gap = 1.8 - np.abs(states[:, 0])
    assert (gap > -0.036).all()
    assert (gap < 0.072).all()
    assert (gap < 0).any()
    assert (gap > 0).any()
    assert (np.sign(states[:, 0]) == np.sign(states[:, 2])).all()
    assert (states[:, 0] > 0).any()
    assert (states[:, 0] < 0).any()


def test_a_limited_tendon_is_stretched_close_to_its_limit():
    env = load_environment("BallInCup")
    states = probe._near_limits(env, np.random.default_rng(0), 40)
    data = mujoco.MjData(env.model)
    lengths = []
    for state in states:
        data.qpos[:] = state[: env.nq]
        mujoco.mj_fwdPosition(env.model, data)
        lengths.append(data.ten_length[0])
    assert np.mean(np.abs(np.array(lengths) / 0.3 - 1.0) < 0.05) > 0.8


@pytest.mark.parametrize(
    ("rows", "seed", "name"), [(0, 0, "rows"), (2.5, 0, "rows"), (True, 0, "rows"), (5, -1, "seed")]
)
def test_impossible_numbers_of_rows_and_seeds_are_refused(cartpole, rows, seed, name):
    with pytest.raises(SettingError, match=rf"expected {name} to be a whole number of at least \d, got"):
        probe_rows(cartpole, Drift(2, never), rows, seed)
