"""Lock: one writer at a time, and a second one is told who the first is."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO

from dynsparse.errors import OutputError

__all__ = ["LOCK_NAME", "Lock"]

LOCK_NAME = ".lock"


class Lock:
    """The hold of one process on a folder; it ends with the process, however that ends."""

    def __init__(self, folder: Path) -> None:
        """Take the folder.

        Args:
            folder: A folder that is there.

        Raises:
            OutputError: If another process holds it, which is named.
            OSError: If the folder can not be written.
        """
        self._file: IO[str] | None = None
        file = (folder / LOCK_NAME).open("a+", encoding="utf-8")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            file.truncate(0)
            file.write(f"process {os.getpid()}")
            file.flush()
        except BlockingIOError as error:
            file.seek(0)
            holder = file.read().strip() or "another process"
            file.close()
            raise OutputError(f"{folder} is being written by {holder}; wait for it, or choose another --out") from error
        except BaseException:
            file.close()
            raise
        self._file = file

    def release(self) -> None:
        """Let the folder go, the file left empty; a second time does nothing."""
        if self._file is not None:
            file, self._file = self._file, None
            with file:
                file.truncate(0)
