"""Stretches: whole runs of consecutive rows, one an episode, by hand and by looking at all of them."""

from __future__ import annotations

import numpy as np
import pytest

from dynsparse.analysis.stretches import choose_stretches
from dynsparse.errors import ArrayError, SettingError


def test_all_rows_where_all_may_be_taken():
    episode = np.repeat([3, 4, 9], [4, 4, 2])
    found = choose_stretches(episode, 12, episodes=5, seed=0)
    assert found.places.tolist() == list(range(10))
    assert found.t.tolist() == [0, 1, 2, 3, 0, 1, 2, 3, 0, 1]
    assert (found.episode.tolist(), found.first.tolist()) == ([3, 4, 9], [0, 0, 0])


@pytest.mark.parametrize("seed", range(5))
def test_rows_follow_each_other_inside_one_episode(seed):
    episode = np.repeat(np.arange(7), 50)
    found = choose_stretches(episode, 60, episodes=4, seed=seed)
    assert found.episode.tolist() == [0, 2, 4, 6]
    for number, (name, first) in enumerate(zip(found.episode, found.first, strict=True)):
        places = found.places[found.number == number]
        assert places.tolist() == list(range(50 * name + first, 50 * name + first + 15))
        assert set(episode[places]) == {name} and found.t[found.number == number].tolist() == list(range(15))


def test_the_seed_decides_where_they_begin_and_nothing_else_does():
    episode = np.repeat(np.arange(3), 1000)
    first = [choose_stretches(episode, 30, episodes=3, seed=seed).first.tolist() for seed in (0, 0, 1)]
    assert first[0] == first[1] != first[2]


def test_fewer_rows_than_episodes_are_rows_of_as_many():
    found = choose_stretches(np.arange(100), 10, episodes=100, seed=0)
    assert len(found.places) == len(found.episode) == 10 and not found.t.any()


def test_what_can_not_be_is_refused():
    with pytest.raises(ArrayError, match="expected rows to choose from"):
        choose_stretches(np.zeros(0, dtype=int), 3, episodes=1, seed=0)
    for wrong in ({"rows": 0}, {"episodes": 0}, {"seed": -1}):
        given = {"rows": 3, "episodes": 1, "seed": 0} | wrong
        with pytest.raises(SettingError, match=next(iter(wrong))):
            choose_stretches(np.zeros(3, dtype=int), **given)
