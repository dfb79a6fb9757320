from __future__ import annotations

import numpy as np
import pytest

from dynsparse.analysis.global_sparsity import SWEEP_THRESHOLDS, BlockSparsity, analyze_global
from dynsparse.errors import ArrayError, SettingError

# Three state variables (x enters nothing but itself, y and z drive each other), one action on z; four rows of data.
STATE = np.array(
    [
        [[1.0, 0.2, 0.3], [0.0, 1.0, 0.1], [0.0, 0.5, 1.0]],
        [[1.0, 0.2, 0.0], [0.0, 1.0, 0.1], [0.0, 0.5, 1.0]],  # z has let go of x
        [[1.0, 0.2, 0.3], [0.0, 1.0, 1e-13], [0.0, 0.5, 1.0]],  # z hardly moves y
        [[1.0, 0.2, 0.3], [0.0, np.nan, 0.0], [9.0, 0.0, 0.0]],  # broken: counts nowhere
    ]
)
ACTION = np.array([[[0.0], [0.0], [2.0]], [[0.0], [0.0], [2.0]], [[0.0], [0.4], [2.0]], [[9.0], [9.0], [0.0]]])


def test_frequencies_and_counts_equal_those_by_hand():
    found = analyze_global(STATE, ACTION)
    assert found.state.zero_frequency == pytest.approx(np.array([[0, 0, 1 / 3], [1, 0, 0], [1, 0, 0]]))
    assert found.action.zero_frequency == pytest.approx(np.array([[1], [2 / 3], [0]]))
    assert (found.rows, found.nonfinite_rows) == (4, 1)
    assert (found.state.always_zero_count, found.state.elements) == (2, 9)
    assert found.state.fraction == pytest.approx(2 / 9)
    assert (found.action.always_zero_count, found.action.elements) == (1, 3)


def test_zero_in_all_rows_but_one_is_not_always_zero():
    state = np.zeros((1_000_000, 1, 1))
    state[123_456] = 1.0
    found = analyze_global(state, np.ones((1_000_000, 1, 1)), thresholds=())
    assert found.state.always_zero_count == 0
    assert found.state.zero_frequency[0, 0] == 1 - 1e-6


def test_rows_flagged_not_finite_are_left_out():
    found = analyze_global(STATE[:3], ACTION[:3], np.array([True, True, False]))
    assert found.nonfinite_rows == 1
    assert found.action.zero_frequency.tolist() == [[1.0], [1.0], [0.0]]


def test_infinity_in_the_action_block_leaves_the_whole_row_out():
    action = ACTION[:3].copy()
    action[2, 0, 0] = np.inf
    found = analyze_global(STATE[:3], action)
    assert found.nonfinite_rows == 1
    assert found.action.always_zero_count == 2


def test_columns_are_found_own_element_aside():
    found = analyze_global(STATE, ACTION)
    assert found.state.always_zero_columns(own_element=True) == (0,)
    assert found.state.always_zero_columns(own_element=False) == ()
    # Element (1, 0) of the action block is the input's, not the output's own: nothing is left out there.
    assert BlockSparsity(np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 0.0]])).always_zero_columns(own_element=False) == (0,)


def test_sweep_counts_at_each_threshold():
    sweep = {point.atol: point for point in analyze_global(STATE, ACTION).threshold_sweep}
    assert tuple(sweep) == SWEEP_THRESHOLDS
    assert (min(sweep), max(sweep), len(sweep)) == (1e-20, 1e-3, 18)
    # By hand, finite rows: zeros of the state block 7, of the action block 3 + 2; 1e-13 joins them above 1e-13.
    assert sweep[1e-15].zero_fraction == (7 + 5) / 36
    assert sweep[1e-13].zero_fraction == (7 + 5) / 36
    assert sweep[1e-12].zero_fraction == (8 + 5) / 36
    assert (sweep[1e-12].always_zero_state, sweep[1e-12].always_zero_action) == (2, 1)


@pytest.mark.parametrize("atol", [-1e-15, float("nan"), 0.0])
def test_threshold_without_a_meaning_is_refused(atol):
    with pytest.raises(SettingError, match="atol"):
        analyze_global(STATE, ACTION, atol=atol)


@pytest.mark.parametrize(
    ("state", "action", "finite"),
    [
        (STATE[:, :2], ACTION, None),
        (STATE, ACTION[:, :2], None),
        (STATE[0], ACTION[0], None),
        (STATE, ACTION[:3], None),
        (STATE, ACTION, np.array([True])),
        (STATE, ACTION, np.zeros(4, bool)),
    ],
)
def test_blocks_that_do_not_belong_together_are_refused(state, action, finite):
    with pytest.raises(ArrayError):
        analyze_global(state, action, finite)
