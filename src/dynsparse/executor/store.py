"""Store of units: what became of each, as one JSON file and one of arrays, whole or not there."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from dynsparse.dataset.files import PARTIAL, Files
from dynsparse.dataset.lock import Lock
from dynsparse.errors import DynsparseError, ExecutorError, OutputError
from dynsparse.executor.unit import CheckedResult, Unit
from dynsparse.executor.unit_record import SCHEMA, record_content, refuse_another

__all__ = ["UnitStore"]

_KEY = re.compile(r"[0-9a-f]{64}")


class UnitStore:
    """A folder with a record for each unit that was run: ``KEY.json``, and ``KEY.safetensors`` where it has arrays.

    The arrays are written first; the JSON's appearance is the commit, and it holds their hash.  A unit is committed
    once: a second result of it changes nothing, and one that differs is an error.  A failure is recorded too, and gives
    way to whatever a later run finds.  Anybody may read while somebody writes; one process writes at a time.
    """

    def __init__(self, folder: Path, files: Files | None = None) -> None:
        """Look at a folder; it may be missing, and nothing is written before ``hold``.

        Args:
            folder: The folder.
            files: What writes; the disk by default.
        """
        self.folder = folder.absolute()
        self._files = files or Files()
        self._lock: Lock | None = None

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Be the one who writes, and remove what a writer that was killed had not finished; may be nested.

        Raises:
            OutputError: Another process writes there, which is named, or the folder can not be written.
        """
        if self._lock is not None:
            yield
            return
        with self._writing():
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = Lock(self.folder)
        try:
            with self._writing():
                self._sweep()
            self._lock = lock
            yield
        finally:
            self._lock = None
            lock.release()

    @property
    def keys(self) -> list[str]:
        """The keys of all records, in their order."""
        if not self.folder.is_dir():
            return []
        return sorted(path.stem for path in self.folder.glob("*.json") if _KEY.fullmatch(path.stem))

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield all records, those of failed units and of other versions included, in the order of their keys."""
        for key in self.keys:
            found = self.record(key)
            if found is not None:
                yield found

    def record(self, key: str) -> dict[str, Any] | None:
        """Return a unit's record; None where there is none.

        Args:
            key: The unit's key.

        Raises:
            ExecutorError: There is one, which can not be read.
        """
        path = self._path(key, "json")
        try:
            found = json.loads(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError) as error:
            raise ExecutorError(
                f"expected {path} to be a unit's record, can not read it: {error}; remove it"
            ) from error
        if not isinstance(found, dict) or (found.get("schema"), found.get("key")) != (SCHEMA, key):
            raise ExecutorError(f"expected {path} to be the record of that unit in schema {SCHEMA}, got another file")
        return found

    def arrays(self, key: str) -> dict[str, np.ndarray]:
        """Return the arrays that a unit's result has, by name.

        Args:
            key: The key of a unit that is done.

        Raises:
            ExecutorError: It is not done, or the arrays are not those that were committed.
        """
        record = self.record(key)
        if record is None or record["status"] != "done":
            raise ExecutorError(f"expected a unit that is done, {key[:12]} is not; run it first")
        if record["arrays"] is None:
            return {}
        path = self._path(key, "safetensors")
        try:
            content = path.read_bytes()
            if hashlib.sha256(content).hexdigest() != record["arrays"]["sha256"]:
                raise ExecutorError(f"expected {path} as it was committed, got other bytes; remove it and run again")
            return dict(load(content))
        except (OSError, SafetensorError) as error:
            raise ExecutorError(f"expected {path}, can not read it: {error}; run the unit again") from error

    def is_done(self, key: str) -> bool:
        """Whether a unit has a result, arrays included."""
        record = self.record(key)
        if record is None or record["status"] != "done":
            return False
        path = self._path(key, "safetensors")
        return record["arrays"] is None or (path.is_file() and path.stat().st_size == record["arrays"]["bytes"])

    def commit(self, unit: Unit, result: CheckedResult, provenance: Mapping[str, Any]) -> bool:
        """Store a unit's result.

        Args:
            unit: The unit.
            result: Its result.
            provenance: Where it comes from; plain JSON values.

        Returns:
            Whether anything was to be written: not where the unit was done already.

        Raises:
            ExecutorError: It was done already, with another result.
            OutputError: It can not be written; the unit is as it was before.
        """
        arrays = {name: np.asarray(result.arrays[name], order="C") for name in sorted(result.arrays)}
        content = save(arrays) if arrays else b""
        about = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)} if arrays else None
        found = {"result": result.record, "arrays": about, "measured": result.measured}
        record = record_content(unit, "done", provenance, found)
        with self.hold(), self._writing():
            before = self.record(unit.key)
            if before is not None and before["status"] == "done":
                refuse_another(unit, before, result, about)
                if self.is_done(unit.key):
                    return False
            if arrays:
                self._files.write_whole(self._path(unit.key, "safetensors"), content)
            self._files.write_whole(self._path(unit.key, "json"), record)
        return True

    def commit_failure(self, unit: Unit, error: str, provenance: Mapping[str, Any], traceback: str = "") -> bool:
        """Record why a unit has no result.

        Args:
            unit: The unit.
            error: Why, in one line.
            provenance: Where that was; plain JSON values.
            traceback: Where its function raised.

        Returns:
            Whether it was recorded: not where an earlier run got a result.

        Raises:
            OutputError: It can not be written.
        """
        record = record_content(unit, "failed", provenance, {"error": error, "traceback": traceback})
        with self.hold(), self._writing():
            if self.is_done(unit.key):
                return False
            self._files.write_whole(self._path(unit.key, "json"), record)
        return True

    def forget(self, key: str) -> None:
        """Remove what became of a unit, whose result somebody lost elsewhere: the next run runs it again.

        Args:
            key: The unit's key; one without a record is left alone.

        Raises:
            OutputError: Another process writes there, or the file can not be removed.
        """
        with self.hold(), self._writing():
            for path in (self._path(key, "json"), self._path(key, "safetensors")):
                if path.exists():
                    self._files.remove(path)

    def _sweep(self) -> None:
        """Remove what is not whole, and arrays that no record names."""
        for path in sorted(self.folder.iterdir()):
            if path.name.startswith(PARTIAL):
                self._files.remove_tree(path)
            elif path.suffix == ".safetensors" and _KEY.fullmatch(path.stem):
                record = self.record(path.stem)
                if record is None or record["arrays"] is None:
                    self._files.remove(path)

    def _path(self, key: str, kind: str) -> Path:
        if not _KEY.fullmatch(key):
            raise ExecutorError(f"expected a unit's key, 64 hexadecimal digits, got {key!r}")
        return self.folder / f"{key}.{kind}"

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except DynsparseError:
            raise
        except OSError as error:
            raise OutputError(
                f"expected to write {self.folder}, got: {error.strerror or error}; see to that and run the same again: "
                "units that are done stay"
            ) from error
