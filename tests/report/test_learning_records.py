"""Records of trainings and referees: what is read, under which names, and what is refused."""

from __future__ import annotations

import json

import pytest

from dynsparse.errors import InputError
from dynsparse.report.learning_records import read_learning_records

from .invented_learning import REFEREES, referees, sweep_of, training, write


def change(record, path, value):
    """Return a record with one entry changed; ``path`` is dotted."""
    copy = json.loads(json.dumps(record))
    *parents, last = path.split(".")
    place = copy
    for name in parents:
        place = place[name]
    place[last] = value
    return copy


def test_a_training_is_read_under_dotted_names(tmp_path):
    record = training("CheetahRun", "state-jacobian", 3, epochs=4)
    (run,) = read_learning_records(write(tmp_path, [record])).trainings
    assert (run.environment, run.loss, run.seed, run.error) == ("CheetahRun", "state-jacobian", 3, None)
    assert run.key == record["key"]
    assert run.settings == {"learning_rate": 0.002, "epochs": 4, "atol": 1e-12}  # without loss and seed
    assert run.rows == {"train": 16000, "step": 2000, "episode": 2000}
    assert run.epochs == (0, 1, 2, 3, 4)
    assert list(run.curves["episode"]) == record["result"]["curve"]["test_episode"]
    final = record["result"]["final"]["step"]
    metrics = run.metrics["step"]
    assert metrics["normalized.auprc"] == final["normalized"]["auprc"]
    assert metrics["raw.leak"] == final["raw"]["leak"] != metrics["normalized.leak"]
    assert metrics["prediction.mse"] == final["prediction"]["mse"]
    assert metrics["prediction.open_loop.25"] == final["prediction"]["open_loop"][3]["mse"]
    assert metrics["prediction.r2_per_dimension.2"] == final["prediction"]["r2_per_dimension"][2]
    assert metrics["prediction.r2_per_dimension.3"] is None
    assert metrics["threshold_sweep.1e-06"] == final["threshold_sweep"][6]["sparsity"]
    assert metrics["contact.active.normalized.auprc"] == final["contact"]["active"]["normalized"]["auprc"]
    assert metrics["initial.sparsity"] == record["result"]["initial"]["step"]["sparsity"]
    share = final["normalized"]["sparsity"] / final["normalized"]["true_sparsity"]
    assert metrics["normalized.relative_sparsity"] == share
    assert "policy" not in metrics and "schema" in metrics


def test_a_true_sparsity_of_zero_has_no_relative_one(tmp_path):
    record = change(training("CheetahRun", "state", 0), "result.final.step.normalized.true_sparsity", 0.0)
    (run,) = read_learning_records(write(tmp_path, [record])).trainings
    assert run.metrics["step"]["normalized.relative_sparsity"] is None
    assert run.metrics["episode"]["normalized.relative_sparsity"] > 0


def test_a_failed_run_is_kept_with_its_error(tmp_path):
    folder = write(tmp_path, [training("CheetahRun", "state", 0, failed=True), referees("WalkerRun", failed=True)])
    found = read_learning_records(folder)
    assert found.trainings[0].error == "the loss is not finite after epoch 3; lower the learning rate"
    assert found.trainings[0].metrics == {} and found.trainings[0].curves == {}
    assert [(r.environment, r.name, r.error) for r in found.referees] == [("WalkerRun", "", "no rows")]


def test_referees_are_one_each(tmp_path):
    found = read_learning_records(write(tmp_path, [referees("CheetahRun"), referees("CheetahRun", seed=1)]))
    assert sorted({r.name for r in found.referees}) == sorted(REFEREES)
    assert len(found.referees) == 2 * len(REFEREES)
    truth = [r for r in found.referees if r.name == "truth"]
    assert [r.seed for r in truth] == [0, 1]
    assert truth[0].metrics["step"]["normalized.auprc"] == 1.0


@pytest.mark.parametrize("lacking", [None, "absent"])
def test_a_run_may_have_one_test_set_only(tmp_path, lacking):
    record = training("CheetahRun", "state", 0, splits=("step",))
    if lacking == "absent":
        for part in ("final", "initial"):
            del record["result"][part]["episode"]
        del record["result"]["curve"]["test_episode"]
    (run,) = read_learning_records(write(tmp_path, [record])).trainings
    assert set(run.metrics) == set(run.curves) == {"step"}


def test_keys_choose_the_records_of_a_run(tmp_path):
    records = [training("CheetahRun", "state", 0), training("CheetahRun", "state", 0, learning_rate=0.1)]
    folder = write(tmp_path, records)
    found = read_learning_records(folder, keys={records[1]["key"], "f" * 64})
    assert [run.settings["learning_rate"] for run in found.trainings] == [0.1]
    with pytest.raises(InputError, match=r"one record of CheetahRun, state, seed 0, got 2 with different settings"):
        read_learning_records(folder)


