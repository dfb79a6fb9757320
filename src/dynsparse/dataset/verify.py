"""Verify: everything about a data set that can be checked without computing a row again."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from dynsparse.dataset.chunks import GROUP, Chunks, chunk_path, metadata_paths
from dynsparse.dataset.description import DatasetDescription
from dynsparse.dataset.fields import FIELD_NAMES
from dynsparse.dataset.leftovers import leftovers
from dynsparse.dataset.lock import LOCK_NAME
from dynsparse.dataset.place import holds_dataset, read_description, read_file
from dynsparse.dataset.reader import read_chunk
from dynsparse.dataset.record import BLOCKS, BlockRecord, file_hash, odd_entries, record_numbers, record_path
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
        stray: Files that a stopped writer left, such as those of a block that was being written; the next one to
            resume removes them.
        foreign: Files that no writer of data sets made; whoever resumes keeps them.
    """

    blocks: int
    rows: int
    episodes: int
    problems: tuple[str, ...]
    uncommitted: int
    stray: int
    foreign: int

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
        counts |= {"uncommitted": self.uncommitted, "stray": self.stray, "foreign": self.foreign}
        return {"ok": self.ok, **counts, "problems": list(self.problems)}


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
    inspection.look_at_names()
    for done, number in enumerate(numbers):
        inspection.look_at_block(number)
        on_block(done + 1, len(numbers))
    return inspection.report(numbers)


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

    def look_at_names(self) -> None:
        """Find what the records' folder holds besides records; no reader sees it."""
        for name in odd_entries(self.folder):
            # A name may hold anything that a disk allows.
            self._find(f"expected nothing in {BLOCKS} but files such as {record_path(0)}, got {name!r}; move it away")

    def look_at_block(self, number: int) -> None:
        """Check a block's record, its files and its rows."""
        before = len(self.problems)
        name = record_path(number)
        self.accounted.add(name)
        if self.description is not None:
            specs = self.description.fields().values()
            self.accounted |= {chunk_path(spec, number) for spec in specs if not spec.is_empty}
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

    def report(self, numbers: tuple[int, ...]) -> VerifyReport:
        """Return what was found, together with what no record accounts for."""
        blocks = len(numbers)
        expected = blocks if self.description is None else self.description.blocks
        stray, foreign = self._unaccounted(numbers)
        problems = tuple(dict.fromkeys(self.problems))
        return VerifyReport(blocks, self.rows, self.episodes, problems, max(expected - blocks, 0), stray, foreign)

    def _unaccounted(self, numbers: tuple[int, ...]) -> tuple[int, int]:
        """Count the files that a stop left, and those that are not ours; one that is a problem is neither."""
        fields = FIELD_NAMES if self.description is None else tuple(self.description.fields())
        left: set[Path] = set()
        try:
            left.update(leftovers(self.folder, fields, numbers))
        except OSError as error:
            self._find(f"expected {self.folder} to be readable, got: {error.strerror or error}; see to that")
        stray = foreign = 0
        for name in set(_files(self.folder)) - self.accounted:
            path = self.folder / name
            if not left.isdisjoint((path, *path.parents)):
                stray += 1
            # Without a description nobody knows which names a field's files have.
            elif name.split("/")[0] not in (BLOCKS, *(FIELD_NAMES if self.description is None else ())):
                foreign += 1
        return stray, foreign

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
