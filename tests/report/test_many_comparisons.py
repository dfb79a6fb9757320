"""Chances against SciPy's own tests and by hand, corrected ones against Holm's rule step by step."""

from __future__ import annotations

from itertools import combinations, product

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


def permuted(own, other):
    """Deal all numbers to groups of these sizes in every way: the share in which the first is as far up, twice."""
    every = np.array([*own, *other])
    gap = abs(np.mean(own) - np.mean(other))
    sign = np.sign(np.mean(own) - np.mean(other))
    found = [
        sign * (every[list(chosen)].mean() - np.delete(every, chosen).mean()) >= gap - 1e-9
        for chosen in combinations(range(len(every)), len(own))
    ]
    return 2 * np.mean(found)


def turned(differences):
    """Turn the signs of differences in every way: the share in which their mean is as far from zero."""
    signs = np.array(list(product((-1, 1), repeat=len(differences))))
    return np.mean(np.abs((signs * differences).mean(axis=1)) >= abs(np.mean(differences)) - 1e-9)


@pytest.mark.parametrize(("own", "other"), [(3, 3), (3, 5), (4, 4), (6, 3)])
def test_two_groups_that_do_not_vary_are_as_likely_as_the_permutation_test_says(own, other):
    groups = np.full(own, 2.0), np.full(other, 3.0)
    assert chance(*groups, paired=False) == pytest.approx(permuted(*groups))
    # Of three against three, which no correction makes a difference of.
    assert (own, other) != (3, 3) or chance(*groups, paired=False) == pytest.approx(0.1)


@pytest.mark.parametrize("pairs", [3, 5, 6])
def test_pairs_that_differ_alike_are_as_likely_as_their_signs(pairs):
    own = np.linspace(0.1, 0.9, pairs)
    # Rounding gives the differences a spread of 1e-17, of which Student would make a certainty.
    other = own + 1 / 6
    assert np.ptp(own - other) > 0.0
    assert chance(own, other, paired=True) == pytest.approx(turned(np.full(pairs, 1 / 6)))
    assert (chance(own, other, paired=True) < 0.05) == (pairs >= 6)
    assert (paired_difference(own, other).side_of(0.0) == -1) == (pairs >= 6)


def test_numbers_that_do_not_vary_and_are_the_same():
    three = np.full(3, 0.1)
    assert chance(three, three, paired=True) == 1.0
    # Summed up, three tenths are more than three times a tenth, and five are not.
    assert np.full(3, 0.1).mean() != np.full(5, 0.1).mean()
    assert chance(three, np.full(5, 0.1), paired=False) == 1.0
