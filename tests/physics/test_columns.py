from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from dynsparse.errors import ArrayError
from dynsparse.physics.columns import audit_columns

INPUTS = np.array([0.3, -0.7])


def bent(x: np.ndarray) -> np.ndarray:
    """Three outputs of two inputs, so that a transpose can not hide."""
    return np.array([np.sin(x[0]) + 2.0 * x[1], 30.0 * x[0] * x[1], np.exp(x[1])])


BENT_JACOBIAN = np.array(
    [
        [np.cos(INPUTS[0]), 2.0],  # d(sin x0 + 2 x1)
        [30.0 * INPUTS[1], 30.0 * INPUTS[0]],  # d(30 x0 x1)
        [0.0, np.exp(INPUTS[1])],  # d(exp x1): x0 is absent
    ]
)


def differences(f: Callable[[np.ndarray], np.ndarray], x: np.ndarray) -> dict[str, np.ndarray]:
    columns: dict[str, list[np.ndarray]] = {"central_coarse": [], "central_fine": [], "forward": [], "backward": []}
    for unit in np.eye(x.size):
        columns["central_coarse"].append((f(x + 1e-5 * unit) - f(x - 1e-5 * unit)) / 2e-5)
        columns["central_fine"].append((f(x + 1e-6 * unit) - f(x - 1e-6 * unit)) / 2e-6)
        columns["forward"].append((f(x + 1e-6 * unit) - f(x)) / 1e-6)
        columns["backward"].append((f(x) - f(x - 1e-6 * unit)) / 1e-6)
    return {name: np.stack(values, axis=1)[None] for name, values in columns.items()}


def test_a_right_jacobian_is_clean() -> None:
    audit = audit_columns(BENT_JACOBIAN[None], **differences(bent, INPUTS))
    assert audit.clean
    assert audit.to_dict() == {
        "smooth_columns": 2,
        "nonsmooth_columns": 0,
        "columns_off": 0,
        "rows_off": 0,
        "largest_error": audit.largest_error,
        "false_zeros": 0,
        "false_slopes": 0,
    }
    assert audit.largest_error < 1e-8  # the noise of central differences at 1e-6


def test_a_planted_wrong_element_is_off_in_its_column_alone() -> None:
    jac = BENT_JACOBIAN.copy()
    jac[0, 1] += 1e-3
    audit = audit_columns(jac[None], **differences(bent, INPUTS))
    np.testing.assert_array_equal(audit.off, [[False, True]])
    # The column's largest element is 30 * 0.3 = 9, and errors are relative to it.
    assert audit.largest_error == pytest.approx(1e-3 / 9.0, rel=1e-4)


def test_an_error_below_the_tolerance_of_a_large_column_is_forgiven() -> None:
    jac = BENT_JACOBIAN.copy()
    jac[1, 0] += 1e-4  # the column's largest element is 21, so 2.1e-4 is allowed
    assert audit_columns(jac[None], **differences(bent, INPUTS)).clean


def test_a_huge_wrong_element_can_not_excuse_itself_by_raising_the_scale() -> None:
    jac = BENT_JACOBIAN.copy()
    jac[2, 0] = 1e9
    audit = audit_columns(jac[None], **differences(bent, INPUTS))
    assert audit.largest_error == pytest.approx(1e9 / 21.0, rel=1e-6)


def test_a_planted_false_zero_is_found_at_its_element() -> None:
    jac = BENT_JACOBIAN.copy()
    jac[0, 0] = 0.0
    audit = audit_columns(jac[None], **differences(bent, INPUTS))
    np.testing.assert_array_equal(audit.false_zero[0], [[True, False], [False, False], [False, False]])
    assert not audit.false_slope.any()


