"""Report files: written whole or not at all."""

from __future__ import annotations

import os
import threading
from pathlib import Path

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
    # In the same folder: a rename is atomic only inside one file system.
    aside = target.with_name(f".{target.name}.{os.getpid()}-{threading.get_ident()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with aside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(target)
    except OSError as error:
        if aside.parent.is_dir():
            aside.unlink(missing_ok=True)
        raise OutputError(
            f"expected to write {target}, got: {error.strerror or error}; choose another folder"
        ) from error
    return target
