from __future__ import annotations

import dataclasses

import numpy as np

from dynsparse.analysis import Durations, LocalBlock, LocalSparsity, ThresholdPoint
from dynsparse.report import sentences
from dynsparse.report.counted_numbers import count_numbers

from .switched import switched_report


def about_histograms(report):
    return sentences.about_histograms(count_numbers(report))


def about_timeline(report, steps=None):
    return sentences.about_timeline(count_numbers(report), steps)


def about_durations(report):
    return sentences.about_durations(count_numbers(report))


def test_what_was_measured():
    assert sentences.about_rows(switched_report()) == (
        "128 rows of 2 episodes; random policy, exact derivative; 2 state variables, 1 action; "
        "an element is zero when |x| < 1e-15."
    )
    assert ", 2 of them not finite and left out;" in sentences.about_rows(switched_report(missing=(3, 70)))


def test_heatmap_says_always_sometimes_never():
    assert sentences.about_heatmap(switched_report()) == (
        "1 of the 4 elements (25.0 %) of ∂s'/∂s and 0 of the 2 elements of ∂s'/∂a are zero in all 128 finite rows. "
        "Of the other 5, 2 are zero in some rows and 3 in none."
    )


def test_histograms_say_means_values_and_patterns():
    # Means: (3 + 1) / 12, (2 + 1) / 8, (1 + 0) / 4; the two values lie 1/6 to either side of the mean.
    assert about_histograms(switched_report()) == (
        "On average 33.3 % of the elements are zero in a row (37.5 % of ∂s'/∂s, 25.0 % of ∂s'/∂a); "
        "the standard deviation is 16.7 percentage points. That share takes 2 values. "
        "There are 2 distinct patterns; the most frequent one makes up 50.0 %."
    )


def test_histograms_count_the_most_frequent_values_and_patterns():
    report = switched_report()
    counts = np.array([14, 0, 50, 6, 32, 26, 0])  # 128 rows, five values, the largest three 50 + 32 + 26
    local = LocalSparsity(
        report.local.state, report.local.action, LocalBlock.from_counts(counts), 12, (0.4, 0.1, *[0.05] * 8)
    )
    said = about_histograms(dataclasses.replace(report, local=local))
    assert "takes 5 values; the three most frequent make up 84.4 % of the rows" in said
    assert "12 distinct patterns; the most frequent one makes up 40.0 %, the ten most frequent ones 90.0 %." in said


def test_one_value_and_one_pattern_are_said_so():
    report = switched_report(steps=8)  # mode A alone
    said = about_histograms(report)
    assert said.endswith("Every row has the same number of zeros. All rows have the same pattern.")


def test_timeline_says_between_what_and_how_often():
    assert about_timeline(switched_report()) == (
        "Over the 64 control steps of the first episode between 16.7 % and 50.0 % of the elements are zero; "
        "the share changes from one step to the next in 7 of 63 cases. "
        "In all episodes the pattern switches in 11.1 % of the steps and stays the same for "
        "8.0 control steps on average."
    )
    # Switches before the steps 8, 16, 24, 32, 40 and 48.
    assert about_timeline(switched_report(), 50) == (
        "Over the first 50 control steps of the first episode between 16.7 % and 50.0 % of the elements are zero; "
        "the share changes from one step to the next in 6 of 49 cases."
    )


def test_timeline_leaves_rows_that_are_not_finite_out():
    # Steps 20 and 21 of the first episode: of 63 pairs, 19-20, 20-21 and 21-22 are gone.
    said = about_timeline(switched_report(missing=(20, 21)))
    assert "in 7 of 60 cases. 2 steps are not finite and left blank." in said
    assert about_timeline(switched_report(missing=range(64))).startswith("None of the 64 control steps")


def test_a_timeline_that_does_not_move():
    assert about_timeline(switched_report(steps=8), 50) == (
        "Over the 8 control steps of the first episode 50.0 % of the elements are zero throughout."
    )


def test_durations_say_means_and_what_is_left_out():
    # Non-zero: (16 * 8 + 6 * 64) / 22, without whole episodes 8; zero with the whole episodes: (16 * 8 + 2 * 64) / 18.
    assert about_durations(switched_report()) == (
        "An element that is zero stays so for 8.0 control steps on average. "
        "An element that is non-zero stays so for 23.3 control steps on average, 8.0 control steps without those "
        "of a whole episode. "
        "100 % of the zero stretches are shorter than 50 steps. "
        "2 zero stretches last a whole episode and are left out, as in the paper; with them the mean of all would be "
        "14.2 control steps. "
        "8 stretches touch an end of the episode or a row that is not finite and may be longer; those seen from end "
        "to end last 8.0 control steps (zero) and 8.0 control steps (non-zero)."
    )


def test_short_means_shorter_than_fifty():
    report = switched_report()
    counts = np.zeros(65, dtype=np.int64)
    counts[[49, 50]] = 3, 1
    nothing = np.zeros(65, dtype=np.int64)
    zero = Durations(counts, counts, nothing, whole_episode_left_out=True)
    temporal = dataclasses.replace(report.temporal, zero=zero)
    said = about_durations(dataclasses.replace(report, temporal=temporal))
    assert "75.0 % of the zero stretches are shorter than 50 steps." in said
    assert "left out" not in said


def test_no_stretches_are_no_mean():
    report = switched_report()
    nothing = Durations(*(np.zeros(65, dtype=np.int64) for _ in range(3)), whole_episode_left_out=True)
    temporal = dataclasses.replace(report.temporal, zero=nothing, nonzero=nothing)
    said = about_durations(dataclasses.replace(report, temporal=temporal))
    assert said == "No element stays zero for a while and then changes. No element is non-zero."


def test_without_episodes_it_is_said_why_there_is_no_figure():
    report = switched_report(states="coverage")
    assert about_timeline(report) == about_durations(report) == sentences.NO_TIME
    assert about_timeline(report, 50) == sentences.NO_TIME


def test_thresholds_say_how_far_the_choice_matters():
    # The element of 1e-6 counts as zero from 1e-5 on: (3 + 1 + 2) / 12.
    assert sentences.about_thresholds(switched_report()) == (
        "At the chosen threshold of 1e-15, 33.3 % of all elements are zero. From 1e-20 to 1e-06 the share stays "
        "within one percentage point of that; at 0.001 it is 50.0 %."
    )


def test_thresholds_stop_at_the_first_that_moves_the_share():
    report = switched_report()
    shares = {1e-17: 1 / 3, 1e-16: 0.2, 1e-15: 1 / 3, 1e-14: 0.3432, 1e-13: 0.35, 1e-12: 1 / 3}
    sweep = tuple(ThresholdPoint(atol, share, 0, 0) for atol, share in shares.items())
    said = sentences.about_thresholds(with_sweep(report, sweep))
    assert "From 1e-15 to 1e-14 the share" in said
    said = sentences.about_thresholds(with_sweep(report, tuple(p for p in sweep if p.atol != 1e-14)))
    assert "At the next thresholds it differs by a percentage point or more" in said
    assert sentences.about_thresholds(with_sweep(report, ())) == sentences.NO_SWEEP


def with_sweep(report, sweep):
    return dataclasses.replace(
        report, global_sparsity=dataclasses.replace(report.global_sparsity, threshold_sweep=sweep)
    )
