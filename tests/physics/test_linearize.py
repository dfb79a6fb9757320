"""What one row and many rows answer, in this process and in workers."""

from __future__ import annotations

import numpy as np
import pytest

from dynsparse.physics.convergence import CONVERGED
from dynsparse.physics.linearization import DERIVATIVES, Linearization
from dynsparse.physics.linearize import linearize, linearize_batch, step
from dynsparse.physics.linearizer import close_workers
from dynsparse.physics.probe import probe_rows

FIELDS = ("next_state", "next_warmstart", "jac_state", "jac_action", "finite", "solver_residual", "active")


def assert_same(one, other, rows=slice(None)):
    for field in FIELDS:
        np.testing.assert_array_equal(getattr(one, field)[rows], getattr(other, field)[rows], err_msg=field)


@pytest.fixture(scope="module")
def batch(opened, cartpole, random_rows):
    """Forty rows, some of them beyond the rail's limit, whose solver has something to do."""
    states, actions = random_rows(cartpole, 40)
    rng = np.random.default_rng(9)
    states[::4, 0] = 1.9
    warmstarts = rng.normal(size=(40, cartpole.nv))
    return states, actions, warmstarts, opened("CartpoleBalance").linearize(states, actions, warmstarts)


def test_the_fields_have_rows_first(batch, cartpole):
    found = batch[-1]
    assert isinstance(found, Linearization)
    shapes = {field: getattr(found, field).shape for field in FIELDS}
    assert shapes == {
        "next_state": (40, 4),
        "next_warmstart": (40, 2),
        "jac_state": (40, 4, 4),
        "jac_action": (40, 4, 1),
        "finite": (40,),
        "solver_residual": (40,),
        "active": (40, 5),
    }
    assert all(getattr(found, field).dtype == np.float64 for field in FIELDS if field not in ("finite", "active"))
    assert found.finite.dtype == found.active.dtype == bool
    assert found.finite.all()
    np.testing.assert_array_equal(found.active.any(axis=0), [False, False, True, False, False])  # the rail's limit
    assert found.active[:, 2].sum() >= 5


def test_one_row_here_is_that_row_of_a_batch_there(batch, cartpole):
    states, actions, warmstarts, found = batch
    for row in (0, 1, 39):
        one = linearize(cartpole, states[row], actions[row], warmstarts[row])
        assert one.derivative == "exact"
        for field in FIELDS:
            # Batches of one and of many are compiled apart, and round apart.
            np.testing.assert_allclose(
                np.asarray(getattr(one, field), dtype=float),
                np.asarray(getattr(found, field)[row], dtype=float),
                rtol=1e-12,
                atol=1e-12,
                err_msg=field,
            )
        after = step(cartpole, states[row], actions[row], warmstarts[row])
        np.testing.assert_array_equal(after.next_state, one.next_state)
        np.testing.assert_array_equal(after.next_warmstart, one.next_warmstart)


def test_a_row_without_a_warm_start_starts_from_zeros(cartpole):
    state, action = np.array([1.9, 0.2, 0.1, 0.3]), np.array([0.5])
    without, zeros = (step(cartpole, state, action, each) for each in (None, np.zeros(2)))
    np.testing.assert_array_equal(without.next_state, zeros.next_state)
    np.testing.assert_array_equal(without.next_warmstart, zeros.next_warmstart)


@pytest.fixture(scope="module")
def many(cartpole, random_rows):
    states, actions = random_rows(cartpole, 600, seed=1)
    states[::3, 0] = 1.9
    return states, actions, np.random.default_rng(2).normal(size=(600, cartpole.nv))


def test_results_do_not_depend_on_the_number_of_workers(opened, cartpole, many):
    try:
        pair = linearize_batch(cartpole, *many, workers=2)
    finally:
        close_workers()
    assert_same(opened("CartpoleBalance").linearize(*many), pair)


@pytest.mark.parametrize("bad", [1e200, -1e300])
def test_a_row_that_blows_up_is_flagged_and_poisons_no_other(opened, cartpole, batch, bad):
    states, actions, warmstarts, clean = batch
    blown = states.copy()
    blown[7, 2:] = bad  # finite as it comes in; its square is not
    found = opened("CartpoleBalance").linearize(blown, actions, warmstarts)
    np.testing.assert_array_equal(np.flatnonzero(~found.finite), [7])
    assert np.isnan(found.jac_state[7]).all()
    assert np.isnan(found.jac_action[7]).all()
    others = np.arange(40) != 7
    assert_same(found, clean, others)


