"""Where exact and plain autodiff part, and that both the chain and the grouping leave the formula's zeros alone."""

from __future__ import annotations

import numpy as np
import pytest

from dynsparse.physics.audit import whole_jacobian
from dynsparse.physics.convergence import CONVERGED
from dynsparse.physics.differences import difference_columns
from dynsparse.physics.probe import probe_rows

HINGE = "qvel hinge"

# A spinner held by sliding friction: what is left of a velocity after one substep of its motion, to the power of the
# four substeps of a control step. A plateau of the solver makes autodiff say -3.588 a substep.
STICKING = 0.0793
PLATEAU = 165.773


@pytest.fixture(scope="module")
def spinner(loaded):
    """A finger away from a spinner that turns so slowly that friction holds it: rows by velocity, rad/s."""
    env = loaded("FingerSpin")
    state = env.sample_initial_state(0)
    state[env.nq :] = 0.0
    velocities = np.array([0.0, 1e-10, 1e-6])
    states = np.repeat(state[None], len(velocities), axis=0)
    states[:, env.state_names.index(HINGE)] = velocities
    return env, states, np.zeros((len(velocities), env.action_dim))


def slope_of_spinner(env, jac):
    hinge = env.state_names.index(HINGE)
    return jac[:, hinge, hinge]


def test_a_resting_spinner_sticks(opened, spinner):
    env, states, actions = spinner
    found = opened("FingerSpin").linearize(states, actions)
    np.testing.assert_allclose(slope_of_spinner(env, found.jac_state), STICKING, atol=1e-4)
    # 1e-10 rad/s is where MJX's solver stops though the gradient of its cost, a norm taken right, is above 1e-8.
    assert (found.solver_residual < CONVERGED).all()


def test_differences_of_every_size_say_that_it_sticks(opened, spinner):
    env, states, actions = spinner
    hinge = env.state_names.index(HINGE)
    for size in (1e-4, 1e-5, 1e-6, 1e-7):
        high, low = states.copy(), states.copy()
        high[:, hinge] += size
        low[:, hinge] -= size
        ends = [opened("FingerSpin").evaluate(each, actions).next_state[:, hinge] for each in (high, low)]
        np.testing.assert_allclose((ends[0] - ends[1]) / (2 * size), STICKING, atol=1e-4)


def test_plain_autodiff_gives_the_slope_of_a_plateau_there(opened, spinner):
    env, states, actions = spinner
    found = opened("FingerSpin", "autodiff").linearize(states, actions)
    slopes = slope_of_spinner(env, found.jac_state)
    np.testing.assert_allclose(slopes[0], PLATEAU, atol=1e-3)
    np.testing.assert_allclose(slopes[2], STICKING, atol=1e-4)  # off the plateau it is right


# Every element of the reference is differentiated by JAX alone: no chain by hand, no linear solve of our own.
@pytest.mark.parametrize("name", ["CartpoleBalance", pytest.param("ReacherHard", marks=pytest.mark.long)])
def test_zeros_and_values_are_those_of_the_undecorated_formula(opened, loaded, name):
    env, linearizer = loaded(name), opened(name)
    rows = probe_rows(env, linearizer, 64, 3)
    exact, reference = (
        whole_jacobian(each.linearize(rows.states, rows.actions, rows.warmstarts))
        for each in (linearizer, opened(name, "reference"))
    )
    for atol in (1e-15, 1e-12, 1e-9):
        np.testing.assert_array_equal(np.abs(exact) < atol, np.abs(reference) < atol)
    np.testing.assert_allclose(exact, reference, rtol=1e-10, atol=1e-10)
    assert (np.abs(exact) < 1e-15).any()
    assert rows.active.any()


def test_the_columns_that_a_symmetry_makes_zero(opened, loaded):
    # Turning the whole reacher about its base, or shifting the cart, moves the outcome along and nothing else.
    for name, turned in (("ReacherHard", "qpos shoulder"), ("CartpoleBalance", "qpos slider")):
        env = loaded(name)
        rng = np.random.default_rng(4)
        states = env.default_state() + 0.3 * rng.normal(size=(32, env.state_dim))
        found = opened(name).linearize(states, rng.uniform(-1, 1, (32, env.action_dim)))
        column = env.state_names.index(turned)
        np.testing.assert_array_equal(found.active.any(axis=1), False)
        wanted = np.eye(env.state_dim)[column]
        np.testing.assert_allclose(found.jac_state[:, :, column], np.tile(wanted, (32, 1)), rtol=0, atol=1e-15)


def test_ordinary_rows_of_a_model_with_contacts_agree_with_differences(opened, loaded):
    env = loaded("FingerSpin")
    rows = probe_rows(env, opened("FingerSpin"), 32, 6)
    found = opened("FingerSpin").linearize(rows.states, rows.actions, rows.warmstarts)
    slopes = difference_columns(opened("FingerSpin"), rows.states, rows.actions, rows.warmstarts)
    assert found.active[:, 4].any()
    smooth = np.abs(slopes.forward - slopes.backward).max(axis=1) < 1e-4
    error = np.abs(whole_jacobian(found) - slopes.central_fine).max(axis=1)
    assert smooth.mean() > 0.8
    assert error[smooth].max() < 1e-5
