"""Bad rows are refused at the border by a typed error that names what was expected, the row and the bounds."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest

from dynsparse.errors import ActionRangeError, ArrayError, InputError, PrecisionError, SettingError
from dynsparse.physics.environment import environment_from_model
from dynsparse.physics.linearize import linearize, linearize_batch, step
from dynsparse.physics.linearizer import Linearizer
from dynsparse.physics.rows import check_derivative, check_row, check_rows

# Three different lengths, so that a mixed-up axis can not pass: ds = 6, da = 2, nv = 3.
MODEL = """
<mujoco>
  <worldbody>
    <body><joint name="a" type="slide"/><joint name="b" type="hinge"/><joint name="c" type="hinge" axis="1 0 0"/>
      <geom size="0.1" mass="1"/></body>
  </worldbody>
  <actuator>
    <motor name="push" joint="a" ctrllimited="true" ctrlrange="-1 2"/>
    <motor name="free" joint="b"/>
  </actuator>
</mujoco>
"""


@pytest.fixture(scope="module")
def env():
    return environment_from_model("Toy", mujoco.MjModel.from_xml_string(MODEL), 1)


def good(n=4):
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, 6)), rng.uniform(-1, 1, size=(n, 2)), rng.normal(size=(n, 3))


def test_good_rows_come_back_as_float64_copies(env):
    states, actions, warmstarts = good()
    checked = check_rows(env, states, actions, warmstarts)
    for given, found in zip((states, actions, warmstarts), checked, strict=True):
        np.testing.assert_array_equal(found, given)
        assert found.dtype == np.float64
        assert not np.shares_memory(found, given)


def test_lists_and_integers_are_numbers_too(env):
    states, actions, warmstarts = check_rows(env, [[0, 1, 2, 3, 4, 5]], [[1, 1]])
    np.testing.assert_array_equal(states, [[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]])
    np.testing.assert_array_equal(actions, [[1.0, 1.0]])
    np.testing.assert_array_equal(warmstarts, [[0.0, 0.0, 0.0]])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(("which", "name"), [(0, "states"), (1, "actions"), (2, "warmstarts")])
def test_a_number_that_is_not_finite_is_named_by_row_and_element(env, which, name, bad):
    rows = good()
    rows[which][2, 1] = bad
    with pytest.raises(ArrayError, match=rf"{name} must be finite, got {bad} in row 2, element 1 \(1 of 4 rows"):
        check_rows(env, *rows)


def test_all_rows_that_are_not_finite_are_counted(env):
    states, actions, _ = good()
    states[1, :] = states[3, 0] = np.nan
    with pytest.raises(ArrayError, match=r"row 1, element 0 \(2 of 4 rows"):
        check_rows(env, states, actions)


@pytest.mark.parametrize(
    ("states", "actions", "warmstarts", "wanted", "arrived"),
    [
        ((4, 5), (4, 2), (4, 3), r"states must have shape \(rows, ds\) = \(n, 6\) for Toy", r"\(4, 5\)"),
        ((6, 4), (4, 2), (4, 3), r"states must have shape \(rows, ds\) = \(n, 6\)", r"\(6, 4\)"),
        ((6,), (2,), (3,), r"states must have shape \(rows, ds\) = \(n, 6\)", r"\(6,\)"),
        ((1, 4, 6), (4, 2), (4, 3), r"states must have shape", r"\(1, 4, 6\)"),
        ((4, 6), (3, 2), (4, 3), r"actions must have shape \(rows, da\) = \(4, 2\)", r"\(3, 2\)"),
        ((4, 6), (4,), (4, 3), r"actions must have shape \(rows, da\) = \(4, 2\)", r"\(4,\)"),
        ((4, 6), (4, 2), (4, 6), r"warmstarts must have shape \(rows, nv\) = \(4, 3\)", r"\(4, 6\)"),
        ((4, 6), (4, 2), (1, 3), r"warmstarts must have shape \(rows, nv\) = \(4, 3\)", r"\(1, 3\)"),
    ],
)
def test_a_wrong_shape_is_told_beside_the_right_one(env, states, actions, warmstarts, wanted, arrived):
    with pytest.raises(ArrayError, match=wanted + ".*got " + arrived):
        check_rows(env, np.zeros(states), np.zeros(actions), np.zeros(warmstarts))


def test_a_ragged_row_is_named(env):
    states = [[0.0] * 6, [0.0] * 6, [0.0] * 5]
    with pytest.raises(ArrayError, match=r"states must be an array of shape .*; row 2 has another length than row 0"):
        check_rows(env, states, np.zeros((3, 2)))


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (np.full((4, 6), "0.5"), "<U3"),
        (np.zeros((4, 6), dtype=object), "object"),
        (np.zeros((4, 6), dtype=bool), "bool"),
        (np.zeros((4, 6), dtype=complex), "complex128"),
        (np.zeros((4, 6), dtype="datetime64[s]"), "datetime64"),
        (None, "object"),
        ("states.npy", "<U10"),
    ],
)
def test_what_is_no_real_number_is_told_by_its_type(env, value, kind):
    with pytest.raises(ArrayError, match=rf"states must hold real numbers .*got type {kind}"):
        check_rows(env, value, np.zeros((4, 2)))


@pytest.mark.parametrize("odd", [[0.0, 1.0, "x", 3.0, 4.0, 5.0], [0.0, 1.0, None, 3.0, 4.0, 5.0], [1j] * 6])
def test_the_row_that_is_no_numbers_is_named(env, odd):
    states = [[0.0] * 6, [0.0] * 6, odd, [0.0] * 6]
    with pytest.raises(ArrayError, match=r"got type .* because of row 2$"):
        check_rows(env, states, np.zeros((4, 2)))


@pytest.mark.parametrize("small", [np.float32, np.float16])
@pytest.mark.parametrize(("which", "name"), [(0, "states"), (1, "actions"), (2, "warmstarts")])
def test_float32_is_refused_where_the_derivative_is_exact(env, which, name, small):
    rows = list(good())
    rows[which] = rows[which].astype(small)
    with pytest.raises(PrecisionError, match=rf"{name} is float.*float64 only; pass np\.asarray\({name}, dtype="):
        check_rows(env, *rows)


@pytest.mark.parametrize("derivative", ["autodiff", "finite-difference"])
def test_float32_is_accepted_by_the_other_derivatives(env, derivative):
    given = [rows.astype(np.float32) for rows in good()]
    for small, found in zip(given, check_rows(env, *given, derivative=derivative), strict=True):
        np.testing.assert_array_equal(found, small.astype(np.float64))
        assert found.dtype == np.float64


@pytest.mark.parametrize(("value", "row"), [(-1.0001, 1), (2.0001, 3)])
def test_an_action_outside_its_range_is_told_with_row_and_bounds(env, value, row):
    states, actions, _ = good()
    actions[row, 0] = value
    with pytest.raises(ActionRangeError, match=rf"range of Toy: row {row} has push = .*{value}.* outside \[-1, 2\]"):
        check_rows(env, states, actions)


def test_actions_on_the_bounds_and_of_unbounded_actuators_are_inside(env):
    actions = np.array([[-1.0, 1e6], [2.0, -1e6]])
    np.testing.assert_array_equal(check_rows(env, np.zeros((2, 6)), actions)[1], actions)


@pytest.mark.parametrize("states", [np.zeros((0, 6)), np.zeros((0, 6), dtype=int)])
def test_no_row_at_all_is_refused(env, states):
    with pytest.raises(ArrayError, match=r"at least one row of Toy, got shape \(0, 6\)"):
        check_rows(env, states, np.zeros((0, 2)))


def test_one_row_is_checked_by_its_own_shape(env):
    state, action, warmstart = check_row(env, np.arange(6.0), [0.5, 0.25], [1.0, 2.0, 3.0])
    assert (state.shape, action.shape, warmstart.shape) == ((1, 6), (1, 2), (1, 3))
    with pytest.raises(ArrayError, match=r"state must have shape \(ds\) = \(6\) for Toy, got \(1, 6\)"):
        check_row(env, np.zeros((1, 6)), np.zeros(2))
    with pytest.raises(ArrayError, match=r"warmstart must have shape \(nv\) = \(3\) for Toy, got \(2,\)"):
        check_row(env, np.zeros(6), np.zeros(2), np.zeros(2))
    with pytest.raises(ActionRangeError, match="row 0 has push"):
        check_row(env, np.zeros(6), np.array([3.0, 0.0]))


@pytest.mark.parametrize("derivative", ["Exact", "exakt", "reference", "", None, 1, ["exact"]])
def test_an_unknown_derivative_is_told_with_the_known_ones(env, derivative):
    with pytest.raises(SettingError, match="derivative must be one of 'exact', 'autodiff', 'finite-difference', got"):
        check_derivative(env, derivative)


def test_the_public_functions_check_before_they_start_anything(env):
    states, actions, warmstarts = good()
    nan = states.copy()
    nan[3, 5] = np.nan
    outside = actions.copy()
    outside[2, 0] = 9.0
    with pytest.raises(ArrayError, match="row 3, element 5"):
        linearize_batch(env, nan, actions)
    with pytest.raises(ActionRangeError, match="row 2"):
        linearize_batch(env, states, outside, workers=1)
    with pytest.raises(PrecisionError, match="states is float32"):
        linearize_batch(env, states.astype(np.float32), actions)
    with pytest.raises(SettingError, match=r"derivative must be one of .*got 'forward'"):
        linearize_batch(env, states, actions, derivative="forward")
    with pytest.raises(SettingError, match="at least 0, got -1"):
        linearize_batch(env, states, actions, workers=-1)
    with pytest.raises(SettingError, match=r"whole number of workers, got 1\.5"):
        linearize_batch(env, states, actions, workers=1.5)
    with pytest.raises(SettingError, match="at least 0, got -2"):
        Linearizer(env, workers=-2)
    with pytest.raises(SettingError, match="derivative must be one of"):
        Linearizer(env, "forward")
    with pytest.raises(ArrayError, match=r"state must be finite|states must be finite"):
        linearize(env, nan[3], actions[3])
    with pytest.raises(PrecisionError, match="warmstart is float32"):
        linearize(env, states[0], actions[0], warmstarts[0].astype(np.float32))
    with pytest.raises(SettingError, match="derivative must be one of"):
        linearize(env, states[0], actions[0], derivative="exakt")
    with pytest.raises(ActionRangeError, match="outside"):
        step(env, states[0], outside[2])
    with pytest.raises(ArrayError, match="action must have shape"):
        step(env, states[0], actions)


def test_every_refusal_is_an_input_error_with_the_exit_code_of_bad_usage():
    for kind in (ArrayError, ActionRangeError, PrecisionError, SettingError):
        assert issubclass(kind, InputError)
        assert kind.exit_code == 2
