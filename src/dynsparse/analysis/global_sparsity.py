"""Global sparsity: which elements of the transition Jacobian are zero in every row (Q1, Table 1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynsparse.analysis.rows import RowBlock
from dynsparse.config import DEFAULT_ATOL, check_atol
from dynsparse.errors import ArrayError

__all__ = ["SWEEP_THRESHOLDS", "BlockSparsity", "GlobalCount", "GlobalSparsity", "ThresholdPoint", "analyze_global"]

SWEEP_THRESHOLDS: tuple[float, ...] = tuple(float(f"1e{exponent}") for exponent in range(-20, -2))
"""Thresholds of the sweep: one a decade from 1e-20 to 1e-3."""


@dataclass(frozen=True)
class BlockSparsity:
    """How often each element of one block of the Jacobian is zero.

    Attributes:
        zero_frequency: (rows, columns) share of the finite rows of data in which the element is zero.
    """

    zero_frequency: NDArray[np.float64]

    @property
    def always_zero(self) -> NDArray[np.bool_]:
        """(rows, columns) true where the element is zero in every finite row."""
        # n / n is exactly 1, and (n - 1) / n is not for any n that fits in memory.
        return np.asarray(self.zero_frequency == 1.0)

    @property
    def always_zero_count(self) -> int:
        """Number of elements that are zero in every finite row: the figure of Table 1."""
        return int(np.count_nonzero(self.always_zero))

    @property
    def elements(self) -> int:
        """Number of elements of the block."""
        return int(self.zero_frequency.size)

    @property
    def fraction(self) -> float:
        """Share of elements that are zero in every finite row."""
        return self.always_zero_count / self.elements if self.elements else 0.0

    def always_zero_columns(self, *, own_element: bool) -> tuple[int, ...]:
        """Return the inputs that no output depends on.

        Args:
            own_element: Leave the diagonal out, as the state block needs it: a position that enters nothing else
                still carries itself over to the next state.

        Returns:
            Indices of the columns, in order.
        """
        zero = self.always_zero.copy()
        if own_element:
            np.fill_diagonal(zero, True)
        return tuple(int(column) for column in np.flatnonzero(zero.all(axis=0)))


@dataclass(frozen=True)
class ThresholdPoint:
    """What would count as zero at another threshold.

    Attributes:
        atol: The threshold.
        zero_fraction: Share of zeros among all elements of both blocks in all finite rows.
        always_zero_state: Elements of the state block that are zero in every finite row.
        always_zero_action: Elements of the action block that are zero in every finite row.
    """

    atol: float
    zero_fraction: float
    always_zero_state: int
    always_zero_action: int


@dataclass(frozen=True)
class GlobalSparsity:
    """The answer to Q1 for one set of rows.

    Attributes:
        state: The block ds'/ds.
        action: The block ds'/da.
        rows: Rows of data, the non-finite ones included.
        nonfinite_rows: Rows that hold a NaN or an infinity; they are counted and otherwise left out.
        atol: Zero threshold, ``abs(x) < atol``.
        threshold_sweep: The same at other thresholds.
    """

    state: BlockSparsity
    action: BlockSparsity
    rows: int
    nonfinite_rows: int
    atol: float
    threshold_sweep: tuple[ThresholdPoint, ...]


class GlobalCount:
    """Counts, block by block, in how many rows each element is zero; keeps one number an element and threshold."""

    def __init__(
        self, state_dim: int, action_dim: int, atol: float, thresholds: Sequence[float] = SWEEP_THRESHOLDS
    ) -> None:
        """Start at zero rows.

        Args:
            state_dim: Number of state variables.
            action_dim: Number of actions.
            atol: Zero threshold that the blocks' zeros were found with.
            thresholds: Thresholds of the sweep.

        Raises:
            SettingError: If a threshold is not a finite number above zero.
        """
        self._atol = check_atol(atol)
        self._thresholds = tuple(check_atol(threshold) for threshold in thresholds)
        self._shapes = ((state_dim, state_dim), (state_dim, action_dim))
        self._rows = 0
        self._finite = 0
        self._zeros = [np.zeros(shape, dtype=np.int64) for shape in self._shapes]
        # An element is always zero at a threshold if the largest of it is; so the sweep needs no count an element.
        self._largest = [np.zeros(shape) for shape in self._shapes]
        self._below = np.zeros(len(self._thresholds), dtype=np.int64)

    def update(self, block: RowBlock) -> None:
        """Count one block of rows.

        Args:
            block: Rows of the dimensions given at the start.
        """
        self._rows += block.rows
        self._finite += int(np.count_nonzero(block.finite))
        if not block.finite.any():
            return
        parts = ((block.jac_state, block.zero_state), (block.jac_action, block.zero_action))
        for index, (jacobian, zero) in enumerate(parts):
            self._zeros[index] += np.count_nonzero(zero, axis=0).reshape(self._shapes[index])
            magnitude = np.abs(jacobian[block.finite])
            np.maximum(self._largest[index], magnitude.max(axis=0), out=self._largest[index])
            for number, threshold in enumerate(self._thresholds):
                self._below[number] += np.count_nonzero(magnitude < threshold)

    def result(self) -> GlobalSparsity:
        """Return frequencies, counts and the threshold sweep of the rows so far.

        Returns:
            The answer to Q1.

        Raises:
            ArrayError: If no row was finite.
        """
        if not self._finite:
            raise ArrayError(
                f"at least one row must be finite, got {self._rows} rows with none; there is nothing to count"
            )
        state, action = (BlockSparsity(zeros / np.float64(self._finite)) for zeros in self._zeros)
        sweep = tuple(self._at_threshold(index) for index in range(len(self._thresholds)))
        return GlobalSparsity(state, action, self._rows, self._rows - self._finite, self._atol, sweep)

    def _at_threshold(self, index: int) -> ThresholdPoint:
        threshold = self._thresholds[index]
        elements = sum(zeros.size for zeros in self._zeros) * self._finite
        always = [int(np.count_nonzero(largest < threshold)) for largest in self._largest]
        return ThresholdPoint(threshold, int(self._below[index]) / elements, always[0], always[1])


def analyze_global(
    jac_state: NDArray[Any],
    jac_action: NDArray[Any],
    finite: NDArray[np.bool_] | None = None,
    atol: float = DEFAULT_ATOL,
    thresholds: Sequence[float] = SWEEP_THRESHOLDS,
) -> GlobalSparsity:
    """Count how often each element of the transition Jacobian is zero.

    Args:
        jac_state: (n, ds, ds) row = next state, column = state.
        jac_action: (n, ds, da) row = next state, column = action.
        finite: (n,) false for rows to leave out; rows that hold a NaN or an infinity are left out in any case.
        atol: Zero threshold, ``abs(x) < atol``.
        thresholds: Thresholds of the sweep.

    Returns:
        Frequencies, counts and the threshold sweep.

    Raises:
        SettingError: If a threshold is not a finite number above zero.
        ArrayError: If the shapes do not belong together, or no row is finite.

    Source:
        Section 5.1, Table 1 and Figure 3 of the paper.
    """
    check_atol(atol)
    block = RowBlock.from_arrays(jac_state, jac_action, atol, finite=finite)
    count = GlobalCount(block.state_dim, block.action_dim, atol, thresholds)
    count.update(block)
    return count.result()
