"""Counted numbers: held against the analysis of the same rows, and a hand-made disagreement."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from dynsparse.analysis import ArrayRows, EpisodeCount, RowDescription, analyze
from dynsparse.report.counted_numbers import count_numbers
from dynsparse.report.threshold_sentences import about_drawn, chosen_threshold, lead_threshold, titled_zero

from .invented_episodes import counted_twice, invented_episodes
from .switched import switched_report

MEANS = (
    *("state", "action", "sparsity", "switch_rate", "pattern_duration", "zero_duration", "nonzero_duration"),
    *("nonzero_shorter", "short_share", "uncensored_short_share"),
)


@pytest.fixture(scope="module")
def measured():
    """Four episodes of other lengths, whose zeros are dust in some rows: two analyses and their records."""
    rng = np.random.default_rng(3)
    lengths = (70, 70, 70, 30)
    t = np.concatenate([np.arange(length) for length in lengths])
    jac_state, jac_action = rng.normal(size=(len(t), 2, 2)), rng.normal(size=(len(t), 2, 1))
    jac_state[:, 0, 1] = np.where((t // 9) % 2 == 1, 0.0, 1.0)
    jac_state[:, 1, 0] = 0.0
    jac_state[rng.random(len(t)) < 0.3, 1, 0] = 2e-15
    jac_state[5] = np.nan
    arrays = {
        "jac_state": jac_state, "jac_action": jac_action, "finite": np.arange(len(t)) != 5,
        "episode": np.repeat(np.arange(4), lengths), "t": t, "reward": np.ones(len(t)),
        "terminated": np.zeros(len(t), dtype=bool),
    }  # fmt: skip
    rows = ArrayRows(RowDescription("Dusty", ("a", "b"), ("x",), {"name": "random"}, "exact", 70), arrays)
    count = EpisodeCount(rows)
    report = analyze(rows, 1e-15, provenance={}, episodes=count)
    return report, count.record(report), count.above_round_off(report), analyze(rows, 1e-12, provenance={})


def test_numbers_with_intervals_are_the_analysis_s_own(measured):
    report, record, above, other = measured
    counted = count_numbers(report, record, above)
    for found, alone in ((counted.chosen, count_numbers(report).chosen), (counted.above, count_numbers(other).chosen)):
        for name in MEANS:
            mean, expected = getattr(found, name), getattr(alone, name)
            assert mean.value == pytest.approx(expected.value, rel=1e-14), name
            assert mean.episodes == 4 and mean.low <= mean.value <= mean.high
            assert expected.ends is None and expected.episodes == 0
        assert (found.atol, found.patterns, found.always) == (alone.atol, alone.patterns, alone.always)
        assert (found.stretches, found.censored) == (alone.stretches, alone.censored)
    assert counted.lead is counted.above and not counted.lacks_above
    assert (counted.chosen.always, counted.above.always) == (0.0, 1 / 6)
    assert (counted.chosen.patterns, counted.above.patterns) == (4, 2)
    assert counted.other_patterns and counted.other_switches


def test_a_record_of_an_earlier_version_lends_what_it_lacks_from_the_analysis(measured):
    report, record, _, _ = measured
    missing = {name: None for name in record.__dict__ if "censored" in name or "nonzero" in name or "patterns" in name}
    found = count_numbers(report, dataclasses.replace(record, **missing))
    expected = count_numbers(report).chosen
    assert found.chosen.nonzero_duration == expected.nonzero_duration
    assert found.chosen.uncensored_short_share == expected.uncensored_short_share
    assert (found.chosen.censored, found.chosen.first_patterns) == (expected.censored, None)
    assert found.chosen.switch_rate.ends is not None
    assert found.lacks_above and found.lead is found.chosen


def test_thresholds_differ_where_patterns_do_or_switch_rates_are_apart():
    report = switched_report("CheetahRun")
    same = counted_twice(report, chosen=(0.1, 0.12, 0.11), above=(0.1, 0.11, 0.12))
    assert (same.other_patterns, same.other_switches) == (False, False)
    apart = counted_twice(report, chosen=(0.7, 0.71, 0.72), above=(0.1, 0.12, 0.11), patterns=(9, 2))
    assert (apart.other_patterns, apart.other_switches) == (True, True)
    few = counted_twice(report, chosen=(0.7, 0.71), above=(0.1, 0.12))
    assert not few.other_switches  # no interval, nothing told
    both = "Drawn at the paper's 1e-15; the answers to Q2 and Q3 count at 1e-12, above round-off."
    assert about_drawn([same]) == (both,)
    assert about_drawn([apart]) == (
        both,
        "9 patterns and switches in 71.0 % of the steps here, 2 and 11.0 % of the steps at 1e-12: the difference may "
        "be round-off, which sums that cancel leave of that size.",
    )
    drawn, doubtful = about_drawn([same, apart])
    assert drawn == both
    # Figures of what was counted once say nothing of another threshold, and of some, of which.
    once = count_numbers(switched_report("FingerSpin"))
    assert about_drawn([once]) == ("Drawn at the paper's 1e-15.",)
    assert about_drawn([same, once])[0] == both.replace("count at", "count of CheetahRun at")
    # Student's t of two degrees of freedom, 4.3027, times 0.01 / sqrt(3).
    assert doubtful == (
        "Some of the switches may be round-off in CheetahRun (71.0 % [68.5, 73.5] in place of 11.0 % [8.5, 13.5]), in "
        "brackets the share of steps with one here and at 1e-12."
    )
    crossing = counted_twice(report, chosen=(0.0, 0.0, 0.0), above=(0.1, 0.12, 0.11), patterns=(1, 2))
    slope = "a slope that passes through zero may be why, as it counts as zero for longer at 1e-12."
    assert about_drawn([crossing])[1].endswith(f": {slope}")
    assert about_drawn([same, crossing]) == (both,)
    # More patterns, and fewer switches: both may be the case.
    mixed = counted_twice(report, chosen=(0.0, 0.0, 0.0), above=(0.1, 0.12, 0.11), patterns=(3, 2))
    assert about_drawn([mixed])[1].endswith(f"may be round-off, which sums that cancel leave of that size, and {slope}")
    assert titled_zero("Title", [report]) == "Title, zero: |x| < 1e-15"


def test_an_analysis_above_round_off_has_one_number_and_lacks_none():
    report = switched_report("CheetahRun")
    blocks = dataclasses.replace(report.global_sparsity, atol=1e-8)
    report = dataclasses.replace(report, global_sparsity=blocks, derivative="finite-difference")
    counted = count_numbers(report, invented_episodes(report, returns=(1, 2, 3)))
    assert not counted.lacks_above and about_drawn([counted]) == ()
    assert (lead_threshold([counted]), chosen_threshold([counted])) == ("|x| < 1e-08", "the chosen 1e-08")
