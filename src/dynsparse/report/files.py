"""Report files: written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from dynsparse.dataset.files import replace_file
from dynsparse.errors import OutputError

__all__ = ["write_file"]


def write_file(path: str | os.PathLike[str], content: bytes | str) -> Path:
    """Write a file so that a reader, or a crash, never sees half of it.

    Args:
        path: File to write; its folder is made where it is missing.
        content: Bytes, or text to be stored as UTF-8.

    Returns:
        The path.

    Raises:
        OutputError: If it can not be written there.
    """
    target = Path(path)
    data = content.encode("utf-8") if isinstance(content, str) else content
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        replace_file(target, data)
    except OSError as error:
        raise OutputError(
            f"expected to write {target}, got: {error.strerror or error}; choose another folder"
        ) from error
    return target
