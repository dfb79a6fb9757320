"""Ranking: how well the size of a model's derivatives tells dependencies from zeros."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dynsparse.errors import ArrayError

__all__ = ["areas", "auprc", "auroc", "auroc_of_columns"]


def auroc(sizes: NDArray[np.floating], depends: NDArray[np.bool_]) -> float | None:
    """Return the area under the receiver operating characteristic.

    The probability that an element that depends is larger than one that does not; ties count half.

    Args:
        sizes: (k,) what elements are ranked by, NaN nowhere.
        depends: (k,) the truth.

    Returns:
        A number in [0, 1]; None where there is only one class.

    Raises:
        ArrayError: If the lengths differ or a size is NaN.
    """
    return areas(sizes, depends)[1]


def auprc(sizes: NDArray[np.floating], depends: NDArray[np.bool_]) -> float | None:
    """Return the area under the curve of precision over recall, as the average precision.

    Each threshold's precision counts for the recall that it adds, without interpolation, which would flatter (Davis
    and Goadrich 2006); elements of one size are taken together.

    Args:
        sizes: (k,) what elements are ranked by, NaN nowhere.
        depends: (k,) the truth.

    Returns:
        A number in [0, 1], the share of elements that depend for a ranking by chance; None where there is only one
        class.

    Raises:
        ArrayError: If the lengths differ or a size is NaN.
    """
    return areas(sizes, depends)[0]


def areas(sizes: NDArray[np.floating], depends: NDArray[np.bool_]) -> tuple[float | None, float | None]:
    """Return both areas, ``auprc`` and ``auroc``, of one ranking, sorted once.

    Args:
        sizes: (k,) what elements are ranked by, NaN nowhere.
        depends: (k,) the truth.

    Returns:
        The area under precision over recall, and that under the receiver operating characteristic; None, None where
        there is only one class.

    Raises:
        ArrayError: If the lengths differ or a size is NaN.
    """
    counts = _cumulated(sizes, depends)
    if counts is None:
        return None, None
    hits, alarms = counts
    precision = float(np.sum(np.diff(hits, prepend=0.0) * (hits / (hits + alarms))) / hits[-1])
    rates = np.concatenate([[0.0], alarms / alarms[-1]]), np.concatenate([[0.0], hits / hits[-1]])
    return precision, float(np.trapezoid(rates[1], rates[0]))


def auroc_of_columns(sizes: NDArray[np.floating], depends: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the area under the receiver operating characteristic of each column by itself, over its rows.

    As ``auroc`` of each: no column is ranked against another, so that one that does not change has 0.5.

    Args:
        sizes: (n, k) what is ranked, NaN nowhere.
        depends: (n, k) the truth.

    Returns:
        (k,) numbers in [0, 1]; NaN where a column has one class only.

    Raises:
        ArrayError: If the shapes differ or a size is NaN.
    """
    if sizes.shape != depends.shape or sizes.ndim != 2:
        raise ArrayError(f"expected sizes and truth of one shape (n, k), got {sizes.shape} and {depends.shape}")
    _refuse_nan(sizes)
    found = np.full(sizes.shape[1], np.nan)
    mixed = depends.any(axis=0) & ~depends.all(axis=0)
    for column in np.flatnonzero(mixed):
        own, positive = sizes[:, column], depends[:, column]
        negatives, positives = np.sort(own[~positive]), np.sort(own[positive])  # in order, they are found faster
        # The mean of both sides counts a tie half; whole numbers, so that nothing is rounded before the division.
        below = sum(int(np.searchsorted(negatives, positives, side).sum()) for side in ("left", "right"))
        found[column] = below / (2 * len(negatives) * len(positives))
    return found


def _refuse_nan(sizes: NDArray[np.floating]) -> None:
    if np.isnan(sizes).any():
        raise ArrayError(f"expected sizes to rank by, got {int(np.isnan(sizes).sum())} NaN among them; leave rows out")


def _cumulated(
    sizes: NDArray[np.floating], depends: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Return hits and false alarms at each different size, from the largest down; None with one class only."""
    if sizes.shape != depends.shape or sizes.ndim != 1:
        raise ArrayError(f"expected sizes and truth of one shape (k,), got {sizes.shape} and {depends.shape}")
    _refuse_nan(sizes)
    positives = int(np.count_nonzero(depends))
    if positives in (0, len(depends)):
        return None
    order = np.argsort(-sizes)  # elements of one size are taken together, so that their order does not matter
    ranked = sizes[order]
    ends = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), len(ranked) - 1)
    hits = np.cumsum(depends[order])[ends].astype(np.float64)
    return hits, ends + 1.0 - hits
