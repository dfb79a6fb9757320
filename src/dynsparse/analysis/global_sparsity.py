"""Global sparsity: which elements of the transition Jacobian are zero in every row (Q1, Table 1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynsparse.analysis.zeros import is_zero
from dynsparse.config import DEFAULT_ATOL, check_atol
from dynsparse.errors import ArrayError

__all__ = ["SWEEP_THRESHOLDS", "BlockSparsity", "GlobalSparsity", "ThresholdPoint", "analyze_global"]

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
    atol = check_atol(atol)
    kept = _finite_rows(jac_state, jac_action, finite)
    blocks = (jac_state[kept], jac_action[kept])
    state, action = (BlockSparsity(_zero_frequency(block, atol)) for block in blocks)
    sweep = tuple(_at_threshold(blocks, threshold) for threshold in thresholds)
    rows = len(jac_state)
    return GlobalSparsity(state, action, rows, rows - int(np.count_nonzero(kept)), atol, sweep)


def _finite_rows(
    jac_state: NDArray[Any], jac_action: NDArray[Any], finite: NDArray[np.bool_] | None
) -> NDArray[np.bool_]:
    """Check the shapes and return (n,) true for the rows that count."""
    outputs = jac_state.shape[1] if jac_state.ndim == 3 else -1
    if jac_state.ndim != 3 or jac_state.shape[2] != outputs or jac_action.ndim != 3:
        raise ArrayError(
            "jac_state must have shape (n, ds, ds) and jac_action (n, ds, da), "
            f"got {jac_state.shape} and {jac_action.shape}"
        )
    if jac_action.shape[:2] != jac_state.shape[:2]:
        raise ArrayError(f"jac_action must have shape ({len(jac_state)}, {outputs}, da), got {jac_action.shape}")
    kept = np.isfinite(jac_state).all(axis=(1, 2)) & np.isfinite(jac_action).all(axis=(1, 2))
    if finite is not None:
        if finite.shape != kept.shape:
            raise ArrayError(f"finite must have shape {kept.shape}, got {finite.shape}")
        kept &= finite
    if not kept.any():
        raise ArrayError(f"at least one row must be finite, got {len(kept)} rows with none; there is nothing to count")
    return np.asarray(kept)


def _zero_frequency(block: NDArray[Any], atol: float) -> NDArray[np.float64]:
    return np.asarray(np.count_nonzero(is_zero(block, atol), axis=0) / np.float64(len(block)))


def _at_threshold(blocks: tuple[NDArray[Any], NDArray[Any]], atol: float) -> ThresholdPoint:
    state, action = (is_zero(block, atol) for block in blocks)
    zeros = np.count_nonzero(state) + np.count_nonzero(action)
    return ThresholdPoint(
        atol=float(atol),
        zero_fraction=float(zeros / (state.size + action.size)),
        always_zero_state=int(np.count_nonzero(state.all(axis=0))),
        always_zero_action=int(np.count_nonzero(action.all(axis=0))),
    )
