"""Writer: commits blocks, one after the other and in any order, so that a stop at any moment loses none."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dynsparse.dataset.chunks import Chunks, Codec, chunk_path, encode_metadata
from dynsparse.dataset.description import DatasetDescription
from dynsparse.dataset.files import Files
from dynsparse.dataset.leftovers import leftovers
from dynsparse.dataset.lock import Lock
from dynsparse.dataset.place import holds_dataset, output_errors, read_description, read_file
from dynsparse.dataset.record import BLOCKS, BlockRecord, file_hash, record_numbers, record_path
from dynsparse.dataset.rows import array_problems, row_problems
from dynsparse.errors import ArrayError, DatasetError, OutputExistsError

__all__ = ["DatasetWriter"]


class DatasetWriter:
    """One process's hold on a data set that is being written; close it, or use it in a ``with`` statement.

    Attributes:
        path: The folder.
        description: What it is to hold.
    """

    def __init__(self, path: Path, description: DatasetDescription, codec: Codec, files: Files, lock: Lock) -> None:
        """Bring the folder into the state in which its next block can be written; ``create_dataset`` calls this."""
        self.path = path
        self.description = description
        self._files = files
        self._lock = lock
        self._closed = False
        self._metadata = encode_metadata(description, codec)
        self._hashes = {name: file_hash(data) for name, data in self._metadata.items()}
        self._chunks = Chunks(description, self._metadata)
        if holds_dataset(path):
            _refuse_other_description(path, description)
        records = self._read_records()
        self._committed = set(records)
        # Nothing was touched so far: what is refused above stays as it is.
        self._write_metadata()
        for left in list(leftovers(path, description.fields(), records)):
            files.remove_tree(left)

    @property
    def missing(self) -> tuple[int, ...]:
        """Numbers of the blocks that are not committed, in order."""
        return tuple(number for number in range(self.description.blocks) if number not in self._committed)

    def commit(self, block: int, arrays: Mapping[str, ArrayLike]) -> None:
        """Store a block, whole or not at all.

        Args:
            block: Its number, one of ``missing``.
            arrays: Every field: name to (rows of the block, ...).  Floats may come as float64 and are rounded to the
                stored type; ``finite`` must be true of what is stored.

        Raises:
            ArrayError: If a field is missing or unknown, of the wrong shape or type, or a row breaks a rule.
            SettingError: If there is no such block.
            DatasetError: If it is committed already, or the writer is closed.
            OutputError: If it can not be written; the block is then not committed, and all others still are.
        """
        rows = self.description.block_rows(block)
        if self._closed:
            raise DatasetError(f"the writer of {self.path} is closed; open it again with resume")
        if block in self._committed:
            raise DatasetError(f"block {block} of {self.path} is committed already; commit those of .missing")
        stored = _stored(self.description, block, arrays)
        hashes = {}
        with output_errors(self.path):
            for name, spec in self.description.fields().items():
                if not spec.is_empty:
                    relative = chunk_path(spec, block)
                    data = self._chunks.encode(name, block, rows, stored[name])
                    self._write_chunk(relative, data)
                    hashes[relative] = file_hash(data)
            record = BlockRecord.expected(self.description, block, hashes, self._hashes)
            self._files.write_whole(self.path / record_path(block), record.to_bytes())
        self._committed.add(block)

    def close(self) -> None:
        """Let the folder go; a second time does nothing."""
        self._closed = True
        with output_errors(self.path):
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read_records(self) -> tuple[int, ...]:
        """Return the committed blocks, all of whose records are sound and of these metadata."""
        numbers = record_numbers(self.path)
        for number in numbers:
            name = record_path(number)
            record = BlockRecord.from_bytes(read_file(self.path, name), name)
            record.check_place(self.description, number)
            if record.metadata != self._hashes:
                raise DatasetError(
                    f"expected block {number} of {self.path} to be committed under the metadata that this version "
                    "writes, got others: another codec or another version of zarr; go on with those, or start anew"
                )
        return numbers

    def _write_metadata(self) -> None:
        """Write the metadata files that are missing, the group's first: it says whose folder this is."""
        for relative, data in self._metadata.items():
            target = self.path / relative
            if target.parent != self.path:
                self._files.make_folder(target.parent)
                self._files.make_folder(target.parent / "c")
            if not target.exists():
                self._files.write_whole(target, data)
                continue
            if target.read_bytes() != data:
                raise DatasetError(
                    f"expected {target} as this version writes it, got another content: altered, another codec "
                    "or another version of zarr; run dynsparse verify, or start anew"
                )
            # Whoever wrote it may have been stopped before it was sure to stay.
            self._files.fsync(target)
            self._files.fsync_folder(target.parent)
        self._files.make_folder(self.path / BLOCKS)
        self._files.fsync_folder(self.path / BLOCKS)
        self._files.fsync_folder(self.path)

    def _write_chunk(self, relative: str, data: bytes) -> None:
        """Write a chunk file in its place, and put it and the folders that lead to it on the disk."""
        target = self.path / relative
        folders = [folder for folder in target.relative_to(self.path).parents if len(folder.parts) >= 2]
        for folder in reversed(folders[:-1]):
            self._files.make_folder(self.path / folder)
        self._files.write(target, data)
        self._files.fsync(target)
        for folder in folders:
            self._files.fsync_folder(self.path / folder)


def _stored(description: DatasetDescription, block: int, arrays: Mapping[str, ArrayLike]) -> dict[str, NDArray[Any]]:
    """Return a block's arrays in the stored types, after every check."""
    fields = description.fields()
    odd = [f"{name} is missing" for name in fields if name not in arrays]
    odd += [f"{name} is unknown" for name in arrays if name not in fields]
    if odd:
        raise ArrayError(f"block {block} must hold the fields {', '.join(fields)}: {', '.join(odd)}; see .fields()")
    stored = {name: np.asarray(arrays[name]) for name in fields}
    with np.errstate(over="ignore"):  # becomes infinite, which finite must say
        stored = {
            name: a.astype(fields[name].dtype, copy=False) if fields[name].is_float and a.dtype == np.float64 else a
            for name, a in stored.items()
        }
    place = description.block_rows(block)
    problems = array_problems(fields, place.stop - place.start, stored) or row_problems(description, block, stored)
    if problems:
        raise ArrayError(f"block {block}: {'; '.join(problems)}; nothing of it was written")
    return stored


def _refuse_other_description(folder: Path, description: DatasetDescription) -> None:
    found, _ = read_description(folder)
    differing = found.differences(description)
    if differing:
        raise OutputExistsError(
            f"{folder} holds another data set: {'; '.join(differing)}; repeat the command that began it, "
            "pass --overwrite, or choose another --out"
        )
