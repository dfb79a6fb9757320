"""The answer to Q4: no loss is chosen by its result, and what a mean over environments hides is said before it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from dynsparse.report.answer_sentences import about_answer, about_mean
from dynsparse.report.learned_answer import answer_q4, more_on_q4
from dynsparse.report.learned_claims import about_claims, about_target
from dynsparse.report.learning_outliers import learning_outliers
from dynsparse.report.learning_records import read_learning_records
from dynsparse.report.learning_results import learning_results
from dynsparse.report.learning_table import make_learning_table
from dynsparse.report.outlier_sentences import about_outliers
from dynsparse.report.score_metrics import figures

from .invented_learning import LOSSES, sweep_of, training, write
from .measured_learning import measured_sweep

NAMES = ("CheetahRun", "FingerSpin")


def read(folder, records):
    return make_learning_table(read_learning_records(write(folder, records)))


def with_errors(errors, names=NAMES, losses=LOSSES[:2]):
    """Records with one-step errors of their own: (environment, loss) -> one a seed; 0.01 for others."""
    records = [training(name, loss, seed, epochs=2) for name in names for loss in losses for seed in range(3)]
    for record in records:
        unit = record["unit"]
        found = errors.get((unit["environment"], unit["settings"]["loss"]), (0.01, 0.01, 0.01))
        record["result"]["final"]["step"]["prediction"]["mse"] = found[unit["settings"]["seed"]]
    return records


@pytest.fixture(scope="module")
def measured(tmp_path_factory, checkout):
    table = read(tmp_path_factory.mktemp("units"), measured_sweep(checkout, epochs=2))
    return table, [learning_results(table, split, resamples=300) for split in table.splits]


def test_a_loss_that_is_far_off_in_one_environment_is_found(tmp_path):
    """Ratios 2, 4 and 8: their geometric mean is 4, the logarithms' standard deviation log 2."""
    table = read(tmp_path, with_errors({("FingerSpin", "state-jacobian"): (0.02, 0.04, 0.08)}))
    (one,) = learning_outliers(table, "step")
    assert (one.environment, one.loss, one.diverged, one.runs) == ("FingerSpin", "state-jacobian", 0, 3)
    half = stats.t.ppf(0.975, 2) * math.log(2.0) / math.sqrt(3.0)
    assert one.ratio.value == pytest.approx(4.0)
    assert (one.ratio.low, one.ratio.high) == pytest.approx((4.0 * math.exp(-half), 4.0 * math.exp(half)))
    # Of six runs of the loss one is cut off at each end: the highest is one of these three.
    assert one.left_out == 1


def test_a_factor_of_two_is_needed_in_either_direction(tmp_path):
    errors = {
        ("CheetahRun", "state-jacobian"): (0.0199, 0.0199, 0.0199),
        ("FingerSpin", "state-jacobian"): (0.0049, 0.0049, 0.0049),
    }
    table = read(tmp_path, with_errors(errors))
    (one,) = learning_outliers(table, "step")
    assert (one.environment, one.ratio.value) == ("FingerSpin", pytest.approx(0.49))
    (said,) = about_outliers(learning_results(table, "step", resamples=20))
    assert said == "In FingerSpin, + MSE(J) has 0.49 [0.49, 0.49] times the one-step error of state."


def test_runs_beyond_all_numbers_are_the_farthest_and_have_no_ratio(tmp_path):
    errors = {
        ("CheetahRun", "state-jacobian"): (1.0, 1.0, 1.0),
        ("FingerSpin", "state-jacobian"): (None, 0.01, 0.01),
    }
    results = learning_results(read(tmp_path, with_errors(errors)), "step", resamples=20)
    lost, far = about_outliers(results)
    assert lost == (
        "In FingerSpin, 1 run of + MSE(J) is beyond all numbers; without it + MSE(J) has 1 times the one-step error of "
        "state."
    )
    assert far.startswith("In CheetahRun, + MSE(J) has 100 [")


