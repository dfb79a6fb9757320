from __future__ import annotations

import json

import numpy as np
import pytest

from dynsparse.analysis import AboveRoundOff, ArrayRows, EpisodeCount, EpisodeRecord, RowDescription, analyze
from dynsparse.analysis.durations import SHORT
from dynsparse.errors import ArrayError, InputError

STEPS = 60


def rows_of(states="rollout", *, steps=STEPS, seed=0):
    """Three episodes, the last one cut short, of a Jacobian whose zeros are drawn; one row is not finite."""
    rng = np.random.default_rng(seed)
    lengths = (steps, steps, steps // 2)
    episode = np.repeat(np.arange(3), lengths)
    t = np.concatenate([np.arange(length) for length in lengths])
    jac_state, jac_action = rng.normal(size=(len(t), 2, 2)), rng.normal(size=(len(t), 2, 3))
    jac_state[rng.random(jac_state.shape) < 0.4] = 0.0
    jac_action[rng.random(jac_action.shape) < 0.2] = 0.0
    jac_action[:, 0, 0] = 0.0
    # Zero from step 3 to step 57: a stretch that is not short.
    jac_action[(t >= 3) & (t < 57), 1, 2] = 0.0
    jac_state[7] = np.nan
    arrays = {
        "jac_state": jac_state, "jac_action": jac_action, "finite": np.isfinite(jac_state).all(axis=(1, 2)),
        "episode": episode, "t": t, "reward": rng.normal(size=len(t)), "terminated": np.zeros(len(t), dtype=bool),
    }  # fmt: skip
    if states == "coverage":
        arrays |= {"episode": np.arange(len(t)), "t": np.zeros_like(t)}
        steps = 1
    names = (("a", "b"), ("x", "y", "z"), {"name": "random"}, "exact", steps, states)
    return ArrayRows(RowDescription("Drawn", *names), arrays)


def counted(rows):
    count = EpisodeCount(rows)
    report = analyze(rows, 1e-12, provenance={"command": "test"}, episodes=count)
    return report, count.record(report)


def by_hand(rows):
    """Walk every episode, element by element."""
    arrays = rows.arrays
    zero = np.concatenate(
        [np.abs(arrays["jac_state"]).reshape(-1, 4) < 1e-12, np.abs(arrays["jac_action"]).reshape(-1, 6) < 1e-12],
        axis=1,
    )
    found = []
    for number in np.unique(arrays["episode"]):
        inside = np.flatnonzero(arrays["episode"] == number)
        kept = [row for row in inside if arrays["finite"][row]]
        lengths = []
        for element in range(zero.shape[1]):
            if all(zero[row, element] for row in kept):
                continue
            length = 0
            for row in [*inside, None]:
                if row is not None and arrays["finite"][row] and zero[row, element]:
                    length += 1
                elif length:
                    lengths.append(length)
                    length = 0
        pairs = [(row, row + 1) for row in inside[:-1] if arrays["finite"][row] and arrays["finite"][row + 1]]
        found.append(
            {
                "return": sum(float(arrays["reward"][row]) for row in inside),
                "sparsity": np.mean([zero[row].mean() for row in kept]),
                "switches": sum(bool((zero[a] != zero[b]).any()) for a, b in pairs) / len(pairs),
                "duration": np.mean(lengths),
                "short": np.mean([length < SHORT for length in lengths]),
            }
        )
    return found


def test_each_episode_is_what_walking_it_step_by_step_gives():
    rows = rows_of()
    report, record = counted(rows)
    hand = by_hand(rows)
    np.testing.assert_allclose(record.returns, [one["return"] for one in hand], rtol=1e-13)
    np.testing.assert_allclose(record.sparsity, [one["sparsity"] for one in hand], rtol=1e-14)
    np.testing.assert_array_equal(record.switch_rate, [one["switches"] for one in hand])
    np.testing.assert_allclose(record.zero_duration, [one["duration"] for one in hand], rtol=1e-14)
    np.testing.assert_allclose(record.short_share, [one["short"] for one in hand], rtol=1e-14)
    assert (record.short_share < 1).tolist() == [
        False,
        True,
        False,
    ]  # cut by a row that is not finite; whole; too short
    assert record.full.tolist() == [True, True, False]
    np.testing.assert_array_equal(record.full_returns, record.returns[:2])
    assert record.finite.tolist() == [STEPS - 1, STEPS, STEPS // 2]
    # Together they are the report's own numbers.
    elements = record.state_elements + record.action_elements
    zeros = int((record.zeros_state + record.zeros_action).sum())
    assert zeros / (record.finite.sum() * elements) == report.local.combined.sparsity_mean
    assert report.temporal.zero.mean == record.stretch_steps.sum() / record.stretches.sum()
    assert report.temporal.pattern_switch_rate == record.switches.sum() / record.pairs.sum()
    assert report.temporal.zero.censored == record.censored_stretches.sum()
    nonzero = report.temporal.nonzero
    assert nonzero.mean == record.nonzero_stretch_steps.sum() / record.nonzero_stretches.sum()
    assert nonzero.mean_shorter == record.shorter_nonzero_stretch_steps.sum() / record.shorter_nonzero_stretches.sum()


def test_an_episode_that_terminates_early_is_full():
    rows = rows_of()
    rows.arrays["terminated"][-1] = True
    assert counted(rows)[1].full.tolist() == [True, True, True]


def test_states_one_by_one_have_no_returns_and_no_stretches():
    _, record = counted(rows_of("coverage"))
    assert record.episodes == 150 and not record.has_time and not record.full.any()
    assert record.pairs.sum() == record.stretches.sum() == 0
    assert np.isnan(record.switch_rate).all() and np.isnan(record.sparsity).sum() == 1


def test_files_hold_it(tmp_path):
    report, record = counted(rows_of())
    assert not EpisodeRecord.is_in(tmp_path)
    record.save(tmp_path)
    assert EpisodeRecord.is_in(tmp_path)
    read = EpisodeRecord.load(tmp_path)
    read.check(report)
    assert {name: getattr(read, name) for name in ("environment", "policy", "atol", "analysis_sha256")} == {
        name: getattr(record, name) for name in ("environment", "policy", "atol", "analysis_sha256")
    }
    np.testing.assert_array_equal(read.returns, record.returns)
    np.testing.assert_array_equal(read.short_stretches, record.short_stretches)


def test_that_of_another_analysis_and_a_damaged_one_are_refused(tmp_path):
    _, record = counted(rows_of())
    other, _ = counted(rows_of(seed=1))
    with pytest.raises(InputError, match="that of another; make both again"):
        record.check(other)
    record.save(tmp_path)
    content = json.loads((tmp_path / "episodes.json").read_text())
    (tmp_path / "episodes.json").write_text(json.dumps(content | {"policy": "expert"}))
    with pytest.raises(InputError, match="not what was written"):
        EpisodeRecord.load(tmp_path)


def test_rows_without_rewards_and_an_analysis_of_other_rows_are_refused():
    rows = rows_of()
    del rows.arrays["reward"]
    with pytest.raises(ArrayError, match="expected the field reward"):
        counted(rows)
    count = EpisodeCount(rows_of())
    analyze(rows_of(), 1e-12, episodes=count)
    with pytest.raises(ArrayError, match="expected the analysis of 150 rows of 3 episodes"):
        count.record(counted(rows_of(steps=40))[0])


def test_counts_that_contradict_each_other_are_refused():
    _, record = counted(rows_of())
    changed = {**record.__dict__, "switches": record.pairs + 1}
    with pytest.raises(ArrayError, match="expected counts"):
        EpisodeRecord(**changed)


def dusty(dtype=np.float64):
    """Rows whose zeros are, every third step, the dust that a sum leaves; and one true slope of 1e-11."""
    rows = rows_of()
    arrays = {name: values.copy() for name, values in rows.arrays.items()}
    dust = (arrays["t"] % 3 == 1)[:, None, None] & (arrays["jac_state"] == 0.0)
    arrays["jac_state"][dust] = 3e-14
    arrays["jac_action"][:, 1, 1] = 1e-11
    arrays |= {name: arrays[name].astype(dtype) for name in ("jac_state", "jac_action")}
    return ArrayRows(rows.description, arrays)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_above_round_off_the_same_is_counted_as_by_an_analysis_there(dtype, tmp_path):
    rows = dusty(dtype)
    count, there = EpisodeCount(rows), EpisodeCount(rows)
    report = analyze(rows, 1e-15, provenance={"command": "test"}, episodes=count)
    expected_report = analyze(rows, 1e-12, provenance={"command": "test"}, episodes=there)
    expected, chosen = there.record(expected_report), count.record(report)
    found = count.above_round_off(report)
    assert found.zeros_state.sum() > chosen.zeros_state.sum()
    assert (found.atol, chosen.atol) == (1e-12, 1e-15)
    for name, array in expected.to_arrays().items():
        np.testing.assert_array_equal(found.to_arrays()[name], array)
    assert found.distinct_patterns == expected_report.local.distinct_patterns
    assert chosen.distinct_patterns == report.local.distinct_patterns
    # It is tied to the analysis in whose pass it was made, and only to that.
    found.check(report)
    with pytest.raises(InputError, match=r"expected above_round_off\.json of the analysis of Drawn beside it"):
        found.check(expected_report)
    with pytest.raises(InputError, match=r"expected episodes\.json"):
        chosen.check(expected_report)
    found.save(tmp_path)
    read = AboveRoundOff.load(tmp_path)
    read.check(report)
    assert (read.distinct_patterns, read.later_patterns) == (found.distinct_patterns, found.later_patterns)
    np.testing.assert_array_equal(read.short_censored_stretches, found.short_censored_stretches)
    assert not EpisodeRecord.is_in(tmp_path) and AboveRoundOff.is_in(tmp_path)
    AboveRoundOff.remove(tmp_path)
    AboveRoundOff.remove(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_analysis_above_round_off_has_no_second_record():
    rows = dusty()
    for atol in (1e-12, 1e-8):
        count = EpisodeCount(rows)
        assert count.above_round_off(analyze(rows, atol, episodes=count)) is None


def test_a_record_above_round_off_lacks_nothing():
    count = EpisodeCount(dusty())
    found = count.above_round_off(analyze(dusty(), 1e-15, episodes=count))
    for changed in ({"atol": 1e-11}, {"distinct_patterns": None}, {"censored_stretches": None}):
        with pytest.raises(ArrayError, match="expected all counts at 1e-12"):
            AboveRoundOff(**{**found.__dict__, **changed})


def test_patterns_of_an_episode_s_first_row_are_counted_apart():
    rows = rows_of()
    # At rest, in the first row of each episode, everything is zero: a pattern that no later row has.
    starts = rows.arrays["t"] == 0
    rows.arrays["jac_state"][starts] = 0.0
    rows.arrays["jac_action"][starts] = 0.0
    _, record = counted(rows)
    zero = np.concatenate(
        [np.abs(rows.arrays[name]).reshape(len(starts), -1) < 1e-12 for name in ("jac_state", "jac_action")], axis=1
    )
    kept = rows.arrays["finite"]
    assert record.distinct_patterns == len(np.unique(zero[kept], axis=0))
    assert record.later_patterns == len(np.unique(zero[kept & ~starts], axis=0)) == record.distinct_patterns - 1


def test_censored_stretches_are_those_that_touch_an_end_or_a_row_that_is_not_finite():
    zero = np.array([1, 1, 0, 1, 0, 0, 1, 1, 1, 0, 1, 0], dtype=bool)  # one element besides two that rest
    jac_state = np.where(zero, 0.0, 1.0)[:, None, None]
    jac_state[4] = np.nan  # the zero before it is censored, the rest of the first episode is not
    arrays = {
        "jac_state": jac_state, "jac_action": np.ones((12, 1, 1)), "finite": np.arange(12) != 4,
        "episode": np.repeat([0, 1], 6), "t": np.tile(np.arange(6), 2), "reward": np.ones(12),
        "terminated": np.zeros(12, dtype=bool),
    }  # fmt: skip
    _, record = counted(ArrayRows(RowDescription("One", ("a",), ("x",), {"name": "random"}, "exact", 6), arrays))
    assert record.stretches.tolist() == [2, 2] and record.short_stretches.tolist() == [2, 2]
    assert record.censored_stretches.tolist() == [2, 1] == record.short_censored_stretches.tolist()


def test_a_record_of_an_earlier_version_is_read(tmp_path):
    report, record = counted(rows_of())
    old = {name: None for name in ("distinct_patterns", "later_patterns")}
    old |= {name: None for name in record.__dict__ if "censored" in name or "nonzero" in name}
    earlier = EpisodeRecord(**{**record.__dict__, **old})
    earlier.save(tmp_path)
    assert "distinct_patterns" not in json.loads((tmp_path / "episodes.json").read_text())
    read = EpisodeRecord.load(tmp_path)
    read.check(report)
    assert read.censored_stretches is None and read.later_patterns is None