def test_files_that_are_not_whole_yet_are_no_records(tmp_path):
    folder = write(tmp_path, [training("CheetahRun", "state", 0)])
    (folder / ".partial-x.json").write_text("{")
    (folder / "x.safetensors").write_bytes(b"\0")
    assert len(read_learning_records(folder).trainings) == 1


def test_an_empty_or_missing_folder_is_refused(tmp_path):
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(InputError, match=r"expected records of trained models .* found none; train some"):
            read_learning_records(folder)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("schema", 2, "schema 2, not 1"),
        ("status", "running", "status 'running'"),
        ("unit.kind", "search", "a unit of kind 'search'"),
        ("unit.settings.seed", "0", "seed '0'"),
        ("unit.environment", "WalkerRun", "a result of 'CheetahRun'"),
        ("result.final.step.schema", 7, "scores of schema 7"),
        ("result.final.step.environment", "WalkerRun", "of 'WalkerRun'"),
        ("result.final.step.normalized.auprc", True, "normalized.auprc of True"),
        ("result.final.step.normalized.auprc", "high", "normalized.auprc of 'high'"),
        ("result.final.step.prediction.mse", float("nan"), "NaN, which is no JSON"),
        ("result.final.step.prediction.mse", float("inf"), "Infinity, which is no JSON"),
        ("result.curve.test_step", [1.0], "1 points of test_step for 101 epochs"),
        ("result.final", None, "AttributeError"),
        ("result", None, "TypeError"),
    ],
)
def test_damaged_records_are_refused_by_name(tmp_path, path, value, said):
    folder = write(tmp_path, [change(training("CheetahRun", "state", 0), path, value)])
    with pytest.raises(InputError, match="expected a record of a training or of referees") as caught:
        read_learning_records(folder)
    assert said in str(caught.value)
    assert next(folder.iterdir()).name in str(caught.value)


def test_a_number_that_a_score_can_not_hold_is_named(tmp_path):
    record = change(training("CheetahRun", "state", 0), "result.final.step.normalized.auprc", [0.5])
    (run,) = read_learning_records(write(tmp_path, [record])).trainings
    assert run.metrics["step"].get("normalized.auprc") is None  # a list has places, not a value


def test_a_file_under_another_name_is_refused(tmp_path):
    folder = write(tmp_path, [training("CheetahRun", "state", 0)])
    (path,) = folder.iterdir()
    path.rename(folder / "other.json")
    with pytest.raises(InputError, match=r"other\.json, got ValueError\(\"key"):
        read_learning_records(folder)
    (folder / "other.json").write_text("{")
    with pytest.raises(InputError, match="JSONDecodeError"):
        read_learning_records(folder)


def test_records_are_in_one_order_whatever_the_files_are_called(tmp_path):
    found = read_learning_records(write(tmp_path, sweep_of(("WalkerRun", "CheetahRun"), ("state",), (1, 0))))
    assert [(run.environment, run.seed) for run in found.trainings] == [
        ("CheetahRun", 0),
        ("CheetahRun", 1),
        ("WalkerRun", 0),
        ("WalkerRun", 1),
    ]


def test_names_of_state_variables_are_read_where_there_are_any(tmp_path):
    record = training("CheetahRun", "state", 0)
    (one,) = read_learning_records(write(tmp_path / "without", [record])).trainings
    assert one.state_names == ()
    record["result"]["state_names"] = ["a", "b", "c", "d"]
    (one,) = read_learning_records(write(tmp_path / "with", [record])).trainings
    assert one.state_names == ("a", "b", "c", "d")


@pytest.mark.parametrize(
    ("names", "said"),
    [(["a"], "1 state_names for 4 dimensions"), ("abcd", "state_names of 'abcd'"), (["a", "b", "c", 4], "state_names")],
)
def test_names_that_can_not_be_are_refused(tmp_path, names, said):
    record = training("CheetahRun", "state", 0)
    record["result"]["state_names"] = names
    with pytest.raises(InputError, match=said):
        read_learning_records(write(tmp_path, [record]))


def test_shares_of_the_true_zeros_are_made_with_and_without_contact_too(tmp_path):
    record = training("CheetahRun", "state", 0)
    contact = record["result"]["final"]["step"]["contact"]
    contact["active"]["normalized"] |= {"sparsity": 0.1, "true_sparsity": 0.4}
    contact["inactive"] = {"rows": 0, "normalized": None, "prediction": None}
    (one,) = read_learning_records(write(tmp_path, [record])).trainings
    assert one.metrics["step"]["contact.active.normalized.relative_sparsity"] == pytest.approx(0.25)
    assert one.metrics["step"]["contact.inactive.normalized.relative_sparsity"] is None
