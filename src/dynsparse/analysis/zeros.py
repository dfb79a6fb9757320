"""What a zero is: the one place that decides it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynsparse.config import DEFAULT_ATOL, check_atol

__all__ = ["ABOVE_ROUND_OFF", "at_least_above_round_off", "is_zero", "row_sparsity", "sparsity"]

ABOVE_ROUND_OFF = 1e-12
"""Threshold above what sums that cancel leave of numbers of size 1, which is 1e-16 to 1e-14."""


def at_least_above_round_off(atol: float) -> float:
    """Return the threshold itself, or ``ABOVE_ROUND_OFF`` where that is larger.

    Args:
        atol: Absolute threshold.
    """
    return max(atol, ABOVE_ROUND_OFF)


def is_zero(values: NDArray[Any], atol: float = DEFAULT_ATOL) -> NDArray[np.bool_]:
    """Say which elements count as zero: ``abs(x) < atol``, strictly (Section 5.1 of the paper).

    A NaN or an infinity is never zero.

    Args:
        values: (...) elements of any shape.
        atol: Absolute threshold above 0.

    Returns:
        (...) true where the element is zero.

    Raises:
        SettingError: If ``atol`` is not a finite number above zero.
    """
    atol = check_atol(atol)
    # A comparison with NaN is false, which is what is wanted here.
    return np.asarray(np.abs(values) < atol)


def sparsity(zeros: NDArray[np.bool_]) -> float:
    """Return the share of elements that are zero: zeros / elements; 0 for a block without elements.

    Args:
        zeros: (...) true where an element is zero, as ``is_zero`` gives it.

    Returns:
        A number in [0, 1].
    """
    return float(np.count_nonzero(zeros) / zeros.size) if zeros.size else 0.0


def row_sparsity(zeros: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return each row's share of elements that are zero: zeros / elements; 0 for rows without elements.

    Args:
        zeros: (n, elements) true where an element is zero.

    Returns:
        (n,) numbers in [0, 1].
    """
    return np.asarray(np.count_nonzero(zeros, axis=1) / np.float64(max(zeros.shape[1], 1)))
