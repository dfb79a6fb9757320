"""What models say about scored rows: rolled forward as by hand, and refused where it can not be scored."""

from __future__ import annotations

import numpy as np
import pytest

from dynsparse.errors import ModelError
from dynsparse.learning.model import NumpyModel
from dynsparse.learning.model_file import ModelArrays
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


def test_other_shapes_are_refused(rows):
    with pytest.raises(ModelError, match=r"Jacobians of shape \(6, 3, 5\) from the model, got \(6, 5, 3\)"):
        predict(Planted(None, np.zeros((6, 5, 3))), rows)
    with pytest.raises(ModelError, match=r"next states of shape \(6, 3\) from the model, got \(6, 2\)"):
        predict(Planted(np.zeros((6, 2)), np.zeros((6, 3, 5))), rows)
