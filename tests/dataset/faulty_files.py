"""Disks that fail: at one chosen operation, in one chosen way."""

from __future__ import annotations

import errno
import shutil
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from dynsparse.dataset import Files


class StoppedError(BaseException):
    """The process ends here; nothing may catch it."""


class CountingFiles(Files):
    """Counts operations, and calls ``fault`` in place of the one whose number is ``at``.

    An fsync is counted and not done: it would take most of the time, and no test turns the machine off.
    """

    def __init__(self, at: int | None = None) -> None:
        self.at = at
        self.count = 0
        self.kinds: list[str] = []

    def fault(self, operation: Callable[[], None], path: Path, data: bytes | None) -> None:
        raise NotImplementedError

    def _do(self, operation: Callable[[], None], kind: str, path: Path, data: bytes | None = None) -> None:
        self.kinds.append(kind)
        self.count += 1
        if self.count - 1 == self.at:
            self.fault(operation, path, data)
        else:
            operation()

    def make_folder(self, path: Path) -> None:
        self._do(lambda: super(CountingFiles, self).make_folder(path), "make_folder", path)

    def write(self, path: Path, data: bytes) -> None:
        self._do(lambda: super(CountingFiles, self).write(path, data), "write", path, data)

    def fsync(self, path: Path) -> None:
        self._do(lambda: None, "fsync", path)

    def fsync_folder(self, path: Path) -> None:
        self._do(lambda: None, "fsync_folder", path)

    def rename(self, old: Path, new: Path) -> None:
        self._do(lambda: super(CountingFiles, self).rename(old, new), "rename", new)

    def remove(self, path: Path) -> None:
        self._do(lambda: super(CountingFiles, self).remove(path), "remove", path)

    def remove_folder(self, path: Path) -> None:
        self._do(lambda: super(CountingFiles, self).remove_folder(path), "remove_folder", path)


class StoppingFiles(CountingFiles):
    """The process is killed before the operation; what it did before is there."""

    def fault(self, operation: Callable[[], None], path: Path, data: bytes | None) -> None:
        raise StoppedError


class InterruptedFiles(CountingFiles):
    """Ctrl-C before the operation."""

    def fault(self, operation: Callable[[], None], path: Path, data: bytes | None) -> None:
        raise KeyboardInterrupt


class TornFiles(CountingFiles):
    """Half of what is written arrives, then the process is killed."""

    def fault(self, operation: Callable[[], None], path: Path, data: bytes | None) -> None:
        assert data is not None
        path.write_bytes(data[: len(data) // 2])
        raise StoppedError


class FullFiles(CountingFiles):
    """The disk is full: half of what is written arrives."""

    def fault(self, operation: Callable[[], None], path: Path, data: bytes | None) -> None:
        if data is not None:
            path.write_bytes(data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device", str(path))


class PowerLossFiles(CountingFiles):
    """The power goes before the operation: what no fsync was asked for is lost, contents and names alike."""

    def __init__(self, at: int | None = None) -> None:
        super().__init__(at)
        self._contents: set[Path] = set()
        self._names: dict[Path, dict[Path, bytes | None]] = defaultdict(dict)

    def fault(self, operation: Callable[[], None], path: Path, data: bytes | None) -> None:
        self.lose()
        raise StoppedError

    def lose(self) -> None:
        """Take away all that is not sure to be on the disk."""
        for path in self._contents:
            if path.exists():
                path.write_bytes(b"")
        for names in self._names.values():
            for path, before in names.items():
                if before is not None:
                    path.write_bytes(before)
                elif path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink(missing_ok=True)

    def make_folder(self, path: Path) -> None:
        if not path.exists():
            self._names[path.parent].setdefault(path, None)
        super().make_folder(path)

    def write(self, path: Path, data: bytes) -> None:
        if not path.exists():
            self._names[path.parent].setdefault(path, None)
        self._contents.add(path)
        super().write(path, data)

    def fsync(self, path: Path) -> None:
        super().fsync(path)
        self._contents.discard(path)

    def fsync_folder(self, path: Path) -> None:
        super().fsync_folder(path)
        self._names.pop(path, None)

    def rename(self, old: Path, new: Path) -> None:
        before = new.read_bytes() if new.is_file() else None
        super().rename(old, new)
        self._names[new.parent].pop(old, None)
        self._names[new.parent].setdefault(new, before)
        if old in self._contents:
            self._contents.discard(old)
            self._contents.add(new)
