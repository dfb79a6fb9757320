"""Windows against a walk from row to row."""

from __future__ import annotations

import numpy as np
import pytest

from dynsparse.learning.windows import HORIZON, WINDOWS, Windows, window_places


def walked(first, episode, t, finite):
    """How far one can go from a row, one row at a time."""
    length = 0
    while (
        length < HORIZON
        and first + length < len(t)
        and finite[first + length]
        and episode[first + length] == episode[first]
        and t[first + length] == t[first] + length
    ):
        length += 1
    return length


@pytest.mark.parametrize("seed", range(5))
def test_windows_go_as_far_as_a_walk_does(seed):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 120, 6)
    episode, t = np.repeat(np.arange(6), lengths), np.concatenate([np.arange(n) for n in lengths])
    finite = rng.random(len(t)) > 0.02
    index = np.flatnonzero(finite & (rng.random(len(t)) < 0.5))
    places = window_places(index, episode, t, finite)
    np.testing.assert_array_equal(places.first, index[places.place])
    np.testing.assert_array_equal(places.length, [walked(first, episode, t, finite) for first in places.first])
    assert len(places.first) == min(len(index), WINDOWS)


def test_a_step_that_is_missing_ends_a_window():
    places = window_places(np.arange(4), np.zeros(4, dtype=int), np.array([0, 1, 3, 4]), np.ones(4, dtype=bool))
    np.testing.assert_array_equal(places.length, [2, 1, 2, 1])


def test_there_are_256_at_most_evenly_over_all_scored_rows():
    rows = 10_000
    places = window_places(np.arange(rows), np.zeros(rows, dtype=int), np.arange(rows), np.ones(rows, dtype=bool))
    assert (len(places.first), places.first[0], places.first[-1]) == (256, 0, 9_999)
    assert set(np.diff(places.first)) == {39, 40}


def test_windows_hold_what_was_done_and_what_followed_and_nothing_after_their_end():
    rng = np.random.default_rng(0)
    episode, t = np.repeat([0, 1], [70, 3]), np.concatenate([np.arange(70), np.arange(3)])
    rows = {
        "state": rng.normal(size=(73, 3)),
        "action": rng.normal(size=(73, 2)),
        "next_state": rng.normal(size=(73, 3)),
    }
    places = window_places(np.array([5, 60, 71]), episode, t, np.ones(73, dtype=bool))
    np.testing.assert_array_equal(places.rows, [*range(5, 55), *range(60, 70), 71, 72])
    made = Windows.gather({name: array[places.rows] for name, array in rows.items()}, places)
    np.testing.assert_array_equal(made.length, [50, 10, 2])
    np.testing.assert_array_equal(made.state, rows["state"][[5, 60, 71]])
    np.testing.assert_array_equal(made.action[0], rows["action"][5:55])
    np.testing.assert_array_equal(made.next_state[1, :10], rows["next_state"][60:70])
    np.testing.assert_array_equal(made.next_state[2, :2], rows["next_state"][71:])
    assert np.isnan(made.action[1, 10:]).all()
    assert np.isnan(made.next_state[2, 2:]).all()
