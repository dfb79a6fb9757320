"""Analysis files: ``analysis.json`` and ``analysis.npz`` beside it, each useless without the other.

So are the two files of any other record that is kept so: ``causes.json`` and ``causes.npz``.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import time
import tokenize
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from dynsparse.errors import InputError, OutputError
from dynsparse.provenance import content_hash

__all__ = ["SCHEMA", "hash_arrays", "holds_analysis", "read", "seal", "typed_errors", "write"]

SCHEMA = 1

STEM = "analysis"
_PARTIAL = ".partial-"
_LONGEST_SAVE_S = 3600.0

# What damaged files can raise: no file, no JSON or UTF-8, a key or type that is not there, a torn archive (zipfile also
# says NotImplementedError of a flipped version number, and RuntimeError of a flipped flag), or a torn header of an
# array in it (a shape beyond all memory, half a token).
_BROKEN = (
    OSError,
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    AttributeError,
    EOFError,
    MemoryError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    SyntaxError,
    tokenize.TokenError,
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


def holds_analysis(folder: str | os.PathLike[str], stem: str = STEM) -> bool:
    """Whether a folder holds an analysis, sound or not: ``analysis.json`` is there.

    The arrays alone are none: they are what a first save leaves that was killed before its end.

    Args:
        folder: A path; it may be missing.
        stem: Name of the files without suffix.
    """
    return os.path.lexists(Path(folder) / f"{stem}.json")


def write(
    folder: str | os.PathLike[str],
    content: Mapping[str, Any],
    arrays: Mapping[str, NDArray[Any]],
    stem: str = STEM,
) -> None:
    """Write both files, sealed: the JSON file holds a hash of the arrays and one of all the rest.

    Both are written aside and take their names when both are on the disk, so that what was there stays whole until
    then, and two writers do not mix.  No disk renames two files at once: a kill between the two renames leaves an
    analysis that ``read`` refuses by its hashes, and that the next save replaces.

    Args:
        folder: An existing folder.
        content: What ``analysis.json`` is to hold.
        arrays: What ``analysis.npz`` is to hold.
        stem: Name of the files without suffix.

    Raises:
        OutputError: If they can not be written there.
    """
    json_name, npz_name = f"{stem}.json", f"{stem}.npz"
    text = json.dumps(seal(content, arrays), indent=1, allow_nan=False) + "\n"
    # Names that no other writer has, on no other machine: two of one record each write a whole one.
    own = secrets.token_hex(8)
    aside = {name: Path(folder) / f"{_PARTIAL}{own}-{name}" for name in (npz_name, json_name)}
    try:
        _sweep(Path(folder), (npz_name, json_name))
        with aside[npz_name].open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)
            _flush(file)
        with aside[json_name].open("wb") as file:
            file.write(text.encode("utf-8"))
            _flush(file)
        for name, path in aside.items():
            os.replace(path, Path(folder) / name)
        _flush_folder(folder)
    except OSError as error:
        raise OutputError(
            f"expected to write {json_name} and {npz_name} in {folder}, got: {error.strerror or error}; "
            "choose another folder, or make room"
        ) from error
    finally:
        for path in aside.values():
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)


def _sweep(folder: Path, names: tuple[str, ...]) -> None:
    """Remove what saves that were killed left; what is young may be another writer's, who is at it."""
    for left in (path for name in names for path in folder.glob(f"{_PARTIAL}*{name}")):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > _LONGEST_SAVE_S:
                left.unlink()


def _flush(file: IO[bytes]) -> None:
    """Put a file's content on the disk."""
    file.flush()
    os.fsync(file.fileno())


def _flush_folder(folder: str | os.PathLike[str]) -> None:
    """Put a folder's entries on the disk: which files there are, under which names."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def seal(content: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    """Add the two hashes by which damage, and a file of another analysis, is found.

    Args:
        content: What ``analysis.json`` is to hold.
        arrays: What ``analysis.npz`` is to hold.

    Returns:
        The content with ``arrays_sha256``, and with ``content_sha256`` of all that stands before it.
    """
    content = {**content, "arrays_sha256": hash_arrays(arrays)}
    return {**content, "content_sha256": content_hash(content)}


def refuse_contradictions(
    folder: str | os.PathLike[str], found: Mapping[str, Any], computed: Mapping[str, Any]
) -> None:
    """Hold what a JSON file says against what is computed again from the arrays beside it.

    Args:
        folder: Folder that holds both.
        found: What the file says.
        computed: What it has to say.

    Raises:
        InputError: If any entry differs; names all that do.
    """
    different = sorted(key for key in {*found, *computed} if found.get(key) != computed.get(key))
    if different:
        raise InputError(
            f"the files in {folder} contradict each other: {', '.join(different)} is not what the arrays say; "
            "make them again"
        )


def read(folder: str | os.PathLike[str], stem: str = STEM) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Read both files, and prove that they are whole and belong together.

    Args:
        folder: Folder that holds them.
        stem: Name of the files without suffix.

    Returns:
        What ``analysis.json`` holds, without the hashes, and the arrays.

    Raises:
        InputError: If a file is missing, broken, altered, of another schema, or the two do not belong together.
    """
    json_name, npz_name = f"{stem}.json", f"{stem}.npz"
    with typed_errors(folder, stem):
        found = json.loads((Path(folder) / json_name).read_text(encoding="utf-8"))
        schema = found["schema"]
    if schema != SCHEMA:
        raise InputError(
            f"expected {'an analysis' if stem == STEM else json_name} of schema {SCHEMA} in {folder}, "
            f"got schema {schema!r}; make it again"
        )
    with typed_errors(folder, stem):
        sealed = found.pop("content_sha256") == content_hash(found)
        arrays_hash = found.pop("arrays_sha256")
    if not sealed:
        raise InputError(f"{json_name} in {folder} is not what was written, its hash says; make it again")
    with (
        typed_errors(folder, stem),
        (Path(folder) / npz_name).open("rb") as raw,
        np.load(raw, allow_pickle=False) as file,
    ):
        arrays = {name: np.asarray(file[name]) for name in file.files}
    if hash_arrays(arrays) != arrays_hash:
        raise InputError(f"{json_name} and {npz_name} in {folder} do not belong together; make them again")
    return found, arrays


@contextlib.contextmanager
def typed_errors(folder: str | os.PathLike[str], stem: str = STEM) -> Iterator[None]:
    """Turn whatever a file that was not written by us can cause into one typed error.

    Args:
        folder: Folder that is read, for the message.
        stem: Name of the files without suffix.

    Raises:
        InputError: If the body raised one of the errors that broken files cause.
    """
    try:
        yield
    except _BROKEN as error:
        raise InputError(
            f"expected {stem}.json and {stem}.npz in {folder}, can not read them ({error!r}); make them again"
        ) from error
