"""Units: what a training tells is what its data, its network and the scores say, asked for in other ways."""

from __future__ import annotations

import json

import numpy as np
import pytest

from dynsparse.dataset import open_dataset
from dynsparse.errors import DatasetError, DivergenceError
from dynsparse.learning.learn_data import LearnData, StoredRows
from dynsparse.learning.losses import LOSSES
from dynsparse.learning.settings import LearnSettings
from dynsparse.learning.unit import dataset_identity, run_unit

from .switched_rows import made_arrays, store

SETTINGS = {
    "loss": "state-jacobian-l1",
    "layer_width": 8,
    "batch_size": 16,
    "epochs": 3,
    "test_split": 0.2,
    "precision": "float64",
    "seed": 4,
}
BAD = (7, 33)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    folder = tmp_path_factory.mktemp("toy") / "data"
    store(folder, made_arrays(episodes=10, nonfinite=BAD))
    return str(folder)


@pytest.fixture(scope="module")
def arrays(path):
    return open_dataset(path).load()


def unit(path, kind="train", **changed):
    settings = LearnSettings(**SETTINGS | changed).to_dict()
    return {"kind": kind, "environment": "Toy", "dataset": dataset_identity(path), "settings": settings}


@pytest.fixture(scope="module")
def trained(path):
    told = []
    result = run_unit(unit(path), {"dataset": path}, lambda *args: told.append(args))
    return result, told


def forward(arrays, found):
    """Return next states of the rows by the stored network, in NumPy."""
    x = np.concatenate([arrays["state"], arrays["action"]], axis=1)
    x = (x - found["normalizer_input_mean"]) / (found["normalizer_input_std"] + 1e-8)
    for i in range(3):
        x = x @ found[f"layer_{i}_kernel"] + found[f"layer_{i}_bias"]
        x = np.where(x > 0, x, np.expm1(x)) if i < 2 else x
    return x * (found["normalizer_output_std"] + 1e-8) + found["normalizer_output_mean"]


