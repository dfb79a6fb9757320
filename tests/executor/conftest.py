"""What the tests of executors share: the toy units are importable, and nothing is left behind."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dynsparse.executor import Unit, UnitStore

HERE = Path(__file__).resolve().parent
TRUSTED = ("toy_units",)


def toy(name: str, group: str = "", context: dict[str, str] | None = None, **arguments: object) -> Unit:
    """Return a unit that runs a function of ``toy_units``."""
    return Unit(f"toy_units:{name}", arguments, context or {}, group)


def running(pid: int) -> bool:
    """Return whether a process runs; one that has ended and waits for its parent does not."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def wait_until(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Return whether the condition came true in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return condition()


def lines(path: Path) -> list[str]:
    """Return the lines of a log; none where nothing was logged."""
    return path.read_text().splitlines() if path.exists() else []


def numbers(store: UnitStore) -> dict[str, tuple[object, dict[str, bytes]]]:
    """Return what each unit that is done found, bit by bit: its record, and the bytes of its arrays."""
    return {
        record["key"]: (
            record["result"],
            {name: array.tobytes() for name, array in store.arrays(record["key"]).items()},
        )
        for record in store.records()
        if record["status"] == "done"
    }


@pytest.fixture(autouse=True)
def toy_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make ``toy_units`` importable in this process, and so in its children."""
    monkeypatch.syspath_prepend(str(HERE))


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give the children's private folders a place of their own, and fail a test that leaves one there."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield folder
    assert wait_until(lambda: not os.listdir(folder)), os.listdir(folder)
