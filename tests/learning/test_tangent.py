"""Models of states that hold quaternions: what they predict are numbers, what is scored are tangents."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dynsparse.dataset import open_dataset
from dynsparse.errors import ArrayError, ModelError
from dynsparse.learning.learn_data import FIELDS, LearnData, StoredRows
from dynsparse.learning.model import JaxModel, NumpyModel, as_model
from dynsparse.learning.normalizer import Normalizer
from dynsparse.learning.predictions import predict
from dynsparse.learning.row_sample import draw_rows
from dynsparse.learning.score import score
from dynsparse.learning.settings import LearnSettings
from dynsparse.learning.trainer import Trainer
from dynsparse.learning.unit import dataset_identity, run_unit
from dynsparse.physics.state_space import StateSpace

from .spinning_body import NAMES, SPACE, H, jacobian, made_arrays, step, store


@pytest.fixture(scope="module")
def wide():
    """64-bit numbers, as long as this module's tests run."""
    with jax.enable_x64(True):
        yield


@pytest.fixture(scope="module")
def arrays(wide):
    return made_arrays()


@pytest.fixture(scope="module")
def dataset(arrays, tmp_path_factory):
    path = tmp_path_factory.mktemp("spinning") / "data"
    store(path, arrays)
    return open_dataset(path)


@pytest.fixture(scope="module")
def rows(dataset):
    return draw_rows(dataset, rows=40)


def differences(function, rows, count=3, size=1e-5):
    """Return (count, 7, 11) central differences on the manifold: of tangents, along tangents."""
    found = np.empty((count, 7, 11))
    for row in range(count):
        state, action = rows.state[row], rows.action[row]

        def moved(change, state=state, action=action):
            start = SPACE.integrate(state[None], change[None, :7])[0]
            return np.array(function(start, action + change[7:]))

        for column, change in enumerate(size * np.eye(11)):
            found[row, :, column] = SPACE.difference(moved(-change)[None], moved(change)[None])[0] / (2 * size)
    return found


def crooked(state, action):
    """(8,) a smooth function whose quaternion is of any length, and changes its length with the state."""
    mixed = jnp.sin(jnp.concatenate([state, action]) @ jnp.asarray(MIX) + 0.3)
    return mixed.at[1:5].multiply(1.5 + state[0] ** 2)


MIX = np.random.default_rng(5).normal(size=(12, 8)) / 3


def test_jacobian_of_the_data_is_that_of_the_step_on_the_manifold(rows):
    # Central differences of 1e-5: 1e-10 of third derivatives, 1e-11 of round-off.
    np.testing.assert_allclose(differences(step, rows), rows.jacobian[:3], atol=1e-8)


@pytest.mark.parametrize("kind", ["jax", "finite-difference"])
def test_projected_jacobian_is_that_of_the_prediction_on_the_manifold(rows, kind):
    model = as_model(crooked, rows.state, rows.action, rows.normalizer.input_std, kind)
    assert isinstance(model, JaxModel if kind == "jax" else NumpyModel)
    found = predict(model, rows)
    length = np.linalg.norm(found.next_state[:, 1:5], axis=1)
    assert np.ptp(length) > 0.1  # none is of length 1, and no two are alike
    np.testing.assert_allclose(found.jacobian[:3], differences(crooked, rows), atol=1e-7)


def test_the_truth_itself_scores_perfectly(dataset):
    found = score(step, dataset)
    assert (found.derivative, found.auprc, found.auroc_within, found.miss) == ("jax", 1, 1, 0)
    for value, best in (
        (found.auroc, 1),
        (found.leak, 0),
        (found.frobenius_error, 0),
        (found.cosine, 1),
        (found.mse, 0),
    ):
        assert value == pytest.approx(best, abs=1e-12)
    assert found.normalized.elements == found.rows * 7 * 11
    assert found.normalized.changing > 0
    assert found.referees["truth"].auprc == 1
    assert found.referees["all-ones"].auprc < 1
    # Nothing changes: each tangent depends on itself alone, in whatever frame.
    assert found.referees["identity"].raw.sparsity == pytest.approx(1 - 7 / 77)


def test_truth_with_another_sign_or_length_of_the_quaternion_has_the_same_jacobian(rows):
    def other(state, action):
        return step(state, action).at[1:5].multiply(-3.0)

    for function in (step, other):
        found = predict(JaxModel(function, 8, 4), rows)
        np.testing.assert_allclose(found.jacobian, rows.jacobian, atol=1e-13)


def test_a_zero_in_another_place_is_seen(dataset):
    def wrong(state, action):
        return step(state, action.at[1].set(0.0)).at[6].add(0.5 * state[0])

    found = score(wrong, dataset)
    assert found.auprc < 1
    assert found.leak > 0.01
    assert found.miss > 0.01


