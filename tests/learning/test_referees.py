"""Referees: each score is what it must be, worked out by hand; the truth attains the best of everything."""

from __future__ import annotations

import numpy as np
import pytest

from dynsparse.learning.score import score_referees

from .switched_rows import CHANGING, made_arrays, scored


@pytest.fixture(scope="module")
def rows():
    return scored(made_arrays(episodes=10, steps=60))


@pytest.fixture(scope="module")
def found(rows):
    return score_referees(rows)


def positives(rows):
    return 1 - rows.zero.mean(), 1 - rows.zero[:, CHANGING].mean()


def no_better_than_chance(scores, rows):
    """All elements of one size: precision is the share of positives, and a pair is ranked right half of the time."""
    assert scores.auprc == pytest.approx(positives(rows)[0])
    assert scores.auprc_changing == pytest.approx(positives(rows)[1])
    assert scores.auroc == scores.auroc_changing == scores.auroc_within == 0.5


def test_there_are_five(found):
    assert list(found) == ["constant", "identity", "all-ones", "training-frequency", "truth"]
    assert [score.derivative for score in found.values()] == ["given", "given", "dependency", "dependency", "given"]


def test_the_constant_model_depends_on_nothing(found, rows):
    score = found["constant"]
    for scores in (score.normalized, score.raw):
        no_better_than_chance(scores, rows)
        assert scores.leak is None  # of nothing
        assert (scores.miss, scores.frobenius_error, scores.cosine, scores.sparsity) == (1, 1, 0, 1)
    # The mean of these rows is what z-scores are measured from: each dimension's error is its variance, 1.
    np.testing.assert_allclose(score.prediction.mse_per_dimension, 1, rtol=1e-6)
    assert score.r2 < 0
    by_steps = {told.steps: told for told in score.prediction.open_loop}
    windows = rows.windows
    for steps in (1, 50):
        ends = rows.normalizer.outputs(windows.next_state[windows.length >= steps, steps - 1])
        assert by_steps[steps].mse == pytest.approx((ends**2).mean())
    assert {share for _, share in score.threshold_sweep} == {1.0}


def test_the_identity_keeps_the_state(found, rows):
    score = found["identity"]
    scores = score.raw
    # Ones where the truth never is zero: nothing leaks.
    assert scores.leak == score.normalized.leak == 0
    share = positives(rows)[0]
    depends = 15 * share
    # The ones come first, all right; the others are tied: recall is 3 of the elements that depend, then all of them.
    assert scores.auprc == pytest.approx((3 + (depends - 3) * share) / depends)
    assert scores.auroc == pytest.approx((3 + (depends - 3) / 2) / depends)
    assert scores.auroc_changing == scores.auroc_within == 0.5  # no changing element is on the diagonal
    wanted = ~rows.zero & (np.abs(rows.jacobian) >= 1e-6)
    assert scores.miss == pytest.approx(1 - 3 * len(rows) / wanted.sum())
    diagonal = rows.jacobian[:, range(3), range(3)]
    assert scores.cosine == pytest.approx((diagonal / np.linalg.norm(rows.jacobian, axis=2)).mean())
    assert scores.sparsity == pytest.approx(12 / 15)
    change = rows.next_state - rows.state
    wanted = 1 - (change**2).sum(axis=0) / ((change - change.mean(axis=0)) ** 2).sum(axis=0)
    np.testing.assert_allclose(score.prediction.r2_per_dimension, wanted, rtol=1e-9)
    assert score.r2 <= 0
    # In z-scores the ones become the ratio of each variable's standard deviations before and after.
    ratio = rows.state.std(axis=0) / rows.next_state.std(axis=0)
    truth = rows.jacobian * rows.normalizer.jacobian_factor()
    error = np.linalg.norm(np.eye(3, 5) * np.append(ratio, [0, 0]) - truth, axis=(1, 2))
    assert score.normalized.frobenius_error == pytest.approx((error / np.linalg.norm(truth, axis=(1, 2))).mean())


def test_the_graph_of_all_ones_says_nothing(found, rows):
    score = found["all-ones"]
    for scores in (score.normalized, score.raw):
        no_better_than_chance(scores, rows)
        assert scores.leak == pytest.approx(rows.zero.mean())
        assert (scores.miss, scores.frobenius_error, scores.cosine) == (None, None, None)
        assert scores.sparsity == 0
    assert score.prediction is None
    assert score.contact["active"].prediction is None


