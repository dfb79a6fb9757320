"""The chain rule over substeps, against products of whole matrices written out by hand.

Sizes differ (nv = 4, nu = 2, three substeps, two rows), so that no axis can stand for another.
"""

from __future__ import annotations

import numpy as np
import pytest

from dynsparse.physics.chain import RungeKutta, StageSlopes, chain_substeps
from dynsparse.physics.control_step import RUNGE_KUTTA_STEPS, RUNGE_KUTTA_WEIGHTS

H = 0.1
ROWS, SUBSTEPS, NU = 2, 3, 2
TABLEAU = RungeKutta(RUNGE_KUTTA_STEPS, RUNGE_KUTTA_WEIGHTS)


def random_slopes(nv, stages, seed=0):
    rng = np.random.default_rng(seed)
    columns = nv + nv + NU + nv
    shape = (ROWS, SUBSTEPS, stages)
    acceleration, rate = rng.normal(size=(2, *shape, nv, columns))
    return StageSlopes(
        rng.normal(size=(*shape, nv)),
        rng.normal(size=(ROWS, SUBSTEPS, nv)),
        acceleration,
        rate,
    )


def test_the_tableau_is_the_classical_one():
    np.testing.assert_array_equal(RUNGE_KUTTA_STEPS, [0.5, 0.5, 1.0])
    np.testing.assert_allclose(RUNGE_KUTTA_WEIGHTS, [1 / 6, 1 / 3, 1 / 3, 1 / 6], rtol=1e-15)


def one_substep(rate, acceleration, by_position, by_velocity):
    """Jacobian of (q, v, u, w) -> (Q q + V v', v' = v + H rate, u, acceleration): a full square matrix."""
    (nv, size), nq = rate.shape, len(by_position)
    q, v, u, w = np.split(np.arange(size), np.cumsum([nq, nv, NU]))
    full = np.zeros((size, size))
    full[np.ix_(v, v)] = np.eye(nv)
    full[v] += H * rate
    full[np.ix_(q, q)] = by_position
    full[q] += by_velocity @ full[v]
    full[np.ix_(u, u)] = np.eye(NU)
    full[w] = acceleration
    return full


def multiplied(slopes, row, by_position, by_velocity):
    """The product of a row's substeps, warm start's columns and rows dropped at its ends and carried within."""
    steps = [
        one_substep(slopes.velocity_rate[row, k, 0], slopes.acceleration[row, k, 0], by_position, by_velocity)
        for k in range(SUBSTEPS)
    ]
    ds = sum(by_velocity.shape)
    return np.split((steps[2] @ steps[1] @ steps[0])[:ds, : ds + NU], [ds], axis=1)


