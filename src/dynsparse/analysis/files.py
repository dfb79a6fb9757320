"""Analysis files: ``analysis.json`` and ``analysis.npz`` beside it, each useless without the other."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from dynsparse.errors import InputError, OutputError

__all__ = ["SCHEMA", "hash_arrays", "read", "write"]

SCHEMA = 1

JSON_NAME = "analysis.json"
NPZ_NAME = "analysis.npz"

_Report = TypeVar("_Report")
_Part = TypeVar("_Part")

# What reading damaged files was seen to raise: no file, no JSON or UTF-8, a key or type that is not there, a torn
# archive (zipfile also says NotImplementedError of a flipped version number, and RuntimeError of a flipped flag).
_BROKEN = (
    OSError,
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    AttributeError,
    EOFError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    SyntaxError,
    zipfile.BadZipFile,
    zlib.error,
)


def hash_arrays(arrays: Mapping[str, NDArray[Any]]) -> str:
    """Name arrays by their content: names, types, shapes and bytes.

    Args:
        arrays: Arrays of numbers by name.

    Returns:
        The SHA-256, 64 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        array = array.astype(array.dtype.newbyteorder("<"), copy=False)
        digest.update(json.dumps([name, array.dtype.str, list(array.shape)]).encode("ascii"))
        digest.update(array.tobytes())
    return digest.hexdigest()


def write(folder: str | os.PathLike[str], content: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write both files.

    Args:
        folder: An existing folder.
        content: What ``analysis.json`` is to hold.
        arrays: What ``analysis.npz`` is to hold.

    Raises:
        OutputError: If they can not be written there.
    """
    text = json.dumps(content, indent=1, allow_nan=False) + "\n"
    try:
        with (Path(folder) / NPZ_NAME).open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)
        (Path(folder) / JSON_NAME).write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError(
            f"expected to write {JSON_NAME} and {NPZ_NAME} in {folder}, got: {error.strerror or error}; "
            "choose another folder, or make room"
        ) from error


def read(
    folder: str | os.PathLike[str],
    build: Callable[[Mapping[str, Any], Mapping[str, NDArray[Any]]], _Report],
    describe: Callable[[_Report], Mapping[str, Any]],
) -> _Report:
    """Read both files, and prove that they belong together.

    Args:
        folder: Folder that holds them.
        build: Makes the report from the content of both.
        describe: Says what ``analysis.json`` must hold for a report.  Everything that the arrays decide is computed
            from them again, so that an altered number is found.

    Returns:
        The report.

    Raises:
        InputError: If a file is missing, broken, of another schema, or the two do not belong together.
    """
    found = _attempt(folder, lambda: _read_json(Path(folder) / JSON_NAME))
    if found.get("schema") != SCHEMA:
        raise InputError(
            f"expected an analysis of schema {SCHEMA} in {folder}, got schema {found.get('schema')!r}; make it again"
        )
    arrays = _attempt(folder, lambda: _read_arrays(Path(folder) / NPZ_NAME))
    if hash_arrays(arrays) != found.get("arrays_sha256"):
        raise InputError(f"{JSON_NAME} and {NPZ_NAME} in {folder} do not belong together; make them again")
    report = _attempt(folder, lambda: build(found, arrays))
    expected = _attempt(folder, lambda: describe(report))
    different = sorted(key for key in {*found, *expected} if found.get(key) != expected.get(key))
    if different:
        raise InputError(
            f"{JSON_NAME} and {NPZ_NAME} in {folder} do not belong together: {', '.join(different)} "
            "is not what the arrays say; make them again"
        )
    return report


def _read_json(path: Path) -> Mapping[str, Any]:
    found = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(found, dict):
        raise TypeError(f"an object was expected, not {type(found).__name__}")
    return found


def _read_arrays(path: Path) -> Mapping[str, NDArray[Any]]:
    with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
        return {name: np.asarray(file[name]) for name in file.files}


def _attempt(folder: str | os.PathLike[str], read_part: Callable[[], _Part]) -> _Part:
    """Run one part of reading; whatever a file that was not written by us can cause becomes one typed error."""
    try:
        return read_part()
    except _BROKEN as error:
        raise InputError(
            f"expected {JSON_NAME} and {NPZ_NAME} in {folder}, can not read them ({error!r}); make them again"
        ) from error
