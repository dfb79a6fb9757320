"""Verify: everything about a data set that can be checked without computing a row again."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from dynsparse.dataset.chunks import GROUP, Chunks, metadata_paths
from dynsparse.dataset.description import DatasetDescription
from dynsparse.dataset.lock import LOCK_NAME
from dynsparse.dataset.place import holds_dataset, read_description, read_file
from dynsparse.dataset.reader import read_chunk
from dynsparse.dataset.record import BlockRecord, file_hash, record_numbers, record_path
from dynsparse.dataset.rows import array_problems, row_problems
from dynsparse.errors import DatasetError

__all__ = ["VerifyReport", "verify_dataset"]


@dataclass(frozen=True)
class VerifyReport:
    """What was found.

    Attributes:
        blocks: Blocks that have a record.
        rows: Rows of the blocks in which nothing is wrong.
        episodes: Episodes of the same blocks.
        problems: Everything that is wrong, a sentence each.
        uncommitted: Blocks that have no record yet (or no more).
        stray: Files that no record and no metadata account for, such as those of a block that was being written.
    """

    blocks: int
    rows: int
    episodes: int
    problems: tuple[str, ...]
    uncommitted: int
    stray: int

    @property
    def ok(self) -> bool:
        """Whether every row that was asked for is there and nothing is wrong.

        A block without a record is no damage by itself, but nobody can tell a record that was removed from one that
        was never written.
        """
        return not self.problems and not self.uncommitted

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON values, ``ok`` among them."""
        counts = {"blocks": self.blocks, "rows": self.rows, "episodes": self.episodes}
        return {"ok": self.ok, **counts, "uncommitted": self.uncommitted, "stray": self.stray} | {
            "problems": list(self.problems)
        }


def verify_dataset(
    path: str | os.PathLike[str], on_block: Callable[[int, int], None] = lambda done, of: None
) -> VerifyReport:
    """Check hashes, metadata, shapes, types and the rules that rows obey; find all that is wrong.

    Args:
        path: The folder of the data set; nothing in it is written.
        on_block: Told how many blocks are checked, and of how many.

    Returns:
        The report; a damaged file is a problem in it and no exception.

    Raises:
        DatasetError: If it is no data set at all: neither a group that says so nor a record of a block.
    """
    folder = Path(path)
    numbers = _numbers(folder)
    if not holds_dataset(folder) and not numbers:
        read_description(folder)
        raise DatasetError(f"expected a data set of dynsparse, got {folder}; name another folder")
    inspection = _Inspection(folder)
    inspection.look_at_group()
    for done, number in enumerate(numbers):
        inspection.look_at_block(number)
        on_block(done + 1, len(numbers))
    return inspection.report(len(numbers))


class _Inspection:
    """One walk through a data set; every step adds to ``problems`` what it finds, and goes on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.problems: list[str] = []
        self.rows = 0
        self.episodes = 0
        self.accounted: set[str] = {LOCK_NAME, GROUP}
        self.description: DatasetDescription | None = None
        self.metadata: dict[str, bytes] = {}
        self.altered: set[str] = set()
        self._chunks: Chunks | None = None

    def look_at_group(self) -> None:
        """Read the description and the metadata of every field."""
        try:
            self.description, self.metadata[GROUP] = read_description(self.folder)
        except DatasetError as error:
            self._find(str(error))
            return
        for path in metadata_paths(self.description)[1:]:
            self.accounted.add(path)
            with self._finding():
                self.metadata[path] = read_file(self.folder, path)

    def look_at_block(self, number: int) -> None:
        """Check a block's record, its files and its rows."""
        before = len(self.problems)
        name = record_path(number)
        self.accounted.add(name)
        try:
            record = BlockRecord.from_bytes(read_file(self.folder, name), name)
            self.accounted |= set(record.files)
            if self.description is not None:
                record.check_place(self.description, number)
        except DatasetError as error:
            self._find(str(error))
            return
        self._look_at_metadata(record)
        if self.description is None or GROUP in self.altered:
            self._look_at_hashes(record)
        else:
            self._look_at_rows(self.description, record)
        if len(self.problems) == before and self.description is not None:
            self.rows += record.rows[1] - record.rows[0]
            self.episodes += record.episodes[1] - record.episodes[0]

    def report(self, blocks: int) -> VerifyReport:
        """Return what was found, together with what no record accounts for."""
        expected = blocks if self.description is None else self.description.blocks
        stray = set(_files(self.folder)) - self.accounted
        problems = tuple(dict.fromkeys(self.problems))
        return VerifyReport(blocks, self.rows, self.episodes, problems, max(expected - blocks, 0), len(stray))

    def _look_at_metadata(self, record: BlockRecord) -> None:
        for path, data in self.metadata.items():
            if path not in self.altered and record.metadata.get(path) != file_hash(data):
                self.altered.add(path)
                self._find(f"{path} is altered: it is not what {record_path(record.block)} was committed under")

    def _look_at_hashes(self, record: BlockRecord) -> None:
        """Check files of which nobody can tell what they hold."""
        for path, digest in record.files.items():
            with self._finding():
                if file_hash(read_file(self.folder, path)) != digest:
                    raise DatasetError(f"{path} is altered: its SHA-256 is not that in {record_path(record.block)}")

    def _look_at_rows(self, description: DatasetDescription, record: BlockRecord) -> None:
        readable = {path: data for path, data in self.metadata.items() if path not in self.altered}
        chunks = self._open(description, readable)
        if chunks is None:
            self._look_at_hashes(record)
            return
        arrays: dict[str, NDArray[Any]] = {}
        for name in description.fields():
            if f"{name}/{GROUP}" in readable:
                with self._finding():
                    arrays[name] = read_chunk(self.folder, chunks, record, name)
        self._look_at_hashes_of_others(record, readable)
        wrong = array_problems(description.fields(), record.rows[1] - record.rows[0], arrays)
        wrong = wrong or row_problems(description, record.block, arrays)
        for problem in wrong:
            self._find(f"block {record.block}: {problem}")

    def _look_at_hashes_of_others(self, record: BlockRecord, readable: Mapping[str, bytes]) -> None:
        """Check the files of the fields whose metadata are damaged."""
        others = {p: digest for p, digest in record.files.items() if f"{p.split('/')[0]}/{GROUP}" not in readable}
        if others:
            self._look_at_hashes(BlockRecord(record.block, record.rows, record.episodes, others, record.metadata))

    def _open(self, description: DatasetDescription, readable: Mapping[str, bytes]) -> Chunks | None:
        try:
            return Chunks(description, readable)
        except DatasetError as error:
            self._find(str(error))
            return None

    @contextmanager
    def _finding(self) -> Iterator[None]:
        try:
            yield
        except DatasetError as error:
            self._find(str(error))

    def _find(self, problem: str) -> None:
        self.problems.append(problem)


def _numbers(folder: Path) -> tuple[int, ...]:
    try:
        return record_numbers(folder)
    except OSError as error:
        raise DatasetError(f"expected a data set that can be read, got {folder}: {error.strerror or error}") from error


def _files(folder: Path) -> list[str]:
    """Return every file below a folder, relative to it."""
    return [path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()]
