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
from dynsparse.report.learning_sentences import about_errors
from dynsparse.report.learning_table import make_learning_table
from dynsparse.report.outlier_sentences import about_looks, about_outliers
from dynsparse.report.score_metrics import figures

from .invented_learning import LOSSES, sweep_of, training, write
from .measured_learning import measured_sweep

NAMES = ("CheetahRun", "FingerSpin")
A_RATIO = (
    "A ratio of errors over all environments is the geometric interquartile mean of the ratios of paired runs, not the "
    "ratio of the means: these lie apart where one environment goes wrong."
)
FOUR = ("BallInCup", "CheetahRun", "FingerSpin", "WalkerRun")


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
        ("FingerSpin", "state-jacobian"): (0.0048, 0.0049, 0.005),
    }
    table = read(tmp_path, with_errors(errors))
    (one,) = learning_outliers(table, "step")
    assert (one.environment, one.ratio.value) == ("FingerSpin", pytest.approx(0.49, rel=1e-3))
    (said,) = about_outliers(learning_results(table, "step", resamples=20))
    assert said == "In FingerSpin, + MSE(J) has 0.49 [0.466, 0.515] times the one-step error of state."


def test_runs_beyond_all_numbers_are_the_farthest_and_have_no_ratio(tmp_path):
    errors = {
        ("CheetahRun", "state-jacobian"): (0.9, 1.0, 1.0 / 0.9),
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
    assert about_outliers(results) == []
    assert answer_q4([results]).short.endswith(f" in the mean over seeds. {about_looks(results)}")
    assert about_looks(results) == (
        "Of 2 pairs of loss and environment none has a mean ratio to the one-step error of state above 2 or below 0.5. "
        "Nothing is adjusted for so many looks."
    )
    table = read(tmp_path / "two", [training("CheetahRun", LOSSES[1], seed, epochs=2) for seed in range(3)])
    assert learning_outliers(table, "step") == ()
    alone = learning_results(table, "step", resamples=20)
    assert about_outliers(alone) == [] and about_looks(alone) == ""


def test_outliers_that_seeds_do_not_tell_are_not_counted_as_told(tmp_path):
    """4.64 of seeds that differ by more, 3 of two pairs, 4 in about every seed: three mean ratios are beyond 2."""
    errors = {
        ("BallInCup", "state-jacobian"): (0.001, 0.1, 1.0),
        ("CheetahRun", "state-jacobian"): (0.03, 0.03, 0.0),
        ("FingerSpin", "state-jacobian"): (0.04, 0.041, 0.042),
        ("WalkerRun", "state-jacobian"): (None, 0.01, 0.01),
    }
    beyond = "have a mean ratio to the one-step error of state above 2 or below 0.5"
    results = learning_results(read(tmp_path / "a", with_errors(errors, FOUR)), "step", resamples=20)
    assert about_looks(results) == (
        f"Of 4 pairs of loss and environment 3 {beyond}; in 1 of these an interval excludes 1; in 1 more, runs are "
        "beyond all numbers. Nothing is adjusted for so many looks."
    )
    # One pair that has no number at all was not looked at, nor is a run of state that has none a loss's doing.
    del errors["FingerSpin", "state-jacobian"]
    lost = {("WalkerRun", "state"): (None, None, None), ("WalkerRun", "state-jacobian"): (0.01, 0.01, 0.01)}
    results = learning_results(read(tmp_path / "b", with_errors(errors | lost, FOUR)), "step", resamples=20)
    assert about_looks(results) == (
        f"Of 3 pairs of loss and environment 2 {beyond}; in none of these an interval excludes 1; 3 runs of state are "
        "beyond all numbers. Nothing is adjusted for so many looks."
    )


def test_an_error_beyond_all_that_a_quotient_can_be_is_no_reason_to_stop(tmp_path):
    errors = {(name, "state"): (1e-300,) * 3 for name in NAMES}
    errors |= {("FingerSpin", "state-jacobian"): (1e300,) * 3, ("CheetahRun", "state-jacobian"): (1e-300,) * 3}
    (one,) = learning_outliers(read(tmp_path, with_errors(errors)), "step")
    assert one.environment == "FingerSpin" and one.ratio.value > 1e300


def test_a_mean_says_of_what_it_is_and_what_it_leaves_out(tmp_path):
    """Of 24 runs of a loss six are cut off at each end: those three far above all others among them."""
    results = learning_results(
        read(tmp_path / "a", with_errors({("FingerSpin", "state-jacobian"): (9.0, 9.1, 9.2)}, FOUR)),
        "step",
        resamples=20,
    )
    assert about_mean(results) == (
        "Numbers over all 4 environments are interquartile means over 12 runs (4 environments x 3 seeds): the 3 lowest "
        "and the 3 highest runs of each loss are left out, in the one-step error every run of + MSE(J) in FingerSpin. "
        "Their 95 % intervals are bootstrapped over seeds; those of a ratio in one environment are Student's. "
        f"{A_RATIO} It leaves out every pair of + MSE(J) in FingerSpin."
    )
    # Fewer than four runs: nothing is cut off; no outlier: no interval of one.
    few = learning_results(read(tmp_path / "b", with_errors({}, NAMES[:1])), "step", resamples=20)
    assert about_mean(few) == (
        "Numbers over CheetahRun are means over 3 runs (1 environment x 3 seeds). Their 95 % intervals are "
        "bootstrapped over seeds. A ratio of errors is the geometric mean of the ratios of paired runs, not the ratio "
        "of the means."
    )


def test_one_seed_each_has_no_interval_to_speak_of(tmp_path):
    """Runs enough for a mean that cuts some off, and nothing that seeds could tell."""
    records = [record for record in with_errors({}, FOUR) if record["unit"]["settings"]["seed"] == 0]
    results = learning_results(read(tmp_path, records), "step", resamples=20)
    assert about_mean(results).startswith(
        "Numbers over all 4 environments are interquartile means over 4 runs (4 environments x 1 seed): the 1 lowest "
        "and the 1 highest runs of each loss are left out. A ratio of"
    )
    assert "95 %" not in about_answer(results) and "Student" not in about_answer(results)


def test_a_ratio_says_why_it_is_not_that_of_the_means_beside_it(tmp_path):
    """Two environments go wrong by as much; of twelve pairs three are cut off at each end."""
    errors = {
        **{(name, "state"): (0.01, 0.011, 0.012) for name in FOUR},
        **{(name, "state-jacobian"): (0.02, 0.021, 0.022) for name in FOUR},
        ("FingerSpin", "state"): (0.9, 0.9, 0.9),
        ("FingerSpin", "state-jacobian"): (9.0, 9.1, 9.2),
    }
    results = learning_results(read(tmp_path, with_errors(errors, FOUR)), "step", resamples=20)
    runs = [[value for name in FOUR for value in errors[name, loss]] for loss in LOSSES[:2]]
    logs = [math.log(own / other) for other, own in zip(*runs, strict=True)]
    ratio = math.exp(stats.trim_mean(logs, 0.25))
    means = [stats.trim_mean(values, 0.25) for values in runs]
    assert sorted(logs)[-3:] == logs[6:9] and figures(ratio) != figures(means[1] / means[0])
    said = about_errors(results)
    assert said.startswith(f"One-step test error: {figures(means[0])} [")
    assert f"] (state), {figures(means[1])} [" in said
    # State itself is no outlier, and has nothing to be named for.
    assert " (+ MSE(J)). These means leave out every run of + MSE(J) in FingerSpin. + MSE(J) has " in said
    assert f"has {figures(ratio)} [" in said
    assert said.endswith(f"higher. {A_RATIO} It leaves out every pair of + MSE(J) in FingerSpin.")


def test_a_ratio_may_leave_out_what_the_means_hold(tmp_path):
    """The smallest of all errors but for one, and the largest of all ratios."""
    errors = {
        **{("BallInCup", loss): (1e-4, 1e-4, 1e-4) for loss in LOSSES[:2]},
        ("CheetahRun", "state"): (0.001, 0.001, 0.001),
        ("CheetahRun", "state-jacobian"): (0.009, 0.009, 0.009),
    }
    said = about_errors(learning_results(read(tmp_path, with_errors(errors, FOUR)), "step", resamples=20))
    assert "These means leave out" not in said
    assert said.endswith(" It leaves out every pair of + MSE(J) in CheetahRun.")


def test_measured_models_are_answered_without_choosing_a_loss(measured):
    """FingerSpin: 34.13 of + MSE(J) over 0.01339 of state, on unseen episodes, in results/learned_small.csv."""
    _, results = measured
    answer = answer_q4(results)
    numbers = ", ".join(
        f"{figures(one.value)} [{figures(one.low)}, {figures(one.high)}] ({label})"
        for loss, label in zip(LOSSES, ("state", "+ MSE(J)", "+ MAE(J)", "+ L1(J)", "+ SAE(J)"), strict=True)
        for one in [results[-1].sparsity.relative.score(loss).estimate]
    )
    first, second, third, last = answer.short.split(". ")
    assert first.startswith(
        f"Every loss is below the true sparsity: {numbers} times the simulator's, tested on unseen episodes; in no "
        "environment above "
    )
    ratio = next(one.ratio for one in results[-1].outliers if one.environment == "FingerSpin")
    assert ratio.value == pytest.approx(34.133 / 0.013387, rel=0.02) and ratio.low > 1000.0
    ends = f"[{ratio.low:,.0f}, {ratio.high:,.0f}]"
    assert second == f"In FingerSpin, + MSE(J) has {ratio.value:,.0f} {ends} times the one-step error of state"
    far, certain = counted_by_hand(measured[0], "episode")
    assert (far, certain) == (4, 3)
    assert third == (
        "Of 32 pairs of loss and environment 4 have a mean ratio to the one-step error of state above 2 or below 0.5; "
        "in 3 of these an interval excludes 1"
    )
    assert last == "Nothing is adjusted for so many looks."
    assert len((answer.short, *answer.sentences)) <= 6


def counted_by_hand(table, split):
    """How many pairs of loss and environment are beyond a factor of two, and how many of them a t test tells from 1."""
    far = certain = 0
    for loss in LOSSES[1:]:
        own, other = (table.values("prediction.mse", split, name).by_seed for name in (loss, "state"))
        for name in table.environments:
            logs = np.log([own[name][seed] / other[name][seed] for seed in own[name]])
            beyond = abs(logs.mean()) > math.log(2.0)
            far += beyond
            certain += beyond and stats.ttest_1samp(logs, 0.0).pvalue < 0.05
    return far, certain


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
    told = answer_q4(results).short.split("; in no environment above ")[1].split(" in the mean over seeds. ")[0]
    # Rounded up by less than one of its three figures.
    assert max(values) <= float(told) < 1.01 * max(values)


@pytest.mark.parametrize(
    ("sparsity", "told"),
    [(0.0123401, "0.0618"), (0.05, "0.25"), (0.0000246801, "1.24e-4"), (0.19999, "1"), (246.8, "1,240"), (0.0, "0")],
)
def test_a_bound_is_rounded_up(tmp_path, sparsity, told):
    """Of 0.2 that are zero in truth: 0.0617005 is above 0.0617."""
    records = [training(name, "state", seed, epochs=2) for name in NAMES for seed in range(3)]
    for record in records:
        low = record["unit"]["environment"] == "CheetahRun"
        own = {"sparsity": sparsity / 2 if low else sparsity, "true_sparsity": 0.2}
        record["result"]["final"]["step"]["normalized"] |= own
    said = answer_q4([learning_results(read(tmp_path, records), "step", resamples=20)]).short
    assert said.endswith(f"; in no environment above {told} in the mean over seeds.")


def test_a_loss_without_a_sparsity_is_no_part_of_every_loss(tmp_path):
    records = [training("CheetahRun", loss, seed, epochs=2) for loss in LOSSES[:3] for seed in range(8)]
    for record in records[8:16]:
        record["result"]["final"]["step"]["normalized"]["sparsity"] = None
    results = learning_results(read(tmp_path, records), "step", resamples=20)
    said = answer_q4([results]).short
    assert said.startswith("Every loss with a number is below the true sparsity: ")
    assert " times the simulator's, tested on test steps of training episodes. There is no number of + MSE(J). " in said
    assert "orders of magnitude below it (state and + MAE(J)); " in about_target(results)


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


def without_numbers(records, runs):
    """The same records, with errors beyond all numbers: of (loss, environment, seed)."""
    for record in records:
        unit = record["unit"]
        if (unit["settings"]["loss"], unit["environment"], unit["settings"]["seed"]) in runs:
            record["result"]["final"]["step"]["prediction"]["mse"] = None
    return records


def test_a_claim_says_first_that_runs_are_beyond_all_numbers(tmp_path):
    """Without one of its twelve runs the others would favour the loss; without any it would not be named."""
    every = {("state-jacobian", name, seed) for name in FOUR for seed in range(3)}
    for lost, told in (
        ({("state-jacobian", "FingerSpin", 1)}, "1 run of + MSE(J) is beyond all numbers"),
        (every, "12 runs of + MSE(J) are beyond all numbers"),
    ):
        records = without_numbers(with_errors({}, FOUR, LOSSES[:3]), lost)
        results = learning_results(read(tmp_path / str(len(lost)), records), "step", resamples=20)
        (claim,) = about_claims(results)
        assert claim.endswith(
            f"Here: no verdict on the error of + MSE(J), as {told}, + MAE(J) can not be told from state in error."
        )
        assert "not enough data" not in claim
        said = about_answer(results)
        assert f"There is no verdict on the prediction error of + MSE(J): {told}." in said
        assert "no verdict" not in about_target(results)  # zeros are there all the same


def test_runs_of_the_baseline_beyond_all_numbers_are_its_own(tmp_path):
    lost = {("state", "FingerSpin", 0), ("state", "FingerSpin", 1), ("state-jacobian", "CheetahRun", 2)}
    records = without_numbers(with_errors({}, FOUR, LOSSES[:3]), lost)
    (claim,) = about_claims(learning_results(read(tmp_path, records), "step", resamples=20))
    assert claim.endswith(
        "Here: no verdict on the error of + MSE(J) and + MAE(J), as 1 run of + MSE(J) and 2 runs of state are beyond "
        "all numbers."
    )


def test_where_every_run_failed_there_is_not_enough_data(tmp_path):
    names = [("CheetahRun", loss, seed) for loss in (LOSSES[0], LOSSES[4]) for seed in range(8)]
    records = [training(*run, epochs=2, failed=run[1] == LOSSES[4]) for run in names]
    (claim,) = about_claims(learning_results(read(tmp_path, records), "step", resamples=20))
    assert claim.endswith(
        "Here: not enough data to compare the zeros of + SAE(J) with those of state; not enough data to compare the "
        "error of + SAE(J) with that of state."
    )


def test_the_distance_from_the_true_sparsity_hides_no_loss(tmp_path):
    """Of eight runs two have zeros, which the interquartile mean leaves out; another loss has more than there are."""
    shares = {
        "state": lambda seed: 0.02 if seed < 2 else 0.0,
        "state-jacobian": lambda seed: 0.0,
        "state-jacobian-l1": lambda seed: 0.3,
        "state-jacobian-l1-regularizer": lambda seed: 2e-4,
        "state-jacobian-l1-sparse-only": lambda seed: 2e-5,
    }

    def told(folder, losses):
        records = [training("CheetahRun", loss, seed, epochs=2) for loss in losses for seed in range(8)]
        for record in records:
            unit = record["unit"]["settings"]
            own = {"sparsity": shares[unit["loss"]](unit["seed"]), "true_sparsity": 0.2}
            record["result"]["final"]["step"]["normalized"] |= own
        said = about_target(learning_results(read(tmp_path / folder, records), "step", resamples=20))
        return said.split("tested on test steps of training episodes: ")[1].split(";")[0].removesuffix(".")

    assert told("all", LOSSES) == (
        "3.0 to 4.0 orders of magnitude below it (+ L1(J) and + SAE(J)), 0 in the interquartile mean, though some runs "
        "have zeros (state), no zero at all (+ MSE(J)), 1.5 times it, not below it (+ MAE(J))"
    )
    assert told("zero", LOSSES[1:2]) == "no zero at all"
    shares["state"] = lambda seed: 0.1
    assert told("near", LOSSES[:1]) == "0.5 times it, below it"


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
