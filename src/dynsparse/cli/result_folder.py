"""Result folder: where a reproduction keeps what is finished, so that it can be stopped and run again."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from dynsparse.analysis.cause_record import CauseRecord, holds_causes
from dynsparse.analysis.episode_record import EpisodeRecord
from dynsparse.analysis.sparsity_report import SparsityReport
from dynsparse.config import ReproduceSettings
from dynsparse.dataset.files import Files
from dynsparse.errors import OutputError, OutputExistsError
from dynsparse.provenance import DECIDING_PACKAGES, content_hash, package_versions
from dynsparse.report.files import write_file

__all__ = ["ANALYSES", "DATA", "SETTINGS", "ResultFolder", "ResultPlaces"]

SETTINGS = "settings.json"
_ASKED = "asked.json"
_SCHEMA = 1
ANALYSES, DATA = "analysis", "data"
_LABELS = ("preset", "environments")


class ResultPlaces:
    """Where a reproduction's results are in ``OUT``: a data set and an analysis of each environment.

    An environment appears by the rename of a folder written aside, whole or not at all.
    """

    def __init__(self, path: Path, settings: ReproduceSettings) -> None:
        """Look at a folder that somebody holds; nothing is written.

        Args:
            path: The folder.
            settings: What the results are made with.
        """
        self.path = path
        self._deciding = {key: value for key, value in settings.to_dict().items() if key not in _LABELS}
        # A table of two versions' numbers would belong to neither.
        self._deciding["versions"] = _versions()

    @property
    def settings_hash(self) -> str:
        """Name of the settings that decide the numbers."""
        return content_hash(self._deciding)

    def finished(self, environment: str) -> SparsityReport | None:
        """Return an environment's record if it is there.

        Args:
            environment: Name of the environment.

        Returns:
            The record, or none.

        Raises:
            InputError: If the files are there but broken.
        """
        folder = self.path / ANALYSES / environment
        return SparsityReport.load(folder) if folder.exists() else None

    def names(self) -> tuple[str, ...]:
        """Return the environments that are finished."""
        folders = (self.path / ANALYSES).glob("[!.]*")
        return tuple(sorted(folder.name for folder in folders if folder.is_dir()))

    def dataset(self, environment: str) -> Path:
        """Return where an environment's data set is or will be."""
        return self.path / DATA / environment

    def commit(self, record: SparsityReport, *episodes: EpisodeRecord) -> Path:
        """Make an environment's results appear, whole or not at all.

        Args:
            record: Its analysis.
            episodes: What each of its episodes is like, at one threshold or two.

        Returns:
            The folder.

        Raises:
            OutputError: If it can not be written.
        """
        target = self.path / ANALYSES / record.environment
        aside = self.path / ANALYSES / f".partial-{record.environment}"
        try:
            shutil.rmtree(aside, ignore_errors=True)
            aside.mkdir()
            record.save(aside)  # flushed to disk by itself
            for beside in episodes:
                beside.save(aside)
            aside.rename(target)
            Files().fsync_folder(target.parent)
        except OutputError:
            raise
        except OSError as error:
            raise OutputError(
                f"expected to write {target}, got: {error.strerror or error}; make room, then run the command again"
            ) from error
        return target

    def causes(self, environment: str) -> CauseRecord | None:
        """Return an environment's causes if they are there.

        Args:
            environment: Name of the environment.

        Returns:
            The record, or none.

        Raises:
            InputError: If the files are there but broken.
        """
        folder = self.path / ANALYSES / environment
        return CauseRecord.load(folder) if holds_causes(folder) else None

    def commit_causes(self, record: CauseRecord) -> None:
        """Put an environment's causes beside its analysis.

        Args:
            record: Its causes.

        Raises:
            OutputError: If they can not be written.
        """
        record.save(self.path / ANALYSES / record.environment)


