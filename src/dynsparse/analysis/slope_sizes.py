"""Slope sizes: how large elements of a data set's Jacobians get, and in how many rows that is more than round-off."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dynsparse.physics.zero_labels import is_real

__all__ = ["SlopeSizes"]


@dataclass(frozen=True, eq=False)
class SlopeSizes:
    """Sizes over rows.

    Attributes:
        rows: Rows that were looked at.
        largest: (dt, dt + da) largest ``abs(x)`` of each element.
        real: (dt, dt + da) rows in which it is too large to be round-off (``is_real``).
    """

    rows: int
    largest: NDArray[np.float64]
    real: NDArray[np.int64]

    @classmethod
    def of(cls, jac_state: NDArray[np.float64], jac_action: NDArray[np.float64]) -> SlopeSizes:
        """Return the sizes in some finite rows.

        Args:
            jac_state: (n, dt, dt).
            jac_action: (n, dt, da).
        """
        jacobian = np.concatenate([jac_state, jac_action], axis=2)
        largest = np.abs(jacobian).max(axis=0, initial=0.0)
        return cls(len(jacobian), largest, is_real(jacobian).sum(axis=0, dtype=np.int64))

    def __add__(self, other: SlopeSizes) -> SlopeSizes:
        """Return the sizes in the rows of both."""
        return SlopeSizes(self.rows + other.rows, np.maximum(self.largest, other.largest), self.real + other.real)
