"""Plain autodiff in two precisions: against the slopes of a model that can be solved by hand."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest

from dynsparse.errors import UnsupportedModelError
from dynsparse.physics.environment import environment_from_model
from dynsparse.physics.plain_autodiff import PRECISIONS, plain_jacobians

# Of two joints, so that a transpose can not hide; compiles in seconds.
SLIDERS = """
<mujoco><option timestep="0.1"/><worldbody>
  <body><joint name="a" type="slide" axis="1 0 0" damping="0.5"/><geom size="0.1" mass="2"/></body>
  <body><joint name="b" type="slide" axis="0 1 0"/><geom size="0.1" mass="4" contype="0" conaffinity="0"/></body>
</worldbody><actuator><motor joint="a" gear="3"/></actuator></mujoco>
"""


@pytest.fixture(scope="module")
def sliders():
    return environment_from_model("Sliders", mujoco.MjModel.from_xml_string(SLIDERS), 1)


def test_both_precisions_by_hand(sliders, shared_cache):
    rows = 40  # more than a batch
    rng = np.random.default_rng(0)
    done = []
    found = plain_jacobians(
        sliders, rng.normal(size=(rows, 4)), rng.normal(size=(rows, 1)), np.zeros((rows, 2)), workers=1,
        on_rows=done.append,
    )  # fmt: skip
    # Damping is taken implicitly: v' = v + h (3 u - d v) / (m + h d), x' = x + h v', with h = 0.1.
    slope = 1.0 - 0.1 * 0.5 / (2.0 + 0.1 * 0.5)
    push = 0.1 * 3.0 / (2.0 + 0.1 * 0.5)
    state = np.array([[1, 0, 0.1 * slope, 0], [0, 1, 0, 0.1], [0, 0, slope, 0], [0, 0, 0, 1]])
    action = np.array([[0.1 * push], [0.0], [push], [0.0]])
    assert tuple(found) == PRECISIONS and done[-1] == 2 * rows
    for precision, error in (("float64", 1e-15), ("float32", 1e-6)):
        jac_state, jac_action = found[precision]
        assert jac_state.shape == (rows, 4, 4) and jac_action.shape == (rows, 4, 1)
        assert np.abs(jac_state - state).max() < error and np.abs(jac_action - action).max() < error
    # What is stored as float64 was computed in float32: every number is one, and not the other precision's.
    single = np.concatenate([part.ravel() for part in found["float32"]])
    double = np.concatenate([part.ravel() for part in found["float64"]])
    assert np.array_equal(single, single.astype(np.float32)) and not np.array_equal(double, double.astype(np.float32))


def test_no_rows_are_no_rows(sliders):
    found = plain_jacobians(sliders, np.zeros((0, 4)), np.zeros((0, 1)), np.zeros((0, 2)), workers=1)
    assert found["float32"][0].shape == (0, 4, 4) and found["float64"][1].shape == (0, 4, 1)


def test_what_mjx_does_not_run_is_refused(no_worker):
    env = environment_from_model("Sliders", mujoco.MjModel.from_xml_string(SLIDERS), 1, engine="mujoco-c")
    with pytest.raises(UnsupportedModelError, match="not run by MJX but by 'mujoco-c'"):
        plain_jacobians(env, np.zeros((1, 4)), np.zeros((1, 1)), np.zeros((1, 2)))
