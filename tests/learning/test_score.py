"""The score of a model, end to end: each kind of model, both coordinates, contact, and what JSON holds."""

from __future__ import annotations

import json
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dynsparse
from dynsparse.dataset import open_dataset
from dynsparse.errors import ModelError, SettingError
from dynsparse.learning.jacobian_scores import score_jacobians
from dynsparse.learning.score import score_referees, score_rows

from . import switched_rows
from .switched_rows import made_arrays, scored, store
from .test_model import in_jax

BAD = (7, 33)


@pytest.fixture(scope="module")
def arrays():
    return made_arrays(nonfinite=BAD)


@pytest.fixture(scope="module")
def dataset(arrays, tmp_path_factory):
    path = tmp_path_factory.mktemp("toy") / "data"
    store(path, arrays)
    return open_dataset(path)


@pytest.fixture(scope="module")
def rows(arrays):
    return scored(arrays)


def guess(arrays):
    """Jacobians of a model, with some noise, of every row of the data set."""
    rng = np.random.default_rng(5)
    return {
        name: 0.9 * np.nan_to_num(arrays[name]) + 0.2 * rng.normal(size=arrays[name].shape)
        for name in ("jac_state", "jac_action")
    }


def test_the_simulators_own_code_scores_as_the_truth_in_jax(dataset):
    with jax.enable_x64(True):
        found = dynsparse.score(in_jax, dataset)
    assert (found.derivative, found.environment, found.policy) == ("jax", "Toy", "toy")
    assert (found.rows, found.nonfinite_rows) == (118, 2)
    assert (found.auprc, found.auroc, found.auprc_changing, found.auroc_changing) == (1, 1, 1, 1)
    assert found.auroc_within == 1
    assert (found.leak, found.miss) == (0, 0)
    assert found.frobenius_error < 1e-14
    assert found.cosine == pytest.approx(1, abs=1e-14)
    assert found.mse < 1e-28
    assert found.r2 == pytest.approx(1, abs=1e-14)
    assert all(told.mse < 1e-25 for told in found.prediction.open_loop if told.windows)


def test_in_numpy_it_is_as_good_as_differences_are(dataset):
    found = dynsparse.score(switched_rows.step, dataset)
    assert found.derivative == "finite-difference"
    # x - h and x + h give the same bits where nothing depends, so that even these zeros are exact.
    assert (found.auprc, found.leak, found.mse) == (1, 0, 0)
    assert 0 < found.frobenius_error < 1e-7
    assert dynsparse.score(in_jax, dataset, derivative="finite-difference").derivative == "finite-difference"


def test_given_jacobians_are_raw_and_scored_in_both_coordinates(dataset, arrays, rows):
    given = guess(arrays)
    found = dynsparse.score(given, dataset, atol=1e-3)
    predicted = np.concatenate([given["jac_state"], given["jac_action"]], axis=2)[rows.index]
    states, actions = rows.state.std(axis=0), rows.action.std(axis=0)
    factor = np.concatenate([states, actions])[None, :] / rows.next_state.std(axis=0)[:, None]
    known = {"atol": 1e-3, "changing": switched_rows.CHANGING}
    raw = score_jacobians(predicted, rows.jacobian, rows.zero, **known)
    normalized = score_jacobians(predicted * factor, rows.jacobian * factor, rows.zero, **known)
    assert found.derivative == "given"
    for scores, wanted in ((found.raw, raw), (found.normalized, normalized)):
        assert scores.to_dict() == pytest.approx(wanted.to_dict(), rel=1e-5)  # epsilon beside the deviations
    assert abs(normalized.leak / raw.leak - 1) > 0.01
    assert found.leak == found.normalized.leak
    assert found.auroc_within == found.normalized.auroc_within == found.raw.auroc_within
    assert 0.5 < found.auroc_within < 1
    assert (found.prediction, found.mse, found.r2) == (None, None, None)
    sizes = np.abs(predicted * factor)
    assert [at for at, _ in found.threshold_sweep] == [10.0**e for e in range(-12, 0)]
    for at, share in found.threshold_sweep:
        assert share == pytest.approx((sizes < at).mean(), abs=1e-3)


def test_next_states_beside_given_jacobians_are_scored_one_step_ahead(dataset, arrays, rows):
    found = dynsparse.score({**guess(arrays), "next_state": arrays["next_state"] + 0.1}, dataset)
    np.testing.assert_allclose(found.prediction.mse_per_dimension, (0.1 / rows.next_state.std(axis=0)) ** 2, rtol=1e-6)
    assert {told.mse for told in found.prediction.open_loop} == {None}


