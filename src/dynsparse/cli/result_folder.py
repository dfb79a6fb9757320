"""Result folder: one writer's hold on what a reproduction keeps, so that it can be stopped and run again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from dynsparse.cli.result_places import ANALYSES, DATA, ResultPlaces
from dynsparse.config import ReproduceSettings
from dynsparse.dataset.files import PARTIAL
from dynsparse.dataset.lock import Lock
from dynsparse.errors import OutputError, OutputExistsError
from dynsparse.report.files import write_file
from dynsparse.report.study_command import ASKED, SETTINGS, read_asked

__all__ = ["ResultFolder"]

_SCHEMA = 1


class ResultFolder(ResultPlaces):
    """One writer's hold on ``OUT``.

    A folder belongs to one set of settings and one preset; the list of environments is only a label.
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
        self._lock: Lock | None = None
        self._environments = settings.environments
        _check_place(path)
        try:
            (path / ANALYSES).mkdir(parents=True, exist_ok=True)
            self._lock = Lock(path)
            # Under the lock: whoever comes second sees the first one's settings, not the place as it was before.
            self._settings.check(path)
            self._sweep()
            self._settings.write(path)
        except BaseException as error:
            self.close()
            if isinstance(error, OSError) and not isinstance(error, OutputError):
                raise OutputError(
                    f"expected a folder that can be written, got {path}: {error.strerror or error}; "
                    "choose another --out"
                ) from error
            raise

    def ask(self, questions: Sequence[str]) -> tuple[str, ...]:
        """Remember what was asked for, so that a page of one question does not forget the others.

        Environments are remembered too: the page names a command that goes on with all of them.

        Args:
            questions: The paper's questions of this command.

        Returns:
            Those of all commands in this folder, in their order.

        Raises:
            OutputError: If it can not be written.
        """
        # What nobody can tell any more is not asked for: the page then has what this command asks for.
        known = tuple(sorted({*read_asked(self.path, "questions"), *questions}))
        environments = tuple(dict.fromkeys((*read_asked(self.path, "environments"), *self._environments)))
        content = {"schema": _SCHEMA, "questions": known, "environments": environments}
        write_file(self.path / ASKED, json.dumps(content) + "\n")
        return known

    def close(self) -> None:
        """Let the folder go."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def _sweep(self) -> None:
        # Under the lock: nobody else is writing here, so whatever is half written is left over.
        for left in (self.path / ANALYSES).glob(f"{PARTIAL}*"):
            shutil.rmtree(left)
        for left in (self.path / ANALYSES).glob(f"*/{PARTIAL}*"):
            left.unlink()


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
