"""Solvers, cones and integrators beyond those of the eight environments: exact there too, against differences.

Six of the twelve combinations cover every pair of settings, three of them every setting.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pytest

from dynsparse.physics.columns import ColumnAudit, audit_columns
from dynsparse.physics.convergence import CONVERGED
from dynsparse.physics.differences import ColumnDifferences, difference_columns
from dynsparse.physics.environment import Environment
from dynsparse.physics.linearization import CONSTRAINT_KINDS, Linearization
from dynsparse.physics.linearizer import Linearizer

from .hand_models import ARM, arm_rows, build

ROWS = 96

COMBINATIONS = (
    ("Euler", "Newton", "pyramidal"),  # Euler takes joint damping implicitly, MuJoCo's default
    ("Euler", "CG", "elliptic"),
    ("implicitfast", "Newton", "elliptic"),
    ("implicitfast", "CG", "pyramidal"),
    ("RK4", "Newton", "pyramidal"),
    ("RK4", "CG", "elliptic"),
)


SHORT = (COMBINATIONS[1], COMBINATIONS[2], COMBINATIONS[4])
"""What every run of the tests compiles."""

PARAMETERS = [pytest.param(each, marks=[] if each in SHORT else pytest.mark.long) for each in COMBINATIONS]


@dataclass(frozen=True)
class Measured:
    env: Environment
    found: Linearization
    slopes: ColumnDifferences
    verdict: ColumnAudit


def measure(combination):
    integrator, solver, cone = combination
    # Few, so that some calls run out of them; fewer than four degrees of freedom are refused of CG.
    env = build(ARM, integrator=integrator, solver=solver, cone=cone, iterations=4 if solver == "CG" else 3)
    states, actions = arm_rows(ROWS)
    with Linearizer(env, workers=1) as linearizer:
        warmstarts = linearizer.evaluate(states, actions).next_warmstart
        warmstarts[::3] = 0.0
        found = linearizer.linearize(states, actions, warmstarts)
        slopes = difference_columns(linearizer, states, actions, warmstarts)
    jac = np.concatenate([found.jac_state, found.jac_action], axis=2)
    verdict = audit_columns(jac, slopes.central_coarse, slopes.central_fine, slopes.forward, slopes.backward)
    return Measured(env, found, slopes, verdict)


@pytest.fixture(scope="module")
def measured(shared_cache):
    # Compiling is what takes the time: without optimisation half as much, and two processes keep two cores busy.
    wanted = COMBINATIONS if os.environ.get("DYNSPARSE_TESTS") == "all" else SHORT
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(2) as pool:
        patch.setenv("XLA_FLAGS", "--xla_backend_optimization_level=0")
        yield dict(zip(wanted, pool.map(measure, wanted), strict=True))


def test_the_combinations_cover_every_pair_of_settings():
    for first, second in ((0, 1), (0, 2), (1, 2)):
        pairs = {(each[first], each[second]) for each in COMBINATIONS}
        values = [{each[i] for each in COMBINATIONS} for i in (first, second)]
        assert len(pairs) == len(values[0]) * len(values[1])
        assert values == [{each[i] for each in SHORT} for i in (first, second)]


@pytest.mark.parametrize("combination", PARAMETERS)
def test_the_derivative_is_exact(measured, combination):
    one = measured[combination]
    assert one.found.finite.all()
    assert one.verdict.smooth.mean() >= 0.9
    assert one.verdict.clean, one.verdict.to_dict()
    np.testing.assert_array_equal(one.found.next_state, one.slopes.next_state)


@pytest.mark.parametrize("combination", PARAMETERS)
def test_every_kind_of_constraint_is_among_the_rows(measured, combination):
    one = measured[combination]
    active = dict(zip(CONSTRAINT_KINDS, one.found.active.T, strict=True))
    assert not active.pop("equality").any()  # the model has none
    for kind, rows in active.items():
        # And smooth where it pushes: a column that could not be compared proves nothing.
        assert one.verdict.smooth[rows].mean() > 0.9, kind
        assert 5 <= rows.sum() < ROWS, kind


@pytest.mark.parametrize("combination", [one for one in PARAMETERS if "CG" in one.values[0]])
def test_calls_that_ran_out_of_iterations_are_among_the_rows(measured, combination):
    one = measured[combination]
    unconverged = one.found.solver_residual >= CONVERGED
    assert unconverged.sum() >= 10
    assert (~unconverged).sum() >= 10
    # CG with an elliptic cone once gave NaN here, from the line search of contacts that do not touch.
    contact = one.found.active[:, CONSTRAINT_KINDS.index("contact")]
    assert (unconverged & ~contact).any()
    assert np.isfinite(one.found.jac_state[unconverged]).all()


def test_a_referee_that_sees_another_model_is_not_satisfied(measured):
    # The Jacobians of one integrator against the differences of another: what a wrong chain rule would look like.
    one, other = measured[SHORT[1]], measured[SHORT[2]]
    jac = np.concatenate([one.found.jac_state, one.found.jac_action], axis=2)
    slopes = other.slopes
    verdict = audit_columns(jac, slopes.central_coarse, slopes.central_fine, slopes.forward, slopes.backward)
    assert verdict.columns_off > ROWS
