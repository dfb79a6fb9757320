from __future__ import annotations

import mujoco
import numpy as np
import pytest

from dynsparse.physics import audit as audit_module
from dynsparse.physics.audit import DifferingZeros, audit_environment, differing_zeros, judge, whole_jacobian
from dynsparse.physics.differences import difference_columns
from dynsparse.physics.environment import load_environment
from dynsparse.physics.linearizer import Linearizer
from dynsparse.physics.peers.chain import ChainedDifferences
from dynsparse.physics.peers.rollout import RolloutDifferences
from dynsparse.physics.probe import probe_rows


@pytest.fixture(scope="module")
def cartpole():
    return load_environment("CartpoleBalance")


@pytest.fixture(scope="module")
def judged(cartpole):
    """Jacobians of a real environment that are right, and the differences of the same rows."""
    with Linearizer(cartpole, "exact", workers=1) as linearizer:
        rows = probe_rows(cartpole, linearizer, 24, 5)
        slopes = difference_columns(linearizer, rows.states, rows.actions, rows.warmstarts)
        found = linearizer.linearize(rows.states, rows.actions, rows.warmstarts)
    return whole_jacobian(found), slopes, rows


def test_the_exact_derivative_of_the_cartpole_is_clean(judged):
    jac, slopes, rows = judged
    verdict = judge(jac, slopes)
    assert verdict.clean
    assert verdict.smooth.mean() >= 0.9
    assert rows.active.any(axis=1).sum() >= 8  # the rail's limit is among what was audited


def smooth_row(verdict):
    return int(np.flatnonzero(verdict.smooth.all(axis=1))[0])


def test_a_wrong_element_planted_in_a_real_jacobian_is_found(judged):
    jac, slopes, _ = judged
    row = smooth_row(judge(jac, slopes))
    planted = jac.copy()
    planted[row, 3, 1] += 1e-4
    verdict = judge(planted, slopes)
    np.testing.assert_array_equal(np.argwhere(verdict.off), [[row, 1]])


def test_a_false_zero_planted_in_a_real_jacobian_is_found(judged):
    jac, slopes, _ = judged
    row = smooth_row(judge(jac, slopes))
    planted = jac.copy()
    planted[row, 2, 4] = 0.0  # the motor no longer moves the cart
    verdict = judge(planted, slopes)
    np.testing.assert_array_equal(np.argwhere(verdict.false_zero), [[row, 2, 4]])


def test_a_transpose_planted_in_a_real_jacobian_is_found(judged):
    jac, slopes, _ = judged
    planted = jac.copy()
    planted[:, :, :4] = np.swapaxes(jac[:, :, :4], 1, 2)
    verdict = judge(planted, slopes)
    assert verdict.off.any(axis=1).all()
    assert verdict.false_zero.any()
    assert verdict.false_slope.any()


def test_zeros_that_differ_are_counted_at_each_tolerance():
    jac = np.array([[[0.0, 1e-13, 1e-10, 5.0]]])
    other = np.array([[[1e-14, 1e-14, 1e-8, 5.0]]])
    assert differing_zeros(jac, other, 1e-15) == DifferingZeros(1, 1e-14)
    assert differing_zeros(jac, other, 1e-12) == DifferingZeros(0, 0.0)
    assert differing_zeros(jac, other, 1e-9) == DifferingZeros(1, 1e-8)
    # A large element against a zero is no round-off, whichever of the two is wrong.
    assert differing_zeros(jac, np.zeros_like(jac), 1e-15).decided
    assert differing_zeros(np.zeros_like(jac), jac, 1e-15).decided
    assert not differing_zeros(jac[..., :1], other[..., :1], 1e-15).decided
    assert not differing_zeros(jac, jac, 1e-15).decided


def test_a_nan_is_no_zero_and_no_round_off():
    zeros = differing_zeros(np.array([[[np.nan, 1.0]]]), np.array([[[0.0, 1.0]]]), 1e-15)
    assert zeros.elements == 1
    assert zeros.decided


