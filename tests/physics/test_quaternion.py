"""Free and ball joints: positions are quaternions, and the derivative of turning one has to hold at rest."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import jax
import mujoco
import numpy as np
import pytest
from mujoco import mjx
from mujoco.mjx._src import forward as mjx_forward

from dynsparse.physics.columns import audit_columns
from dynsparse.physics.differences import difference_columns
from dynsparse.physics.linearizer import Linearizer
from dynsparse.physics.quaternion import (
    integrate_position,
    move_slopes,
    position_change,
    position_tangent,
    retract,
    turn_slopes,
)
from dynsparse.physics.simulator import build_simulator
from dynsparse.physics.state_space import StateSpace

from .hand_models import STICK, build, stick_rows

H = 0.004
NQ, NV = 7 + 4, 6 + 3
FREE_TURN, BALL_TURN = slice(3, 7), slice(7, 11)


@pytest.fixture
def sim():
    with jax.enable_x64(True):
        yield build_simulator(build(STICK).model, 1)


def mjx_integrate(sim, qpos, qvel):
    return mjx_forward._integrate_pos(sim.model.jnt_type, qpos, qvel, sim.model.opt.timestep)


@pytest.mark.parametrize("speed", [0.0, 1e-3, 0.02, 0.03, 1.0, 1e2, 1e3])
def test_the_value_is_that_of_mjx(sim, speed):
    states, _ = stick_rows(16)
    qpos, qvel = states[:, :NQ], speed * np.random.default_rng(1).normal(size=(16, 9))
    ours, theirs = (jax.vmap(partial(each, sim))(qpos, qvel) for each in (integrate_position, mjx_integrate))
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-14 * max(1.0, H * speed))


def test_the_value_differs_where_mjx_takes_a_slow_turn_for_rest(sim):
    # Its norm says zero where every element is below 1e-8 rad/s.
    states, _ = stick_rows(16)
    qpos, qvel = states[:, :NQ], np.full((16, 9), 0.9e-8)
    ours, theirs = (jax.vmap(partial(each, sim))(qpos, qvel) for each in (integrate_position, mjx_integrate))
    np.testing.assert_allclose(theirs[:, 3:], qpos[:, 3:], rtol=0, atol=1e-15)
    assert 1e-12 < np.abs(ours - theirs).max() <= 0.5 * H * 1.6e-8


def test_at_rest_an_angular_velocity_turns_by_half_of_itself(sim):
    qpos = np.array([0, 0, 1, 1, 0, 0, 0, 1, 0, 0, 0], dtype=float)
    slope = jax.jacfwd(partial(integrate_position, sim), argnums=1)(qpos, np.zeros(9))
    wanted = np.zeros((NQ, 9))
    wanted[:3, :3] = H * np.eye(3)  # free: a place moves with its velocity,
    wanted[4:7, 3:6] = 0.5 * H * np.eye(3)  # the vector part of a unit quaternion with half the angular velocity,
    wanted[8:11, 6:9] = 0.5 * H * np.eye(3)  # and so for the ball joint
    np.testing.assert_allclose(slope, wanted, rtol=0, atol=1e-16)


def test_mjx_says_at_rest_that_an_angular_velocity_turns_nothing(sim):
    # Why there is a function of our own. Where this fails, MJX has changed, and ours may go.
    qpos = stick_rows(1)[0][0, :NQ]
    slope = jax.jacfwd(partial(mjx_integrate, sim), argnums=1)(qpos, np.zeros(9))
    np.testing.assert_array_equal(slope[FREE_TURN, 3:6], 0.0)
    np.testing.assert_array_equal(slope[BALL_TURN, 6:9], 0.0)


@pytest.mark.parametrize("speed", [0.0, 1e-7, 0.01, 0.0249, 0.0251, 0.1, 5.0, 300.0])
def test_its_slope_is_that_of_differences_at_every_speed(sim, speed):
    # The series below 1e-4 rad a step, which is 0.025 rad/s, meets the closed form above it.
    rng = np.random.default_rng(2)
    qpos, axis = stick_rows(1)[0][0, :NQ], rng.normal(size=9)
    axis[3:6] /= np.linalg.norm(axis[3:6])
    axis[6:9] /= np.linalg.norm(axis[6:9])
    # Not normalised: the code divides by the norm, and that is part of the slope.
    qpos[FREE_TURN] *= 1.1
    function = jax.jit(lambda x: integrate_position(sim, x[:NQ], x[NQ:]))
    at = np.concatenate([qpos, speed * axis])
    slope = jax.jacfwd(function)(at)
    step = 1e-5
    differences = np.stack([(function(at + d) - function(at - d)) / (2 * step) for d in step * np.eye(at.size)], axis=1)
    np.testing.assert_allclose(slope, differences, rtol=0, atol=1e-9)


@pytest.mark.parametrize("size", [0.0, 1e-9, 9e-5, 1.1e-4, 0.3, 3.0, 7.0])
def test_the_slopes_of_a_turn_are_mujocos(size):
    rotation = np.random.default_rng(3).normal(size=3)
    rotation *= size / np.linalg.norm(rotation)
    by_start, by_turn, by_scale = np.zeros(9), np.zeros(9), np.zeros(3)
    mujoco.mjd_quatIntegrate(rotation, 1.0, by_start, by_turn, by_scale)
    back, right = turn_slopes(rotation, np)
    # MuJoCo takes coefficients such as (x - sin x)/x^3 as they are written, which loses digits where x is small.
    np.testing.assert_allclose(back, by_start.reshape(3, 3), rtol=0, atol=1e-12)
    np.testing.assert_allclose(right, by_turn.reshape(3, 3), rtol=0, atol=1e-12)


@pytest.mark.parametrize("size", [0.0, 1e-9, 9e-5, 1.1e-4, 0.3, 3.0])
def test_the_slopes_of_a_turn_are_those_of_differences_on_the_manifold(size):
    rotation, space, step = size * np.array([0.6, 0.0, -0.8]), StateSpace(4, (0,)), 1e-5
    start = np.array([0.5, -0.5, 0.5, 0.5])
    back, right = turn_slopes(rotation, np)

    def slope(turned):
        ends = [space.integrate(*turned(sign * step * np.eye(3))) for sign in (1, -1)]
        return (space.difference(ends[1], ends[0]) / (2 * step)).T

    np.testing.assert_allclose(back, slope(lambda d: (space.integrate(start, d), rotation)), rtol=0, atol=1e-10)
    np.testing.assert_allclose(right, slope(lambda d: (start, rotation + d)), rtol=0, atol=1e-10)


def test_at_rest_a_turn_has_exact_zeros():
    back, right = turn_slopes(np.zeros(3), np)
    np.testing.assert_array_equal(back, np.eye(3))
    np.testing.assert_array_equal(right, np.eye(3))


def test_a_tangent_of_positions_is_that_of_the_state_space(sim):
    states, _ = stick_rows(4)
    qpos = states[:, :NQ].copy()
    qpos[:, FREE_TURN] *= 1.2  # of any length
    space = StateSpace(NQ, (3, 7))
    rng = np.random.default_rng(5)
    tangents, changes = rng.normal(size=(4, NV)), rng.normal(size=(4, NQ))
    lifted = jax.vmap(partial(position_change, sim))(qpos, tangents)
    np.testing.assert_allclose(lifted, (space.lift(qpos) @ tangents[:, :, None])[:, :, 0], rtol=1e-13, atol=1e-14)
    found = jax.vmap(partial(position_tangent, sim))(qpos, changes)
    np.testing.assert_allclose(found, (space.project(qpos) @ changes[:, :, None])[:, :, 0], rtol=1e-13, atol=1e-14)
    np.testing.assert_array_equal(jax.vmap(partial(retract, sim))(qpos, np.zeros((4, NV))), qpos)


def test_one_substep_moves_positions_by_its_slopes(sim):
    states, _ = stick_rows(4)
    space, qpos, qvel = StateSpace(NQ, (3, 7)), states[:, :NQ], 20.0 * states[:, NQ:] + 1.0
    by_position, by_velocity = move_slopes(sim)(qvel)
    move, step = jax.vmap(partial(integrate_position, sim)), 1e-5
    for j, unit in enumerate(np.eye(NV)):
        ends = [np.asarray(move(space.integrate(qpos, s * step * unit), qvel)) for s in (1, -1)]
        np.testing.assert_allclose(by_position[:, :, j], space.difference(ends[1], ends[0]) / (2 * step), atol=1e-10)
        ends = [np.asarray(move(qpos, qvel + s * step * unit)) for s in (1, -1)]
        np.testing.assert_allclose(by_velocity[:, :, j], space.difference(ends[1], ends[0]) / (2 * step), atol=1e-10)


def measure(integrator):
    env = build(STICK, integrator=integrator)
    states, actions = stick_rows(40)
    with Linearizer(env, workers=1) as linearizer:
        warmstarts = linearizer.evaluate(states, actions).next_warmstart
        warmstarts[::3] = 0.0
        found = linearizer.linearize(states, actions, warmstarts)
        slopes = difference_columns(linearizer, states, actions, warmstarts, env.space)
        wide = wide_differences(linearizer, env.space, states, actions, warmstarts)
    return states, warmstarts, found, slopes, wide


def wide_differences(linearizer, space, states, actions, warmstarts, step=1e-4):
    """Central differences a hundred times as wide as those of the audit."""
    columns = []
    for unit in step * np.eye(space.tangent_dim):
        high, low = (linearizer.evaluate(space.integrate(states, s * unit), actions, warmstarts) for s in (1, -1))
        columns.append(space.difference(low.next_state, high.next_state) / (2 * step))
    return np.stack(columns, axis=2)


@pytest.fixture(scope="module")
def measured(shared_cache):
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(2) as pool:
        patch.setenv("XLA_FLAGS", "--xla_backend_optimization_level=0")
        yield dict(zip(("Euler", "RK4"), pool.map(measure, ("Euler", "RK4")), strict=True))


@pytest.mark.parametrize("integrator", ["Euler", "RK4"])
def test_the_derivative_of_the_control_step_is_exact_also_at_rest(measured, integrator):
    states, _, found, slopes, wide = measured[integrator]
    assert found.jac_state.shape == (40, 18, 18)
    assert found.jac_action.shape == (40, 18, 0)
    verdict = audit_columns(
        found.jac_state, slopes.central_coarse, slopes.central_fine, slopes.forward, slopes.backward
    )
    assert verdict.smooth.mean() >= 0.9
    assert not verdict.false_zero.any() and not verdict.false_slope.any()
    contact = found.active[:, 4]
    assert contact.any()
    resting = (states[:, NQ:] == 0).all(axis=1) & ~contact
    assert resting.any()
    # At rest, what 1e-6 rad/s of one joint sets going in another is below the 1e-8 rad/s that MJX takes for rest.
    row, column = np.nonzero(verdict.off)
    assert len(row) <= 2 and resting[row].all()
    np.testing.assert_allclose(found.jac_state[row, :, column], wide[row, :, column], rtol=0, atol=1e-6)
    # In free fall nothing but the chain of substeps stands between an angular velocity and the rotation.
    for row in np.flatnonzero(resting):
        by_turning = found.jac_state[row][3:6, NV + 3 : NV + 6]
        assert np.abs(by_turning).max() > H


@pytest.mark.long
def test_the_next_state_is_that_of_mjx_with_quaternions_and_runge_kutta(measured):
    states, warmstarts, found, *_ = measured["RK4"]
    env = build(STICK, integrator="RK4")
    with jax.enable_x64(True):
        model = mjx.put_model(env.model, impl="jax")
        data = jax.vmap(lambda _: mjx.make_data(env.model, impl="jax"))(np.zeros(len(states)))
        data = data.replace(qpos=states[:, :NQ], qvel=states[:, NQ:], qacc_warmstart=warmstarts)
        options = {"xla_cpu_use_fusion_emitters": False, "xla_backend_optimization_level": 0}  # to compile fast
        step = jax.jit(jax.vmap(mjx.step, in_axes=(None, 0)), compiler_options=options)
        for _ in range(env.substeps):
            data = step(model, data)
        after = np.concatenate([data.qpos, data.qvel], axis=1)
    np.testing.assert_allclose(found.next_state, after, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(found.next_warmstart, data.qacc_warmstart, rtol=1e-10, atol=1e-10)
