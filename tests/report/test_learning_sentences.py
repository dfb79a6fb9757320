"""Sentences: their numbers are those of the results, and they say when there is too little to tell."""

from __future__ import annotations

import pytest

from dynsparse.report.answer_sentences import about_answer, about_training
from dynsparse.report.judgement_sentences import about_contact, about_leak, about_open_loop, about_ranking, about_within
from dynsparse.report.learning_records import read_learning_records
from dynsparse.report.learning_results import learning_results
from dynsparse.report.learning_sentences import (
    NOTHING,
    about_chances,
    about_curves,
    about_errors,
    about_intervals,
    about_sparsity,
    about_thresholds,
)
from dynsparse.report.learning_table import ExpectedRuns, make_learning_table
from dynsparse.report.missing_runs import about_missing, missing_lines, uneven_means
from dynsparse.report.phrases import by_side
from dynsparse.report.score_metrics import figures
from dynsparse.report.score_tables import column_groups, difference_table

from .invented_learning import LOSSES, sweep_of, training, write

ALL = (about_answer, about_errors, about_sparsity, about_ranking, about_leak, about_thresholds, about_open_loop)


def read(folder, records, expected=None):
    table = make_learning_table(read_learning_records(write(folder, records)), expected)
    return table, learning_results(table, "step", resamples=300)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return read(tmp_path_factory.mktemp("units"), sweep_of(epochs=20))


@pytest.fixture(scope="module")
def lonely(tmp_path_factory):
    records = [training("CheetahRun", loss, 0, epochs=5) for loss in LOSSES[:2]]
    return read(tmp_path_factory.mktemp("units"), records)


def test_the_answer_names_each_loss_on_its_side(whole):
    said = about_answer(whole[1])
    assert said.index("In ") == 0 and " has " in said.split(". ")[0]  # first what a mean does not show
    # Of 24 runs six are cut off at each end.  + L1(J) is far off everywhere, other losses nowhere that all are cut off.
    errors = whole[0].values("prediction.mse", "step", "state-jacobian-l1-regularizer").by_seed
    ranked = [name for _, name in sorted((value, name) for name in errors for value in errors[name].values())]
    outer = ranked[:6] + ranked[-6:]
    every = {f"+ L1(J) in {name}" for name in errors if outer.count(name) == 3}
    assert len(every) == 4
    told = said.split(" are left out, in the one-step error every run of ")[1].split(". Their")[0]
    assert set(told.replace(" and ", ", ").split(", ")) == every
    assert (
        "No loss reaches the true sparsity. No loss reaches the AUPRC of the training frequencies, which know nothing "
        "of the state. No loss reaches the AUPRC of the training frequencies over changing elements. + MSE(J) and "
        "+ L1(J) predict worse than state."
    ) in said
    assert said.endswith(
        "The prediction error of + MAE(J) and + SAE(J) can not be told from that of state by these seeds."
    )


def test_where_nothing_is_learned_is_said(tmp_path):
    records = sweep_of(("CheetahRun", "FingerSpin"), LOSSES[:2], epochs=2)
    for record in records:
        if record["unit"]["environment"] == "CheetahRun" and record["unit"]["kind"] == "train":
            worse = {"state": 1.2, "state-jacobian": 2.5}[record["unit"]["settings"]["loss"]]
            record["result"]["final"]["step"]["prediction"]["mse"] = worse * 0.03  # the identity has 0.03
    said = about_training(read(tmp_path / "one", records)[1])
    assert said.startswith(
        "One step ahead no loss beats identity, the prediction that nothing changes, in CheetahRun (at best 1.2 "
        "times its error). Such models are hardly trained and say nothing about what trained ones recover"
    )
    one = next(record for record in records if record["unit"]["kind"] == "train")
    one["result"]["final"]["step"]["prediction"]["mse"] = None  # beyond all numbers
    for record in records:
        if record["unit"]["settings"]["seed"] == 1 and record["unit"]["kind"] == "train":
            record["result"]["final"]["step"]["prediction"]["mse"] = None
    said = about_training(read(tmp_path / "two", records)[1])
    assert "in CheetahRun (runs are beyond all numbers), FingerSpin (runs are beyond all numbers)" in said
    for record in records:
        if record["unit"]["kind"] == "train":
            record["result"]["final"]["step"]["prediction"]["mse"] = 0.9 * 0.03
    assert about_training(read(tmp_path / "three", records)[1]) == ""
    assert about_training(read(tmp_path / "four", records[:-2])[1]) == ""  # no referees