def test_a_training_tells_what_its_network_does(trained, arrays, path):
    result, told = trained
    record, data = result.record, LearnData.prepare(StoredRows.read(open_dataset(path)), LearnSettings(**SETTINGS))
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert [args[:2] for args in told] == [(1, 3), (2, 3), (3, 3)]
    assert record["curve"]["epoch"] == [0, 1, 2, 3]
    assert record["curve"]["train_state"][0] is None
    assert (record["environment"], record["policy"]) == ("Toy", "toy")
    errors = (forward(arrays, result.arrays) - arrays["next_state"]) / (result.arrays["normalizer_output_std"] + 1e-8)
    for name, test in data.tests.items():
        wanted = (errors[test.index] ** 2).mean()
        assert record["curve"][f"test_{name}"][-1] == pytest.approx(wanted, rel=1e-9)
        assert record["final"][name]["prediction"]["mse"] == pytest.approx(wanted, rel=1e-9)
        assert record["final"][name]["rows"] == record["rows"][name] == len(test)
        assert record["initial"][name]["mse"] == record["curve"][f"test_{name}"][0]
        assert record["initial"][name]["sparsity"] == 0
        assert record["initial"][name]["true_sparsity"] == test.zero.mean()
    assert record["state_names"] == ["x", "y", "z"]
    assert record["episodes"]["train"] == 8
    assert record["episodes"]["episode"] == 2
    assert 5 < record["episodes"]["step"] <= 8
    assert result.measured["steps"] == 3 * (record["rows"]["train"] // 16)


def test_nothing_of_a_test_set_is_trained_on(path, arrays, monkeypatch):
    monkeypatch.setattr("dynsparse.learning.learn_data._ROWS_AT_A_TIME", 27)
    data = LearnData.prepare(StoredRows.read(open_dataset(path)), LearnSettings(**SETTINGS))
    tested = np.concatenate([test.index for test in data.tests.values()])
    train = np.setdiff1d(np.arange(len(arrays["t"])), [*tested, *BAD])
    assert len(data.train.inputs) == len(train)
    np.testing.assert_allclose(data.normalizer.output_mean, arrays["next_state"][train].mean(axis=0), rtol=1e-12)
    inputs = np.concatenate([arrays["state"], arrays["action"]], axis=1)[train]
    scaled = (inputs - inputs.mean(axis=0)) / (inputs.std(axis=0) + 1e-8)
    np.testing.assert_allclose(data.train.inputs, scaled, atol=1e-12)
    raw = np.concatenate([arrays["jac_state"], arrays["jac_action"]], axis=2)
    np.testing.assert_array_equal(data.train.zero, raw[train] == 0)
    scale = (inputs.std(axis=0) + 1e-8) / (arrays["next_state"][train].std(axis=0) + 1e-8)[:, None]
    np.testing.assert_allclose(data.train.jacobians, raw[train] * scale, rtol=1e-12)
    for test in data.tests.values():
        np.testing.assert_array_equal(test.training_zero_frequency, (raw[train] == 0).mean(axis=0))


def test_without_a_loss_of_the_jacobian_none_is_normalised(path):
    rows = StoredRows.read(open_dataset(path))
    whole, state = (LearnData.prepare(rows, LearnSettings(**SETTINGS | {"loss": loss})) for loss in LOSSES[1::-1])
    assert state.train.jacobians is None
    assert state.train.zero is None
    np.testing.assert_array_equal(whole.train.inputs, state.train.inputs)


def test_few_of_many_test_rows_are_drawn(path):
    rows = StoredRows.read(open_dataset(path))
    few, all_of_them = (LearnData.prepare(rows, LearnSettings(**SETTINGS, test_rows=n)).tests["step"] for n in (9, 999))
    assert len(few) == 9 < len(all_of_them)
    assert set(few.index) <= set(all_of_them.index)
    assert (np.diff(few.index) > 0).all()


def test_the_same_unit_tells_the_same_bit_for_bit(trained, path):
    again = run_unit(unit(path), {"dataset": path}, lambda *_: None)
    assert again.record == trained[0].record
    for name, array in trained[0].arrays.items():
        np.testing.assert_array_equal(array, again.arrays[name])
    other = run_unit(unit(path, seed=5), {"dataset": path}, lambda *_: None)
    assert other.record["curve"] != again.record["curve"]


def test_of_a_search_only_the_curve_is_kept(trained, path):
    found = run_unit(unit(path, "curve"), {"dataset": path}, lambda *_: None)
    assert found.record == {name: trained[0].record[name] for name in ("environment", "policy", "curve")}
    assert found.arrays == {}


def test_referees_are_scored_on_the_same_rows(trained, path):
    record = run_unit(unit(path, "referees", loss="state"), {"dataset": path}, lambda *_: None).record
    assert set(record["referees"]) == {"constant", "identity", "all-ones", "training-frequency", "truth"}
    for name in ("step", "episode"):
        truth, constant = (record["referees"][referee][name] for referee in ("truth", "constant"))
        assert (truth["normalized"]["auprc"], truth["normalized"]["leak"], truth["prediction"]["mse"]) == (1, 0, 0)
        assert constant["normalized"]["sparsity"] == 1
        assert truth["rows"] == trained[0].record["final"][name]["rows"]


def test_a_loss_that_is_not_finite_is_told(path):
    with pytest.raises(DivergenceError, match=r"state-jacobian-l1 with seed 4 diverged in epoch 1 of 3; try a smaller"):
        run_unit(unit(path, learning_rate=1e30), {"dataset": path}, lambda *_: None)


def test_another_data_set_is_refused(path):
    planned = unit(path)
    planned["dataset"] = {**planned["dataset"], "rows": 100}
    with pytest.raises(DatasetError, match=r"planned for \(100 rows\), .* holds another one \(200 rows\)"):
        run_unit(planned, {"dataset": path}, lambda *_: None)
