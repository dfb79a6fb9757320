"""The lock file: everything pinned and hashed, nothing said about where it comes from."""

from __future__ import annotations

import re
import tomllib

import pytest

import dynsparse


def requirements(lock: str) -> dict[str, str]:
    """Map each requirement of a lock file to its whole entry, continuation lines joined."""
    entries = [line for line in lock.replace("\\\n", " ").splitlines() if line.strip() and not line.startswith("#")]
    return {re.split(r"[=\s;@]", entry, maxsplit=1)[0]: entry for entry in entries}


def faults(lock: str) -> list[str]:
    """Return the entries of a lock file that leave open what gets installed, or say from where."""
    pinned = re.compile(r"^[a-z0-9-]+==[\w.]+ ( *;.*?)? *( --hash=sha256:[0-9a-f]{64} *)+$")
    return [name for name, entry in requirements(lock).items() if not pinned.match(entry) or "://" in entry]


def _project(checkout):
    return tomllib.loads((checkout / "pyproject.toml").read_text())


def test_every_entry_is_pinned_and_hashed(checkout):
    lock = (checkout / "requirements.lock").read_text()
    assert len(requirements(lock)) > 50
    assert faults(lock) == []


@pytest.mark.parametrize(
    "entry",
    [
        "numpy==2.4.6",
        "numpy>=2.4 \\\n    --hash=sha256:" + "0" * 64,
        "numpy @ https://example.org/numpy.whl \\\n    --hash=sha256:" + "0" * 64,
        "numpy==2.4.6 \\\n    --hash=md5:" + "0" * 32,
        "--index-url https://example.org/simple",
        "--find-links wheels",
    ],
)
def test_planted_fault_is_found(entry):
    good = "rich==15.0.0 ; sys_platform == 'linux' \\\n    --hash=sha256:" + "1" * 64 + "\n"
    assert faults(good) == []
    assert len(faults(good + entry + "\n")) == 1


def test_lock_covers_what_pyproject_asks_for(checkout):
    project = _project(checkout)["project"]
    wanted = [
        *project["dependencies"],
        *project["optional-dependencies"]["dev"],
        *_project(checkout)["build-system"]["requires"],
    ]
    names = {re.split(r"[<>=!~\[; ]", requirement, maxsplit=1)[0] for requirement in wanted}
    assert names - set(requirements((checkout / "requirements.lock").read_text())) == set()


def test_version_is_the_same_everywhere(checkout):
    version = _project(checkout)["project"]["version"]
    assert dynsparse.__version__ == version
    assert f"## [{version}]" in (checkout / "CHANGELOG.md").read_text()
