"""Reader: the committed rows of a data set, each file checked against its hash before it is believed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dynsparse.config import nearest_names
from dynsparse.dataset.chunks import GROUP, Chunks, chunk_path, metadata_paths
from dynsparse.dataset.description import DatasetDescription
from dynsparse.dataset.place import read_description, read_file
from dynsparse.dataset.record import BlockRecord, file_hash, record_numbers, record_path
from dynsparse.errors import DatasetError, SettingError
from dynsparse.physics.state_space import StateSpace

__all__ = ["Block", "Dataset", "open_dataset", "read_chunk"]


@dataclass(frozen=True)
class Block:
    """A whole number of episodes.

    Attributes:
        number: Number of the block.
        rows: Its place among all rows of the data set, uncommitted ones counted.
        arrays: Name to (rows of the block, ...).
    """

    number: int
    rows: slice
    arrays: Mapping[str, NDArray[Any]]

    def __getitem__(self, name: str) -> NDArray[Any]:
        """Return a field's rows, (rows of the block, ...)."""
        if name not in self.arrays:
            raise SettingError(f"this block was read without {name!r}{nearest_names(name, tuple(self.arrays))}")
        return self.arrays[name]


class Dataset:
    """The committed rows of a data set, as it was when it was opened.

    Attributes:
        path: The folder.
        description: What it holds.
    """

    def __init__(
        self, path: Path, description: DatasetDescription, records: Sequence[BlockRecord], chunks: Chunks
    ) -> None:
        """Stand for a data set; ``open_dataset`` checks what it passes here."""
        self.path = path
        self.description = description
        self._records = tuple(records)
        self._chunks = chunks

    @property
    def environment(self) -> str:
        """Name of the environment."""
        return self.description.environment

    @property
    def space(self) -> StateSpace:
        """What a small change of a state is: the coordinates of ``jac_state`` and ``jac_action``."""
        return self.description.space

    @property
    def rows(self) -> int:
        """Number of committed rows."""
        return sum(record.rows[1] - record.rows[0] for record in self._records)

    @property
    def episodes(self) -> int:
        """Number of committed episodes."""
        return sum(record.episodes[1] - record.episodes[0] for record in self._records)

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the fields."""
        return tuple(self.description.fields())

    def blocks(self, names: Sequence[str] | None = None) -> Iterator[Block]:
        """Read one committed block after the other.

        Args:
            names: The fields to read; all of them where none are named.

        Returns:
            Blocks in the order of their rows; one at a time is in memory.

        Raises:
            DatasetError: If a file is missing, altered or can not be decoded; names it.
            SettingError: If a field is unknown.
        """
        chosen = self._chosen(names)
        return (self._read(record, chosen) for record in self._records)

    def load(self, names: Sequence[str] | None = None) -> dict[str, NDArray[Any]]:
        """Read all committed rows.

        Args:
            names: The fields to read; all of them where none are named.

        Returns:
            Name to (rows, ...), in the order of the rows.

        Raises:
            DatasetError: If a file is missing, altered or can not be decoded; names it.
            SettingError: If a field is unknown.
        """
        chosen, specs = self._chosen(names), self.description.fields()
        loaded = {name: np.empty((self.rows, *specs[name].shape), specs[name].dtype) for name in chosen}
        start = 0
        for block in self.blocks(chosen):
            stop = start + block.rows.stop - block.rows.start
            for name in chosen:
                loaded[name][start:stop] = block.arrays[name]
            start = stop
        return loaded

    def take(self, indices: ArrayLike, names: Sequence[str] | None = None) -> dict[str, NDArray[Any]]:
        """Read some of the committed rows; only the blocks that hold them are read.

        Args:
            indices: (k,) places among the committed rows, from 0, in increasing order.
            names: The fields to read; all of them where none are named.

        Returns:
            Name to (k, ...).

        Raises:
            DatasetError: If a file is missing, altered or can not be decoded; names it.
            SettingError: If a field is unknown, or an index is out of range or not in order.
        """
        chosen, specs = self._chosen(names), self.description.fields()
        wanted = np.asarray(indices, dtype=np.int64)
        known = wanted.ndim == 1 and bool(((wanted >= 0) & (wanted < self.rows)).all())
        if not known or not (np.diff(wanted) > 0).all():
            raise SettingError(f"indices must increase from 0 to at most {self.rows - 1}, got {wanted}; sort them")
        taken = {name: np.empty((len(wanted), *specs[name].shape), specs[name].dtype) for name in chosen}
        first = 0
        for record in self._records:
            count = record.rows[1] - record.rows[0]
            inside = (wanted >= first) & (wanted < first + count)
            if inside.any():
                block = self._read(record, chosen)
                for name in chosen:
                    taken[name][inside] = block.arrays[name][wanted[inside] - first]
            first += count
        return taken

    def __repr__(self) -> str:
        rows = self.description.rows
        told = f"{self.rows} of {rows} row{'' if rows == 1 else 's'} committed"
        return f"<data set {self.path}: {self.environment}, {told}>"

    def _chosen(self, names: Sequence[str] | None) -> tuple[str, ...]:
        chosen = self.fields if names is None else (names,) if isinstance(names, str) else tuple(names)
        for name in chosen:
            if name not in self.fields:
                raise SettingError(f"{self.path} has no field {name!r}{nearest_names(str(name), self.fields)}")
        return chosen

    def _read(self, record: BlockRecord, names: Sequence[str]) -> Block:
        rows = slice(*record.rows)
        return Block(record.block, rows, {n: read_chunk(self.path, self._chunks, record, n) for n in names})


def open_dataset(path: str | os.PathLike[str]) -> Dataset:
    """Open a data set to read it; only committed rows are visible.

    Args:
        path: The folder.

    Returns:
        The data set, as it is now: blocks that are committed later are not part of it.

    Raises:
        DatasetError: If it is no data set, of another schema, its metadata or a record are missing or altered, or no
            row is committed.
    """
    folder = Path(path)
    description, group = read_description(folder)
    try:
        numbers = record_numbers(folder)
    except OSError as error:
        raise DatasetError(f"expected to read {folder}, got: {error.strerror or error}") from error
    if not numbers:
        raise DatasetError(f"{folder} holds no committed rows; go on with its collection by dynsparse collect --resume")
    metadata = {p: group if p == GROUP else read_file(folder, p) for p in metadata_paths(description)}
    hashes = {name: file_hash(data) for name, data in metadata.items()}
    records = []
    for number in numbers:
        name = record_path(number)
        record = BlockRecord.from_bytes(read_file(folder, name), name)
        record.check_place(description, number)
        altered = [file for file, digest in hashes.items() if record.metadata[file] != digest]
        if altered:
            raise DatasetError(
                f"{folder / altered[0]} is altered: it is not what block {number} was committed under; "
                "run dynsparse verify"
            )
        records.append(record)
    return Dataset(folder, description, records, Chunks(description, metadata))


def read_chunk(folder: Path, chunks: Chunks, record: BlockRecord, name: str) -> NDArray[Any]:
    """Read a field's rows of one block.

    Args:
        folder: The data set.
        chunks: Its fields.
        record: The block's record.
        name: The field.

    Returns:
        (rows of the block, ...).

    Raises:
        DatasetError: If the file is missing, not the one that was committed, or can not be decoded.
    """
    spec = chunks.spec(name)
    rows, data = slice(*record.rows), b""
    if not spec.is_empty:
        path = chunk_path(spec, record.block)
        data = read_file(folder, path)
        if file_hash(data) != record.files[path]:
            raise DatasetError(
                f"{folder / path} is altered: its SHA-256 is not that in {record_path(record.block)}; "
                "run dynsparse verify"
            )
    return chunks.decode(name, record.block, rows, data)