def test_noise_of_the_finer_difference_accuses_nobody_and_a_wrong_element_beside_it_is_off() -> None:
    found = differences(bent, INPUTS)
    # The two agree to 1e-5 of the column's largest element, 9: it is smooth.
    found["central_fine"][0, 1, 1] += 1.08e-4
    found["central_coarse"][0, 1, 1] += 2.7e-5
    jac = BENT_JACOBIAN.copy()
    audit = audit_columns(jac[None], **found)
    assert audit.smooth.all() and not audit.off.any()
    assert audit.largest_error == pytest.approx(1.08e-4 / 9.0, rel=1e-4)  # told all the same
    jac[1, 1] -= 1e-4
    assert audit_columns(jac[None], **found).off.tolist() == [[False, True]]


def test_a_false_zero_too_small_to_be_off_is_found_all_the_same() -> None:
    def faint(x: np.ndarray) -> np.ndarray:
        return np.array([5e-6 * x[0], x[1]])

    audit = audit_columns(np.array([[[0.0, 0.0], [0.0, 1.0]]]), **differences(faint, INPUTS))
    assert not audit.off.any()
    assert not audit.clean
    np.testing.assert_array_equal(audit.false_zero[0], [[True, False], [False, False]])


def test_a_planted_false_slope_is_found_at_its_element() -> None:
    jac = BENT_JACOBIAN.copy()
    jac[2, 0] = 2e-6  # too small to be off
    audit = audit_columns(jac[None], **differences(bent, INPUTS))
    assert not audit.off.any()
    np.testing.assert_array_equal(audit.false_slope[0], [[False, False], [False, False], [True, False]])


def test_a_planted_transpose_is_found() -> None:
    def square(x: np.ndarray) -> np.ndarray:
        return np.array([x[0] + 3.0 * x[1], x[1]])

    right = np.array([[1.0, 3.0], [0.0, 1.0]])
    assert audit_columns(right[None], **differences(square, INPUTS)).clean
    audit = audit_columns(right.T[None], **differences(square, INPUTS))
    np.testing.assert_array_equal(audit.off, [[True, True]])
    assert audit.false_zero[0, 0, 1]
    assert audit.false_slope[0, 1, 0]


def test_a_kink_has_no_slope_to_be_compared_with() -> None:
    def kink(x: np.ndarray) -> np.ndarray:
        return np.array([np.abs(x[0]) + x[1]])

    at_the_kink = np.array([0.0, 1.0])
    audit = audit_columns(np.array([[[1.0, 1.0]]]), **differences(kink, at_the_kink))
    np.testing.assert_array_equal(audit.smooth, [[False, True]])
    assert audit.clean
    # A kink that only the coarse difference reaches is not smooth either.
    audit = audit_columns(np.array([[[1.0, 1.0]]]), **differences(kink, np.array([5e-6, 1.0])))
    np.testing.assert_array_equal(audit.smooth, [[False, True]])


def test_a_nan_in_the_jacobian_is_off_and_one_in_the_differences_is_not_smooth() -> None:
    jac = BENT_JACOBIAN.copy()
    jac[1, 1] = np.nan
    seen = differences(bent, INPUTS)
    audit = audit_columns(jac[None], **seen)
    np.testing.assert_array_equal(audit.off, [[False, True]])
    assert audit.to_dict()["largest_error"] is None
    seen["forward"][0, 0, 1] = np.nan
    audit = audit_columns(jac[None], **seen)
    np.testing.assert_array_equal(audit.smooth, [[True, False]])
    assert audit.clean


def test_arrays_of_different_shapes_are_refused() -> None:
    seen = differences(bent, INPUTS)
    with pytest.raises(ArrayError, match=r"one shape \(n, outputs, columns\)"):
        audit_columns(BENT_JACOBIAN.T[None], **seen)


def test_round_off_that_shrinks_with_the_step_is_no_slope() -> None:
    found = differences(bent, INPUTS)
    found["central_fine"][0, 2, 0], found["central_coarse"][0, 2, 0] = 1.0e-6, 1.3e-7  # 1e-12 of noise in the step
    assert audit_columns(BENT_JACOBIAN[None], **found).clean
    found["central_coarse"][0, 2, 0] = 0.9e-6  # now both see a slope where the Jacobian says zero
    assert audit_columns(BENT_JACOBIAN[None], **found).to_dict()["false_zeros"] == 1
