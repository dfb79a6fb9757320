"""Chances against SciPy's own tests and by hand, corrected ones against Holm's rule step by step."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from dynsparse.report.episode_statistics import difference, paired_difference
from dynsparse.report.many_comparisons import by_holm, chance


def test_holm_by_hand():
    # In order: 0.01 x 4, 0.02 x 3, 0.03 x 2 and no less than the one before, 0.9 x 1.  None is no comparison.
    found = by_holm([0.03, 0.01, None, 0.9, 0.02])
    assert found == (pytest.approx(0.06), pytest.approx(0.04), None, 0.9, pytest.approx(0.06))
    assert by_holm([0.4, 0.6]) == (0.8, 0.8)
    assert by_holm([]) == ()


def test_a_chance_is_below_a_twentieth_just_where_the_interval_leaves_zero_out():
    rng = np.random.default_rng(1)
    for shift in np.linspace(0, 2, 21):
        own, other = rng.normal(size=6) + shift, rng.normal(size=6)
        for paired, made in ((True, paired_difference), (False, difference)):
            assert (chance(own, other, paired=paired) < 0.05) == (made(own, other).side_of(0.0) != 0)


def test_what_has_no_meaning_is_left_out_and_too_few_tell_nothing():
    own, other = np.array([1.0, 2.0, 4.0, np.nan]), np.array([0.5, 1.0, 2.0, 9.0])
    assert chance(own, other, paired=True) == pytest.approx(stats.ttest_rel(own[:3], other[:3]).pvalue)
    assert chance(own, other, paired=False) == pytest.approx(stats.ttest_ind(own[:3], other, equal_var=False).pvalue)
    assert chance(own[2:], other[2:], paired=True) is None
    assert chance(own, other[:2], paired=False) is None


def test_numbers_that_do_not_vary():
    three = np.full(3, 0.25)
    assert chance(three, three, paired=True) == 1.0
    assert chance(three, three + 0.5, paired=False) == 0.0