class ResultFolder(ResultPlaces):
    """One writer's hold on ``OUT``.

    A folder belongs to one set of settings; preset name and list of environments are only labels.
    """

    def __init__(self, path: Path, settings: ReproduceSettings) -> None:
        """Take the folder, or say why not; nothing of what is there is touched.

        Args:
            path: The folder; made where it is missing.
            settings: What the results are to be made with.

        Raises:
            OutputExistsError: If it holds something else, or results of other settings.
            OutputError: If it can not be written, or another process is writing it.
        """
        super().__init__(path, settings)
        self._lock: IO[str] | None = None
        _check_place(path)
        self._check_settings()
        try:
            (path / ANALYSES).mkdir(parents=True, exist_ok=True)
            self._lock = _lock(path)
            self._sweep()
            if not (path / SETTINGS).exists():
                content = {"schema": _SCHEMA, "settings": self._deciding, "settings_hash": self.settings_hash}
                write_file(path / SETTINGS, json.dumps(content, indent=1) + "\n")
        except OSError as error:
            self.close()
            if isinstance(error, OutputError):
                raise
            raise OutputError(
                f"expected a folder that can be written, got {path}: {error.strerror or error}; choose another --out"
            ) from error

    def ask(self, questions: Sequence[str]) -> tuple[str, ...]:
        """Remember which of the paper's questions were asked, so that a page of one does not forget the others.

        Args:
            questions: Those of this command.

        Returns:
            Those of all commands in this folder, in their order.

        Raises:
            OutputError: If it can not be written.
        """
        path = self.path / _ASKED
        try:
            before = list(json.loads(path.read_text(encoding="utf-8"))["questions"])
        except (OSError, ValueError, KeyError, TypeError):
            # None was asked before, or nobody can tell which: the page then has those of this command.
            before = []
        known = tuple(sorted({*map(str, before), *questions}))
        if list(known) != before:
            write_file(path, json.dumps({"schema": _SCHEMA, "questions": known}) + "\n")
        return known

    def close(self) -> None:
        """Let the folder go."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _check_settings(self) -> None:
        """Refuse a folder that belongs to other settings, and say which."""
        if not (self.path / SETTINGS).exists():
            return
        try:
            found = json.loads((self.path / SETTINGS).read_text(encoding="utf-8"))["settings"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise OutputExistsError(
                f"expected {self.path / SETTINGS} to hold settings, can not read it: {error}; choose another --out"
            ) from error
        differing = _differences(found, self._deciding)
        if differing:
            raise OutputExistsError(
                f"{self.path} holds results of other settings: {differing}; choose another --out or the same settings"
            )

    def _sweep(self) -> None:
        # Under the lock: nobody else is writing here, so whatever is half written is left over.
        for left in (self.path / ANALYSES).glob(".partial-*"):
            shutil.rmtree(left)


def _check_place(path: Path) -> None:
    """Refuse what is no folder, and a folder that something else lives in."""
    try:
        if path.exists() and not path.is_dir():
            raise OutputError(f"expected a folder, {path} is a file; choose another --out")
        visible = sorted(p.name for p in path.iterdir() if not p.name.startswith(".")) if path.is_dir() else []
    except PermissionError as error:
        raise OutputError(f"expected a folder that can be read, got {path}: {error.strerror}") from error
    if visible and SETTINGS not in visible and not set(visible) <= {ANALYSES, DATA}:
        raise OutputExistsError(
            f"expected an empty folder or results of dynsparse reproduce, {path} holds {', '.join(visible[:3])}; "
            "nothing is overwritten, choose another --out"
        )


def _differences(found: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    found, asked = ({**given, **given.get("versions", {}), "versions": None} for given in (found, asked))
    keys = sorted({*found, *asked})
    parts = [f"{k} is {found.get(k)!r} there and {asked.get(k)!r} here" for k in keys if found.get(k) != asked.get(k)]
    return ", ".join(parts)


def _versions() -> dict[str, str | None]:
    """Return the versions of the packages that decide the numbers, those of the data sets inside included."""
    return package_versions(DECIDING_PACKAGES)


def _lock(path: Path) -> IO[str]:
    """Hold the folder until the process ends; names the holder to whoever comes second."""
    file = (path / ".lock").open("a+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.seek(0)
        holder = file.read().strip() or "another process"
        file.close()
        raise OutputError(f"{path} is being written by {holder}; wait for it, or choose another --out") from error
    file.seek(0)
    file.truncate()
    file.write(f"process {os.getpid()}")
    file.flush()
    return file
