"""Scores of single state variables: named where names are known, each from the records' own lists."""

from __future__ import annotations

import numpy as np
import pytest

from dynsparse.report.learning_dimensions import dimension_scores
from dynsparse.report.learning_records import read_learning_records
from dynsparse.report.learning_table import ExpectedRuns, make_learning_table

from .invented_learning import training, write

NAMES = ("qpos slider", "qpos hinge", "qvel slider", "qvel hinge")


def made(environment, seed, names=None, *, dimensions=4, failed=False):
    """A record whose every state variable has its own error: seed + place / 10, doubled with contact."""
    record = training(environment, "state", seed, failed=failed, epochs=2, splits=("step",))
    if failed:
        return record
    scores = record["result"]["final"]["step"]
    for part, factor in ((scores, 1), (scores["contact"]["active"], 2)):
        if part["prediction"] is not None:
            errors = [factor * (seed + place / 10) for place in range(dimensions)]
            part["prediction"] |= {"mse_per_dimension": errors, "r2_per_dimension": [1 - error for error in errors]}
    if names is not None:
        record["result"]["state_names"] = list(names)
    return record


def scores_of(folder, records, expected=None):
    table = make_learning_table(read_learning_records(write(folder, records)), expected)
    found = dimension_scores(table, 50, 0)
    return {(one.metric, name): score for one in found for (_, name), score in one.scores.items()}


def test_each_variable_has_its_error_and_explained_variance_with_and_without_contact(tmp_path):
    found = scores_of(tmp_path, [made("CheetahRun", seed, NAMES) for seed in (1, 2)])
    for place, name in enumerate(NAMES):
        error = np.mean([1 + place / 10, 2 + place / 10])
        for prefix, factor in (("", 1), ("contact.active.", 2)):
            mse = found[f"{prefix}prediction.mse_per_dimension.{name}", "CheetahRun"].estimate
            r2 = found[f"{prefix}prediction.r2_per_dimension.{name}", "CheetahRun"].estimate
            assert mse.value == pytest.approx(factor * error) and mse.runs == 2
            assert r2.value == pytest.approx(1 - factor * error)
    assert len(found) == 2 * 3 * 4
    assert (f"contact.inactive.prediction.mse_per_dimension.{NAMES[0]}", "CheetahRun") in found


def test_variables_of_one_environment_are_not_those_of_another(tmp_path):
    records = [made("CheetahRun", 1, NAMES), made("WalkerRun", 1, ("a", "b"), dimensions=2)]
    found = scores_of(tmp_path, records)
    assert found["prediction.mse_per_dimension.b", "WalkerRun"].estimate.value == pytest.approx(1.1)
    mse = {key for key in found if key[0].startswith("prediction.mse")}
    assert {name for name, where in mse if where == "WalkerRun"} == {f"prediction.mse_per_dimension.{n}" for n in "ab"}
    assert None not in {where for _, where in found}


@pytest.mark.parametrize("names", [None, ("a", "b", "a", "c")])
def test_without_a_name_of_its_own_a_variable_has_its_place(tmp_path, names):
    found = scores_of(tmp_path, [made("CheetahRun", 1, names)])
    said = [name.rpartition(".")[2] for name, _ in found if name.startswith("prediction.mse")]
    assert said == (["0", "1", "2", "3"] if names is None else ["0", "b", "2", "c"])
    assert found["prediction.mse_per_dimension.2", "CheetahRun"].estimate.value == pytest.approx(1.2)


def test_failed_and_missing_runs_are_counted(tmp_path):
    records = [made("CheetahRun", 1, NAMES), made("CheetahRun", 2, failed=True)]
    found = scores_of(tmp_path, records, ExpectedRuns(("CheetahRun", "WalkerRun"), ("state",), (1, 2)))
    score = found[f"prediction.mse_per_dimension.{NAMES[3]}", "CheetahRun"]
    assert (score.estimate.runs, score.failed, score.absent) == (1, 1, 0)
    assert found["prediction.mse_per_dimension.3", "WalkerRun"].absent == 2
