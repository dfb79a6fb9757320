"""What models say about scored rows: rolled forward as by hand, and refused where it can not be scored."""

from __future__ import annotations

import dataclasses

import jax
import numpy as np
import pytest

from dynsparse.errors import ModelError
from dynsparse.learning.model import JaxModel, NumpyModel
from dynsparse.learning.model_file import ModelArrays
from dynsparse.learning.prediction_scores import score_predictions
from dynsparse.learning.predictions import predict

from .switched_rows import made_arrays, scored, step

STEPS = np.full(5, 1e-6)


@pytest.fixture(scope="module")
def arrays():
    return made_arrays(nonfinite=(33,))


@pytest.fixture(scope="module")
def rows(arrays):
    return scored(arrays, [0, 15, 30, 32, 70, 119])


class Planted:
    """A model that gives what it is told to."""

    derivative = "given"

    def __init__(self, following, jacobians):
        self.following, self.slope = following, jacobians

    def predict(self, state, action):
        return self.following

    def jacobians(self, state, action):
        return self.slope


def test_each_step_of_a_trajectory_starts_from_the_prediction_before_it(rows, arrays):
    def model(state, action):
        return 1.1 * step(state, action)

    found = predict(NumpyModel(model, STEPS), rows)
    assert found.derivative == "finite-difference"
    for window, (first, length) in enumerate([(0, 20), (15, 5), (30, 3), (32, 1), (70, 10), (119, 1)]):
        state = arrays["state"][first]
        for k in range(length):
            state = model(state, arrays["action"][first + k])
            np.testing.assert_array_equal(found.trajectory[window, k], state)
        assert np.isnan(found.trajectory[window, length:]).all()
    np.testing.assert_array_equal(found.trajectory[:, 0], found.next_state)


def test_the_simulator_itself_stays_on_the_data(rows):
    found = predict(NumpyModel(step, STEPS), rows)
    np.testing.assert_array_equal(found.trajectory, rows.windows.next_state)
    np.testing.assert_array_equal(found.next_state, rows.next_state)


def test_a_model_that_diverges_is_asked_no_more(rows):
    asked = []

    def model(state, action):
        asked.append(state.copy())
        return 1e200 * np.abs(state)

    found = predict(NumpyModel(model, STEPS), rows)
    assert np.isfinite(np.array(asked)).all()
    assert np.isinf(found.trajectory[0, 1]).all()
    assert np.isnan(found.trajectory[0, 2:]).all()


def test_arrays_and_jacobians_alone_can_not_be_rolled_forward(rows):
    arrays = ModelArrays("given", np.zeros((3, 3)), np.zeros((3, 2)), np.zeros((120, 3)))
    assert predict(arrays, rows).trajectory is None
    only = predict(Planted(None, np.zeros((6, 3, 5))), rows)
    assert only.next_state is None
    assert only.trajectory is None


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_numbers_that_are_not_finite_are_refused_with_their_row_in_the_data_set(rows, value):
    following, slope = np.zeros((6, 3)), np.zeros((6, 3, 5))
    following[4, 1] = value
    with pytest.raises(ModelError, match=r"finite next states .* at row 70 of the data set \(1 of 6 rows\)"):
        predict(Planted(following, slope), rows)
    slope[[1, 5], 2, 4] = value
    with pytest.raises(ModelError, match=r"finite Jacobians .* at row 15 of the data set \(2 of 6 rows\)"):
        predict(Planted(None, slope), rows)
    # As arrays with a row for each of the data set; a NaN in a row that is not scored is nobody's business.
    by_state = np.zeros((120, 3, 3))
    by_state[[3, 33]] = value
    predict(ModelArrays("given", by_state, np.zeros((3, 2))), rows)
    by_state[119] = value
    with pytest.raises(ModelError, match="at row 119 of the data set"):
        predict(ModelArrays("given", by_state, np.zeros((3, 2))), rows)


