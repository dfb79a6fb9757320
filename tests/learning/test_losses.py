"""The losses against sums that are written out element by element."""

from __future__ import annotations

import numpy as np
import pytest

from dynsparse.errors import SettingError
from dynsparse.learning.losses import LOSSES, check_loss, jacobian_sum, needs_jacobian, needs_zero, state_sum

PREDICTED = np.array([[[1.0, -2.0], [0.5, 0.0]], [[3.0, 0.25], [-1.0, 4.0]]])
TRUTH = np.array([[[1.5, 0.0], [0.5, 1.0]], [[0.0, 0.0], [-3.0, 4.0]]])
ZERO = TRUTH == 0


@pytest.mark.parametrize(
    ("loss", "wanted"),
    [
        ("state-jacobian", (0.25 + 4 + 0 + 1 + 9 + 0.0625 + 4 + 0)),
        ("state-jacobian-l1", (0.5 + 2 + 0 + 1 + 3 + 0.25 + 2 + 0)),
        ("state-jacobian-l1-regularizer", (1 + 2 + 0.5 + 0 + 3 + 0.25 + 1 + 4)),
        ("state-jacobian-l1-sparse-only", 2 + 3 + 0.25),
    ],
)
def test_each_second_term_is_what_its_name_says(loss, wanted):
    assert needs_jacobian(loss)
    assert float(jacobian_sum(loss, PREDICTED, TRUTH, ZERO)) == pytest.approx(wanted, rel=1e-6)


def test_without_a_zero_in_the_truth_there_is_nothing_to_press_down():
    assert float(jacobian_sum("state-jacobian-l1-sparse-only", PREDICTED, TRUTH, np.zeros_like(ZERO))) == 0


def test_the_state_term_is_of_squares():
    assert float(state_sum(np.array([[1.0, 2.0]]), np.array([[0.0, 4.0]]))) == pytest.approx(5)


def test_five_losses_one_without_a_second_term_and_no_other():
    assert [loss for loss in LOSSES if not needs_jacobian(loss)] == ["state"]
    assert len(LOSSES) == 5
    with pytest.raises(SettingError, match="no loss 'state-jacobi'; did you mean 'state-jacobian'"):
        check_loss("state-jacobi")
    with pytest.raises(SettingError, match="has no term of the Jacobian"):
        jacobian_sum("state", PREDICTED, TRUTH, ZERO)
    with pytest.raises(SettingError, match="was not told which elements are zero"):
        jacobian_sum("state-jacobian-l1-sparse-only", PREDICTED, TRUTH)
    assert [loss for loss in LOSSES if needs_zero(loss)] == ["state-jacobian-l1-sparse-only"]