def test_the_training_frequency_knows_where_but_not_when(found, rows):
    score = found["training-frequency"]
    share = 1 - rows.zero.mean(axis=0)
    for scores in (score.normalized, score.raw):
        # Two changing elements, zero together and as often: their sizes are equal, and tell nothing apart.
        assert scores.auroc_changing == scores.auroc_within == 0.5
        assert scores.auprc_changing == pytest.approx(positives(rows)[1])
        # Always-dependent elements come first, then the tied changing ones, then those that never depend.
        always = int((~rows.zero).all(axis=0).sum())
        hits, tied = always * len(rows), int((~rows.zero[:, CHANGING]).sum())
        precision = (hits + tied) / (hits + 2 * len(rows))
        assert scores.auprc == pytest.approx((hits + tied * precision) / (hits + tied))
        assert scores.leak == pytest.approx((share * rows.zero.mean(axis=0)).sum() / share.sum())
        assert scores.miss is None
    assert score.prediction is None


def test_one_graph_ranks_changing_elements_by_their_frequency_without_knowing_when():
    arrays = made_arrays(episodes=10, steps=100)
    # Of the two changing elements one is not zero in 99 % of the rows, the other in 1 %, independent of everything.
    rng = np.random.default_rng(0)
    for part, place, share in (("jac_state", (1, 2), 0.99), ("jac_action", (2, 0), 0.01)):
        arrays[part][(slice(None), *place)] = rng.permutation(np.arange(1000) < 1000 * share) * 0.3
    rows = scored(arrays)
    np.testing.assert_array_equal(rows.changing, CHANGING)
    found = score_referees(rows)
    for scores in (found["training-frequency"].normalized, found["training-frequency"].raw):
        # The frequent element comes first: precision 0.99 up to recall 0.99, then all, of which half depends.
        assert scores.auprc_changing == pytest.approx(0.99 * 0.99 + 0.01 * 0.5)
        # Of pairs from both elements 0.99^2 are in order, and 0.01^2 are not; of pairs from one half is.
        assert scores.auroc_changing == pytest.approx(0.99**2 + 2 * 0.99 * 0.01 / 2)
        assert (scores.auroc_within, scores.elements_within) == (0.5, 2)
    assert found["truth"].normalized.auroc_within == 1
    assert {found[name].auroc_within for name in ("constant", "identity", "all-ones")} == {0.5}


@pytest.mark.parametrize("seed", range(6))
def test_the_truth_attains_the_best_of_everything(seed):
    arrays = made_arrays(episodes=4, steps=70, seed=seed, nonfinite=(11,))
    rng = np.random.default_rng(seed)
    # Round-off instead of zeros, and slopes of every size above the threshold.
    both = arrays["jac_state"], arrays["jac_action"]
    for part in both:
        zero = part == 0
        part *= 10 ** rng.uniform(-6, 6, part.shape)
        part[zero] = 1e-17 * rng.normal(size=zero.sum())
    score = score_referees(scored(arrays))["truth"]
    active, inactive = score.contact["active"], score.contact["inactive"]
    # What changes is always zero without contact and never with it here: one class only, which is None.
    for scores in (score.normalized, score.raw):
        assert (scores.auprc, scores.auroc, scores.auprc_changing, scores.auroc_changing) == (1, 1, 1, 1)
        assert (scores.auroc_within, scores.elements_within) == (1, 2)
    for scores in (active.normalized, inactive.normalized):
        assert (scores.auprc, scores.auroc, scores.auprc_changing, scores.auroc_changing) == (1, 1, None, None)
        assert (scores.auroc_within, scores.elements_within) == (None, 0)
    for scores in (score.normalized, score.raw, active.normalized, inactive.normalized):
        assert (scores.leak, scores.miss, scores.frobenius_error) == (0, 0, 0)
        assert scores.cosine == pytest.approx(1, abs=1e-15)
    for prediction in (score.prediction, active.prediction, inactive.prediction):
        assert (prediction.mse, prediction.r2) == (0, 1)
        assert [told.mse for told in prediction.open_loop] == [0, 0, 0, 0, 0]
