"""Means over episodes: held against SciPy's own tests, by hand, and by drawing."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from dynsparse.errors import ArrayError
from dynsparse.report.episode_statistics import difference, mean_over_episodes, paired_difference


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
