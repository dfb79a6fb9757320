"""What every test stands on: an own folder, one cache of compiled code for the session, no display."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

# A test that takes its time on a busy machine is no failure.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

# Before any test module imports matplotlib, and inherited by the processes that tests start.
os.environ["MPLBACKEND"] = "Agg"


_LONGEST = ("test_transition.py", "test_reproduce_physics.py", "test_docs.py")
"""Files that take minutes."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files, so that processes end at about the same time; leave out what is asked for alone."""
    items.sort(key=lambda item: _LONGEST.index(item.path.name) if item.path.name in _LONGEST else len(_LONGEST))
    if os.environ.get("DYNSPARSE_TESTS") != "all":
        for item in items:
            if item.get_closest_marker("long"):
                item.add_marker(pytest.mark.skip(reason="takes a minute and more; DYNSPARSE_TESTS=all runs it"))


@pytest.fixture(scope="session", autouse=True)
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Compile once a session, and leave the user's own cache alone."""
    chosen = os.environ.get("DYNSPARSE_TEST_CACHE")
    folder = Path(chosen).expanduser().resolve() if chosen else _new_cache(tmp_path_factory)
    folder.mkdir(parents=True, exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        patch.delenv("DYNSPARSE_CACHE", raising=False)
        yield folder


def _new_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an empty folder, one for all processes that run tests side by side."""
    base = tmp_path_factory.getbasetemp()
    return base.parent / "cache" if "PYTEST_XDIST_WORKER" in os.environ else base / "cache"


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run each test in an empty folder, so that nothing it writes can reach another test or the checkout."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget after each test which environments it registered: a name must not reach the next file's messages."""
    from dynsparse.physics import registry

    monkeypatch.setattr(registry, "_known", dict(registry._known))


@pytest.fixture
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail where a worker process is started."""
    from dynsparse.workers import WorkerPool

    def refuse(*_args: object, **_more: object) -> None:
        raise AssertionError("a worker was started")

    monkeypatch.setattr(WorkerPool, "start", refuse)
    monkeypatch.setattr(WorkerPool, "run", refuse)


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The root of the checkout, for tests that read the project's own files."""
    return Path(__file__).resolve().parent.parent
