"""Scores of Jacobians: by hand on a small case, and at their best for the truth itself."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import rankdata

from dynsparse.errors import ArrayError, SettingError
from dynsparse.learning.jacobian_scores import score_jacobians

# Two Jacobians of two outputs and two inputs; element (0, 1) is zero in one of them only.
TRUTH = np.array([[[3.0, 0.0], [0.0, 4.0]], [[1.0, 2.0], [0.0, 2.0]]])
ZERO = TRUTH == 0
PREDICTED = np.array([[[3.0, 1.0], [0.0, 4.0]], [[1.0, 1e-9], [0.5, -2.0]]])


def test_every_score_of_a_small_case_is_what_it_is_by_hand():
    found = score_jacobians(PREDICTED, TRUTH, ZERO)
    total = 3 + 1 + 4 + 1 + 1e-9 + 0.5 + 2
    assert found.leak == pytest.approx((1 + 0.5) / total)
    assert found.miss == pytest.approx(1 / 5)
    assert found.sparsity == pytest.approx(2 / 8)
    assert found.true_sparsity == pytest.approx(3 / 8)
    assert found.frobenius_error == pytest.approx((1 / 5 + np.sqrt(4 + 0.25 + 16) / 3) / 2)
    cosines = [3 / np.sqrt(10), 1.0, 1 / np.sqrt(5), -2 / np.sqrt(4.25)]
    assert found.cosine == pytest.approx(np.mean(cosines))
    # Largest first: 4, 3, 2 depend; of the two of size 1 one does; 0.5 does not, 1e-9 does, 0 does not.
    assert found.auroc == pytest.approx((3 * 3 + 2.5 + 1) / (5 * 3))
    assert found.auprc == pytest.approx((1 + 1 + 1 + 4 / 5 + 5 / 7) / 5)
    assert (found.rows, found.elements, found.changing) == (2, 8, 2)
    assert found.auroc_changing == 0.0
    assert (found.auroc_within, found.elements_within) == (0.0, 1)  # of the two rows of element (0, 1), the wrong way
    assert found.auprc_changing == pytest.approx(1 / 2)


def test_the_truth_attains_the_best_of_everything():
    rng = np.random.default_rng(0)
    zero = rng.random((50, 4, 6)) < 0.4
    truth = np.where(zero, 1e-17 * rng.normal(size=zero.shape), 10 ** rng.uniform(-12, 3, zero.shape))
    found = score_jacobians(np.where(zero, 0.0, truth), truth, zero)
    assert (found.auprc, found.auroc, found.auprc_changing, found.auroc_changing) == (1, 1, 1, 1)
    assert (found.auroc_within, found.elements_within) == (1, 24)
    assert (found.leak, found.miss, found.frobenius_error) == (0, 0, 0)
    assert found.cosine == pytest.approx(1, abs=1e-15)


def test_what_has_no_meaning_is_none_and_never_0_or_1():
    full = np.ones((3, 2, 2))
    found = score_jacobians(full, full, np.zeros(full.shape, dtype=bool))
    assert (found.auprc, found.auroc, found.auprc_changing, found.auroc_changing) == (None, None, None, None)
    assert (found.auroc_within, found.elements_within) == (None, 0)
    assert found.leak == 0
    nothing = score_jacobians(np.zeros(full.shape), np.zeros(full.shape), np.ones(full.shape, dtype=bool))
    assert (nothing.leak, nothing.miss, nothing.frobenius_error, nothing.cosine) == (None, None, None, None)


def within_by_hand(predicted, zero, which):
    """Each element's own area over the rows, from its ranks, in a loop; those with one class do not count."""
    areas = []
    for place in zip(*np.nonzero(which), strict=True):
        depends = ~zero[(slice(None), *place)]
        hits, misses = depends.sum(), (~depends).sum()
        if hits and misses:
            ranks = rankdata(np.abs(predicted[(slice(None), *place)]))
            areas.append((ranks[depends].sum() - hits * (hits + 1) / 2) / (hits * misses))
    return np.mean(areas), len(areas)


@pytest.mark.parametrize("digits", [1, 12], ids=["ties", "no tie"])
def test_auroc_within_is_the_mean_of_each_changing_elements_own_area(digits):
    rng = np.random.default_rng(digits)
    often = np.linspace(0, 1, 24).reshape(4, 6)
    zero = rng.random((60, 4, 6)) < often
    truth = np.where(zero, 0.0, rng.normal(size=zero.shape))
    predicted = np.round(truth + rng.normal(size=zero.shape), digits)
    found = score_jacobians(predicted, truth, zero)
    area, count = within_by_hand(predicted, zero, np.ones((4, 6), dtype=bool))
    assert 0.55 < area < 0.9
    assert (found.auroc_within, found.elements_within) == (pytest.approx(area, abs=1e-12), count)
    assert count < 24
    # Not all that change in these rows, and some that do not.
    which = rng.random((4, 6)) < 0.5
    which[0, 0] = which[3, 5] = True
    part = score_jacobians(predicted, truth, zero, changing=which)
    area, count = within_by_hand(predicted, zero, which)
    assert (part.auroc_within, part.elements_within) == (pytest.approx(area, abs=1e-12), count)
    assert part.changing == 60 * which.sum() > 60 * count
    # A factor of each element's own, as normalising has, changes the ranking of all, but not within.
    factor = 10 ** rng.uniform(-3, 3, (4, 6))
    scaled = score_jacobians(predicted * factor, truth * factor, zero)
    assert scaled.auroc_within == found.auroc_within
    assert scaled.auroc_changing != found.auroc_changing


def test_sizes_of_dependence_have_no_error():
    found = score_jacobians(np.abs(PREDICTED), TRUTH, ZERO, is_jacobian=False)
    assert (found.miss, found.frobenius_error, found.cosine) == (None, None, None)
    assert found.auroc == score_jacobians(PREDICTED, TRUTH, ZERO).auroc


def test_bad_predictions_are_refused_with_their_row():
    bad = PREDICTED.copy()
    bad[1, 0, 0] = np.inf
    with pytest.raises(ArrayError, match=r"not at row 1 \(1 rows in all\)"):
        score_jacobians(bad, TRUTH, ZERO)
    with pytest.raises(ArrayError, match=r"expected Jacobians of shape \(2, 2, 2\).*got \(2, 2, 1\)"):
        score_jacobians(PREDICTED[:, :, :1], TRUTH, ZERO)
    with pytest.raises(ArrayError, match="got none"):
        score_jacobians(PREDICTED[:0], TRUTH[:0], ZERO[:0])
    with pytest.raises(SettingError, match="atol"):
        score_jacobians(PREDICTED, TRUTH, ZERO, atol=0)
