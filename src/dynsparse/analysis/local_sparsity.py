"""Local sparsity: how the share of zeros is distributed over rows, and which patterns there are (Q2)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dynsparse.analysis.pattern_count import PatternCount
from dynsparse.analysis.rows import RowBlock
from dynsparse.errors import ArrayError

__all__ = ["LocalBlock", "LocalCount", "LocalSparsity"]


@dataclass(frozen=True, eq=False)
class LocalBlock:
    """How the sparsity of one block of the Jacobian is distributed over the finite rows.

    The histogram loses nothing: a block of E elements can only have the sparsities 0/E, 1/E, .., E/E, and each has a
    bin of its own, with the sparsity at its centre.

    Attributes:
        sparsity_mean: Mean over the rows of zeros / elements.
        sparsity_std: Standard deviation over the rows (of the rows themselves: divided by n, not n - 1).
        histogram_counts: (bins,) rows with 0, 1, .., E zeros; bins = E + 1.
        histogram_edges: (bins + 1,) edges of the bins: (k - 0.5) / E for k = 0, .., E + 1.
    """

    sparsity_mean: float
    sparsity_std: float
    histogram_counts: NDArray[np.int64]
    histogram_edges: NDArray[np.float64]

    @classmethod
    def from_counts(cls, counts: NDArray[np.int64]) -> LocalBlock:
        """Make the block from its histogram, which decides all the rest.

        Args:
            counts: (E + 1,) rows with 0, 1, .., E zeros; at least one row.

        Returns:
            The block.

        Raises:
            ArrayError: If the counts are not such a histogram.
        """
        counts = np.array(counts)
        if counts.ndim != 1 or counts.dtype != np.int64 or not counts.size or counts.min() < 0 or not counts.any():
            raise ArrayError(
                "a histogram must be (E + 1,) counts of rows, int64, at least one row in all, "
                f"got shape {counts.shape} of {counts.dtype} with sum {counts.sum()}"
            )
        elements = max(len(counts) - 1, 1)
        # In whole numbers, so that the order of the rows can not show in the last bit.
        zeros = np.arange(len(counts))
        rows, first, second = (int(counts.sum()), int(counts @ zeros), int(counts @ zeros**2))
        edges = (np.arange(len(counts) + 1) - 0.5) / elements
        spread = math.sqrt(rows * second - first**2) / (rows * elements)
        return cls(first / (rows * elements), spread, counts, edges)

    @property
    def rows(self) -> int:
        """Number of finite rows."""
        return int(self.histogram_counts.sum())

    @property
    def elements(self) -> int:
        """Number of elements of the block."""
        return len(self.histogram_counts) - 1


@dataclass(frozen=True, eq=False)
class LocalSparsity:
    """The answer to Q2 for one set of rows.

    Attributes:
        state: The block ds'/ds.
        action: The block ds'/da.
        combined: Both blocks side by side, as one Jacobian (ds, ds + da).
        distinct_patterns: Number of different patterns of the combined Jacobian among the finite rows.
        pattern_shares: Shares of the finite rows that have the ten most frequent of them, in falling order.
    """

    state: LocalBlock
    action: LocalBlock
    combined: LocalBlock
    distinct_patterns: int
    pattern_shares: tuple[float, ...]


class LocalCount:
    """Counts, block by block, the rows by their number of zeros and by their pattern."""

    def __init__(self, state_dim: int, action_dim: int) -> None:
        """Start at zero rows.

        Args:
            state_dim: Number of state variables.
            action_dim: Number of actions.
        """
        elements = (state_dim**2, state_dim * action_dim, state_dim * (state_dim + action_dim))
        self._counts = [np.zeros(number + 1, dtype=np.int64) for number in elements]
        self._patterns = PatternCount()

    def update(self, block: RowBlock) -> None:
        """Count one block of rows; those that are not finite are left out.

        Args:
            block: Rows of the dimensions given at the start.
        """
        for counts, zero in zip(self._counts, (block.zero_state, block.zero_action, block.zero), strict=True):
            counts += np.bincount(np.count_nonzero(zero[block.finite], axis=1), minlength=len(counts))
        self._patterns.update(block.zero[block.finite])

    def result(self) -> LocalSparsity:
        """Return the distributions of the rows so far.

        Returns:
            The answer to Q2.

        Raises:
            ArrayError: If no row was finite.
        """
        state, action, combined = (LocalBlock.from_counts(counts) for counts in self._counts)
        return LocalSparsity(state, action, combined, self._patterns.distinct, self._patterns.shares())