def test_where_identity_is_ahead_in_the_mean_too_is_said(tmp_path):
    records = sweep_of(("CheetahRun", "FingerSpin"), LOSSES[:2], epochs=2)
    for record in records:
        if record["unit"]["kind"] == "train":
            record["result"]["final"]["step"]["prediction"]["mse"] = 0.5
    _, results = read(tmp_path, records)
    reference = results.scores["prediction.mse"].score("identity").estimate.value
    said = f"; nor in the mean over all environments, 0.5 at best against {figures(reference)}. Such"
    assert said in about_training(results)


def test_the_answer_has_the_verdict_on_changing_elements(tmp_path):
    """Frequencies beat both losses over all elements; over the changing ones one loss beats them."""
    records = sweep_of(("CheetahRun", "FingerSpin"), LOSSES[:2], epochs=2)
    for record in records:
        if record["unit"]["kind"] == "train":
            good = record["unit"]["settings"]["loss"] == "state-jacobian"
            own = {"auprc_changing": 0.9, "auroc_within": 0.8} if good else {"auroc_within": 0.4}
            record["result"]["final"]["step"]["normalized"] |= own
    said = about_answer(read(tmp_path / "one", records)[1])
    assert "No loss reaches the AUPRC of the training frequencies, which know nothing of the state. " in said
    goal = "the AUPRC of the training frequencies over changing elements"
    assert f"+ MSE(J) is above {goal}. state is below {goal}. " in said
    goal = "0.5, the AUROC within elements of any graph that is one for all states"
    assert f"+ MSE(J) is above {goal}. state is below {goal}. " in said
    within = about_within(read(tmp_path / "one", records)[1])
    assert within.startswith(
        "AUROC within elements: 0.4 [0.4, 0.4] (state), 0.8 [0.8, 0.8] (+ MSE(J)). + MSE(J) is above"
    )
    still = [training("CartpoleBalance", "state", seed, epochs=2) for seed in (0, 1)]
    assert "No element changes between zero and non-zero in these rows" in about_answer(read(tmp_path / "2", still)[1])


def test_errors_are_told_with_ratio_interval_and_verdict(whole):
    said = about_errors(whole[1])
    estimate = whole[1].difference("prediction.mse", "state-jacobian-l1-regularizer", "state").estimate
    ends = f"[{figures(estimate.low)}, {figures(estimate.high)}]"
    assert f"+ L1(J) has {figures(estimate.value)} {ends} times the error of state: higher." in said
    assert "+ SAE(J) has " in said and "times the error of state: can not be told from it." in said


def test_sparsity_is_told_in_orders_of_magnitude(whole):
    said = about_sparsity(whole[1])
    relative = whole[1].sparsity.relative.score("state").estimate
    assert f"{figures(relative.value)} [" in said
    assert said.startswith("In the simulator 20.4 % of the elements are zero, and before training 3.04e-6")
    assert "times the true share, 4.0 orders of magnitude below." in said
    assert said.endswith("No loss reaches the true sparsity.")


def test_a_mean_of_zero_is_not_none_at_all_where_some_runs_have_some(tmp_path):
    names = ("CheetahRun", "FingerSpin")
    records = [training(name, loss, s, epochs=2, zero=True) for name in names for loss in LOSSES[:2] for s in range(8)]
    for record in records:
        if record["unit"]["settings"]["loss"] == "state" and record["unit"]["settings"]["seed"] < 2:
            record["result"]["final"]["step"]["normalized"]["sparsity"] = 0.01
    _, results = read(tmp_path, records)
    estimate = results.sparsity.relative.score("state").estimate
    assert estimate.value == 0.0 < estimate.high
    said = about_sparsity(results)
    high = figures(estimate.high)
    assert (
        f"With state 0 are: 0 [0, {high}] times the true share, 0 in the interquartile mean (4 of 16 runs have some)."
        in said
    )
    assert "With + MSE(J) 0 are: 0 [0, 0] times the true share, none at all." in said


def test_ranking_is_held_against_the_training_frequencies(whole):
    said = about_ranking(whole[1])
    assert "in the training rows, whatever the state, have 0.93. No loss reaches them." in said
    assert "AUPRC over elements that are zero in some rows only: 0.52" in about_ranking(whole[1], "auprc_changing")
    assert about_within(whole[1]) == ""  # older records lack it