def test_sizes_of_dependence_are_used_as_they_are(dataset, arrays, rows):
    given = guess(arrays)
    sizes = {name.replace("jac", "dependency"): np.abs(array) for name, array in given.items()}
    found = dynsparse.score(sizes, dataset)
    as_jacobians = dynsparse.score(given, dataset)
    assert found.derivative == "dependency"
    assert found.normalized.to_dict() == found.raw.to_dict()
    for name in ("auprc", "auroc", "auprc_changing", "auroc_changing", "auroc_within", "leak"):
        assert getattr(found.raw, name) == getattr(as_jacobians.raw, name)
    assert (found.miss, found.frobenius_error, found.cosine) == (None, None, None)
    # Any increasing function of the sizes ranks the same.
    squared = dynsparse.score({name: array**2 for name, array in sizes.items()}, dataset)
    assert squared.auroc == pytest.approx(found.auroc)
    assert squared.leak < found.leak


def test_one_graph_for_all_rows_is_the_same_graph_in_each(dataset):
    graph = {"dependency_state": np.triu(np.ones((3, 3))), "dependency_action": np.array([[0, 0], [1, 0], [1, 1]])}
    repeated = {name: np.tile(array, (120, 1, 1)) for name, array in graph.items()}
    one, many = dynsparse.score(graph, dataset), dynsparse.score(repeated, dataset)
    assert one.to_dict() == many.to_dict()
    assert one.auroc > 0.8
    assert one.auroc_within == 0.5


def test_an_index_limits_what_is_scored(dataset, arrays):
    index = np.array([3, 7, 8, 50, 119])
    some = {name: array[index] for name, array in guess(arrays).items()}
    found = dynsparse.score({**some, "index": index}, dataset)
    assert found.rows == 4  # row 7 is not finite
    whole = scored(arrays, [3, 8, 50, 119])
    predicted = np.concatenate([some["jac_state"], some["jac_action"]], axis=2)[[0, 2, 3, 4]]
    wanted = score_jacobians(predicted, whole.jacobian, whole.zero, changing=switched_rows.CHANGING)
    assert found.raw.to_dict() == wanted.to_dict()


def test_contact_splits_rows_and_windows(arrays, rows):
    class Model:
        derivative = "given"

        def predict(self, state, action):
            return 0.9 * np.array([switched_rows.step(s, a) for s, a in zip(state, action, strict=True)])

        def jacobians(self, state, action):
            given = guess(arrays)
            return np.concatenate([given["jac_state"], given["jac_action"]], axis=2)[rows.index]

    found = score_rows(Model(), rows)
    active, inactive = found.contact["active"], found.contact["inactive"]
    contact = rows.state[:, 0] > 0
    assert (active.rows, inactive.rows) == (contact.sum(), (~contact).sum())
    assert min(active.rows, inactive.rows) > 10
    factor = rows.normalizer.jacobian_factor()
    for part, which in ((active, contact), (inactive, ~contact)):
        predicted = Model().jacobians(None, None)[which] * factor
        truth = rows.jacobian[which] * factor
        wanted = score_jacobians(predicted, truth, rows.zero[which], changing=switched_rows.CHANGING)
        assert part.normalized == wanted
    mean = (active.rows * active.prediction.mse + inactive.rows * inactive.prediction.mse) / found.rows
    assert found.mse == pytest.approx(mean)
    for whole, with_contact, without in zip(
        found.prediction.open_loop, active.prediction.open_loop, inactive.prediction.open_loop, strict=True
    ):
        assert whole.windows == with_contact.windows + without.windows
    # Elements that change in the data set count in each part, though none of them changes there.
    assert active.normalized.changing == 2 * active.rows
    assert active.normalized.auroc_changing is None
    assert not found.referees


def test_without_contact_there_is_one_part_alone():
    arrays = made_arrays(3, 10)
    rows = scored({**arrays, "constraint_active": np.zeros((30, 0), dtype=bool)})
    found = score_referees(rows)["identity"]
    assert found.contact["active"].to_dict() == {"rows": 0, "normalized": None, "prediction": None}
    assert found.contact["inactive"].normalized == found.normalized
    assert found.contact["inactive"].prediction == found.prediction


