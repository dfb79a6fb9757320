from __future__ import annotations

import numpy as np
import pytest

from dynsparse.analysis.global_sparsity import BlockSparsity, GlobalSparsity
from dynsparse.analysis.record import AnalysisRecord

CARTPOLE = ("qpos slider", "qpos hinge_1", "qvel slider", "qvel hinge_1")


@pytest.fixture
def make_record():
    """Make a record from frequencies; the default is CartpoleBalance as it is measured."""

    def make(
        environment="CartpoleBalance", names=CARTPOLE, state=None, action=None, action_names=("slide",), rows=1000
    ):
        if state is None:
            state = np.zeros((4, 4))
            state[1:, 0] = 1.0
        if action is None:
            action = np.zeros((len(names), len(action_names)))
        blocks = (BlockSparsity(np.asarray(state, dtype=float)), BlockSparsity(np.asarray(action, dtype=float)))
        sparsity = GlobalSparsity(*blocks, rows=rows, nonfinite_rows=0, atol=1e-15, threshold_sweep=())
        return AnalysisRecord(environment, "random", "exact", 10, tuple(names), tuple(action_names), sparsity, {})

    return make
