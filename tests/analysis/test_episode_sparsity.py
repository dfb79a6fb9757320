"""Episode sparsity: the switched system of three short episodes, counted by hand, and held against the whole report."""

from __future__ import annotations

import numpy as np
import pytest

from dynsparse.analysis.episode_sparsity import EpisodeSparsity, EpisodeSparsityCount
from dynsparse.analysis.rows import RowBlock
from dynsparse.analysis.streaming import analyze
from dynsparse.errors import ArrayError

NAN = float("nan")


def counted(arrays, *, temporal=True, cuts=()):
    count = EpisodeSparsityCount(2, 1, temporal=temporal)
    for start, stop in zip((0, *cuts), (*cuts, len(arrays["t"])), strict=True):
        part = {name: array[start:stop] for name, array in arrays.items()}
        count.update(
            RowBlock.from_arrays(
                part["jac_state"],
                part["jac_action"],
                1e-15,
                finite=part["finite"],
                episode=part["episode"],
                t=part["t"],
            )
        )
    return count.result()


def test_by_hand(switched):
    # A: [1, .5, 0; 0, .9, 1], B: [1, 0, 0; .2, 0, 0].  Episodes AABBBA, ABBAAA, BBB.
    found = counted(switched)
    assert found.rows.tolist() == found.finite.tolist() == [6, 6, 3]
    # Zeros of ∂s'/∂s: A has 1 of 4, B 2; of ∂s'/∂a: A 1 of 2, B both; together 2 and 4 of 6.
    assert found.state == pytest.approx([(3 * 1 + 3 * 2) / 24, (4 * 1 + 2 * 2) / 24, 0.5])
    assert found.action == pytest.approx([(3 * 1 + 3 * 2) / 12, (4 + 4) / 12, 1.0])
    assert found.combined == pytest.approx([(3 * 2 + 3 * 4) / 36, (4 * 2 + 2 * 4) / 36, 4 / 6])
    assert found.patterns.tolist() == [2, 2, 1] and found.distinct_patterns == 2
    assert found.switch_rate == pytest.approx([2 / 5, 2 / 5, 0.0])
    # First episode: x'/y, y'/y and y'/u are zero for BBB (3 steps); y'/x is for AA and for A; x'/u always, left out.
    assert found.zero_duration[0] == pytest.approx((3 + 3 + 3 + 2 + 1) / 5)
    # Non-zero: x'/x for 6; x'/y, y'/y, y'/u for AA and A each; y'/x for 3.
    assert found.nonzero_duration[0] == pytest.approx((6 + 3 * (2 + 1) + 3) / 8)
    assert np.isnan(found.zero_duration[2]) and found.nonzero_duration[2] == 3.0
    # Of 15 rows 7 are A and 8 are B.
    assert found.zeros.tolist() == [[0, 8, 15], [7, 8, 8]]
    assert (found.always_zero_state, found.always_zero_action) == (0, 1)


def test_cuts_between_episodes_change_nothing(switched):
    whole, cut = counted(switched), counted(switched, cuts=(6, 12))
    for name, array in whole.to_arrays("").items():
        assert np.array_equal(array, cut.to_arrays("")[name], equal_nan=True), name


def test_one_episode_is_what_the_report_of_it_says(make_switched, make_source):
    arrays = make_switched(("AANBBBA",))
    found, report = counted(arrays), analyze(make_source(arrays), provenance={})
    assert found.finite.tolist() == [6]
    assert found.combined[0] == pytest.approx(report.local.combined.sparsity_mean)
    assert found.switch_rate[0] == report.temporal.pattern_switch_rate
    assert found.zero_duration[0] == report.temporal.zero.mean
    assert found.nonzero_duration[0] == report.temporal.nonzero.mean
    assert np.array_equal(found.always_zero[:, :2], report.global_sparsity.state.always_zero)


def test_rows_that_do_not_follow_each_other_say_nothing_of_time(make_switched):
    found = counted(make_switched(("A", "B", "N")), temporal=False)
    assert found.combined[:2].tolist() == [2 / 6, 4 / 6] and np.isnan(found.combined[2])
    for name in ("zero_duration", "nonzero_duration", "switch_rate"):
        assert np.isnan(getattr(found, name)).all()


def test_an_episode_without_a_finite_row_has_no_numbers(make_switched):
    found = counted(make_switched(("NN", "AB")))
    assert found.finite.tolist() == [0, 2] and found.zeros.max() == 2
    for name in ("state", "combined", "patterns", "switch_rate", "zero_duration"):
        assert np.isnan(getattr(found, name)[0])


def test_arrays_come_back_and_others_are_refused(switched):
    found = counted(switched)
    again = EpisodeSparsity.from_arrays(found.to_arrays("own_"), "own_")
    assert again.to_dict() == found.to_dict()
    arrays = found.to_arrays("")
    with pytest.raises(ArrayError, match="one number an episode"):
        EpisodeSparsity.from_arrays({**arrays, "state": arrays["state"][:2]}, "")
    with pytest.raises(ArrayError, match="at most 15 finite rows"):
        EpisodeSparsity.from_arrays({**arrays, "zeros": arrays["zeros"] + 1}, "")
    with pytest.raises(KeyError):
        EpisodeSparsity.from_arrays(arrays, "other_")
