"""State space: tangents of states with quaternions, held against MuJoCo's own."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest

from dynsparse.errors import SettingError
from dynsparse.physics.state_space import StateSpace

_MODEL = """
<mujoco><worldbody>
  <body name="a"><joint name="slide" type="slide"/><geom size=".1"/>
    <body name="b"><joint name="ball" type="ball"/><geom size=".1"/></body></body>
  <body name="c" pos="1 0 0"><freejoint name="free"/><geom size=".1"/></body>
</worldbody></mujoco>
"""
# qpos: slide, ball (4), free (3 + 4) = 12; qvel 1 + 3 + 6 = 10.
SPACE = StateSpace(22, (1, 8))


@pytest.fixture(scope="module")
def model() -> mujoco.MjModel:
    return mujoco.MjModel.from_xml_string(_MODEL)


def _states(rows: int, seed: int = 0) -> np.ndarray:
    states = np.random.default_rng(seed).normal(size=(rows, SPACE.state_dim))
    for start in SPACE.quaternions:
        states[:, start : start + 4] /= np.linalg.norm(states[:, start : start + 4], axis=1, keepdims=True)
    return states


@pytest.mark.parametrize("size", [0.0, 1e-9, 1e-5, 1.0])
def test_integrate_and_difference_are_mujocos(model: mujoco.MjModel, size: float) -> None:
    # MuJoCo integrates with a norm and an arc cosine of its own; at 1e-9 rad its difference has lost half its digits.
    states, tangents = _states(20), size * np.random.default_rng(1).normal(size=(20, SPACE.tangent_dim))
    moved = SPACE.integrate(states, tangents)
    for row in range(20):
        qpos = states[row, :12].copy()
        mujoco.mj_integratePos(model, qpos, tangents[row, :10], 1.0)
        np.testing.assert_allclose(moved[row, :12], qpos, rtol=0, atol=1e-14)
        back = np.zeros(10)
        mujoco.mj_differentiatePos(model, back, 1.0, states[row, :12], qpos)
        np.testing.assert_allclose(SPACE.difference(states[row], moved[row])[:10], back, rtol=1e-6, atol=1e-14)
    np.testing.assert_array_equal(moved[:, 12:], states[:, 12:] + tangents[:, 10:])


@pytest.mark.parametrize("size", [0.0, 1e-12, 1e-6, 9e-5, 1.1e-4, 0.5])
def test_difference_is_the_inverse_of_integrate(size: float) -> None:
    states, tangents = _states(50), size * np.random.default_rng(2).normal(size=(50, SPACE.tangent_dim))
    found = SPACE.difference(states, SPACE.integrate(states, tangents))
    # The states' own numbers are of order 1, and a difference of them loses what is below 1e-16 of that.
    np.testing.assert_allclose(found, tangents, rtol=1e-13, atol=1e-15)


def test_a_difference_takes_the_short_way() -> None:
    space = StateSpace(4, (0,))
    start, end = np.array([[1.0, 0, 0, 0]]), np.array([[-np.cos(0.1), 0, 0, np.sin(0.1)]])
    np.testing.assert_allclose(space.difference(start, end), [[0, 0, -0.2]], atol=1e-15)


def test_lift_and_project_are_the_derivatives() -> None:
    states, h = _states(5), 1e-6
    lift, project = SPACE.lift(states), SPACE.project(states)
    np.testing.assert_allclose(project @ lift, np.broadcast_to(np.eye(20), (5, 20, 20)), atol=1e-15)
    for j, unit in enumerate(np.eye(20)):
        slope = (SPACE.integrate(states, h * unit[None]) - SPACE.integrate(states, -h * unit[None])) / (2 * h)
        np.testing.assert_allclose(lift[:, :, j], slope, atol=1e-9)  # round-off of 1e-16 over 2e-6
    for j, unit in enumerate(np.eye(22)):
        slope = (SPACE.difference(states, states + h * unit) - SPACE.difference(states, states - h * unit)) / (2 * h)
        np.testing.assert_allclose(project[:, :, j], slope, atol=1e-9)


def test_project_takes_a_quaternion_of_any_length() -> None:
    states = _states(3)
    long = states.copy()
    long[:, 1:5] *= 2.5
    change = np.random.default_rng(3).normal(size=(3, 22))
    h = 1e-6
    slope = (SPACE.difference(long, long + h * change) - SPACE.difference(long, long - h * change)) / (2 * h)
    np.testing.assert_allclose((SPACE.project(long) @ change[:, :, None])[:, :, 0], slope, atol=1e-8)
    # Along the quaternion itself nothing turns.
    assert np.abs(SPACE.project(long)[:, 1:4, 1:5] @ long[:, 1:5, None]).max() < 1e-15


def test_jacobians_go_there_and_back() -> None:
    rng = np.random.default_rng(4)
    states, ends = _states(4), _states(4, seed=9)
    state, action = rng.normal(size=(4, 20, 20)), rng.normal(size=(4, 20, 3))
    found = SPACE.project_jacobian(*SPACE.lift_jacobian(state, action, states, ends), states, ends)
    np.testing.assert_allclose(found[0], state, atol=1e-14)
    np.testing.assert_allclose(found[1], action, atol=1e-14)


def test_a_flat_space_changes_nothing() -> None:
    space = StateSpace(3)
    one, other = np.arange(6.0).reshape(2, 3), np.ones((2, 3))
    assert space.is_flat and space.tangent_dim == 3
    np.testing.assert_array_equal(space.integrate(one, other), one + other)
    np.testing.assert_array_equal(space.difference(one, other), other - one)
    np.testing.assert_array_equal(space.lift(one), np.broadcast_to(np.eye(3), (2, 3, 3)))
    assert space.tangent_names(("a", "b", "c")) == ("a", "b", "c")


def test_names_and_units_of_a_tangent() -> None:
    names = ("qpos s", *(f"qpos b q{p}" for p in "wxyz"), *(f"qpos f {p}" for p in "xyz"))
    space = StateSpace(8, (1,))
    assert space.tangent_names(names) == (
        "qpos s", "qpos b rx", "qpos b ry", "qpos b rz", "qpos f x", "qpos f y", "qpos f z"
    )  # fmt: skip
    assert space.tangent_units(("m", "1", "1", "1", "1", "m", "m", "m")) == ("m", *["rad"] * 3, *["m"] * 3)


@pytest.mark.parametrize("places", [(1, 3), (5, 1), (6,), (-1,)])
def test_quaternions_that_can_not_be_are_refused(places: tuple[int, ...]) -> None:
    with pytest.raises(SettingError, match="quaternions of four numbers"):
        StateSpace(9, places)
