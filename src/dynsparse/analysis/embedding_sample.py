"""Embedding sample: some of many rows, of which every sparsity that occurs is one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dynsparse.config import check_count
from dynsparse.errors import ArrayError

__all__ = ["stratified_sample"]


def stratified_sample(strata: NDArray[np.integer], size: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Draw rows without repetition so that each stratum has its share of them, and at least one row.

    Every stratum is given one row, the rest are shared out in proportion to what is left of each (largest remainders).
    Where there are more strata than rows to draw, as many strata as that, spread evenly over them, have one row each.

    Args:
        strata: (n,) the stratum of each row, such as its number of zeros.
        size: How many; all rows where there are fewer.
        generator: Decides which.

    Returns:
        (min(size, n),) places in increasing order.

    Raises:
        ArrayError: If the strata are no list of whole numbers.
        SettingError: If ``size`` is below 1.
    """
    check_count("size", size, 1, "draw one row at least")
    strata = np.asarray(strata)
    if strata.ndim != 1 or strata.dtype.kind not in "iu":
        raise ArrayError(f"expected a whole number a row, got an array of shape {strata.shape} of {strata.dtype}")
    if size >= len(strata):
        return np.arange(len(strata))
    _, members, counts = np.unique(strata, return_inverse=True, return_counts=True)
    # Rows of a stratum follow each other, in an order of chance.
    order = np.lexsort((generator.random(len(strata)), members)).astype(np.int64)
    starts = np.cumsum(counts) - counts
    taken = _shares(counts, size)
    drawn = [order[start : start + some] for start, some in zip(starts, taken, strict=True)]
    return np.asarray(np.sort(np.concatenate(drawn)), dtype=np.int64)


def _shares(counts: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Return how many of each stratum are drawn."""
    taken = np.zeros(len(counts), dtype=np.int64)
    if len(counts) >= size:
        taken[np.linspace(0, len(counts) - 1, size).round().astype(np.int64)] = 1
        return taken
    left = counts - 1
    exact = left * ((size - len(counts)) / left.sum())
    taken += 1 + np.floor(exact).astype(np.int64)
    missing = size - int(taken.sum())
    # Stable, so that among equal remainders the first one has it.
    largest = np.argsort(-(exact - np.floor(exact)), kind="stable")[:missing]
    taken[largest] += 1
    return taken
