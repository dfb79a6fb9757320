from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from dynsparse.config import preset_settings
from dynsparse.rollout.collect import collect_random


class CountingLinearizer:
    """Its state counts control steps and remembers the sum of actions, so that every row can be recognised."""

    def roll_out(self, initial_states, actions):
        sums = np.cumsum(actions[..., :1], axis=1)
        zero = np.zeros((len(actions), 1, 1))
        steps = np.broadcast_to(
            np.arange(actions.shape[1] + 1.0)[None, :, None], (len(actions), actions.shape[1] + 1, 1)
        )
        states = np.concatenate([steps, initial_states[:, None, :1] + np.concatenate([zero, sums], axis=1)], axis=2)
        return SimpleNamespace(states=states, warmstarts=-states[..., :1])

    def linearize(self, states, actions, warmstarts, *, on_rows):
        on_rows(len(states), 0)
        self.given = (states, actions, warmstarts)
        return "linearization"


ENV = SimpleNamespace(
    name="Toy",
    action_dim=1,
    action_low=np.array([-1.0]),
    action_high=np.array([1.0]),
    sample_initial_state=lambda key: np.array([key % 1000 / 7.0, 0.0]),
)


@pytest.fixture
def collected():
    linearizer = CountingLinearizer()
    phases, rows = [], []
    settings = preset_settings("smoke", ("Toy",), rows=25)
    found = collect_random(
        ENV, linearizer, settings, phases.append, lambda done, nonfinite: rows.append((done, nonfinite))
    )
    assert linearizer.given[0] is found.states
    return found, phases, rows


def test_rows_come_in_the_order_of_episode_and_time(collected):
    found, phases, rows = collected
    assert found.states.shape == (25, 2)
    assert found.episode.tolist() == [index // 3 for index in range(25)]
    assert found.t.tolist() == [index % 3 for index in range(25)]
    assert np.array_equal(found.states[:, 0], found.t)
    assert phases == ["roll out", "linearize"]
    assert rows == [(25, 0)]


def test_next_state_is_the_next_row_inside_an_episode(collected):
    found, _, _ = collected
    inside = np.flatnonzero(np.diff(found.episode) == 0)
    assert np.array_equal(found.next_states[inside], found.states[inside + 1])


def test_action_and_warmstart_belong_to_their_row(collected):
    found, _, _ = collected
    assert found.next_states[:, 1] - found.states[:, 1] == pytest.approx(found.actions[:, 0])
    assert np.array_equal(found.warmstarts[:, 0], -found.states[:, 0])


def test_episodes_start_apart(collected):
    found, _, _ = collected
    starts = found.states[found.t == 0, 1]
    assert len(set(starts)) == len(starts)
