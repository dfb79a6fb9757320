"""Areas under curves against their definitions, pair by pair and threshold by threshold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu

from dynsparse.errors import ArrayError
from dynsparse.learning.ranking import auprc, auroc

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
