"""What happens to rows between a worker's reply and their commit, with replies made by hand."""

from __future__ import annotations

import numpy as np

from dynsparse.rollout.wave import Wave

from .toy import description, made


def put(wave, episodes, first=0, steps=3, rows=11):
    wave.put(np.array(episodes), first, steps, made(episodes, first, steps, rows=rows))


def test_blocks_are_handed_out_once_each_as_they_become_whole():
    wave = Wave(description(), [0, 1])
    put(wave, [2, 3])  # the last of four episodes of three steps has two
    ((number, late),) = list(wave.whole_blocks())
    assert number == 1
    assert late["state"][:, 0].tolist() == [200, 201, 202, 300, 301]
    assert late["episode"].tolist() == [2, 2, 2, 3, 3]
    assert late["t"].tolist() == [0, 1, 2, 0, 1]
    assert late["truncated"].tolist() == [False, False, True, False, True]
    assert late["jac_action"][:, 0, 0].tolist() == late["state"][:, 0].tolist()
    assert list(wave.whole_blocks()) == [] and not wave.is_whole
    put(wave, [0, 1])
    ((number, early),) = list(wave.whole_blocks())
    assert number == 0 and wave.is_whole
    assert early["state"][:, 0].tolist() == [0, 1, 2, 100, 101, 102]
    assert early["action_raw"].tolist() == (2 * early["action"]).tolist()
    assert early["finite"].all()
    assert set(early) == set(description().fields())


def test_blocks_that_are_not_neighbours_keep_their_rows_apart():
    wave = Wave(description(rows=18), [0, 2])
    put(wave, [0, 1, 4, 5], rows=18)
    found = dict(wave.whole_blocks())
    assert sorted(found) == [0, 2]
    assert found[2]["state"][:, 0].tolist() == [400, 401, 402, 500, 501, 502]
    assert found[2]["episode"].tolist() == [4, 4, 4, 5, 5, 5]


def test_a_lost_simulation_is_flagged_row_by_row_and_terminates_its_episode():
    wave = Wave(description(rows=6), [0])
    rows = made([0, 1])
    for name, first in (("next_state", 4), ("state", 5)):
        rows[name][first:] = np.nan
    wave.put(np.array([0, 1]), 0, 3, rows)
    ((_, found),) = list(wave.whole_blocks())
    assert found["finite"].tolist() == [True] * 4 + [False] * 2
    assert found["terminated"].tolist() == [False] * 5 + [True]
    assert found["truncated"].tolist() == [False, False, True, False, False, False]


def test_some_steps_at_a_time_make_the_same_blocks():
    whole, pieces = Wave(description(), [0, 1]), Wave(description(), [0, 1])
    put(whole, [0, 1, 2, 3])
    put(pieces, [0, 1], 0, 2)
    put(pieces, [2, 3], 0, 2)
    put(pieces, [2, 3], 2, 1)
    assert [number for number, _ in pieces.whole_blocks()] == [1]
    put(pieces, [0, 1], 2, 1)
    found = dict(pieces.whole_blocks()) | {1: pieces._fields(slice(6, 11))}
    for number, arrays in whole.whole_blocks():
        for name, array in arrays.items():
            np.testing.assert_array_equal(found[number][name], array)
