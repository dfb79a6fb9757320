"""Stored record: what the records beside an analysis have in common, how two files hold each of them."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

from numpy.typing import NDArray

from dynsparse.analysis import files
from dynsparse.errors import OutputError

__all__ = ["StoredRecord"]


class StoredRecord(ABC):
    """A record that ``STEM.json`` and ``STEM.npz`` hold; a class of it says what is in either.

    Attributes:
        STEM: Name of the files without suffix.
    """

    STEM: ClassVar[str]

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Return what the JSON file holds, besides the hashes that ``save`` adds."""

    @abstractmethod
    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return what the npz file holds, by name."""

    @classmethod
    @abstractmethod
    def _from_parts(cls, found: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Make the record again of what the two files hold; whatever is raised of a broken file may be raised."""

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write ``STEM.json`` and ``STEM.npz``; until both are on the disk, those that are there stay.

        Args:
            folder: An existing folder.

        Raises:
            OutputError: If they can not be written there.
        """
        files.write(folder, self.to_dict(), self.to_arrays(), self.STEM)

    @classmethod
    def is_in(cls, folder: str | os.PathLike[str]) -> bool:
        """Whether a folder holds such a record, sound or not."""
        return files.holds_analysis(folder, cls.STEM)

    @classmethod
    def remove(cls, folder: str | os.PathLike[str]) -> None:
        """Remove such a record where there is one: it is of what was there before.

        Args:
            folder: A folder.

        Raises:
            OutputError: If it can not be removed.
        """
        for suffix in (".json", ".npz"):
            path = Path(folder) / f"{cls.STEM}{suffix}"
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise OutputError(f"expected to remove {path}, got: {error.strerror or error}; remove it") from error

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> Self:
        """Read what ``save`` wrote.

        Args:
            folder: Folder that holds ``STEM.json`` and ``STEM.npz``.

        Returns:
            An equal record.

        Raises:
            InputError: If a file is missing, broken, altered, of another schema, or the two do not belong together.
        """
        found, arrays = files.read(folder, cls.STEM)
        with files.typed_errors(folder, cls.STEM):
            record = cls._from_parts(found, arrays)
            expected = record.to_dict()
        files.refuse_contradictions(folder, found, expected)
        return record
