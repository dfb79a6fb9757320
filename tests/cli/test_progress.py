from __future__ import annotations

import io

import pytest
from rich.console import Console

from dynsparse.cli import progress
from dynsparse.cli.environment_progress import EnvironmentProgress
from dynsparse.cli.progress import BarProgress, LogProgress


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_rate_and_eta_leave_the_first_batch_out():
    state = EnvironmentProgress(total=1000, phase="linearize", since=0.0)
    assert state.describe(20.0) == "linearize, 0 of 1,000 rows, 20 s so far"
    state.count(250, 0, now=30.0)  # the first batch waited 30 s for a compilation
    assert "8 Jacobians/s, ETA 90 s" in state.describe(30.0)
    state.count(500, 2, now=32.5)
    assert state.describe(32.5) == "linearize, 500 of 1,000 rows, 100 Jacobians/s, ETA 5 s, 2 non-finite"


def test_lines_tell_phases_at_once_and_the_rest_every_five_seconds(clock):
    stream = io.StringIO()
    board = LogProgress(stream)
    board.add("A", 10)
    board.add("B", 10)
    board.phase("A", "load")
    clock[0] += 3
    board.tick()
    clock[0] += 3
    board.tick()
    board.tick()
    board.phase("A", "linearize")
    clock[0] += 1
    board.rows("A", 5, 1)
    clock[0] += 5
    board.tick()
    board.finish("A", "done")
    board.close()
    assert stream.getvalue().splitlines() == [
        "[   0 s] A: load",
        "[   6 s] A: load, 6 s so far",
        "[   6 s] A: linearize",
        "[  12 s] A: linearize, 5 of 10 rows, 1 Jacobians/s, ETA 6 s, 1 non-finite",
        "[  12 s] A: done (1 of 2 environments, 12 s)",
    ]


def test_bars_show_every_environment(clock):
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=120, color_system=None)
    board = BarProgress(console)
    board.add("CheetahRun", 10)
    board.add("WalkerRun", 10)
    board.phase("CheetahRun", "collect")
    board.rows("CheetahRun", 5, 0)
    clock[0] += 1
    board.tick()
    board.finish("CheetahRun", "done, 10 rows")
    board.close()
    text = stream.getvalue()
    assert "CheetahRun" in text
    assert "done, 10 rows" in text
    assert "WalkerRun" in text
    assert "1 of 2 environments" in text


def test_plain_lines_where_there_is_no_terminal():
    assert isinstance(progress.open_progress(), LogProgress)


def test_that_it_compiles_is_said_once_in_lines_and_beside_bars(clock):
    stream, screen = io.StringIO(), io.StringIO()
    boards = [LogProgress(stream), BarProgress(Console(file=screen, force_terminal=True, width=160, color_system=None))]
    for board in boards:
        for name in "AB":
            board.add(name, 10)
            board.phase(name, "compile")
        board.close()
    said = "compiling: once for each model, then kept in the cache; seconds for small models, minutes for large ones"
    assert stream.getvalue().splitlines() == ["[   0 s] A: compile", f"[   0 s] {said}", "[   0 s] B: compile"]
    assert screen.getvalue().count(said) == 1
