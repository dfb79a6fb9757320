"""Alike numbers: what is the same in every episode, or differs by rounding alone, has no spread."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["differences_of", "mean_of", "variance_of"]

_ROUNDED = 4.0 * float(np.finfo(np.float64).eps)
"""A number of an episode is rounded once, to half of eps: two such differences are within twice eps, and some room."""


def mean_of(values: NDArray[np.float64]) -> float:
    """Return the mean of (e,) numbers; of equal ones just that number, whatever rounding makes of their sum."""
    return float(values.mean() if np.ptp(values) > 0.0 else values[0])


def variance_of(values: NDArray[np.float64]) -> float:
    """Return the variance of (e,) numbers; 0 of equal ones, whatever rounding makes of their mean."""
    return float(values.var(ddof=1)) if np.ptp(values) > 0.0 else 0.0


def differences_of(values: NDArray[np.float64], reference: NDArray[np.float64]) -> NDArray[np.float64]:
    """Take a reference of the same episode away from a number; what then differs by rounding alone is made alike.

    One element of six that is another in every row makes a difference of 1/6 in each episode.  Rounding gives it a
    spread of 1e-17, and an interval of that width would be the surest of all.

    Args:
        values: (e,) one an episode.
        reference: (e,) the reference of the same episodes.

    Returns:
        (e,) ``values - reference``; NaN where either is.
    """
    found = values - reference
    there = ~np.isnan(found)
    if not there.any():
        return found
    largest = max(float(np.abs(numbers[there]).max()) for numbers in (values, reference))
    if np.ptp(found[there]) <= _ROUNDED * largest:
        # The smallest, so that where one of them is 0 all are.
        found[there] = min(found[there], key=abs)
    return found
