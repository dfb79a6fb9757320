"""What happens to rows between a worker's reply and their commit, with replies made by hand."""

from __future__ import annotations

import numpy as np

from dynsparse.dataset import DatasetDescription
from dynsparse.rollout.wave import Wave


def description(rows=11, steps=3, per_block=2):
    return DatasetDescription(
        environment="Toy",
        state_names=("qpos x", "qvel x"),
        state_units=("m", "m/s"),
        action_names=("u",),
        action_low=(-1.0,),
        action_high=(1.0,),
        constraint_names=("joint limit x",),
        nv=1,
        rows=rows,
        episode_steps=steps,
        episodes_per_block=per_block,
        policy={"name": "random", "family": "uniform, held", "sha256": None},
        seed=0,
        substeps=1,
        dt=0.1,
    )


def rolled(episodes, steps=3):
    """Rows whose state says which episode and step they are: (100 e + t, -t)."""
    state = np.array([[100.0 * e + t, -t] for e in episodes for t in range(steps)])
    action = state[:, :1] / 1000
    return {
        "state": state,
        "next_state": state + np.array([1.0, -1.0]),
        "action": action,
        "action_raw": 2 * action,
        "warmstart": state[:, 1:],
        "next_warmstart": state[:, 1:] - 1,
        "mocap_pos": np.zeros((len(state), 0, 3)),
        "mocap_quat": np.zeros((len(state), 0, 4)),
        "calls_residual": np.zeros((len(state), 1, 1)),
    }


def derived(request):
    n = len(request["state"])
    flags = np.zeros((n, 1), dtype=bool)
    return {
        "jac_state": np.repeat(request["state"][:, :, None], 2, axis=2),
        "jac_action": request["state"][:, :, None],
        "reward": request["state"][:, 0],
        "solver_residual": np.zeros(n),
        "constraint_active": flags,
        "constraint_active_start": flags,
    }


def test_blocks_are_handed_out_once_each_as_they_become_whole():
    wave = Wave(description(), [0, 1])
    assert wave.episodes == [0, 1, 2, 3]
    wave.open_segment(0, 3)
    assert wave.segment_rows == 11  # the last of four episodes of three steps is cut
    wave.begin([2, 3], 0, 3, rolled([2, 3]))
    wave.begin([0, 1], 0, 3, rolled([0, 1]))
    wave.finish(slice(4, 11), derived(wave.request(slice(4, 11))))
    ((number, late),) = list(wave.whole_blocks())
    assert number == 1
    assert late["state"][:, 0].tolist() == [200, 201, 202, 300, 301]
    assert late["episode"].tolist() == [2, 2, 2, 3, 3]
    assert late["t"].tolist() == [0, 1, 2, 0, 1]
    assert late["truncated"].tolist() == [False, False, True, False, True]
    assert late["jac_action"][:, 0, 0].tolist() == late["state"][:, 0].tolist()
    assert list(wave.whole_blocks()) == []
    wave.finish(slice(0, 4), derived(wave.request(slice(0, 4))))
    ((number, early),) = list(wave.whole_blocks())
    assert number == 0
    assert early["state"][:, 0].tolist() == [0, 1, 2, 100, 101, 102]
    assert early["action_raw"].tolist() == (2 * early["action"]).tolist()
    assert early["finite"].all()
    assert set(early) == set(description().fields())


def test_blocks_that_are_not_neighbours_keep_their_rows_apart():
    wave = Wave(description(rows=18), [0, 2])
    assert wave.episodes == [0, 1, 4, 5]
    wave.open_segment(0, 3)
    wave.begin([0, 1, 4, 5], 0, 3, rolled([0, 1, 4, 5]))
    wave.finish(slice(0, 12), derived(wave.request(slice(0, 12))))
    found = dict(wave.whole_blocks())
    assert sorted(found) == [0, 2]
    assert found[2]["state"][:, 0].tolist() == [400, 401, 402, 500, 501, 502]
    assert found[2]["episode"].tolist() == [4, 4, 4, 5, 5, 5]
    assert wave.numbers(slice(5, 7)) == [5, 12]


def test_a_lost_simulation_is_flagged_row_by_row_and_terminates_its_episode():
    wave = Wave(description(rows=6), [0])
    rows = rolled([0, 1])
    for name in ("next_state", "state"):
        rows[name][4 if name == "next_state" else 5 :] = np.nan
    wave.open_segment(0, 3)
    wave.begin([0, 1], 0, 3, rows)
    wave.finish(slice(0, 6), derived(wave.request(slice(0, 6))))
    ((_, found),) = list(wave.whole_blocks())
    assert found["finite"].tolist() == [True] * 4 + [False] * 2
    assert found["terminated"].tolist() == [False] * 5 + [True]
    assert found["truncated"].tolist() == [False, False, True, False, False, False]


def test_segments_make_the_same_blocks_and_hold_the_calls_of_one():
    whole, pieces = Wave(description(), [0, 1]), Wave(description(), [0, 1])
    whole.open_segment(0, 3)
    whole.begin([0, 1, 2, 3], 0, 3, rolled([0, 1, 2, 3]))
    whole.finish(slice(0, 11), derived(whole.request(slice(0, 11))))
    blocks = []
    for first, steps, expected in ((0, 2, 8), (2, 1, 3)):
        pieces.open_segment(first, steps)
        assert pieces.segment_rows == expected
        rows = {name: x.reshape(4, 3, *x.shape[1:])[:, first : first + steps] for name, x in rolled(range(4)).items()}
        pieces.begin([0, 1, 2, 3], first, steps, {name: x.reshape(4 * steps, *x.shape[2:]) for name, x in rows.items()})
        request = pieces.request(slice(0, expected))
        assert request["calls_residual"].shape == (expected, 1, 1)
        pieces.finish(slice(0, expected), derived(request))
        blocks.append(dict(pieces.whole_blocks()))
    assert blocks[0] == {}
    for number, arrays in whole.whole_blocks():
        for name, array in arrays.items():
            np.testing.assert_array_equal(blocks[1][number][name], array)