@pytest.mark.parametrize("kind", ["foo", "dependency", None, ["jax"]])
def test_where_jacobians_come_from_is_one_of_three_words(rows, kind):
    model = Planted(None, np.zeros((6, 3, 5)))
    for word in ("jax", "finite-difference", "given"):
        model.derivative = word
        assert predict(model, rows).derivative == word
    model.derivative = kind
    with pytest.raises(ModelError, match="derivative to be one of jax, finite-difference, given, got") as caught:
        predict(model, rows)
    assert str(caught.value).endswith(repr(kind))


def test_complex_numbers_are_refused_rather_than_cut(rows):
    following, slope = np.zeros((6, 3)), np.zeros((6, 3, 5))
    with pytest.raises(ModelError, match="the model's next states to hold real numbers, got complex128"):
        predict(Planted(following + 0j, slope), rows)
    with pytest.raises(ModelError, match="the model's Jacobians to hold real numbers, got complex128"):
        predict(Planted(following, slope + 0j), rows)
    model = NumpyModel(lambda state, action: state + 0j, STEPS)
    with pytest.raises(ModelError, match="at row 0 of the data set: expected the model's next state to hold real"):
        predict(model, rows)


class Batch:
    """Many rows at once, as a framework has it; raises where the sum of a row is just the one."""

    derivative = "given"

    def __init__(self, total, of):
        self.total, self.of = total, of

    def predict(self, state, action):
        return self._unless("predict", state, np.array([step(s, a) for s, a in zip(state, action, strict=True)]))

    def jacobians(self, state, action):
        return self._unless("jacobians", state, np.zeros((len(state), 3, 5)))

    def _unless(self, of, state, answer):
        if of == self.of and (state.sum(axis=1) == self.total).any():
            raise RuntimeError("no such\nstate")
        state[:] = np.nan  # what it is given is its own
        return answer


@pytest.mark.parametrize("place", range(6))
def test_what_a_model_raises_is_one_line_with_the_row(rows, place):
    row, total = rows.index[place], rows.state[place].sum()
    for of, what in (("predict", "next states"), ("jacobians", "Jacobians")):
        with pytest.raises(ModelError) as caught:
            predict(Batch(total, of), rows)
        assert str(caught.value) == (
            f"the model fails when asked for {what} at row {row} of the data set: RuntimeError: no such"
        )
        assert isinstance(caught.value.__cause__, RuntimeError)
    unbroken = predict(Batch(np.inf, "predict"), rows)
    np.testing.assert_array_equal(unbroken.trajectory, rows.windows.next_state)


def test_the_first_row_is_named_where_many_raise(rows):
    def model(state, action):
        if state.tolist() in rows.state[[2, 4, 5]].tolist():
            raise LookupError(f"nothing at {state[0]:.3f}")
        return step(state, action)

    told = f"at row 30 of the data set: LookupError: nothing at {rows.state[2, 0]:.3f}"
    with pytest.raises(ModelError, match=told) as caught:
        predict(NumpyModel(model, STEPS), rows)
    assert isinstance(caught.value.__cause__, LookupError)


def test_a_shape_that_is_wrong_at_one_row_alone_is_told_with_it(rows):
    def model(state, action):
        return state[:2] if state.tolist() == rows.state[4].tolist() else step(state, action)

    with pytest.raises(
        ModelError, match=r"at row 70 of the data set: expected a next state of shape \(3,\).*got \(2,\)"
    ):
        predict(NumpyModel(model, STEPS), rows)


def test_jax_raises_on_one_line_too(rows):
    def refuse(state):
        if state.sum() == np.float32(np.float32(rows.state[3]).sum()):
            raise ValueError("no such\nstate")
        return state

    def model(state, action):
        return jax.pure_callback(refuse, state, state, vmap_method="sequential")

    own = JaxModel.__new__(JaxModel)  # a callback has no derivative
    own._predict, own._jacobians = jax.jit(jax.vmap(model)), None
    with pytest.raises(ModelError, match=r"next states at row 32 of the data set: ") as caught:
        predict(own, rows)
    assert "\n" not in str(caught.value)


