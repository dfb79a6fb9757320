"""Averages over seeds and paired differences, against plain loops over the records."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import trim_mean

from dynsparse.report.comparison import compare, pair, pooled_score
from dynsparse.report.learning_records import read_learning_records
from dynsparse.report.learning_table import ExpectedRuns, make_learning_table
from dynsparse.report.seed_statistics import bootstrap_estimate

from .invented_learning import ENVIRONMENTS, LOSSES, referees, sweep_of, training, write

FAILING = [("CheetahRun", "state", 1), ("CheetahRun", "state-jacobian", 2)]


@pytest.fixture(scope="module")
def records():
    return sweep_of(failing=FAILING, absent=[("WalkerRun", "state", 0)])


@pytest.fixture(scope="module")
def table(records, tmp_path_factory):
    return make_learning_table(read_learning_records(write(tmp_path_factory.mktemp("units"), records)))


def raw(records, loss, split, *path):
    """(environment, seed) -> value, straight from the records."""
    found = {}
    for record in records:
        unit = record["unit"]
        if unit["kind"] == "train" and unit["settings"]["loss"] == loss and record["status"] == "done":
            value = record["result"]["final"][split]
            for part in path:
                value = value[part]
            found[unit["environment"], unit["settings"]["seed"]] = value
    return found


def test_a_score_is_the_mean_of_the_records_values(table, records):
    found = compare(table, "normalized.auprc", "episode", resamples=50)
    values = raw(records, "state", "episode", "normalized", "auprc")
    assert found.score("state").estimate.value == pytest.approx(trim_mean(list(values.values()), 0.25))
    cheetah = [value for (environment, _), value in values.items() if environment == "CheetahRun"]
    score = found.score("state", "CheetahRun")
    assert score.estimate.value == pytest.approx(np.mean(cheetah))
    assert (score.estimate.runs, score.failed, score.absent, score.counted) == (2, 1, 0, "2/3")
    assert found.score("state").lacks == "1 failed, 1 missing"
    assert found.score("state").expected == 24
    assert found.score("state-jacobian-l1").counted == found.score("state-jacobian-l1").lacks == ""


def test_intervals_are_those_of_strata_by_environment(table, records):
    values = raw(records, "state", "step", "prediction", "mse")
    strata = [np.array([v for (name, _), v in values.items() if name == one]) for one in table.environments]
    expected = bootstrap_estimate(strata, seed=4)
    assert compare(table, "prediction.mse", "step", seed=4).score("state").estimate == expected


def test_a_metric_without_meaning_is_counted_and_named(table):
    found = compare(table, "normalized.auprc_changing", "step", resamples=50)
    assert found.score("state-jacobian-l1").undefined == 3
    assert found.score("state-jacobian-l1").empty == ("CartpoleBalance",)
    lonely = found.score("state", "CartpoleBalance")
    assert (lonely.estimate.value, lonely.lacks) == (None, "3 undefined")
    assert not found.is_empty() and found.is_empty("CartpoleBalance")


def test_pairs_are_of_the_same_environment_and_seed(table, records):
    one, other = (raw(records, loss, "step", "prediction", "mse") for loss in ("state-jacobian", "state"))
    logs = {run: math.log(one[run] / other[run]) for run in one if run in other}
    found = pair(table, "prediction.mse", "step", "state-jacobian", "state", ratio=True)
    assert found[None].estimate.value == pytest.approx(math.exp(trim_mean(list(logs.values()), 0.25)))
    assert (found[None].estimate.runs, found[None].unpaired) == (len(logs), 24 - len(logs))
    # Seeds 1 and 2 failed on one side each: one pair, and no interval.
    assert found["CheetahRun"].estimate.runs == 1 and found["CheetahRun"].estimate.low is None
    assert found["CheetahRun"].estimate.value == pytest.approx(math.exp(logs["CheetahRun", 0]))
    assert found["CheetahRun"].side is None
    # One environment of eight counts as certain: the whole has an interval.
    assert found[None].side == 1


def test_a_ratio_and_its_interval_are_those_of_logarithms(tmp_path):
    table = make_learning_table(read_learning_records(write(tmp_path, sweep_of(seeds=range(5)))))
    found = pair(table, "prediction.mse", "step", "state-jacobian", "state", ratio=True, seed=3)[None]
    own, other = (table.values("prediction.mse", "step", name).by_seed for name in ("state-jacobian", "state"))
    strata = [np.array([math.log(own[e][s] / other[e][s]) for s in range(5)]) for e in table.environments]
    expected = bootstrap_estimate(strata, seed=3)
    for end in ("value", "low", "high"):
        assert getattr(found.estimate, end) == pytest.approx(math.exp(getattr(expected, end)))
    assert found.side == 1  # the invented factor is 1.5
    same = pair(table, "prediction.mse", "step", "state-jacobian-l1-sparse-only", "state", ratio=True)[None]
    assert same.side == 0  # and 1.02
    assert pair(table, "prediction.mse", "step", "state", "state", ratio=True)[None].estimate.value == 1.0


def test_differences_have_signs(table):
    found = pair(table, "normalized.leak", "step", "state-jacobian-l1", "state")["BallInCup"]
    own, other = (
        table.values("normalized.leak", "step", name).by_seed["BallInCup"] for name in ("state-jacobian-l1", "state")
    )
    assert found.estimate.value == pytest.approx(np.mean([own[seed] - other[seed] for seed in range(3)]))
    assert found.estimate.value < 0 and found.estimate.high < 0
    assert found.side is None  # three pairs of one environment are too few to call it a difference


def test_a_referee_of_one_value_is_every_seed_s_partner(table):
    found = pair(table, "normalized.auprc", "step", "state-jacobian-l1", "training-frequency")
    own = table.values("normalized.auprc", "step", "state-jacobian-l1").by_seed["BallInCup"]
    assert found["BallInCup"].estimate.value == pytest.approx(np.mean(list(own.values())) - 0.93)
    assert (found[None].estimate.runs, found[None].side) == (24, -1)


def test_referees_of_several_seeds_are_paired_by_seed(tmp_path):
    records = [training("CheetahRun", "state", seed) for seed in range(3)]
    records += [referees("CheetahRun", seed=seed) for seed in range(2)]
    table = make_learning_table(read_learning_records(write(tmp_path, records)))
    found = pair(table, "normalized.auprc", "step", "state", "training-frequency")[None]
    assert (found.estimate.runs, found.unpaired) == (2, 1)


def test_a_referee_that_is_left_of_several_is_no_partner_for_other_seeds(tmp_path):
    records = [training("CheetahRun", "state", seed) for seed in (1, 2, 3)]
    records += [referees("CheetahRun", seed=seed, failed=seed > 1) for seed in (1, 2, 3)]
    table = make_learning_table(read_learning_records(write(tmp_path, records)))
    found = pair(table, "normalized.auprc", "step", "state", "training-frequency")[None]
    own = table.values("normalized.auprc", "step", "state").by_seed["CheetahRun"]
    assert (found.estimate.runs, found.unpaired) == (1, 2)
    assert found.estimate.value == pytest.approx(own[1] - 0.93)


def test_a_loss_is_no_partner_for_other_seeds(tmp_path):
    records = [training("CheetahRun", "state", 0), training("CheetahRun", "state-jacobian", 1)]
    table = make_learning_table(read_learning_records(write(tmp_path, records)))
    found = pair(table, "prediction.mse", "step", "state-jacobian", "state")[None]
    assert (found.estimate.value, found.estimate.runs, found.unpaired) == (None, 0, 2)


def test_ratios_of_zero_have_no_partner(tmp_path):
    records = [training("CheetahRun", loss, seed, zero=loss == "state") for loss in LOSSES[:2] for seed in range(2)]
    table = make_learning_table(read_learning_records(write(tmp_path, records)))
    found = pair(table, "normalized.sparsity", "step", "state-jacobian", "state", ratio=True)[None]
    assert (found.estimate.value, found.unpaired) == (None, 2)


def test_what_does_not_depend_on_the_loss_counts_once_a_seed(table):
    found = pooled_score(table, "initial.sparsity", "step", resamples=50)
    assert found[None].estimate.runs == 24  # whatever failed of one loss, another one has
    true = pooled_score(table, "normalized.true_sparsity", "step", resamples=50)
    assert true["BallInCup"].estimate.value == pytest.approx(0.275)


def test_runs_can_be_asked_for_other_metrics_too(table):
    both = ["contact.active.prediction.mse", "contact.inactive.prediction.mse"]
    alone = compare(table, both[1], "step", resamples=50)
    paired = compare(table, both[1], "step", also=both, resamples=50)
    assert alone.score("state-jacobian-l1").estimate.runs == 24
    assert paired.score("state-jacobian-l1").estimate.runs == 18  # two environments have no contact
    assert set(paired.score("state-jacobian-l1").empty) == {"CartpoleBalance", "ReacherHard"}


def test_an_expected_loss_without_any_run_has_no_value(tmp_path):
    records = read_learning_records(write(tmp_path, [training("CheetahRun", "state", 0)]))
    table = make_learning_table(records, ExpectedRuns(ENVIRONMENTS, LOSSES, (0, 1)))
    score = compare(table, "prediction.mse", "step").score("state-jacobian")
    assert (score.estimate.value, score.absent, len(score.empty)) == (None, 16, 8)


def test_nothing_is_missing_of_a_loss_that_nobody_asked_for(tmp_path):
    """Where losses have other seeds than others, each is counted against its own."""
    runs = [(name, "state", seed) for name in ("CheetahRun", "WalkerRun") for seed in range(3)]
    other = [("CheetahRun", "state-jacobian", seed) for seed in range(2)]
    records = read_learning_records(write(tmp_path, [training(*run) for run in (*runs, *other)]))
    table = make_learning_table(records, ExpectedRuns((), (), (), frozenset((*runs, *other))))
    found = compare(table, "prediction.mse", "step")
    assert (found.score("state-jacobian").expected, found.score("state-jacobian").lacks) == (2, "")
    assert found.score("state-jacobian", "WalkerRun").lacks == "not asked for"
    assert pair(table, "prediction.mse", "step", "state-jacobian", "state")[None].unpaired == 0
    assert pair(table, "prediction.mse", "step", "state", "state-jacobian")[None].unpaired == 4
    pooled = pooled_score(table, "initial.sparsity", "step")
    assert (pooled[None].estimate.runs, pooled[None].absent) == (6, 0)


@pytest.mark.parametrize("metric", ["prediction.open_loop.50", "prediction.mse"])
@pytest.mark.parametrize("diverging", ["state", "state-jacobian"])
def test_a_loss_is_not_called_better_for_runs_that_diverged(tmp_path, metric, diverging):
    """An error beyond all numbers leaves the mean and its pair: what is left must not be called a difference."""
    records = [training("CheetahRun", loss, seed) for loss in LOSSES[:2] for seed in range(8)]
    whole = make_learning_table(read_learning_records(write(tmp_path / "whole", records)))
    assert pair(whole, metric, "step", "state-jacobian", "state", ratio=True)[None].side == 1
    for record in records:
        if record["unit"]["settings"]["loss"] == diverging and record["unit"]["settings"]["seed"] == 3:
            prediction = record["result"]["final"]["step"]["prediction"]
            prediction["mse"] = None
            prediction["open_loop"][4] |= {"mse": None, "diverged": 1}
    table = make_learning_table(read_learning_records(write(tmp_path / "diverged", records)))
    found = pair(table, metric, "step", "state-jacobian", "state", ratio=True)
    for environment in (None, "CheetahRun"):
        assert (found[environment].estimate.runs, found[environment].diverged, found[environment].side) == (7, 1, None)
    score = compare(table, metric, "step").score(diverging)
    assert (score.undefined, score.diverged, score.lacks) == (1, 1, "1 diverged")
    # Other metrics of the same runs go on being compared, and what nobody predicted has not diverged.
    assert pair(table, "prediction.r2", "step", "state-jacobian", "state")[None].side == -1
    changing = compare(table, "normalized.auprc_changing", "step").score("state")
    assert (changing.undefined, changing.diverged) == (0, 0)
