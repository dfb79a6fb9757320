from __future__ import annotations

import math
from itertools import groupby

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dynsparse.analysis.durations import DurationCount, Durations
from dynsparse.analysis.rows import RowBlock
from dynsparse.analysis.streaming import analyze
from dynsparse.errors import ArrayError


def lengths(counts):
    return {length: int(number) for length, number in enumerate(counts) if number}


def test_durations_of_the_switched_system_are_those_by_hand(report):
    # Episodes AABBBA, ABBAAA, BBB.  Elements (x, y), (y, y), (y, u) are zero in B: in the first episode 2 steps
    # non-zero, 3 zero, 1 non-zero; in the second 1, 2, 3; in the third zero throughout.  Element (y, x) is zero in A:
    # the same with zero and non-zero exchanged.  (x, x) is never zero, (x, u) always.
    zero, nonzero = report.temporal.zero, report.temporal.nonzero
    assert len(zero.counts) == 7
    assert lengths(zero.uncensored_counts) == {3: 3, 2: 3}
    assert lengths(zero.counts) == {1: 2, 2: 3 + 1, 3: 3 + 1}
    assert lengths(zero.whole_episode_counts) == {3: 3 + 1, 6: 2}
    assert (zero.left_out, zero.whole_episode, zero.censored) == (6, 6, 4)
    assert (zero.mean, zero.mean_shorter) == (22 / 10, 22 / 10)
    assert zero.mean_all == (22 + 4 * 3 + 2 * 6) / 16
    assert zero.mean_uncensored == 15 / 6
    assert lengths(nonzero.uncensored_counts) == {3: 1, 2: 1}
    assert lengths(nonzero.whole_episode_counts) == {3: 1 + 1, 6: 2}
    # Non-zero stretches of a whole episode are not left out: the paper leaves only zeros out.
    assert lengths(nonzero.counts) == {1: 6, 2: 3 + 1, 3: 3 + 1 + 2, 6: 2}
    assert (nonzero.left_out, nonzero.whole_episode, nonzero.censored) == (0, 4, 12)
    assert (nonzero.mean, nonzero.mean_all) == (44 / 18, 44 / 18)
    assert nonzero.mean_shorter == 26 / 14
    assert nonzero.mean_uncensored == 5 / 2


def test_switches_of_the_pattern_are_those_by_hand(report):
    # Two switches in each of the first two episodes, none in the third; none is counted between episodes.
    assert report.temporal.pattern_switch_rate == 4 / (5 + 5 + 2)
    assert report.temporal.pattern_duration_mean == 15 / (3 + 3 + 1)


def test_the_timeline_is_the_first_episode(report):
    assert report.temporal.timeline_state.tolist() == [1 / 4, 1 / 4, 2 / 4, 2 / 4, 2 / 4, 1 / 4]
    assert report.temporal.timeline_action.tolist() == [1 / 2, 1 / 2, 1, 1, 1, 1 / 2]
    assert report.temporal.timeline_combined.tolist() == [2 / 6, 2 / 6, 4 / 6, 4 / 6, 4 / 6, 2 / 6]


def test_a_row_that_is_not_finite_breaks_a_stretch_and_is_no_zero(make_source, make_switched):
    found = analyze(make_source(make_switched(["AABNBA"])), provenance={}).temporal
    # (x, u) is zero in every finite row: 3 steps, a gap, 2 steps; both are left out, as one of 6 steps would be.
    # (x, y), (y, y), (y, u): 1 and 1 on either side of the gap.  (y, x): 2 at the start, 1 at the end.
    assert lengths(found.zero.counts) == {2: 1, 1: 3 * 2 + 1}
    assert lengths(found.zero.whole_episode_counts) == {3: 1, 2: 1}
    assert (found.zero.left_out, found.zero.censored, found.zero.mean_uncensored) == (2, 8, None)
    assert (found.zero.mean, found.zero.mean_all) == (9 / 8, (9 + 5) / 10)
    # (x, x) is non-zero in every finite row: of a whole episode too, and in.
    assert lengths(found.nonzero.counts) == {3: 1, 2: 1 + 3, 1: 3 + 2}
    assert lengths(found.nonzero.whole_episode_counts) == {3: 1, 2: 1}
    assert (found.nonzero.censored, found.nonzero.mean_shorter) == (8, 11 / 8)
    assert (found.broken_rows, found.pattern_switch_rate) == (1, 2 / 3)
    assert found.pattern_duration_mean == 5 / 4
    assert np.isnan(found.timeline_combined).tolist() == [False, False, False, True, False, False]


