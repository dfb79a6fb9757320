"""Areas under curves against their definitions, pair by pair and threshold by threshold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu, rankdata

from dynsparse.errors import ArrayError
from dynsparse.learning.ranking import auprc, auroc, auroc_of_columns

CASES = st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=2, max_size=40).filter(
    lambda pairs: len({depends for _, depends in pairs}) == 2
)


def split(pairs):
    return np.array([size for size, _ in pairs], dtype=float), np.array([depends for _, depends in pairs])


@settings(deadline=None, derandomize=True)
@given(CASES)
def test_auroc_is_the_share_of_pairs_in_order(pairs):
    sizes, depends = split(pairs)
    wanted = mannwhitneyu(sizes[depends], sizes[~depends]).statistic / (depends.sum() * (~depends).sum())
    assert auroc(sizes, depends) == pytest.approx(wanted, abs=1e-12)


@settings(deadline=None, derandomize=True)
@given(CASES)
def test_auprc_is_the_average_precision(pairs):
    sizes, depends = split(pairs)
    area, recall = 0.0, 0.0
    for threshold in sorted(set(sizes), reverse=True):
        chosen = sizes >= threshold
        now = (chosen & depends).sum() / depends.sum()
        area += (now - recall) * (chosen & depends).sum() / chosen.sum()
        recall = now
    assert auprc(sizes, depends) == pytest.approx(area, abs=1e-12)


def test_the_best_and_the_worst_ranking():
    depends = np.array([True, False, True, False, False])
    assert auroc(depends.astype(float), depends) == auprc(depends.astype(float), depends) == 1.0
    assert auroc(-depends.astype(float), depends) == 0.0
    # Three that do not depend come first, then two that do, together.
    assert auprc(-depends.astype(float), depends) == pytest.approx(2 / 5)


def test_all_of_one_size_is_chance():
    depends = np.array([True, False, False, False])
    assert auroc(np.ones(4), depends) == 0.5
    assert auprc(np.ones(4), depends) == 0.25


@pytest.mark.parametrize("depends", [True, False])
def test_one_class_alone_has_no_area(depends):
    assert auroc(np.arange(3.0), np.full(3, depends)) is None
    assert auprc(np.arange(3.0), np.full(3, depends)) is None


def test_what_can_not_be_ranked_is_refused():
    with pytest.raises(ArrayError, match="1 NaN among them"):
        auroc(np.array([1.0, np.nan]), np.array([True, False]))
    with pytest.raises(ArrayError, match=r"got \(2,\) and \(3,\)"):
        auprc(np.zeros(2), np.zeros(3, dtype=bool))
    with pytest.raises(ArrayError, match="1 NaN among them"):
        auroc_of_columns(np.array([[1.0], [np.nan]]), np.array([[True], [False]]))
    with pytest.raises(ArrayError, match=r"shape \(n, k\), got \(2, 1\) and \(2,\)"):
        auroc_of_columns(np.zeros((2, 1)), np.zeros(2, dtype=bool))


@pytest.mark.parametrize("levels", [2, 5, 10**9], ids=["many ties", "ties", "no tie"])
def test_each_column_has_the_area_that_its_ranks_give(levels):
    rng = np.random.default_rng(levels)
    sizes = rng.integers(0, levels, (80, 30)).astype(float)
    depends = rng.random(sizes.shape) < np.linspace(0.02, 0.98, 30)
    depends[:, 4], depends[:, 9] = True, False
    found = auroc_of_columns(sizes, depends)
    for column, area in enumerate(found):
        own, positive = sizes[:, column], depends[:, column]
        hits = positive.sum()
        if hits in (0, 80):
            assert np.isnan(area)
            continue
        by_ranks = (rankdata(own)[positive].sum() - hits * (hits + 1) / 2) / (hits * (80 - hits))
        by_pairs = mannwhitneyu(own[positive], own[~positive]).statistic / (hits * (80 - hits))
        assert area == pytest.approx(by_ranks, abs=1e-12)
        assert area == pytest.approx(by_pairs, abs=1e-12)
    assert np.isnan(found).sum() >= 2


def test_a_column_of_one_size_is_exactly_chance_and_the_truth_exactly_best():
    depends = np.random.default_rng(0).random((97, 40)) < 0.3
    np.testing.assert_array_equal(auroc_of_columns(np.tile(np.pi * np.arange(40), (97, 1)), depends), 0.5)
    np.testing.assert_array_equal(auroc_of_columns(depends.astype(float), depends), 1.0)
    np.testing.assert_array_equal(auroc_of_columns(-depends.astype(float), depends), 0.0)
