"""Functions as models: against the derivative by hand, and how JAX is told from NumPy."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dynsparse.errors import ModelError, SettingError
from dynsparse.learning.model import JaxModel, NumpyModel, as_model

from . import switched_rows

RNG = np.random.default_rng(0)
STATE, ACTION = RNG.normal(size=(300, 3)), RNG.uniform(-1, 1, (300, 2))
SCALES = np.array([1.0, 2.0, 0.5, 1.0, 0.0])


def in_jax(state, action):
    """The toy system, in JAX."""
    contact = jnp.where(state[0] > 0, 1.0, 0.0)
    return jnp.stack(
        [
            0.9 * state[0] - 0.4 * jnp.sin(state[1]),
            0.8 * state[1] + 0.5 * action[0] + contact * 0.3 * state[2],
            0.7 * jnp.tanh(state[2]) + contact * 2.0 * action[0] + 0.1 * action[1],
        ]
    )


def of(function, derivative=None):
    return as_model(function, STATE, ACTION, SCALES, derivative)


def truth():
    return (
        np.array([switched_rows.step(s, a) for s, a in zip(STATE, ACTION, strict=True)]),
        np.array([switched_rows.jacobian(s, a) for s, a in zip(STATE, ACTION, strict=True)]),
    )


@pytest.mark.parametrize(("x64", "tolerance"), [(False, 1e-6), (True, 1e-15)], ids=["float32", "float64"])
def test_a_jax_function_is_differentiated_in_the_users_precision(x64, tolerance):
    following, slope = truth()
    with jax.enable_x64(x64):
        model = of(in_jax)
        found, jacobians = model.predict(STATE, ACTION), model.jacobians(STATE, ACTION)
    assert model.derivative == "jax"
    assert found.dtype == jacobians.dtype == np.float64
    np.testing.assert_allclose(found, following, rtol=0, atol=2 * tolerance)
    np.testing.assert_allclose(jacobians, slope, rtol=0, atol=2 * tolerance)
    np.testing.assert_array_equal(jacobians == 0, slope == 0)
    # float32 really was used where it is the user's precision.
    assert (np.abs(found - following).max() > 1e-9) == (not x64)


def test_a_numpy_function_is_differentiated_by_central_differences():
    following, slope = truth()
    model = of(switched_rows.step)
    assert model.derivative == "finite-difference"
    np.testing.assert_array_equal(model.predict(STATE, ACTION), following)
    # Truncation h^2 / 6 and round-off 1e-16 / h, h about 1e-5; one row lies that near the switch at 0.
    smooth = np.abs(STATE[:, 0]) > 1e-4
    np.testing.assert_allclose(model.jacobians(STATE, ACTION)[smooth], slope[smooth], rtol=0, atol=1e-9)


def test_each_variable_is_moved_by_its_own_step():
    seen = []

    def model(state, action):
        seen.append(np.concatenate([state, action]))
        return np.zeros(3)

    found = of(model, "finite-difference").jacobians(STATE[:1], ACTION[:1])
    assert found.shape == (1, 3, 5)
    moved = np.array(seen[1:]) - np.concatenate([STATE[0], ACTION[0]])
    wanted = np.cbrt(np.finfo(float).eps) * np.repeat(np.diag([1.0, 2.0, 0.5, 1.0, 1.0]), 2, axis=0)
    wanted[1::2] *= -1
    np.testing.assert_allclose(moved, wanted, rtol=1e-9, atol=0)


def test_a_function_in_single_precision_is_moved_by_longer_steps():
    def single(state, action):
        return (np.float32(2) * np.tanh(state.astype(np.float32))).astype(np.float32)

    found = of(single).jacobians(STATE[:20], ACTION[:20])
    slope = np.eye(3) * (2 * (1 - np.tanh(STATE[:20]) ** 2))[:, None, :]
    # Steps for float64 would leave 1e-7 / 1e-5 = 1e-2 of noise.
    np.testing.assert_allclose(found[:, :, :3], slope, atol=1e-4)
    np.testing.assert_array_equal(found[:, :, 3:], 0)


def branching(state, action):
    return state if state[0] > 0 else -state


@pytest.mark.parametrize(
    ("function", "derivative"),
    [
        (lambda state, action: np.diag([1.0, 2.0, 3.0]) @ state, "jax"),
        (lambda state, action: np.tanh(state), "finite-difference"),
        (lambda state, action: [math.sin(x) for x in state], "finite-difference"),
        (branching, "finite-difference"),
        (lambda state, action: [int(x > 0) for x in state], "finite-difference"),
        (lambda state, action: state.astype(jnp.bfloat16), "jax"),
        (jax.jit(in_jax), "jax"),
    ],
    ids=[
        "operators alone",
        "a NumPy function",
        "a list of floats",
        "branches on a value",
        "whole numbers",
        "bfloat16",
        "jitted",
    ],
)
def test_jax_is_told_from_numpy_by_tracing(function, derivative):
    model = of(function)
    assert model.derivative == derivative
    assert model.jacobians(STATE[:5], ACTION[:5]).shape == (5, 3, 5)


def test_the_user_can_decide():
    assert of(in_jax, "finite-difference").derivative == "finite-difference"
    with pytest.raises(
        ModelError, match=r"JAX can not trace the model: TracerBoolConversionError.*leave derivative out"
    ):
        of(branching, "jax")
    with pytest.raises(SettingError, match="derivative must be one of jax, finite-difference, got 'exact'"):
        of(in_jax, "exact")


def test_a_function_with_a_reverse_rule_of_its_own_is_differentiated_in_reverse():
    @jax.custom_vjp
    def doubled(state):
        return 2 * state

    doubled.defvjp(lambda state: (doubled(state), None), lambda _, slope: (3 * slope,))
    model = of(lambda state, action: doubled(state))
    assert model.derivative == "jax"
    np.testing.assert_array_equal(model.jacobians(STATE[:2], ACTION[:2])[:, :, :3], np.tile(3 * np.eye(3), (2, 1, 1)))


def test_an_object_that_differentiates_itself_is_taken_as_it_is():
    class Own:
        derivative = "given"

        def predict(self, state, action):
            return state

        def jacobians(self, state, action):
            return np.zeros((len(state), 3, 5))

    own = Own()
    assert of(own) is own
    with pytest.raises(ModelError, match="expected a function to differentiate, got Own with its own jacobians"):
        of(own, "jax")


def test_a_row_at_which_the_function_overflows_is_nan():
    found = NumpyModel(lambda state, action: [math.exp(state[0])], [1.0, 1.0]).predict(
        np.array([[1.0], [1e6]]), np.zeros((2, 1))
    )
    np.testing.assert_array_equal(np.isnan(found), [[False], [True]])
    with pytest.raises(ModelError, match="expected finite steps above 0"):
        NumpyModel(branching, [1.0, 0.0])


def test_a_function_may_write_into_what_it_is_given():
    def writing(state, action):
        state[:] = 2 * state
        action[:] = 0
        return state

    before = STATE.copy(), ACTION.copy()
    model = of(writing)
    assert model.derivative == "finite-difference"
    np.testing.assert_array_equal(model.predict(STATE[:4], ACTION[:4]), 2 * before[0][:4])
    model.jacobians(STATE[:4], ACTION[:4])
    np.testing.assert_array_equal(STATE, before[0])
    np.testing.assert_array_equal(ACTION, before[1])


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (lambda state, action: jnp.zeros(4), r"a next state of shape \(3,\) from one state and one action, got \(4,\)"),
        (lambda state, action: state[None], r"got \(1, 3\); the model is called with one row"),
        (lambda state, action: (state, action), r"got a tuple"),
        (lambda state, action: np.tanh(state)[:2], r"shape \(3,\).*got \(2,\)"),
        (lambda state, action: np.array(["a", "b", str(state)]), "next state to hold real numbers, got <U"),
        (lambda state, action: np.tanh(state) + 1j, "the model's next state to hold real numbers, got complex128"),
        (lambda state, action: state + 1j, "the model's next state to hold real numbers, got complex64"),
        (lambda state, action: [None, *np.tanh(state[1:])], "next state to hold real numbers, got object"),
        (
            lambda state, action: [[math.sin(x)] * i for i, x in enumerate(state)],
            r"to be an array, got list \(ValueErr",
        ),
        (lambda state, action: np.zeros((2, 9)) @ np.tanh(state), "fails at the first row that is scored: ValueError"),
        (lambda state: state, "TypeError: .*1 positional argument"),
        ("model.npz", "expected a function .* or a mapping of arrays, got str"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(function, told):
    with pytest.raises(ModelError, match=told) as caught:
        of(function)
    assert "\n" not in str(caught.value)


def test_more_rows_than_a_batch_are_as_many_single_rows():
    model = JaxModel(in_jax, 3, 2)
    whole = model.jacobians(STATE, ACTION)
    single = np.concatenate([model.jacobians(STATE[i : i + 1], ACTION[i : i + 1]) for i in (0, 255, 256, 299)])
    np.testing.assert_array_equal(whole[[0, 255, 256, 299]], single)


def test_no_row_is_made_up_to_fill_a_batch():
    with jax.debug_nans(True):  # 0 / 0 in a row of zeros would raise
        found = JaxModel(lambda state, action: state / jnp.abs(state), 3, 2).predict(STATE[:3], ACTION[:3])
    np.testing.assert_array_equal(found, np.sign(STATE[:3]))