def test_a_model_that_raises_for_many_rows_alone_says_so(rows):
    class Small(Batch):
        def predict(self, state, action):
            if len(state) > 1:
                raise MemoryError("too many")
            return state

    with pytest.raises(ModelError, match="at rows 0 to 119 of the data set together, but not at one alone: MemoryErr"):
        predict(Small(np.inf, "predict"), rows)


def leaves(state):
    return np.abs(state).max() > 5


def growing(state, action):
    """Leaves the data within a few steps, sooner or later by the window."""
    return 1.5 * state


@pytest.mark.parametrize("batch", [False, True], ids=["a function", "a batch"])
def test_a_window_ends_where_the_model_raises_outside_the_data_and_the_others_go_on(rows, batch):
    def refusing(state, action):
        if leaves(state):
            raise ValueError("outside of what I know")
        return growing(state, action)

    class Refusing(Planted):
        def predict(self, state, action):
            if any(map(leaves, state)):
                raise ValueError("outside of what I know")
            return growing(state, action)

    model = Refusing(None, np.zeros((6, 3, 5))) if batch else NumpyModel(refusing, STEPS)
    assert not any(map(leaves, rows.state))
    found = predict(model, rows).trajectory
    ends = []
    for window, length in enumerate(rows.windows.length):
        state = rows.state[window]
        for k in range(length):
            state = np.full(3, np.nan) if np.isnan(state).any() or leaves(state) else growing(state, None)
            np.testing.assert_array_equal(found[window, k], state)
        ends.append(bool(np.isnan(state).any()))
    assert set(ends) == {True, False}
    told = {one.steps: one for one in score_predictions(predict(model, rows), rows, np.ones(6, dtype=bool)).open_loop}
    assert (told[1].diverged, told[10].mse) == (0, None)
    assert 0 < told[10].diverged == np.isnan(found[rows.windows.length >= 10, 9, 0]).sum()


@pytest.mark.parametrize(
    ("later", "told"),
    [
        (lambda state: state[:, :2], r"next states of shape \(\d, 3\) from the model, got \(\d, 2\)"),
        (lambda state: state + 0j, "the model's next states to hold real numbers, got complex128"),
        (lambda state: None, "expected next states from the model, got None"),
        (lambda state: np.zeros(3), r"next states of shape \(\d, 3\) from the model, got \(3,\)"),
    ],
    ids=["another shape", "complex", "nothing", "one for all"],
)
def test_what_does_not_fit_is_an_error_rolled_forward_too(rows, later, told):
    class Later(Planted):
        def predict(self, state, action):
            return state + 100 if (np.abs(state) < 50).all() else later(state)

    with pytest.raises(ModelError, match=told):
        predict(Later(None, np.zeros((6, 3, 5))), rows)


def test_a_function_that_does_not_fit_is_an_error_rolled_forward_too(rows):
    def model(state, action):
        return state + 100 if (np.abs(state) < 50).all() else state[:2]

    with pytest.raises(ModelError, match=r"got \(2,\).*\(rolled forward from row 0 of the data set\)"):
        predict(NumpyModel(model, STEPS), rows)


def test_what_raises_at_the_first_step_of_a_window_is_no_divergence(rows):
    class Whole(Planted):
        def predict(self, state, action):
            if len(state) != 120:
                raise RuntimeError("built for 120 rows")
            return np.zeros((120, 3))

    all_rows = scored(made_arrays(episodes=6, steps=20))
    some = dataclasses.replace(all_rows, windows=rows.windows)
    with pytest.raises(ModelError, match=r"next states at row .*: RuntimeError: built for 120 rows"):
        predict(Whole(None, np.zeros((120, 3, 5))), some)


def test_other_shapes_are_refused(rows):
    with pytest.raises(ModelError, match=r"Jacobians of shape \(6, 3, 5\) from the model, got \(6, 5, 3\)"):
        predict(Planted(None, np.zeros((6, 5, 3))), rows)
    with pytest.raises(ModelError, match=r"next states of shape \(6, 3\) from the model, got \(6, 2\)"):
        predict(Planted(np.zeros((6, 2)), np.zeros((6, 3, 5))), rows)
