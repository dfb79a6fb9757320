"""Files: the one place where a data set or a training is written, so that a test can make each operation fail."""

from __future__ import annotations

import os
import threading
from pathlib import Path

__all__ = ["PARTIAL", "Files", "replace_file"]

PARTIAL = ".partial-"
"""How the name of a file begins that is not whole yet."""


class Files:
    """The operations on a disk from which everything else is made; each raises ``OSError`` where it fails."""

    def make_folder(self, path: Path) -> None:
        """Make a folder; it may be there already, its parent must be."""
        path.mkdir(exist_ok=True)

    def write(self, path: Path, data: bytes) -> None:
        """Write a file, in place of what is there; it may be on no disk yet."""
        with path.open("wb") as file:
            file.write(data)

    def fsync(self, path: Path) -> None:
        """Put a file's content on the disk."""
        _fsync(path)

    def fsync_folder(self, path: Path) -> None:
        """Put a folder's entries on the disk: which files there are, under which names."""
        _fsync(path)

    def rename(self, old: Path, new: Path) -> None:
        """Give a file another name in the same folder, at once, in place of what has that name."""
        old.replace(new)

    def remove(self, path: Path) -> None:
        """Remove a file that is there."""
        path.unlink()

    def remove_folder(self, path: Path) -> None:
        """Remove an empty folder."""
        path.rmdir()

    def write_whole(self, path: Path, data: bytes) -> None:
        """Write a file so that it appears whole or not at all, and stays: aside, fsync, rename, fsync of the folder."""
        aside = path.with_name(PARTIAL + path.name)
        self.write(aside, data)
        self.fsync(aside)
        self.rename(aside, path)
        self.fsync_folder(path.parent)

    def remove_tree(self, path: Path) -> None:
        """Remove a file, or a folder with all that is in it; what is not there is no error."""
        if path.is_dir() and not path.is_symlink():
            for entry in sorted(path.iterdir()):
                self.remove_tree(entry)
            self.remove_folder(path)
        elif path.is_symlink() or path.exists():
            self.remove(path)


def replace_file(path: Path, data: bytes) -> None:
    """Write a file of no data set so that a reader, a crash or another writer of the same file never sees half of it.

    Args:
        path: The file; what is there is replaced.
        data: Its content.

    Raises:
        OSError: If it can not be written; nothing is left behind.
    """
    # In the same folder, where a rename is atomic, and under a name that no other writer has.
    aside = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}")
    try:
        with aside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except BaseException:
        if aside.parent.is_dir():
            aside.unlink(missing_ok=True)
        raise


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