def test_thresholds_open_loop_and_contact(whole):
    sweep = whole[1].thresholds
    first = next(
        atol
        for atol, one in zip(sweep.atols, sweep.sparsity, strict=True)
        if one.score("state").estimate.value >= sweep.true[None].estimate.value
    )
    assert about_thresholds(whole[1]).startswith(
        "The smallest threshold, of 12 from 1e-12 to 0.1, a decade apart, with"
    )
    assert first == 0.1 and "20.4 %: at 0.1 (state)" in about_thresholds(whole[1])
    last = whole[1].open_loop[50].score("state").estimate
    assert f"Error after 50 steps without correction: {figures(last.value)} [" in about_open_loop(whole[1])
    pair = whole[1].contact["prediction.mse"]
    numbers = [figures(one.score("state").estimate.value) for one in (pair.active, pair.inactive)]
    assert f"{numbers[0]} and {numbers[1]} (state)" in about_contact(whole[1])
    areas = whole[1].contact["normalized.auprc"]
    active, inactive = (figures(one.score("all-ones").estimate.value) for one in (areas.active, areas.inactive))
    assert active != inactive
    assert f"Chance differs (all ones: AUPRC {active} with and {inactive} without; leak " in about_contact(whole[1])


def test_no_run_makes_nothing_to_say(tmp_path):
    _, results = read(tmp_path, [training("CheetahRun", "state", 0, failed=True)])
    assert {about(results) for about in ALL if about is not about_ranking} == {NOTHING}
    assert about_curves(results) == NOTHING
    assert about_ranking(results) == "AUPRC has no meaning in any run, or no run has a result."
    assert about_contact(results).startswith("No environment has rows both with and without")


def test_one_seed_is_not_enough_to_tell(lonely):
    table, results = lonely
    assert about_intervals(table, 300, 0) == (
        "Numbers are those of one seed, without intervals: another seed might give others."
    )
    assert "not enough data to tell (1 pair)" in about_errors(results)
    assert "Not enough data to compare state and + MSE(J) with the true sparsity" in about_sparsity(results)
    assert "There are no referees to compare it with." in about_ranking(results)


def test_three_seeds_say_how_narrow_their_intervals_are(whole):
    said = about_intervals(whole[0], 2000, 7)
    assert (
        "bootstrap, 3 seeds of each environment drawn again" in said
        and "2,000 times (seed 7)" in said
        and "is 18.4 % narrower" in said
    )


def test_intervals_of_one_environment_are_said_to_be_too_narrow(whole):
    said = about_intervals(whole[0], 2000, 7)
    assert "one of a single environment holds the truth in 75.0 % of all cases, not in 95 %" in said
    assert "Environments, their data sets and the agents that these were recorded of are taken as given" in said
    assert "has Student's interval, of the mean logarithm of 3 pairs of seeds at least." in said


def test_seeds_that_differ_are_said_to(tmp_path):
    runs = frozenset(
        ("CheetahRun", loss, seed) for loss, seeds in zip(LOSSES, (3, 2), strict=False) for seed in range(seeds)
    )
    table, _ = read(tmp_path, [training(*run) for run in sorted(runs)], ExpectedRuns((), (), (), runs))
    said = about_intervals(table, 2000, 7)
    assert "bootstrap, 2 to 3 seeds of each" in said and "With 2 seeds" in said and "29.3 % narrower" in said


def test_marks_that_chance_would_make_are_counted(whole, lonely):
    """Counted from the tables as they are written."""
    said = about_chances([whole[1]])
    tables = [
        difference_table(whole[1], metrics, environment, "x")
        for environment in (None, *whole[1].environments)
        for _, metrics in column_groups("normalized")
    ]
    marked = sum("*" in cell for table in tables for row in table.rows for cell in row)
    # Three seeds of one environment are never enough, and over all environments every metric has 6 pairs.
    assert f"hold {4 * 16} comparisons of 6 pairs at least, on all test sets; {marked} are marked (*)" in said
    assert "differed from state in anything, 3 to 7 marks would be expected all the same" in said
    assert "The two to look at first are one-step MSE and AUPRC over changing elements" in said
    assert f"hold {8 * 16} comparisons" in about_chances([whole[1], whole[1]])
    assert about_chances([lonely[1]]) == "No difference is marked: none has the 6 pairs that it takes."


def test_one_environment_s_comparisons_count_once(tmp_path):
    records = [training("CheetahRun", loss, seed, epochs=3) for loss in LOSSES[:2] for seed in range(6)]
    _, results = read(tmp_path, records)
    assert "hold 16 comparisons" in about_chances([results])


def test_without_the_baseline_nothing_is_paired(tmp_path):
    _, results = read(tmp_path, [training("CheetahRun", "state-jacobian", 0)])
    assert about_errors(results).endswith("There is no loss state to pair the others with.")


def test_a_diverged_open_loop_is_told(tmp_path):
    records = [training("CheetahRun", "state", seed) for seed in range(2)]
    far = records[1]["result"]["final"]["step"]["prediction"]["open_loop"][4]
    far |= {"mse": None, "diverged": 3}
    _, results = read(tmp_path, records)
    assert results.open_loop[50].score("state").undefined == 1
    assert "in no mean, which is too low without them: 1 run of state." in about_open_loop(results)


