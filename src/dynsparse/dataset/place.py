"""Place: what a folder on disk is, and the description of the data set in it."""

from __future__ import annotations

import errno
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dynsparse.dataset.chunks import FORMAT, GROUP, SCHEMA
from dynsparse.dataset.description import DatasetDescription
from dynsparse.dataset.files import PARTIAL
from dynsparse.dataset.lock import LOCK_NAME
from dynsparse.errors import DatasetError, DynsparseError, OutputError, SettingError

__all__ = ["holds_dataset", "is_empty", "output_errors", "read_description", "read_file"]


def read_file(folder: Path, path: str) -> bytes:
    """Return the content of one of a data set's files.

    Args:
        folder: The data set.
        path: The file, relative to it.

    Raises:
        DatasetError: If it is missing or can not be read.
    """
    try:
        return (folder / path).read_bytes()
    except OSError as error:
        raise DatasetError(
            f"expected {folder} to hold {path}, can not read it: {error.strerror or error}; run dynsparse verify"
        ) from error


def is_empty(folder: Path) -> bool:
    """Whether nothing is there, or no more than a collection leaves that was stopped before it began.

    Args:
        folder: A path; it may be missing.

    Raises:
        OSError: If the folder can not be read.
    """
    if not folder.exists():
        return True
    return folder.is_dir() and {entry.name for entry in folder.iterdir()} <= {LOCK_NAME, PARTIAL + GROUP}


def holds_dataset(folder: Path) -> bool:
    """Whether the folder says that it is a data set of dynsparse, of whatever schema.

    Args:
        folder: A path; it may be missing.
    """
    try:
        return _attributes((folder / GROUP).read_bytes()).get("format") == FORMAT
    except (OSError, ValueError):
        return False


def read_description(folder: Path) -> tuple[DatasetDescription, bytes]:
    """Read what a data set holds from its group's attributes.

    Args:
        folder: The data set.

    Returns:
        The description, and the content of the file that it was read from.

    Raises:
        DatasetError: If it is not a data set, of another schema, or its description is damaged.
    """
    if not folder.is_dir():
        what = "a file" if folder.exists() else "nothing"
        raise DatasetError(
            f"expected the folder of a data set, got {what} at {folder}; make one with dynsparse collect"
        )
    if not (folder / GROUP).exists():
        raise DatasetError(f"expected a data set, {folder} holds no {GROUP}; make one with dynsparse collect")
    data = read_file(folder, GROUP)
    try:
        attributes = _attributes(data)
    except ValueError as error:
        raise DatasetError(f"expected {folder / GROUP} to be JSON, can not read it: {error}") from error
    if attributes.get("format") != FORMAT:
        raise DatasetError(f"expected a data set of dynsparse, {folder} is another Zarr group; name another folder")
    schema = attributes.get("schema")
    if schema != SCHEMA or isinstance(schema, bool):
        raise DatasetError(
            f"expected a data set of schema {SCHEMA}, {folder} has {schema!r}; read it with the version that wrote it"
        )
    try:
        values = {key: value for key, value in attributes.items() if key not in ("format", "schema")}
        return DatasetDescription.from_dict(values), data
    except (SettingError, RecursionError) as error:
        raise DatasetError(f"the description in {folder / GROUP} is damaged: {error}") from error


@contextmanager
def output_errors(folder: Path) -> Iterator[None]:
    """Turn what a disk says while a data set is written into what the user can do about it.

    Args:
        folder: The data set.

    Raises:
        OutputError: In place of any ``OSError``.
    """
    try:
        yield
    except DynsparseError:
        raise
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise OutputError(
            f"expected to write {folder}, got: {error.strerror or error}; {'make room' if full else 'see to that'}, "
            "then run the same command with --resume"
        ) from error


def _attributes(data: bytes) -> Mapping[str, Any]:
    """Return a group's attributes; ``ValueError`` where the content is no group."""
    try:
        content = json.loads(data)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    attributes = content.get("attributes") if isinstance(content, dict) else None
    if not isinstance(attributes, dict):
        raise ValueError("no attributes")
    return attributes
