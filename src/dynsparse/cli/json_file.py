"""A JSON file that a verb was told to write: looked at before the computation, written whole after it."""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dynsparse.errors import OutputError, OutputExistsError

__all__ = ["JsonFile"]


@dataclass(frozen=True)
class JsonFile:
    """Where results go; whoever builds one knows that they can be written.

    Attributes:
        path: the file.
        overwrite: whether a file that is there may be replaced.

    Raises:
        OutputExistsError: the file exists and may not be replaced.
        OutputError: its folder does not exist or can not be written, or the path is a folder.
    """

    path: Path
    overwrite: bool = False

    def __post_init__(self) -> None:
        folder = self.path.parent
        if self.path.is_dir():
            raise OutputError(
                f"expected --json to name a file, got the folder {self.path}: try {self.path}/result.json"
            )
        if self.path.exists() and not self.overwrite:
            raise OutputExistsError(f"{self.path} exists and is kept: name another file, or add --overwrite")
        if not folder.is_dir():
            raise OutputError(
                f"expected the folder {folder} to exist, so that {self.path.name} can be written: make it"
            )
        try:
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            raise OutputError(f"{folder} can not be written ({error.strerror}): name a file elsewhere") from error

    def write(self, content: Any) -> None:
        """Write plain JSON values; a reader sees the old file or the new one, never a part.

        A number that is not finite is written as null, because JSON has none.

        Raises:
            OutputError: the disk refuses.
        """
        text = json.dumps(_finite(content), indent=1, allow_nan=False) + "\n"
        beside = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            with open(beside, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self.path)
        except OSError as error:
            beside.unlink(missing_ok=True)
            raise OutputError(f"{self.path} can not be written ({error.strerror}): name a file elsewhere") from error


def _finite(content: Any) -> Any:
    """Return the content with None for numbers that are not finite."""
    if isinstance(content, float):
        return content if math.isfinite(content) else None
    if isinstance(content, Mapping):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    return content