def test_an_interval_that_holds_one_is_no_difference_and_two_seeds_make_none(tmp_path):
    errors = {
        ("CheetahRun", "state-jacobian"): (0.001, 0.1, 1.0),
        ("FingerSpin", "state-jacobian"): (0.03, 0.03, 0.0),
    }
    results = learning_results(read(tmp_path, with_errors(errors)), "step", resamples=20)
    said = " ".join(about_outliers(results))
    assert "In CheetahRun, + MSE(J) has 4.64 [" in said  # the cube root of 0.1 * 10 * 100
    assert "] times the one-step error of state, which can not be told from 1." in said
    assert (
        "In FingerSpin, + MSE(J) has 3 times the one-step error of state (not enough data: 2 pairs of seeds)." in said
    )


def test_no_loss_far_off_is_said_and_without_the_baseline_nothing(tmp_path):
    results = learning_results(read(tmp_path / "one", with_errors({})), "step", resamples=20)
    assert about_outliers(results) == [
        "In no environment does the one-step error of a loss differ from that of state by more than a factor of 2."
    ]
    table = read(tmp_path / "two", [training("CheetahRun", LOSSES[1], seed, epochs=2) for seed in range(3)])
    assert learning_outliers(table, "step") == ()
    assert about_outliers(learning_results(table, "step", resamples=20)) == []


def test_a_mean_says_of_what_it_is_and_what_it_leaves_out(tmp_path):
    """Of 24 runs of a loss six are cut off at each end: those three far above all others among them."""
    names = tuple(name for name in ("BallInCup", "CheetahRun", "FingerSpin", "WalkerRun"))
    results = learning_results(
        read(tmp_path / "a", with_errors({("FingerSpin", "state-jacobian"): (9.0, 9.1, 9.2)}, names)),
        "step",
        resamples=20,
    )
    assert about_mean(results) == (
        "Numbers over all 4 environments are interquartile means over 12 runs (4 environments x 3 seeds): the 3 lowest "
        "and the 3 highest runs of each loss are left out, in the one-step error every run of + MSE(J) in FingerSpin. "
        "Their 95 % intervals are bootstrapped over seeds; those of a ratio in one environment are Student's."
    )
    # Fewer than four runs: nothing is cut off.
    few = learning_results(read(tmp_path / "b", with_errors({}, NAMES[:1])), "step", resamples=20)
    assert about_mean(few).startswith("Numbers over CheetahRun are means over 3 runs (1 environment x 3 seeds). Their")


def test_measured_models_are_answered_without_choosing_a_loss(measured):
    """FingerSpin: 34.13 of + MSE(J) over 0.01339 of state, on unseen episodes, in results/learned_small.csv."""
    _, results = measured
    answer = answer_q4(results)
    numbers = ", ".join(
        f"{figures(one.value)} [{figures(one.low)}, {figures(one.high)}] ({label})"
        for loss, label in zip(LOSSES, ("state", "+ MSE(J)", "+ MAE(J)", "+ L1(J)", "+ SAE(J)"), strict=True)
        for one in [results[-1].sparsity.relative.score(loss).estimate]
    )
    first, second, last = answer.short.split(". ")
    assert first.startswith(
        f"Every loss is below the true sparsity: {numbers} times the simulator's, tested on unseen episodes; in no "
        "environment above "
    )
    ratio = next(one.ratio for one in results[-1].outliers if one.environment == "FingerSpin")
    assert ratio.value == pytest.approx(34.133 / 0.013387, rel=0.02) and ratio.low > 1000.0
    ends = f"[{ratio.low:,.0f}, {ratio.high:,.0f}]"
    assert second == f"In FingerSpin, + MSE(J) has {ratio.value:,.0f} {ends} times the one-step error of state"
    assert last == "Of 32 pairs of loss and environment 4 differ from state by more than a factor of 2."
    assert len((answer.short, *answer.sentences)) <= 6


