"""A row with a slope that is not finite is NaN throughout, whichever of its two slopes it is."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from dynsparse.physics.control_step import SolverCalls, StepValue
from dynsparse.physics.exact import ExactJacobian
from dynsparse.physics.implicit import CallSlope

ROWS, SUBSTEPS, NV = 3, 2, 2


@pytest.fixture
def value():
    ones = np.ones((ROWS, SUBSTEPS, 1, NV))
    last = np.ones((ROWS, NV))
    fields = dict.fromkeys(SolverCalls._fields, ones) | {"residual": np.zeros((ROWS, SUBSTEPS, 1))}
    return StepValue(last, last, last, SolverCalls(**fields))


@pytest.mark.parametrize("which", [0, 1])
def test_half_a_solver_call_spoils_its_row_alone(value, which):
    def slopes(*columns):
        found = np.ones((2, len(columns[0]), NV, NV + NV + 1))
        found[which, SUBSTEPS + 1, 1, 0] = np.nan  # the second row's second call
        return CallSlope(*found)

    jacobian = object.__new__(ExactJacobian)
    jacobian._sim = SimpleNamespace(nq=NV, nv=NV, nu=1, timestep=0.01)
    jacobian._implicit, jacobian._position_slope, jacobian._weights = slopes, None, None
    for found in jacobian.jacobian(value, np.ones((ROWS, 1))):
        assert np.isnan(found[1]).all() and np.isfinite(found[[0, 2]]).all()