# --- arrays of a model's own ------------------------------------------------------------------------------------


def numbers(arrays):
    """Return (n, 8, 8), (n, 8, 4): the Jacobian of the state's own numbers, by JAX."""
    both = jax.vmap(jax.jacfwd(step, (0, 1)))
    return tuple(np.asarray(x) for x in both(jnp.asarray(arrays["state"]), jnp.asarray(arrays["action"])))


def test_arrays_of_either_shape_are_taken(arrays, dataset):
    tangent = score({name: arrays[name] for name in ("jac_state", "jac_action")}, dataset)
    by_state, by_action = numbers(arrays)
    assert (by_state.shape[1:], by_action.shape[1:]) == ((8, 8), (8, 4))
    projected = score({"jac_state": by_state, "jac_action": by_action}, dataset)
    assert (tangent.auprc, tangent.leak, tangent.frobenius_error) == (1, 0, 0)
    assert projected.auprc == 1
    assert projected.frobenius_error == pytest.approx(0, abs=1e-12)
    whole = score({"jac_state": np.eye(8), "jac_action": np.zeros((8, 4))}, dataset)
    assert whole.frobenius_error > 0.1


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (
            ((96, 6, 6), (96, 6, 4)),
            r"jac_state of shape \(96, 7, 7\) or \(7, 7\) or \(96, 8, 8\) or \(8, 8\), got \(96, 6",
        ),
        (((96, 8, 8), (96, 7, 4)), r"jac_action of shape \(96, 8, 4\) or \(8, 4\), got \(96, 7, 4\)"),
        (((96, 7, 8), (96, 7, 4)), r"jac_state of shape \(96, 7, 7\)"),
    ],
)
def test_arrays_of_other_shapes_are_refused(dataset, shapes, message):
    with pytest.raises(ModelError, match=message):
        score(dict(zip(("jac_state", "jac_action"), map(np.zeros, shapes), strict=True)), dataset)


def test_sizes_of_dependence_are_of_tangents(dataset):
    found = score({"dependency_state": np.ones((7, 7)), "dependency_action": np.ones((7, 4))}, dataset)
    assert found.auprc == found.referees["all-ones"].auprc
    with pytest.raises(ModelError, match=r"dependency_state of shape \(96, 7, 7\) or \(7, 7\), got \(8, 8\)"):
        score({"dependency_state": np.ones((8, 8)), "dependency_action": np.ones((8, 4))}, dataset)


# --- models that have no answer ---------------------------------------------------------------------------------


@dataclasses.dataclass
class Given:
    """A model that answers with arrays."""

    following: np.ndarray | None
    jacobian: np.ndarray
    derivative: str = "given"

    def predict(self, state, action):
        return None if self.following is None else self.following[: len(state)]

    def jacobians(self, state, action):
        return self.jacobian


@pytest.mark.parametrize("value", [0.0, 1e-200, 1e200, np.nan])
def test_quaternion_without_direction_is_refused_with_its_row(rows, value):
    following = rows.next_state.copy()
    following[4, 1:5] = value
    with pytest.raises(ModelError, match=f"at row {rows.index[4]} of the data set"):
        predict(Given(following, np.ones((40, 8, 12))), rows)


def test_model_that_predicts_nothing_is_projected_at_the_true_next_state(arrays, rows):
    own = np.concatenate(numbers(arrays), axis=2)[rows.index]
    np.testing.assert_allclose(predict(Given(None, own), rows).jacobian, rows.jacobian, atol=1e-13)
    np.testing.assert_array_equal(predict(Given(None, rows.jacobian), rows).jacobian, rows.jacobian)
    with pytest.raises(ModelError, match=r"shape \(40, 7, 11\) or \(40, 8, 12\) from the model, got \(40, 9, 12\)"):
        predict(Given(None, np.ones((40, 9, 12))), rows)


def test_rows_whose_jacobians_are_not_of_tangents_are_refused(rows):
    with pytest.raises(ArrayError, match=r"shapes \(8, 8\) and \(8, 4\) .* quaternions at \[\]"):
        dataclasses.replace(rows, quaternions=())


# --- z-scores ---------------------------------------------------------------------------------------------------