def test_what_is_hidden_stands_before_every_mean(measured):
    for found in measured[1]:
        said = about_answer(found)
        assert said.startswith("In FingerSpin, + MSE(J) has ")
        assert said.index("In FingerSpin") < said.index("interquartile means") < said.index("No loss reaches")
        assert "every run of + MSE(J) in FingerSpin" in said


def test_the_highest_of_any_environment_bounds_all_of_them(measured):
    table, results = measured
    values = [
        np.mean(list(table.values("normalized.relative_sparsity", "episode", loss).by_seed[name].values()))
        for loss in LOSSES
        for name in table.environments
    ]
    assert f"; in no environment above {figures(max(values))}." in answer_q4(results).short


def test_losses_on_several_sides_each_have_a_verdict_and_their_number_is_told(tmp_path):
    records = [training("CheetahRun", loss, seed, epochs=2) for loss in LOSSES[:2] for seed in range(8)]
    for record in records:
        more = record["unit"]["settings"]["loss"] == "state"
        record["result"]["final"]["step"]["normalized"] |= {"sparsity": 0.3 if more else 0.01, "true_sparsity": 0.2}
    answer = answer_q4([learning_results(read(tmp_path, records), "step", resamples=50)])
    assert answer.short.startswith(
        "Losses differ in sparsity: 1.5 [1.5, 1.5] (state), 0.05 [0.05, 0.05] (+ MSE(J)) times"
    )
    assert (
        "state is above the true sparsity. + MSE(J) is below the true sparsity. These are 2 verdicts, not adjusted for "
        "that." in answer.short
    )


def test_the_paper_s_claims_stand_beside_what_these_runs_say(measured):
    results = measured[1]
    target = about_target(results[0])
    relative = [results[0].sparsity.relative.score(loss).estimate.value for loss in LOSSES]
    orders = [f"{-math.log10(value):.1f}" for value in (max(relative), min(relative))]
    assert target.startswith('The paper (section 5.4): "the induced sparsity increased significantly when')
    assert f"tested on test steps of training episodes: {' to '.join(orders)} orders of magnitude below it; " in target
    assert "+ MAE(J) and + SAE(J) have more zeros than state" in target
    losses, sparse, regular = about_claims(results[0])
    assert losses.endswith("Here: + MSE(J) predicts worse than state, + MAE(J) predicts better than state.")
    assert sparse.endswith("Here: + SAE(J) has more zeros than state; + SAE(J) predicts worse than state.")
    assert regular.endswith("Here: + L1(J) has more zeros than state; + L1(J) predicts worse than state.")


def test_claims_on_losses_that_were_not_trained_are_left_out(tmp_path):
    table = read(tmp_path, sweep_of(("CheetahRun",), LOSSES[:1], epochs=2))
    assert about_claims(learning_results(table, "step", resamples=20)) == ()


def test_each_sentence_of_the_answer_stands_once(measured):
    results = measured[1]
    answer = answer_q4(results)
    told = [answer.short, *answer.sentences]
    for title, sentences in more_on_q4(results):
        assert title.startswith(("Losses compared, tested on ", "What the paper says"))
        told += sentences
    # Those of two test sets may agree; nothing is said twice of one.
    last = [answer.short, *answer.sentences, *more_on_q4(results)[0][1]]
    split = [one for text in last for one in text.split(". ")]
    assert len(split) == len(set(split))


def test_nothing_trained_and_no_result_are_said(tmp_path):
    assert answer_q4([]).short == "Nothing was trained."
    assert more_on_q4([]) == ()
    failed = learning_results(read(tmp_path, [training("CheetahRun", "state", 0, failed=True)]), "step", resamples=20)
    assert answer_q4([failed]).short == "There is no number yet: no run has a result."
    assert more_on_q4([failed]) == ()
