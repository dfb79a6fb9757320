"""The verdict on one Jacobian column, from finite differences alone: pure NumPy, no simulator.

A column is the response of the whole next state to one input (one state variable or one action).
The differences decide first whether the step is smooth there; only then is the Jacobian held
against them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dynsparse.errors import ArrayError

__all__ = ["ColumnAudit", "audit_columns"]

ONE_SIDED_TOLERANCE = 1e-3
"""One-sided slopes at 1e-6 differ by 1e-6 times the curvature where the step is smooth, so this
admits a curvature of 1,000; at a kink they differ by the size of the kink."""

CENTRAL_TOLERANCE = 1e-5
"""Central slopes at 1e-5 and 1e-6 differ by 1.7e-11 times the third derivative, plus 1e-10 of noise."""

OFF_TOLERANCE = 1e-5
"""As far as smooth differences agree with one another, so far a Jacobian must agree with them."""

SEEN_TOLERANCE = 0.5
"""A slope is seen where the two central differences agree about it to a half.  Round-off is seen ten times larger at
1e-6 than at 1e-5: on a row of WalkerRun whose solver ends far from its minimum it comes to 1e-6 and 1e-7 where
translation symmetry makes the slope zero."""

FALSE_ZERO_SLOPE = 1e-7
FALSE_SLOPE = 1e-6
FLAT_SLOPE = 1e-9
"""Differences leave 1e-10 of noise: a thousand times that is a slope, ten times that is none."""


@dataclass(frozen=True)
class ColumnAudit:
    """What differences say about every (row, column) of a batch of Jacobians.

    Attributes:
        smooth: (n, columns) bool, the differences agree with one another, so a slope exists to be compared with.
        off: (n, columns) bool, smooth and further than 1e-5 from both central differences (a NaN is off).
        error: (n, columns), largest difference in the column over its scale; NaN where not smooth.
        false_zero: (n, outputs, columns) bool, smooth, the Jacobian says zero and the differences see a slope.
        false_slope: (n, outputs, columns) bool, smooth, the Jacobian says slope and the differences see none.
    """

    smooth: np.ndarray
    off: np.ndarray
    error: np.ndarray
    false_zero: np.ndarray
    false_slope: np.ndarray

    @property
    def smooth_columns(self) -> int:
        """How many (row, column) pairs could be compared."""
        return int(self.smooth.sum())

    @property
    def nonsmooth_columns(self) -> int:
        """How many (row, column) pairs have no slope to be compared with."""
        return int(self.smooth.size - self.smooth.sum())

    @property
    def columns_off(self) -> int:
        """How many smooth columns differ from the differences."""
        return int(self.off.sum())

    @property
    def largest_error(self) -> float:
        """The largest error of a smooth column over its scale; infinite if one is not finite, NaN if none is smooth."""
        errors = self.error[self.smooth]
        return float(errors.max()) if errors.size else float("nan")

    @property
    def clean(self) -> bool:
        """No smooth column is off, and no element of one is a false zero or a false slope."""
        return not (self.off.any() or self.false_zero.any() or self.false_slope.any())

    def to_dict(self) -> dict[str, int | float | None]:
        """The counts, for a table or a JSON file; a largest error that is not finite is None."""
        largest = self.largest_error
        return {
            "smooth_columns": self.smooth_columns,
            "nonsmooth_columns": self.nonsmooth_columns,
            "columns_off": self.columns_off,
            "rows_off": int(self.off.any(axis=1).sum()),
            "largest_error": largest if np.isfinite(largest) else None,
            "false_zeros": int(self.false_zero.sum()),
            "false_slopes": int(self.false_slope.sum()),
        }


def audit_columns(
    jac: np.ndarray,
    central_coarse: np.ndarray,
    central_fine: np.ndarray,
    forward: np.ndarray,
    backward: np.ndarray,
    *,
    atol: float = 1e-15,
) -> ColumnAudit:
    """Hold Jacobians against differences, column by column, where the differences agree among themselves.

    The scale of a column is max(1, its largest element by ``central_fine``): taken from the
    differences, never from the Jacobian under test, so that a wrong Jacobian can not excuse itself.
    The error is measured against ``central_fine``; off is what lies further than 1e-5 from both, because where the
    solver's tolerance leaves noise in the step, the finer difference carries ten times as much of it.  A false zero
    needs both central differences to see more than 1e-7 and to agree about it, a false slope both to see less than
    1e-9: noise accuses nobody.

    Args:
        jac: (n, outputs, columns), the Jacobians under test.
        central_coarse: (n, outputs, columns), central differences at 1e-5.
        central_fine: (n, outputs, columns), central differences at 1e-6.
        forward: (n, outputs, columns), forward differences at 1e-6.
        backward: (n, outputs, columns), backward differences at 1e-6.
        atol: an element of ``jac`` counts as zero when ``abs(x) < atol``.

    Raises:
        ArrayError: the five arrays do not share one shape of three axes.
    """
    shapes = {
        "jac": np.shape(jac),
        "central_coarse": np.shape(central_coarse),
        "central_fine": np.shape(central_fine),
        "forward": np.shape(forward),
        "backward": np.shape(backward),
    }
    if len(set(shapes.values())) != 1 or np.ndim(jac) != 3:
        msg = f"expected five arrays of one shape (n, outputs, columns), got {shapes}: pass the same rows to all"
        raise ArrayError(msg)
    # A NaN in the differences makes every comparison below false: not smooth, which is the truth.
    with np.errstate(invalid="ignore"):
        scale = np.maximum(1.0, np.abs(central_fine).max(axis=1))
        one_sided = np.abs(forward - backward).max(axis=1) <= ONE_SIDED_TOLERANCE * scale
        central = np.abs(central_coarse - central_fine).max(axis=1) <= CENTRAL_TOLERANCE * scale
        smooth = one_sided & central
        distance = np.abs(jac - central_fine)
        distance = np.where(np.isfinite(jac), distance, np.inf).max(axis=1) / scale
        coarse_distance = np.where(np.isfinite(jac), np.abs(jac - central_coarse), np.inf).max(axis=1) / scale
        larger = np.maximum(np.abs(central_coarse), np.abs(central_fine))
        agree = np.abs(central_coarse - central_fine) <= SEEN_TOLERANCE * larger
        sees = agree & (np.minimum(np.abs(central_coarse), np.abs(central_fine)) > FALSE_ZERO_SLOPE)
        flat = larger < FLAT_SLOPE
        false_zero = (np.abs(jac) < atol) & sees & smooth[:, None, :]
        false_slope = (np.abs(jac) > FALSE_SLOPE) & flat & smooth[:, None, :]
    error = np.where(smooth, distance, np.nan)
    return ColumnAudit(
        smooth=smooth,
        off=smooth & (np.minimum(distance, coarse_distance) > OFF_TOLERANCE),
        error=error,
        false_zero=false_zero,
        false_slope=false_slope,
    )