def test_rotations_are_scaled_by_their_root_mean_square_in_any_frame():
    draws, space = np.random.default_rng(0), StateSpace(5, (0,))
    turns = np.concatenate([draws.normal(size=(20_000, 3)) * 0.02, draws.normal(size=(20_000, 1))], axis=1)
    found = []
    for mean in ([1.0, 0, 0, 0, 0], [0.5, 0.5, -0.5, 0.5, 0]):
        state = space.integrate(np.array([mean]), turns)
        fitted = Normalizer.fit(
            [{"state": state, "action": turns[:, :1], "next_state": np.tile(state[:1], (20_000, 1))}]
        )
        assert fitted.tangent_factor(space).shape == (4, 5)
        # Divided by what the constant next state has: epsilon, and round-off of its mean.
        found.append(fitted.tangent_factor(space)[0] * fitted.epsilon)
    np.testing.assert_allclose(found[0], [0.02, 0.02, 0.02, 1.0, 0.02], rtol=0.02)
    np.testing.assert_allclose(found[1], found[0], rtol=1e-4)


def test_without_quaternions_factors_are_those_of_the_state(rows):
    flat = rows.normalizer.tangent_factor(StateSpace(8))
    np.testing.assert_array_equal(flat, rows.normalizer.jacobian_factor())


# --- training ---------------------------------------------------------------------------------------------------


def held(arrays):
    return StoredRows("Spinning", "toy", NAMES, {name: arrays[name] for name in FIELDS}, (1,))


SETTINGS = LearnSettings(
    loss="state-jacobian", layer_width=16, batch_size=16, epochs=2, split="step", dropout_rate=0.0, precision="float64"
)


def test_jacobians_to_train_on_are_those_of_the_step_that_takes_a_quaternions_direction(arrays, monkeypatch):
    monkeypatch.setattr("dynsparse.learning.learn_data._ROWS_AT_A_TIME", 10)
    data = LearnData.prepare(held(arrays), SETTINGS)
    index = [int(np.flatnonzero((arrays["state"] == s).all(axis=1))[0]) for s in _states(data)]

    def directed(state, action):
        return step(state.at[1:5].divide(jnp.linalg.norm(state[1:5])), action)

    both = jax.vmap(jax.jacfwd(directed, (0, 1)))(arrays["state"][index], arrays["action"][index])
    wanted = np.concatenate([np.asarray(x) for x in both], axis=2)
    raw = data.normalizer.raw_jacobians(data.train.jacobians)
    assert raw.shape[1:] == (8, 12)
    np.testing.assert_allclose(raw, wanted, atol=1e-12)
    np.testing.assert_array_equal(data.train.zero, np.abs(raw) < SETTINGS.atol)
    # The rotation speed about z never turns the height, and a height above ground turns nothing.
    assert data.train.zero[:, 0, 1:8].all()
    assert not data.train.zero[:, 5, 0].all()


def _states(data):
    """Return the states to train on, as they were stored."""
    given = data.train.inputs * (data.normalizer.input_std + data.normalizer.epsilon) + data.normalizer.input_mean
    stored = made_arrays()["state"]
    near = np.abs(stored[None] - given[:, None, :8]).sum(axis=2).argmin(axis=1)
    return stored[near]


def test_loss_of_the_truth_is_nothing_and_tests_are_of_tangents(arrays):
    data = LearnData.prepare(held(arrays), SETTINGS)
    test = data.tests["step"]
    assert (test.jacobian.shape[1:], test.state.shape[1]) == ((7, 11), 8)
    np.testing.assert_allclose(predict(JaxModel(step, 8, 4), test).jacobian, test.jacobian, atol=1e-13)
    before, after = (trainer.epoch()[:, 1].mean() for trainer in [Trainer(SETTINGS, data.train)] for _ in range(2))
    assert after < before


def test_unit_of_training_scores_in_tangents(dataset):
    arguments = {
        "kind": "train",
        "environment": "Spinning",
        "dataset": dataset_identity(str(dataset.path)),
        "settings": dataclasses.replace(SETTINGS, loss="state-jacobian-l1-sparse-only").to_dict(),
    }
    record = run_unit(arguments, {"dataset": str(dataset.path)}, lambda *_: None).record
    final = record["final"]["step"]
    assert final["normalized"]["elements"] == record["rows"]["step"] * 7 * 11
    assert len(final["prediction"]["mse_per_dimension"]) == len(record["state_names"]) == 8
    assert record["initial"]["step"]["true_sparsity"] == pytest.approx(final["normalized"]["true_sparsity"])
    assert 0 <= record["initial"]["step"]["sparsity"] < 0.1


def test_toy_is_what_its_page_says():
    spin = jacobian(np.array([1.0, 1, 0, 0, 0, 0, 0, 2.0]), np.zeros(4))
    assert (spin[1:4, 1:4] != 0).astype(int).tolist() == [[1, 1, 0], [1, 1, 0], [0, 0, 1]]
    assert spin[3, 6] == pytest.approx(H)
