"""The path of a model file: a regular file that ends in .xml, looked at before anything is opened."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from dynsparse.errors import EnvironmentFileError

__all__ = ["check_model_path", "models_in"]

_TOLD = 3


def check_model_path(path: str | os.PathLike[str]) -> Path:
    """Return the path of a model.

    Args:
        path: as the user gave it.

    Raises:
        EnvironmentFileError: it is no regular file, can not be looked at, or does not end in .xml.
    """
    path = Path(path)
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError) as error:
        raise EnvironmentFileError(f"there is no file {path}; expected the path of a model (.xml)") from error
    except (OSError, ValueError) as error:  # a ValueError: a NUL in it
        reason = error.strerror if isinstance(error, OSError) else error
        raise EnvironmentFileError(f"{_short(path)!r} can not be read ({reason}); give another path") from error
    if stat.S_ISDIR(mode):
        raise EnvironmentFileError(f"{path} is a folder; expected the path of a model (.xml){models_in(path)}")
    if not stat.S_ISREG(mode):
        raise EnvironmentFileError(f"expected {path} to be a model file (.xml), it is no regular file")
    if path.suffix.lower() != ".xml":
        raise EnvironmentFileError(
            f"expected a model file that ends in .xml, got {path}; if it is an MJCF file, rename it"
        )
    return path


def models_in(folder: Path) -> str:
    """Say which models a folder has, for the end of a message; nothing where there are none."""
    try:
        found = sorted(entry.name for entry in folder.iterdir() if entry.suffix.lower() == ".xml")
    except OSError:  # it may not be looked into; the message does without
        return ""
    return f"; there are {', '.join(str(folder / name) for name in found[:_TOLD])}" if found else ""


def _short(path: Path) -> str:
    told = str(path)
    return told if len(told) <= 80 else f"{told[:77]}..."
