"""Cause counts: in how many rows each element of one block is zero, by the reason why; and how large it gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dynsparse.errors import ArrayError
from dynsparse.physics.zero_labels import ZERO_LABELS

__all__ = ["CONSTRAINT_LABELS", "CauseCounts", "label_of"]

CONSTRAINT_LABELS = ("contact-off", "limit-off")
"""Labels that name the constraint that is off."""

_LABELS = len(ZERO_LABELS)
_OFF = [ZERO_LABELS.index(label) for label in CONSTRAINT_LABELS]


@dataclass(frozen=True, eq=False)
class CauseCounts:
    """Why the elements of one block are zero, over rows.

    Attributes:
        labels: (labels, dt, columns) rows in which each element has each of ``ZERO_LABELS``; the first one, ``none``,
            stands for an element that is not zero.
        constraint: (dt, columns) index of the switch that is off most often where the element is zero because one is;
            -1 where none ever is the cause.
        off: (g,) pairs of row and element that are zero because each switch is off.
        switched_by: (dt, columns, g) bool; in all rows that were looked at, the element was really non-zero only while
            one of these was on.
        largest: (dt, columns) largest ``abs(x)`` in the data set.
        real: (dt, columns) rows of the data set in which the element is too large to be round-off.
    """

    labels: NDArray[np.int64]
    constraint: NDArray[np.int32]
    off: NDArray[np.int64]
    switched_by: NDArray[np.bool_]
    largest: NDArray[np.float64]
    real: NDArray[np.int64]

    def __post_init__(self) -> None:
        """Check that they belong together.

        Raises:
            ArrayError: They do not; says what does not.
        """
        for name, array, dimensions in (
            ("labels", self.labels, 3),
            ("constraint", self.constraint, 2),
            ("off", self.off, 1),
            ("real", self.real, 2),
        ):
            if array.ndim != dimensions or array.dtype.kind != "i":
                raise ArrayError(
                    f"expected {name} as whole numbers with {dimensions} axes, got {array.dtype} of shape {array.shape}"
                )
        if self.labels.shape != (_LABELS, *self.constraint.shape):
            raise ArrayError(
                f"expected counts of {_LABELS} labels of {self.constraint.shape} elements, got {self.labels.shape}"
            )
        shape = (*self.constraint.shape, len(self.off))
        if self.switched_by.dtype.kind != "b" or self.switched_by.shape != shape:
            raise ArrayError(
                f"expected switched_by as truth values of shape {shape}, got {self.switched_by.dtype} of shape "
                f"{self.switched_by.shape}"
            )
        if self.largest.dtype.kind != "f" or not self.largest.shape == self.real.shape == self.constraint.shape:
            raise ArrayError(
                f"expected sizes of {self.constraint.shape} elements as numbers, got {self.largest.dtype} of shape "
                f"{self.largest.shape}, and whole numbers of shape {self.real.shape}"
            )
        if not (np.isfinite(self.largest) & (self.largest >= 0)).all():
            raise ArrayError("expected finite sizes of 0 or more, got another one")
        if min(array.min(initial=0) for array in (self.labels, self.off, self.real)) < 0:
            raise ArrayError("expected counts of 0 or more, got a negative one")
        found = np.unique(self.labels.sum(axis=0))
        if found.size > 1:
            raise ArrayError(
                f"expected as many labels of each element as rows, got {found[0]} of one, {found[-1]} of another"
            )
        named = self.constraint >= 0
        if (named != (self.labels[_OFF].sum(axis=0) > 0)).any() or self.constraint.max(initial=-1) >= len(self.off):
            raise ArrayError("expected a constraint for each element that is zero because one is off, and for no other")
        rows, columns = named.nonzero()
        if not self.switched_by[rows, columns, self.constraint[named]].all():
            raise ArrayError("expected a switch that is off to be one of those that switch its element, one is not")
        if self.off.sum() != self.labels[_OFF].sum():
            raise ArrayError(
                f"expected {self.labels[_OFF].sum()} zeros of constraints that are off, got {self.off.sum()} by name"
            )

    @classmethod
    def from_rows(
        cls,
        labels: NDArray[np.int8],
        constraint_off: NDArray[np.int32],
        switched_by: NDArray[np.bool_],
        largest: NDArray[np.float64],
        real: NDArray[np.int64],
    ) -> CauseCounts:
        """Count over rows.

        Args:
            labels: (n, dt, columns) index into ``ZERO_LABELS``.
            constraint_off: (n, dt, columns) index of the switch that is off; -1 where none is the cause.
            switched_by: (dt, columns, g), as the attribute.
            largest: (dt, columns), as the attribute.
            real: (dt, columns), as the attribute.

        Returns:
            The counts.
        """
        shape = labels.shape[1:]
        counts = np.stack([(labels == label).sum(axis=0, dtype=np.int64) for label in range(_LABELS)])
        most = np.full(shape, -1, dtype=np.int32)
        rows_of_most = np.zeros(shape, dtype=np.int64)
        off = np.bincount(constraint_off[constraint_off >= 0], minlength=switched_by.shape[2]).astype(np.int64)
        for constraint in np.flatnonzero(off):
            rows = (constraint_off == constraint).sum(axis=0)
            more = rows > rows_of_most
            most[more], rows_of_most[more] = constraint, rows[more]
        return cls(counts, most, off, switched_by, largest, real)

    @property
    def elements(self) -> int:
        """Elements of the block."""
        return int(self.constraint.size)

    @property
    def rows(self) -> int:
        """Rows that were counted; 0 for a block without elements."""
        return int(self.labels[:, 0, 0].sum()) if self.elements else 0

    @property
    def always_zero(self) -> NDArray[np.bool_]:
        """(dt, columns) elements that are zero in every row."""
        mask: NDArray[np.bool_] = self.labels[0] == 0
        return mask

    @property
    def dominant(self) -> NDArray[np.int64]:
        """(dt, columns) the most frequent reason of each element's zeros, index into ``ZERO_LABELS``; 0 if never zero.

        Of two that are as frequent, the first in the order of the labels.
        """
        causes = self.labels[1:]
        most: NDArray[np.int64] = np.where(causes.sum(axis=0) > 0, causes.argmax(axis=0) + 1, 0)
        return most

    @property
    def by_label(self) -> Mapping[str, int]:
        """Pairs of row and element by label."""
        return dict(zip(ZERO_LABELS, self.labels.sum(axis=(1, 2)).tolist(), strict=True))

    @property
    def always_by_label(self) -> Mapping[str, int]:
        """Elements that are zero in every row, by their most frequent reason; without ``none``."""
        found = np.bincount(self.dominant[self.always_zero], minlength=_LABELS)[1:]
        return dict(zip(ZERO_LABELS[1:], found.tolist(), strict=True))


def label_of(constraint: str) -> str:
    """Return the label of a zero that is there because a named constraint is off: its name begins with its kind."""
    return "contact-off" if constraint.startswith("contact ") else "limit-off"
