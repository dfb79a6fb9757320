"""Free and ball joints: positions are quaternions, and the derivative of turning one has to hold at rest."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import jax
import numpy as np
import pytest
from mujoco import mjx
from mujoco.mjx._src import forward as mjx_forward

from dynsparse.physics.columns import audit_columns
from dynsparse.physics.differences import difference_columns
from dynsparse.physics.linearizer import Linearizer
from dynsparse.physics.quaternion import integrate_position
from dynsparse.physics.simulator import build_simulator

from .hand_models import STICK, build, stick_rows

H = 0.004
NQ = 7 + 4
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


def measure(integrator):
    env = build(STICK, integrator=integrator)
    states, actions = stick_rows(40)
    with Linearizer(env, workers=1) as linearizer:
        warmstarts = linearizer.evaluate(states, actions).next_warmstart
        warmstarts[::3] = 0.0
        found = linearizer.linearize(states, actions, warmstarts)
        slopes = difference_columns(linearizer, states, actions, warmstarts)
    return states, warmstarts, found, slopes


@pytest.fixture(scope="module")
def measured(shared_cache):
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(2) as pool:
        patch.setenv("XLA_FLAGS", "--xla_backend_optimization_level=0")
        yield dict(zip(("Euler", "RK4"), pool.map(measure, ("Euler", "RK4")), strict=True))


@pytest.mark.parametrize("integrator", ["Euler", "RK4"])
def test_the_derivative_of_the_control_step_is_exact_also_at_rest(measured, integrator):
    states, _, found, slopes = measured[integrator]
    assert found.jac_state.shape == (40, 20, 20)
    assert found.jac_action.shape == (40, 20, 0)
    verdict = audit_columns(
        found.jac_state, slopes.central_coarse, slopes.central_fine, slopes.forward, slopes.backward
    )
    assert verdict.smooth.mean() >= 0.9
    assert verdict.clean, verdict.to_dict()
    contact = found.active[:, 4]
    assert contact.any()
    resting = (states[:, NQ:] == 0).all(axis=1) & ~contact
    assert resting.any()
    # In free fall nothing but the chain of substeps stands between an angular velocity and the quaternion.
    for row in np.flatnonzero(resting):
        by_turning = found.jac_state[row][FREE_TURN, NQ + 3 : NQ + 6]
        assert np.abs(by_turning).max() > 0.5 * H


def test_the_next_state_is_that_of_mjx_with_quaternions_and_runge_kutta(measured):
    states, warmstarts, found, _ = measured["RK4"]
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