def test_autodiff_has_mjx_clamp_where_exact_has_none(opened, cartpole, batch):
    states, actions, warmstarts, _ = batch
    actions = actions.copy()
    actions[1], actions[2] = 1.0, -1.0  # on the bound jnp.clip passes half of a derivative
    exact, plain = (
        opened("CartpoleBalance", each).linearize(states, actions, warmstarts) for each in ("exact", "autodiff")
    )
    assert plain.derivative == "autodiff"
    np.testing.assert_array_equal(plain.next_state, exact.next_state)
    for row, share in ((0, 1.0), (1, 0.5), (2, 0.5), (3, 1.0)):
        assert np.abs(exact.jac_action[row]).max() > 1e-3
        np.testing.assert_allclose(plain.jac_action[row], share * exact.jac_action[row], rtol=1e-9, atol=1e-12)


def test_finite_differences_agree_and_have_their_own_zero(opened, batch):
    states, actions, warmstarts, exact = batch
    found = opened("CartpoleBalance", "finite-difference").linearize(states, actions, warmstarts)
    assert found.derivative == "finite-difference"
    assert (found.zero_tolerance, exact.zero_tolerance) == (1e-8, 1e-15)
    np.testing.assert_allclose(found.jac_state, exact.jac_state, rtol=0, atol=1e-6)
    np.testing.assert_allclose(found.jac_action, exact.jac_action, rtol=0, atol=1e-6)
    # At its own tolerance it finds the zeros of the cart's symmetry, at the exact one it does not.
    free = ~exact.active.any(axis=1)
    zeros = exact.jac_state[free] == 0
    assert zeros.any()
    np.testing.assert_array_equal(np.abs(found.jac_state[free][zeros]) < found.zero_tolerance, True)


def test_other_derivatives_answer_for_one_row_too(cartpole, batch):
    states, actions, warmstarts, found = batch
    # autodiff takes the same way, and a quarter of a minute to compile
    for derivative in set(DERIVATIVES) - {"exact", "autodiff"}:
        one = linearize(cartpole, states[1], actions[1], warmstarts[1], derivative)
        assert one.derivative == derivative
        np.testing.assert_allclose(one.jac_state, found.jac_state[1], rtol=0, atol=1e-6)
        np.testing.assert_allclose(one.jac_action, found.jac_action[1], rtol=0, atol=1e-6)


@pytest.fixture(scope="module")
def finger(opened, loaded):
    """Rows of a model whose solver runs out of iterations on some."""
    env = loaded("FingerSpin")
    rows = probe_rows(env, opened("FingerSpin"), 64, 6)
    return rows, np.random.default_rng(3).uniform(-1, 1, (64, 3, env.action_dim))


def test_the_next_state_is_a_function_of_the_warm_start_too(opened, finger):
    rows, _ = finger
    cold, warm = (
        opened("FingerSpin").evaluate(rows.states, rows.actions, each)
        for each in (np.zeros_like(rows.warmstarts), rows.warmstarts)
    )
    changed = np.abs(warm.next_state - cold.next_state).max(axis=1) > 1e-6
    unconverged = np.maximum(cold.solver_residual, warm.solver_residual) >= CONVERGED
    assert changed.any()
    # Where both found the minimiser, it does not matter from where.
    assert not changed[~unconverged].any()


def test_fed_back_a_step_continues_where_the_last_one_ended(opened, finger):
    rows, actions = finger
    linearizer = opened("FingerSpin")
    rolled = linearizer.roll_out(rows.states, actions)
    assert rolled.states.shape == (64, 4, 6)
    assert rolled.warmstarts.shape == (64, 4, 3)
    np.testing.assert_array_equal(rolled.states[:, 0], rows.states)
    np.testing.assert_array_equal(rolled.warmstarts[:, 0], 0.0)
    state, warmstart = rows.states, None
    for t in range(3):
        after = linearizer.evaluate(state, actions[:, t], warmstart)
        state, warmstart = after.next_state, after.next_warmstart
        np.testing.assert_array_equal(state, rolled.states[:, t + 1])
        np.testing.assert_array_equal(warmstart, rolled.warmstarts[:, t + 1])
    forgetful = linearizer.evaluate(rolled.states[:, 1], actions[:, 1])
    assert (forgetful.next_state != rolled.states[:, 2]).any()
    continued = linearizer.roll_out(rolled.states[:, 1], actions[:, 1:], rolled.warmstarts[:, 1])
    np.testing.assert_array_equal(continued.states, rolled.states[:, 1:])