@pytest.mark.parametrize("broken", [[], [4], [0], [9], [4, 5], [2, 4, 7]])
def test_a_row_that_is_not_finite_does_not_let_an_element_that_is_always_zero_into_the_mean(make_source, broken):
    # Left, ten steps: zero at every other one, so that each stretch lasts one step.  Right: always zero.
    left, right = np.array([0.0, 1.0] * 5), np.zeros(10)
    arrays = {
        "jac_state": left[:, None, None],
        "jac_action": right[:, None, None],
        "finite": np.array([t not in broken for t in range(10)]),
        "episode": np.zeros(10, int),
        "t": np.arange(10),
    }
    zero = analyze(make_source(arrays), provenance={}).temporal.zero
    pieces = [len(list(group)) for finite, group in groupby(arrays["finite"].tolist()) if finite]
    assert zero.mean == 1.0
    assert (zero.left_out, lengths(zero.whole_episode_counts)) == (len(pieces), {n: pieces.count(n) for n in pieces})


def test_an_element_is_of_a_whole_episode_in_one_episode_and_not_in_another(make_source, make_switched):
    # (x, y), (y, y), (y, u): zero throughout the finite rows of BNB, two stretches of one step each; in BNAB they
    # change.  (y, x) is the other way round in both; (x, u) is zero throughout both.
    found = analyze(make_source(make_switched(["BNB", "BNAB"])), provenance={}).temporal
    assert lengths(found.zero.whole_episode_counts) == {1: 3 * 2 + 2 + 1, 2: 1}
    assert lengths(found.zero.counts) == {1: 3 * 2 + 1}
    assert lengths(found.nonzero.whole_episode_counts) == {1: 2 + 2 + 1, 2: 1}
    assert lengths(found.nonzero.counts) == {1: 5 + 3 + 2, 2: 1}


def test_a_flagged_row_breaks_a_stretch_as_a_nan_does(make_source, make_switched):
    flagged = make_switched(["AABBBA"])
    flagged["finite"] = np.array([True, True, True, False, True, True])
    first = analyze(make_source(flagged), provenance={})
    second = analyze(make_source(make_switched(["AABNBA"])), provenance={})
    assert first.to_dict() == second.to_dict()


def test_one_step_rollouts_have_no_pairs(make_source, make_switched):
    found = analyze(make_source(make_switched(["A", "B"])), provenance={}).temporal
    assert found.pattern_switch_rate is None
    assert found.pattern_duration_mean == 1.0
    assert (found.zero.mean, found.zero.left_out) == (None, 2 + 4)


def test_durations_of_states_that_do_not_follow_each_other_are_none(make_source, make_switched):
    assert analyze(make_source(make_switched(["A", "B"]), states="coverage"), provenance={}).temporal is None


def test_an_episode_longer_than_told_is_counted_all_the_same():
    block = RowBlock.from_arrays(
        np.ones((5, 1, 1)), np.zeros((5, 1, 1)), 1e-15, episode=np.zeros(5, int), t=np.arange(5)
    )
    count = DurationCount(episode_steps=3)
    count.update(block)
    zero, nonzero = count.result()
    assert (len(zero.counts), lengths(zero.whole_episode_counts), lengths(nonzero.counts)) == (6, {5: 1}, {5: 1})


