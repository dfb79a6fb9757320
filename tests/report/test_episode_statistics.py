"""Means over episodes: held against SciPy's own tests, by hand, and by drawing."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from dynsparse.errors import ArrayError
from dynsparse.report.episode_statistics import (
    SHARE,
    STEPS_LONG,
    difference,
    mean_over_episodes,
    paired_difference,
    ratio_over_episodes,
)


def test_interval_of_a_mean_is_that_of_scipy():
    values = [0.1, 0.4, 0.25, 0.3]
    found = mean_over_episodes(values)
    expected = stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
    assert (found.value, found.episodes) == (pytest.approx(0.2625), 4)
    assert (found.low, found.high) == (pytest.approx(expected.low), pytest.approx(expected.high))


def test_interval_of_three_by_hand():
    # Mean 2, standard deviation 1, t(0.975, 2) = 4.3027.
    found = mean_over_episodes([1.0, 2.0, 3.0])
    assert (found.low, found.high) == (pytest.approx(2 - 4.3027 / 3**0.5, abs=1e-4), pytest.approx(4.4841, abs=1e-4))


def test_too_few_episodes_have_a_mean_but_no_interval():
    assert mean_over_episodes([]).value is None
    two = mean_over_episodes([1.0, 3.0, np.nan])
    assert (two.value, two.low, two.high, two.episodes) == (2.0, None, None, 2)
    assert two.side_of(0.0) is None
    assert difference([1.0, 2.0, 3.0], [5.0]).side_of(0.0) is None
    assert difference([], [5.0]).value is None


def test_sides():
    found = mean_over_episodes([1.0, 1.1, 0.9])
    assert (found.side_of(0.0), found.side_of(2.0), found.side_of(1.0)) == (1, -1, 0)


def test_few_episodes_that_are_all_alike_are_on_no_side():
    """Of coins that fall to one side all five do so in 1 of 16 cases, all six in 1 of 32."""
    for episodes, side in ((3, None), (5, None), (6, -1)):
        found = mean_over_episodes(np.full(episodes, 0.1))
        assert (found.side_of(0.5), found.side_of(0.1)) == (side, 0)
    assert ratio_over_episodes([1, 2, 3], [10, 20, 30], SHARE).side_of(0.5) is None


def test_paired_difference_takes_what_episodes_share_away():
    base = np.array([0.0, 10.0, 20.0, 30.0])
    found = paired_difference(np.add(base, [1.0, 1.1, 0.9, 1.0]), base)
    assert found.value == pytest.approx(1.0) and found.side_of(0.0) == 1
    assert difference(np.add(base, [1.0, 1.1, 0.9, 1.0]), base).side_of(0.0) == 0


def test_difference_of_groups_is_that_of_welch():
    own, other = [1.0, 2.0, 4.0, 3.0], [0.0, 0.1, 0.2]
    found = difference(own, other)
    expected = stats.ttest_ind(own, other, equal_var=False).confidence_interval(0.95)
    assert (found.low, found.high, found.episodes) == (pytest.approx(expected.low), pytest.approx(expected.high), 3)
    same = difference([1.0, 1.0, 1.0], [0.5, 0.5, 0.5])
    assert (same.low, same.value, same.high) == (0.5, 0.5, 0.5)


def test_intervals_hold_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(0)
    held = [mean_over_episodes(rng.normal(3.0, 2.0, 4)).side_of(3.0) == 0 for _ in range(2000)]
    # 0.95 with a standard error of 0.005.
    assert 0.935 < np.mean(held) < 0.965


@pytest.mark.parametrize("values", [[np.inf, 1.0, 2.0], [[1.0, 2.0]], 3.0])
def test_what_is_no_list_of_numbers_is_refused(values):
    with pytest.raises(ArrayError, match="one finite number"):
        mean_over_episodes(values)


def test_unpaired_lists_are_refused():
    with pytest.raises(ArrayError, match="reference for each of 2 episodes, got 3"):
        paired_difference([1.0, 2.0], [1.0, 2.0, 3.0])


def test_a_ratio_of_episodes_of_the_same_size_is_their_mean():
    part, size = np.array([30.0, 34.0, 36.0, 29.0]), 100.0
    ratio, mean = ratio_over_episodes(part, np.full(4, size)), mean_over_episodes(part / size)
    assert (ratio.value, ratio.low, ratio.high) == pytest.approx((mean.value, mean.low, mean.high), rel=1e-12)
    assert ratio.episodes == 4


def test_the_interval_of_a_ratio_by_hand():
    # 6 of 30: ratio 0.2; errors 1 - 2, 2 - 2, 3 - 2; variance 3 / 2 * 2 / 30**2.
    found = ratio_over_episodes([1, 2, 3], [10, 10, 10])
    assert found.value == 0.2
    assert found.high - 0.2 == pytest.approx(4.302652729911275 * 3**0.5 / 30)
    # Of other sizes it is the share of all, not the mean of shares: 11 of 110, in place of 0.1, 0.0 and 0.5.
    found = ratio_over_episodes([1, 0, 10], [10, 80, 20])
    errors = np.array([1 - 1.0, 0 - 8.0, 10 - 2.0])
    assert found.value == pytest.approx(0.1)
    assert found.high - 0.1 == pytest.approx(4.302652729911275 * np.sqrt(1.5 * (errors**2).sum()) / 110)
    assert found.low < found.value < found.high


def test_an_episode_without_a_whole_is_left_out():
    assert ratio_over_episodes([1, 2, 0], [10, 10, 0]).ends is None
    assert ratio_over_episodes([1, 2, 0], [10, 10, 0]).episodes == 2
    assert ratio_over_episodes([0], [0]).value is None
    with pytest.raises(ArrayError, match="a whole for each of 2 parts, got 1"):
        ratio_over_episodes([1, 2], [10])


def test_intervals_of_a_ratio_hold_the_truth_as_often_as_they_say():
    """Episodes of 10 to 100 steps, each with a rate of its own around 0.3."""
    rng = np.random.default_rng(1)
    held = []
    for _ in range(2000):
        steps = rng.integers(10, 101, 12)
        held.append(ratio_over_episodes(rng.binomial(steps, rng.beta(30, 70, 12)), steps).side_of(0.3) == 0)
    # Linearised, it is a little too narrow: 0.93 to 0.95 with a standard error of 0.005.
    assert 0.92 < np.mean(held) < 0.965


def test_a_number_that_happened_not_to_vary_has_no_interval_to_print():
    for found in (mean_over_episodes([0.1, 0.1, 0.1]), ratio_over_episodes([1, 2, 3], [10, 20, 30])):
        assert (found.varies, found.ends, found.low) == (False, None, found.value)
    assert mean_over_episodes([0.1, 0.1]).varies  # nobody knows
    assert mean_over_episodes([0.1, 0.2, 0.1]).ends is not None


def test_an_interval_ends_where_the_quantity_does():
    found = mean_over_episodes([0.0, 0.1, 0.02], SHARE)
    free = mean_over_episodes([0.0, 0.1, 0.02])
    assert free.low < 0.0 == found.low and found.high == free.high
    assert mean_over_episodes([1.0, 2.0, 1.0], STEPS_LONG).low == 1.0
    assert ratio_over_episodes([9, 10, 10], [10, 10, 10], SHARE).high == 1.0
    assert free.within(SHARE) == found
    assert found.side_of(0.0) == free.side_of(0.0) == 0


def test_an_interval_of_more_than_half_of_what_there_can_be_tells_nothing():
    wide = mean_over_episodes([0.2, 0.5, 0.9], SHARE)
    assert wide.is_wide and wide.side_of(0.5) is None
    assert mean_over_episodes([0.2, 0.5, 0.9]).side_of(0.5) == 0  # nobody knows what it can be
    # What it leaves out it tells, however wide it is.
    assert mean_over_episodes([100.0, 400.0, 300.0], (0.0, 1000.0)).side_of(900.0) == -1