def test_the_audit_of_an_environment_reports_what_it_did(cartpole):
    phases, counted = [], []
    found = audit_environment(
        cartpole,
        rows=16,
        seed=1,
        workers=1,
        reference=True,
        on_phase=phases.append,
        on_rows=lambda done, nonfinite: counted.append((done, nonfinite)),
    )
    assert phases == ["compile", "choose rows", "difference", "linearize", "autodiff", "reference"]
    assert counted[-1] == (16, 0)
    assert found.clean
    record = found.to_dict()
    assert record["rows"] == 16
    assert sum(record["origin_rows"].values()) == 16
    assert record["active_rows"]["joint limit"] == record["constrained_rows"] >= 1
    assert record["next_state_difference"] == 0.0
    assert {atol: zeros["elements"] for atol, zeros in record["differing_zeros"].items()} == {
        "1e-15": 0,
        "1e-12": 0,
        "1e-09": 0,
    }
    assert record["exact"]["smooth_columns"] + record["exact"]["nonsmooth_columns"] == 16 * 5


def test_an_audit_fails_when_the_linearizer_is_wrong(cartpole, monkeypatch):
    class Wrong(Linearizer):
        """Drops the sign of one element: what a derivative with a bug might do."""

        def linearize(self, *args, **kwargs):
            found = super().linearize(*args, **kwargs)
            found.jac_state[:, 1, 3] *= -1.0
            return found

    monkeypatch.setattr(audit_module, "Linearizer", Wrong)
    found = audit_environment(cartpole, rows=8, workers=1)
    assert not found.clean
    # Column 3 of every row, but where it is not smooth.
    assert found.columns["exact"].columns_off == found.columns["exact"].smooth[:, 3].sum()


def stepped(model, data, substeps, inputs, warmstart):
    mujoco.mj_resetData(model, data)
    data.qpos[:], data.qvel[:], data.ctrl[:] = np.split(inputs, [model.nq, model.nq + model.nv])
    data.qacc_warmstart[:] = warmstart
    for _ in range(substeps):
        mujoco.mj_step(model, data)
    return np.concatenate([data.qpos, data.qvel])


def c_differences(env, state, action, warmstart):
    """Central differences of MuJoCo's own control step, written out: no batch, no roll-out, no chain."""
    data = mujoco.MjData(env.model)
    inputs = np.concatenate([state, action])
    columns = []
    for unit in np.eye(inputs.size) * 1e-6:
        high, low = (stepped(env.model, data, env.substeps, inputs + d, warmstart) for d in (unit, -unit))
        columns.append((high - low) / 2e-6)
    return np.stack(columns, axis=1)


@pytest.mark.parametrize("name", ["CartpoleBalance", "ReacherHard"])
def test_mujoco_c_agrees_where_its_collision_routines_do(name):
    env = load_environment(name)
    with Linearizer(env, "exact", workers=1) as linearizer:
        rows = probe_rows(env, linearizer, 40, 2)
        # Away from the bounds of the control: MuJoCo's clamp is on in this referee.
        inside = (np.abs(rows.actions) < 0.999).all(axis=1)
        rows = rows.take(np.flatnonzero(inside))
        slopes = difference_columns(linearizer, rows.states, rows.actions, rows.warmstarts)
        jac = whole_jacobian(linearizer.linearize(rows.states, rows.actions, rows.warmstarts))
    smooth = judge(jac, slopes).smooth
    referee = np.stack(
        [c_differences(env, *row) for row in zip(rows.states, rows.actions, rows.warmstarts, strict=True)]
    )
    scale = np.maximum(1.0, np.abs(referee).max(axis=1))
    distance = np.abs(jac - referee).max(axis=1) / scale
    assert smooth.sum() > 30 * jac.shape[2]
    assert rows.active.any(axis=1).sum() >= 10
    # FACTS measured 3e-7 on other states: round-off of the differences, carried through the substeps.
    assert distance[smooth].max() < 1e-6
    # The batched C peer of the benchmark computes the same differences as the loop above.
    batched = RolloutDifferences(env.model, env.substeps).jacobians(rows.states, rows.actions, rows.warmstarts)
    np.testing.assert_allclose(batched, referee, rtol=0, atol=1e-6)
    chained = ChainedDifferences(env.model, env.substeps).jacobians(rows.states, rows.actions, rows.warmstarts)
    free = ~rows.active.any(axis=1)
    # Where nothing is solved for, there is no warm start whose tangent could be dropped.
    np.testing.assert_allclose(chained[free], referee[free], rtol=0, atol=1e-6)