def test_a_loss_whose_runs_diverged_gets_no_verdict(tmp_path):
    records = [training("CheetahRun", loss, seed) for loss in LOSSES[:2] for seed in range(8)]
    prediction = records[8]["result"]["final"]["step"]["prediction"]
    prediction["mse"] = None
    prediction["open_loop"][4] |= {"mse": None, "diverged": 3}
    _, results = read(tmp_path, records)
    for said in (about_errors(results), about_open_loop(results)):
        assert "times the error of state, without 1 run beyond all numbers: no verdict." in said
    assert about_answer(results).endswith(
        "There is no verdict on the prediction error of + MSE(J): 1 run of + MSE(J) is beyond all numbers."
    )


def test_curves_that_still_fall_are_counted(tmp_path):
    records = [training("CheetahRun", loss, 0, epochs=100) for loss in LOSSES[:2]]
    falling = [0.9**epoch for epoch in range(101)]
    records[0]["result"]["curve"]["test_step"] = falling
    records[1]["result"]["curve"]["test_step"] = [max(x, 0.01) for x in falling]
    _, results = read(tmp_path, records)
    assert "In 1 of 2 curves the lowest error of the last tenth" in about_curves(results)


def test_sides():
    sides = {"state": 1, "state-jacobian": -1, "state-jacobian-l1": 0, "x": None, "y": None}
    assert by_side(sides, "that") == [
        "state is above that.",
        "+ MSE(J) is below that.",
        "+ MAE(J) can not be told from that by these seeds.",
        "Not enough data to compare x and y with that: it takes 6 runs, and two in most environments.",
    ]
    assert by_side({"state": -1, "x": -1}, "that") == ["No loss reaches that."]
    assert by_side({"state": -1, "x": -1, "y": 1}, "that", predictor="z") == [
        "y predicts worse than z.",
        "state and x predict better than z.",
    ]
    assert by_side({"x": 0, "y": None}, "that", predictor="z") == [
        "The prediction error of x can not be told from that of z by these seeds.",
        "Not enough data to compare the prediction error of y with that of z: it takes 6 runs, and two in most "
        "environments.",
    ]
    assert by_side({"state": 1, "x": 1}, "that") == ["Every loss is above that."]
    assert by_side({"state": 1}, "that") == ["state is above that."]
    assert by_side({}, "that") == []


def test_missing_runs_are_told_and_listed(tmp_path):
    records = sweep_of(
        ("CheetahRun", "WalkerRun"), LOSSES[:2], failing=[("CheetahRun", "state", seed) for seed in (0, 1, 2)]
    )
    expected = ExpectedRuns(("CheetahRun", "WalkerRun"), LOSSES[:2], (0, 1, 2, 3))
    table, results = read(tmp_path, records, expected)
    assert about_missing(table) == ("Of 16 trainings 7 are missing or incomplete, 3 of them because they failed.")
    assert missing_lines(table) == [
        ("CheetahRun", "state", "0, 1, 2", "failed", "the loss is not finite after epoch 3; lower the learning rate"),
        ("CheetahRun", "state", "3", "absent", "no record"),
        ("CheetahRun", "+ MSE(J)", "3", "absent", "no record"),
        ("WalkerRun", "state", "3", "absent", "no record"),
        ("WalkerRun", "+ MSE(J)", "3", "absent", "no record"),
    ]
    assert uneven_means([results, results]) == [
        "Means over all environments do not compare: state lacks CheetahRun. Paired differences do: they are over the "
        "runs that both have."
    ]


def test_losses_of_different_seeds_are_told(tmp_path):
    runs = [("CheetahRun", "state", seed) for seed in range(3)] + [("CheetahRun", "state-jacobian", 0)]
    expected = ExpectedRuns((), (), (), frozenset(runs))
    table, _ = read(tmp_path, [training(*run) for run in (*runs, ("WalkerRun", "state", 0))], expected)
    assert about_missing(table).startswith("All 4 trainings are there.")
    assert about_missing(table).endswith(
        "1 training on record is not of this run and left out. Not every loss was asked for with the same seeds in the "
        "same environments (3 of state, 1 of + MSE(J)): their means are over different runs, paired differences over "
        "those that both have."
    )


def test_nothing_missing_is_said_too(whole, lonely):
    assert about_missing(whole[0]) == "All 120 trainings are there."
    assert uneven_means([whole[1]]) == []
    assert about_missing(lonely[0]).endswith("nothing says what a score would be without learning.")