def brute_force(zero, finite, episode):
    """Stretches one by one: (of zeros, length, end) with end 0 seen from end to end, 1 censored, 2 whole episode."""
    found = []
    for number in dict.fromkeys(episode.tolist()):
        rows = [row for row in range(len(episode)) if episode[row] == number]
        for element in range(zero.shape[1]):
            labels = ["N" if not finite[row] else bool(zero[row, element]) for row in rows]
            pieces = [(label, len(list(group))) for label, group in groupby(labels)]
            same = len({label for label in labels if label != "N"}) == 1
            for place, (label, length) in enumerate(pieces):
                if label == "N":
                    continue
                before = pieces[place - 1][0] if place else "N"
                after = pieces[place + 1][0] if place + 1 < len(pieces) else "N"
                end = 2 if same else 1 if "N" in (before, after) else 0
                found.append((label, length, end))
    return found


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    steps=st.lists(st.integers(1, 9), min_size=1, max_size=4),
    shape=st.tuples(st.integers(1, 3), st.integers(0, 2)),
    stay=st.sampled_from([0.2, 0.7, 0.95, 1.0]),
    broken=st.sampled_from([0.0, 0.1, 0.5]),
    seed=st.integers(0, 2**32 - 1),
)
def test_random_data_equal_brute_force(make_source, steps, shape, stay, broken, seed):
    rng = np.random.default_rng(seed)
    rows, (ds, da) = sum(steps), shape
    # Elements that stay as they were with the given probability, so that stretches have some length.
    values = rng.integers(0, 2, (rows, ds * (ds + da))).astype(float)
    for row in range(1, rows):
        keep = rng.random(values.shape[1]) < stay
        values[row, keep] = values[row - 1, keep]
    finite = rng.random(rows) >= broken
    finite[int(rng.integers(rows))] = True
    values[~finite, rng.integers(values.shape[1])] = np.nan
    arrays = {
        "jac_state": values[:, : ds * ds].reshape(rows, ds, ds),
        "jac_action": values[:, ds * ds :].reshape(rows, ds, da),
        "finite": np.ones(rows, bool),  # the NaN alone must tell
        "episode": np.repeat(np.arange(len(steps)), steps),
        "t": np.concatenate([np.arange(length) for length in steps]),
    }
    found = analyze(make_source(arrays), provenance={})
    zero = values == 0.0
    stretches = brute_force(zero, finite, arrays["episode"])
    for kind, durations in ((True, found.temporal.zero), (False, found.temporal.nonzero)):
        by_end = [[length for label, length, end in stretches if (label, end) == (kind, e)] for e in (0, 1, 2)]
        shown = by_end[0] + by_end[1] + ([] if kind else by_end[2])
        assert durations.counts.tolist() == np.bincount(np.array(shown, int), minlength=max(steps) + 1).tolist()
        assert (
            durations.uncensored_counts.tolist()
            == np.bincount(np.array(by_end[0], int), minlength=max(steps) + 1).tolist()
        )
        assert durations.mean_uncensored == (sum(by_end[0]) / len(by_end[0]) if by_end[0] else None)
        every = by_end[0] + by_end[1] + by_end[2]
        assert durations.mean_all == (sum(every) / len(every) if every else None)
        assert (durations.censored, durations.whole_episode) == (len(by_end[1]), len(by_end[2]))
    same_episode = arrays["episode"][1:] == arrays["episode"][:-1]
    pairs = [row for row in range(rows - 1) if same_episode[row] and finite[row] and finite[row + 1]]
    switches = sum(zero[row].tolist() != zero[row + 1].tolist() for row in pairs)
    assert found.temporal.pattern_switch_rate == (switches / len(pairs) if pairs else None)
    assert found.local.distinct_patterns == len({row.tobytes() for row in zero[finite]})
    assert found.global_sparsity.state.zero_frequency == pytest.approx(
        zero[finite, : ds * ds].mean(axis=0).reshape(ds, ds)
    )
    first = zero[: steps[0]].mean(axis=1)
    for row in range(steps[0]):
        value = found.temporal.timeline_combined[row]
        assert math.isclose(value, first[row], rel_tol=1e-15) if finite[row] else math.isnan(value)


@pytest.mark.parametrize(
    "parts",
    [
        ([0, 1], [0, 2], [0, 0]),  # more seen from end to end than there are
        ([0, -1], [0, -1], [0, 0]),
        ([0, 1, 0], [0, 1], [0, 0]),
        ([0.0, 1.0], [0.0, 1.0], [0.0, 0.0]),
    ],
)
def test_histograms_that_can_not_belong_together_are_refused(parts):
    with pytest.raises(ArrayError, match="durations must be"):
        Durations(*(np.array(part) for part in parts), whole_episode_left_out=True)
