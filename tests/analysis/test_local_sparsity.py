from __future__ import annotations

import statistics

import numpy as np
import pytest

from dynsparse.analysis.local_sparsity import LocalBlock, LocalCount
from dynsparse.analysis.rows import RowBlock
from dynsparse.errors import ArrayError


def test_the_switched_system_s_distribution_is_the_one_by_hand(report):
    # 7 rows of A: zeros (y, x) of the state block, (x, u) of the action block.
    # 8 rows of B: zeros (x, y) and (y, y), and both actions.
    local = report.local
    assert local.state.histogram_counts.tolist() == [0, 7, 8, 0, 0]
    assert local.action.histogram_counts.tolist() == [0, 7, 8]
    assert local.combined.histogram_counts.tolist() == [0, 0, 7, 0, 8, 0, 0]
    assert local.state.sparsity_mean == 23 / 60
    assert local.action.sparsity_mean == 23 / 30
    assert local.combined.sparsity_mean == 46 / 90
    assert (local.distinct_patterns, local.pattern_shares) == (2, (8 / 15, 7 / 15))


def test_mean_and_deviation_equal_those_of_the_rows(report):
    rows = [1 / 4] * 7 + [2 / 4] * 8
    assert report.local.state.sparsity_mean == pytest.approx(statistics.fmean(rows), rel=1e-15)
    assert report.local.state.sparsity_std == pytest.approx(statistics.pstdev(rows), rel=1e-14)


def test_each_attainable_sparsity_is_in_the_middle_of_its_own_bin():
    block = LocalBlock.from_counts(np.array([1, 0, 2, 0], dtype=np.int64))
    assert block.histogram_edges == pytest.approx([-1 / 6, 1 / 6, 3 / 6, 5 / 6, 7 / 6])
    again, _ = np.histogram([0 / 3, 2 / 3, 2 / 3], block.histogram_edges)
    assert again.tolist() == block.histogram_counts.tolist()
    assert (block.elements, block.rows) == (3, 3)


def test_rows_that_are_not_finite_count_nowhere():
    state = np.array([[[0.0, 1.0], [1.0, 1.0]], [[0.0, np.inf], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]])
    action = np.ones((3, 2, 1))
    count = LocalCount(2, 1)
    count.update(RowBlock.from_arrays(state, action, 1e-15, finite=np.array([True, True, False])))
    found = count.result()
    assert found.state.histogram_counts.tolist() == [0, 1, 0, 0, 0]
    assert found.distinct_patterns == 1


def test_no_finite_row_is_an_error():
    with pytest.raises(ArrayError, match="at least one row"):
        LocalCount(2, 1).result()


@pytest.mark.parametrize("counts", [np.array([1.0, 2.0]), np.array([[1, 2]]), np.array([-1, 3]), np.zeros(0, int)])
def test_what_is_no_histogram_is_refused(counts):
    with pytest.raises(ArrayError, match="histogram"):
        LocalBlock.from_counts(counts)
