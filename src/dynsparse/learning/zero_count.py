"""Zero count: where the simulator's zeros are, over rows that arrive in parts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["ZeroCount"]


class ZeroCount:
    """Counts zeros of every element, in all rows and in those that train.

    Args:
        atol: Zero threshold of the simulator's Jacobian.
    """

    def __init__(self, atol: float) -> None:
        self._atol = atol
        self._rows = self._trained = 0
        self._zero: NDArray[np.int64] = np.zeros((), dtype=np.int64)
        self._zero_trained: NDArray[np.int64] = np.zeros((), dtype=np.int64)

    def add(self, jacobians: NDArray[np.floating], finite: NDArray[np.bool_], trained: NDArray[np.bool_]) -> None:
        """Count some rows.

        Args:
            jacobians: (n, ds, ds + da), raw.
            finite: (n,) rows that are not count nowhere.
            trained: (n,) rows that train.
        """
        zero, trained = np.abs(jacobians) < self._atol, trained & finite
        self._zero = self._zero + zero[finite].sum(axis=0)
        self._zero_trained = self._zero_trained + zero[trained].sum(axis=0)
        self._rows += int(finite.sum())
        self._trained += int(trained.sum())

    @property
    def changing(self) -> NDArray[np.bool_]:
        """(ds, ds + da) true where an element is zero in some rows and not in others."""
        return np.asarray((self._zero > 0) & (self._zero < self._rows))

    @property
    def training_frequency(self) -> NDArray[np.float64]:
        """(ds, ds + da) share of the training rows in which an element is zero; of all rows where none trains."""
        if not self._trained:
            return np.asarray(self._zero / self._rows)
        return np.asarray(self._zero_trained / self._trained)
