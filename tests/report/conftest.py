from __future__ import annotations

import numpy as np
import pytest

from dynsparse.analysis.global_sparsity import BlockSparsity, GlobalSparsity
from dynsparse.analysis.local_sparsity import LocalBlock, LocalSparsity
from dynsparse.analysis.sparsity_report import SparsityReport

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
        # A record of Q1 alone: as if no row had a zero.
        elements = (blocks[0].elements, blocks[1].elements, blocks[0].elements + blocks[1].elements)
        histograms = [LocalBlock.from_counts(np.eye(1, size + 1, dtype=np.int64)[0] * rows) for size in elements]
        local = LocalSparsity(*histograms, distinct_patterns=1, pattern_shares=(1.0,))
        names = (tuple(names), tuple(action_names))
        return SparsityReport(environment, "random", "exact", 10, *names, sparsity, local, None, None, {})

    return make