@pytest.mark.parametrize(("active", "told"), [(29, False), (30, True)])
def test_a_group_of_few_rows_has_no_scores(active, told):
    arrays = made_arrays(6, 20)
    on = np.zeros((120, 1), dtype=bool)
    on[:active] = True
    found = score_referees(scored({**arrays, "constraint_active": on}))["identity"].contact
    assert (found["active"].rows, found["inactive"].rows) == (active, 120 - active)
    assert (found["active"].normalized is not None) == (found["active"].prediction is not None) == told
    assert found["inactive"].normalized is not None


def test_a_model_that_is_off_is_worse_than_the_truth_in_everything(dataset, arrays):
    found = dynsparse.score({**guess(arrays), "next_state": arrays["next_state"] + 0.1}, dataset, atol=0.05)
    truth = found.referees["truth"]
    for better, worse in ((truth.normalized, found.normalized), (truth.raw, found.raw)):
        for name in ("auprc", "auroc", "auprc_changing", "auroc_changing", "auroc_within", "cosine"):
            assert getattr(worse, name) < getattr(better, name) - 1e-3
        for name in ("leak", "miss", "frobenius_error"):
            assert getattr(worse, name) > getattr(better, name) + 1e-3
    assert found.mse > 0
    assert found.r2 < 1


def test_json_holds_what_was_agreed_and_no_nan(dataset):
    def diverging(state, action):
        return 30 * switched_rows.step(state, action) ** 3

    told = json.loads(json.dumps(dynsparse.score(diverging, dataset).to_dict(), allow_nan=False))
    assert set(told) - {"nonfinite_rows", "zero_atol"} == {
        "schema", "environment", "policy", "rows", "derivative", "normalized", "raw", "prediction", "contact",
        "threshold_sweep", "referees",
    }  # fmt: skip
    assert set(told["referees"]) == {"constant", "identity", "all-ones", "training-frequency", "truth"}
    assert "referees" not in told["referees"]["truth"]
    assert set(told["contact"]) == {"active", "inactive"}
    assert set(told["contact"]["active"]) == {"rows", "normalized", "prediction"}
    for coordinates in ("normalized", "raw"):
        assert 0.5 < told[coordinates]["auroc_within"] <= 1
        assert told[coordinates]["elements_within"] == 2
    last = told["prediction"]["open_loop"][2]
    assert last["steps"] == 10
    assert last["mse"] is None
    assert 0 < last["diverged"] <= last["windows"]
    assert told["threshold_sweep"][0] == {
        "atol": 1e-12,
        "sparsity": pytest.approx(told["threshold_sweep"][0]["sparsity"]),
    }


def test_fewer_rows_are_drawn_by_the_seed(dataset, arrays):
    given = guess(arrays)
    one = dynsparse.score(given, dataset, rows=40, seed=1)
    assert one.rows == 40
    assert one.to_dict() == dynsparse.score(given, dataset, rows=40, seed=1).to_dict()
    assert one.auroc != dynsparse.score(given, dataset, rows=40, seed=2).auroc


def test_phases_are_told(dataset, arrays):
    phases = []
    dynsparse.score(guess(arrays), dataset, on_phase=phases.append)
    assert phases == ["read", "ask the model", "score"]


def test_bad_input_is_refused(dataset, arrays):
    given = guess(arrays)
    with pytest.raises(ModelError, match="expected a function to differentiate by 'jax', got arrays"):
        dynsparse.score(given, dataset, derivative="jax")
    with pytest.raises(ModelError, match=r"jac_state of shape \(120, 3, 3\) or \(3, 3\), got \(119, 3, 3\)"):
        dynsparse.score({**given, "jac_state": given["jac_state"][1:]}, dataset)
    with pytest.raises(ModelError, match="finite next states from the model, got NaN or infinity at row 0 of"):
        dynsparse.score(lambda state, action: jnp.log(-jnp.abs(state)), dataset)
    with pytest.raises(SettingError, match="atol"):
        dynsparse.score(given, dataset, atol=0)


def test_what_a_score_prints_is_one_line(dataset, arrays):
    found = dynsparse.score(guess(arrays), dataset)
    assert repr(found).startswith("<score Toy, 118 rows, given: auprc 0.")
    assert repr(found).endswith("mse none>")


def test_arrays_are_scored_without_jax(dataset):
    program = (
        "import sys, numpy, dynsparse\n"
        f"dataset = dynsparse.open_dataset({str(dataset.path)!r})\n"
        "graph = {'dependency_state': numpy.ones((3, 3)), 'dependency_action': numpy.ones((3, 2))}\n"
        "dynsparse.score(graph, dataset)\n"
        "print(sorted({'jax', 'mujoco'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
