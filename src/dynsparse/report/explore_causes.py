"""Row causes: why each zero of each shown step is one, and how two files beside the page keep it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynsparse.analysis import files
from dynsparse.errors import ArrayError, InputError
from dynsparse.physics.zero_labels import ZERO_LABELS

__all__ = ["UNKNOWN", "RowCauses", "holds_row_causes"]

UNKNOWN = 15
"""Label of what was not explained: elements of rows that are not finite."""


@dataclass(frozen=True, eq=False)
class RowCauses:
    """Why elements are zero in some rows of one data set, row by row.

    Attributes:
        rows: What the rows are: ``dataset`` (the hash of its description), ``episode``, ``atol``.
        places: (n,) places among the rows of the data set.
        labels: (n, dt, dt + da) index into ``ZERO_LABELS``, or ``UNKNOWN``.
        provenance: Settings, seeds and versions that made it.
    """

    rows: Mapping[str, Any]
    places: NDArray[np.int64]
    labels: NDArray[np.uint8]
    provenance: Mapping[str, Any]

    def __post_init__(self) -> None:
        """Check that labels are labels, of these rows.

        Raises:
            ArrayError: They are not; says what does not fit.
        """
        if self.labels.ndim != 3 or self.places.shape != self.labels.shape[:1]:
            raise ArrayError(f"expected labels of {self.places.shape} rows, got an array of {self.labels.shape}")
        known = (self.labels < len(ZERO_LABELS)) | (self.labels == UNKNOWN)
        if not known.all():
            raise ArrayError(f"expected labels below {len(ZERO_LABELS)} or {UNKNOWN}, got {self.labels.max()}")

    def fits(self, rows: Mapping[str, Any], places: NDArray[np.int64], zero: NDArray[np.bool_]) -> bool:
        """Whether these are the causes of just these rows, as far as they reach, and of their zeros.

        Args:
            rows: What the rows are.
            places: (m,) places among the rows of the data set.
            zero: (m, dt, dt + da) which elements are zero.
        """
        n = min(len(self.places), len(places))
        if dict(rows) != dict(self.rows) or not np.array_equal(self.places[:n], places[:n]) or not n:
            return False
        told = self.labels[:n]
        if told.shape != zero[:n].shape:
            return False
        known = told != UNKNOWN
        return bool((((told > 0) == zero[:n]) | ~known).all())

    def save(self, folder: str | os.PathLike[str], stem: str) -> None:
        """Write ``<stem>.json`` and ``<stem>.npz``.

        Args:
            folder: An existing folder.
            stem: Name of the files without suffix.

        Raises:
            OutputError: They can not be written there.
        """
        content = {"schema": files.SCHEMA, "labels": list(ZERO_LABELS), "rows": dict(self.rows)}
        content["provenance"] = dict(self.provenance)
        files.write(folder, content, {"places": self.places, "labels": self.labels}, stem)

    @classmethod
    def load(cls, folder: str | os.PathLike[str], stem: str) -> RowCauses:
        """Read what ``save`` wrote.

        Args:
            folder: Folder that holds both files.
            stem: Their name without suffix.

        Returns:
            An equal record.

        Raises:
            InputError: A file is missing, broken, altered, of another schema, or the two do not belong together.
        """
        found, arrays = files.read(folder, stem)
        with files.typed_errors(folder, stem):
            if found["labels"] != list(ZERO_LABELS):
                raise InputError(f"{stem}.json in {folder} has other labels than {', '.join(ZERO_LABELS)}; remove it")
            return cls(found["rows"], arrays["places"], arrays["labels"], found["provenance"])


def holds_row_causes(folder: str | os.PathLike[str], stem: str) -> bool:
    """Whether a folder holds such a record, sound or not."""
    return files.holds_analysis(folder, stem)