def test_semi_implicit_substeps_are_a_product_of_square_matrices():
    nv = 4
    slopes = random_slopes(nv, stages=1)
    jac_state, jac_action = chain_substeps(slopes, H, None, None)
    assert jac_state.shape == (ROWS, 2 * nv, 2 * nv)
    assert jac_action.shape == (ROWS, 2 * nv, NU)
    for row in range(ROWS):
        by_state, by_action = multiplied(slopes, row, np.eye(nv), H * np.eye(nv))
        np.testing.assert_allclose(jac_state[row], by_state, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(jac_action[row], by_action, rtol=1e-12, atol=1e-12)


def test_the_warm_start_is_carried_inside_the_control_step():
    nv = 4
    slopes = random_slopes(nv, stages=1)
    held = slopes._replace(velocity_rate=slopes.velocity_rate.copy())
    held.velocity_rate[..., -nv:] = 0.0
    carried, dropped = (chain_substeps(each, H, None, None)[0] for each in (slopes, held))
    assert np.abs(carried - dropped).max() > 1e-3
    # In one substep alone there is nothing to carry.
    first = [StageSlopes(*(x[:, :1] for x in each)) for each in (slopes, held)]
    np.testing.assert_array_equal(*(chain_substeps(each, H, None, None)[0] for each in first))


def test_positions_move_by_their_own_slope_where_there_are_quaternions():
    nv = 4
    slopes = random_slopes(nv, stages=1)
    by_position, by_velocity = np.random.default_rng(1).normal(size=(2, ROWS, nv, nv))
    asked = []

    def position_slope(qvel):
        asked.append(qvel)
        return by_position, by_velocity

    jac_state, jac_action = chain_substeps(slopes, H, position_slope, None)
    assert jac_state.shape == (ROWS, 2 * nv, 2 * nv)
    for row in range(ROWS):
        by_state, by_action = multiplied(slopes, row, by_position[row], by_velocity[row])
        np.testing.assert_allclose(jac_state[row], by_state, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(jac_action[row], by_action, rtol=1e-12, atol=1e-12)
    # Semi-implicit: with the velocity after the substep.
    for k, qvel in enumerate(asked):
        np.testing.assert_array_equal(qvel, slopes.next_qvel[:, k])


def linear_runge_kutta(nv, rates, accelerations, x):
    """The classical Runge-Kutta step of dq = v, dv = R_i (q, v, u, w), stage i with its own matrix; x may be columns.

    The warm start w stays what it was until the step ends with the acceleration of the last call.
    """
    q, v, u, w = x[:nv], x[nv : 2 * nv], x[2 * nv : -nv], x[-nv:]
    velocities, slopes = [], []
    for i, a in enumerate((0.0, 0.5, 0.5, 1.0)):
        stage_q = q + H * a * velocities[-1] if i else q
        stage_v = v + H * a * slopes[-1] if i else v
        velocities.append(stage_v)
        slopes.append(rates[i] @ np.concatenate([stage_q, stage_v, u, w]))
    last = accelerations[3] @ np.concatenate([stage_q, stage_v, u, w])
    weights = (1 / 6, 1 / 3, 1 / 3, 1 / 6)
    q = q + H * sum(b * each for b, each in zip(weights, velocities, strict=True))
    v = v + H * sum(b * each for b, each in zip(weights, slopes, strict=True))
    return np.concatenate([q, v, u, last])


def test_runge_kutta_substeps_are_those_of_a_linear_system_written_out():
    nv = 4
    slopes = random_slopes(nv, stages=4)
    # An explicit integrator moves velocities with what the solver returned.
    slopes = slopes._replace(velocity_rate=slopes.acceleration)
    jac_state, jac_action = chain_substeps(slopes, H, None, TABLEAU)
    for row in range(ROWS):
        x = np.eye(3 * nv + NU)
        for k in range(SUBSTEPS):
            x = linear_runge_kutta(nv, slopes.acceleration[row, k], slopes.acceleration[row, k], x)
        np.testing.assert_allclose(jac_state[row], x[: 2 * nv, : 2 * nv], rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(jac_action[row], x[: 2 * nv, 2 * nv : -nv], rtol=1e-12, atol=1e-12)


def test_runge_kutta_asks_for_positions_along_mean_velocities():
    nv = 4
    slopes = random_slopes(nv, stages=4)
    asked = []

    def position_slope(qvel):
        asked.append(qvel)
        return np.zeros((ROWS, nv, nv)), np.zeros((ROWS, nv, nv))

    jac_state, _ = chain_substeps(slopes, H, position_slope, TABLEAU)
    assert len(asked) == 4 * SUBSTEPS
    for k in range(SUBSTEPS):
        v = np.moveaxis(slopes.qvel[:, k], 1, 0)
        wanted = [v[0] / 2, v[1] / 2, v[2], (v[0] + 2 * v[1] + 2 * v[2] + v[3]) / 6]
        for qvel, mean in zip(asked[4 * k : 4 * k + 4], wanted, strict=True):
            np.testing.assert_allclose(qvel, mean, rtol=1e-14)
    np.testing.assert_array_equal(jac_state[:, :nv], 0.0)


@pytest.mark.parametrize("weights", [None, TABLEAU])
def test_rows_do_not_mix(weights):
    slopes = random_slopes(4, stages=4)
    other = StageSlopes(*(np.concatenate([x[:1], 1e9 * x[1:]]) for x in slopes))
    for found, changed in zip(
        chain_substeps(slopes, H, None, weights), chain_substeps(other, H, None, weights), strict=True
    ):
        np.testing.assert_array_equal(found[0], changed[0])
        assert (found[1] != changed[1]).any()
