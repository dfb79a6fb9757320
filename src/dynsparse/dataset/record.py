"""Block record: the small file whose appearance commits a block, with the hash of every file it rests on."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dynsparse.dataset.chunks import SCHEMA, chunk_path, metadata_paths
from dynsparse.dataset.description import DatasetDescription
from dynsparse.dataset.files import PARTIAL
from dynsparse.errors import DatasetError, SettingError
from dynsparse.provenance import content_hash

__all__ = ["BLOCKS", "BlockRecord", "file_hash", "odd_entries", "record_numbers", "record_path"]

BLOCKS = "blocks"
# As record_path writes it, and nothing else: 0000001.json would be a second record of block 1.
_NAME = re.compile(r"([0-9]{6}|[1-9][0-9]{6,})\.json")


def file_hash(data: bytes) -> str:
    """Return the SHA-256 of a file's content, 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def record_path(block: int) -> str:
    """Return the path of a block's record, relative to the data set."""
    return f"{BLOCKS}/{block:06d}.json"


def record_numbers(folder: Path) -> tuple[int, ...]:
    """Return the numbers of the blocks that have a record, in order.

    Args:
        folder: The data set.
    """
    numbers = (_record_number(entry) for entry in _entries(folder))
    return tuple(sorted(number for number in numbers if number is not None))


def odd_entries(folder: Path) -> tuple[str, ...]:
    """Return the names of all in the records' folder that is neither a record nor a file that is not whole yet.

    Args:
        folder: The data set.
    """
    names = (entry.name for entry in _entries(folder) if _record_number(entry) is None)
    return tuple(sorted(name for name in names if not name.startswith(PARTIAL)))


def _entries(folder: Path) -> list[Path]:
    blocks = folder / BLOCKS
    return list(blocks.iterdir()) if blocks.is_dir() else []


def _record_number(entry: Path) -> int | None:
    match = _NAME.fullmatch(entry.name)
    return int(match[1]) if match and entry.is_file() else None


@dataclass(frozen=True)
class BlockRecord:
    """What was committed as one block.

    Attributes:
        block: Its number.
        rows: First row and the one after the last.
        episodes: First episode and the one after the last.
        files: Path of each of its files, relative to the data set, to its SHA-256.
        metadata: The same for the metadata files that it was written under.
    """

    block: int
    rows: tuple[int, int]
    episodes: tuple[int, int]
    files: Mapping[str, str]
    metadata: Mapping[str, str]

    @classmethod
    def expected(
        cls, description: DatasetDescription, block: int, files: Mapping[str, str], metadata: Mapping[str, str]
    ) -> BlockRecord:
        """Return the record that a block of this data set has.

        Args:
            description: What the data set holds.
            block: Number of the block.
            files: Hash of each of its files.
            metadata: Hash of each metadata file.
        """
        rows, episodes = description.block_rows(block), description.block_episodes(block)
        return cls(block, (rows.start, rows.stop), (episodes.start, episodes.stop), files, metadata)

    def to_bytes(self) -> bytes:
        """Return the content of the record's file; it ends with the hash of itself."""
        content = {"schema": SCHEMA, **asdict(self), "files": dict(self.files), "metadata": dict(self.metadata)}
        content |= {"rows": list(self.rows), "episodes": list(self.episodes)}
        return (json.dumps({**content, "sha256": content_hash(content)}, indent=1) + "\n").encode("ascii")

    @classmethod
    def from_bytes(cls, data: bytes, name: str) -> BlockRecord:
        """Read a record, and accept nothing but what ``to_bytes`` writes.

        Args:
            data: Content of the file.
            name: Its path, for the message.

        Raises:
            DatasetError: If it is damaged, or of another schema.
        """
        advice = "run dynsparse verify; a block whose record is removed is made again by --resume"
        try:
            content: Mapping[str, Any] = json.loads(data)
            schema = content["schema"]
            record = cls(
                content["block"],
                tuple(content["rows"]),
                tuple(content["episodes"]),
                dict(content["files"]),
                dict(content["metadata"]),
            )
            written = record.to_bytes()
        except (ValueError, KeyError, TypeError, SettingError, RecursionError) as error:
            raise DatasetError(
                f"expected {name} to be the record of a block, can not read it: {error}; {advice}"
            ) from error
        if written != data:
            what = f"schema {schema}, this version reads {SCHEMA}" if schema != SCHEMA else "not what was committed"
            raise DatasetError(f"{name} is altered: {what}; {advice}")
        return record

    def check_place(self, description: DatasetDescription, number: int) -> None:
        """Refuse a record that is not that of this block of this data set.

        Args:
            description: What the data set holds.
            number: The number that the file is named by.

        Raises:
            DatasetError: If number, ranges or names of files do not fit.
        """
        name = record_path(number)
        if number >= description.blocks:
            known = "block 0 alone" if description.blocks == 1 else f"blocks 0 to {description.blocks - 1}"
            raise DatasetError(f"expected {known}, got {name}; run dynsparse verify")
        if self.block != number:
            raise DatasetError(f"expected {name} to be the record of block {number}, got that of block {self.block}")
        files = {chunk_path(spec, number): "" for spec in description.fields().values() if not spec.is_empty}
        expected = BlockRecord.expected(description, number, files, dict.fromkeys(metadata_paths(description), ""))
        for key in ("rows", "episodes"):
            if getattr(self, key) != getattr(expected, key):
                raise DatasetError(
                    f"expected {name} to hold {key} {getattr(expected, key)}, got {getattr(self, key)}; "
                    "it belongs to another data set"
                )
        for key in ("files", "metadata"):
            odd = sorted(set(getattr(self, key)) ^ set(getattr(expected, key)))
            if odd:
                raise DatasetError(f"expected {name} to list the {key} of every field, differs in {', '.join(odd[:3])}")
