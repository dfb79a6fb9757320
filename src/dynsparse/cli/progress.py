"""Progress of environments that are worked on side by side: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from typing import IO, Protocol

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from dynsparse.cli.environment_progress import EnvironmentProgress

__all__ = ["BarProgress", "LogProgress", "Progress", "open_progress"]

_EVERY_SECONDS = 5.0

_COMPILING = "compiling: once for each model, then kept in the cache; seconds for small models, minutes for large ones"


class Progress(Protocol):
    """Where environments tell how far they are; every method may be called from any thread."""

    def add(self, environment: str, rows: int) -> None:
        """Expect an environment."""

    def phase(self, environment: str, phase: str) -> None:
        """Note that a phase has begun."""

    def rows(self, environment: str, done: int, nonfinite: int) -> None:
        """Note rows linearized so far."""

    def count(self, environment: str, done: int, total: int) -> None:
        """Note how much is done of how much, where that was not known before."""

    def note(self, environment: str, text: str) -> None:
        """Note what else there is to tell from now on, such as a return."""

    def finish(self, environment: str, note: str) -> None:
        """Note that an environment's results are on disk."""

    def tick(self) -> None:
        """Let time pass: called several times a second."""

    def close(self) -> None:
        """Leave the terminal as it was."""


class _Board:
    """State that bars and lines are drawn from."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._environments: dict[str, EnvironmentProgress] = {}
        self._start = time.monotonic()
        self._told = False

    def add(self, environment: str, rows: int) -> None:
        """Expect an environment."""
        with self._lock:
            self._environments[environment] = EnvironmentProgress(rows)

    def phase(self, environment: str, phase: str) -> None:
        """Note that a phase has begun."""
        with self._lock:
            state = self._environments[environment]
            state.phase, state.since = phase, time.monotonic()
            if phase == "compile" and not self._told:
                self._told = True
                self._notice(_COMPILING)

    def rows(self, environment: str, done: int, nonfinite: int) -> None:
        """Note rows linearized so far."""
        with self._lock:
            self._environments[environment].count(done, nonfinite, time.monotonic())

    def finish(self, environment: str, note: str) -> None:
        """Note that an environment's results are on disk."""
        with self._lock:
            state = self._environments[environment]
            state.finished, state.phase, state.done = True, note, state.total

    def note(self, environment: str, text: str) -> None:
        """Note what else there is to tell from now on."""
        with self._lock:
            self._environments[environment].note = text

    def count(self, environment: str, done: int, total: int) -> None:
        """Note how much is done of how much, where that was not known before."""
        with self._lock:
            self._environments[environment].total = total
        self.rows(environment, done, 0)

    def _notice(self, line: str) -> None:
        """Say a sentence that stands by itself; a board without a place for it says nothing."""

    def _at_work(self) -> list[tuple[str, EnvironmentProgress]]:
        return [(n, s) for n, s in self._environments.items() if not s.finished and s.phase != "wait"]

    def _summary(self) -> str:
        finished = sum(state.finished for state in self._environments.values())
        elapsed = time.monotonic() - self._start
        return f"{finished} of {len(self._environments)} environments, {elapsed:.0f} s"


class LogProgress(_Board):
    """Plain lines: one a change of phase, and one every five seconds that says who is where."""

    def __init__(self, stream: IO[str]) -> None:
        super().__init__()
        self._stream = stream
        self._last = self._start

    def phase(self, environment: str, phase: str) -> None:
        """Note that a phase has begun, and say so."""
        with self._lock:
            self._say(f"{environment}: {phase}")
            super().phase(environment, phase)

    def finish(self, environment: str, note: str) -> None:
        """Note that an environment's results are on disk, and say so."""
        super().finish(environment, note)
        self._say(f"{environment}: {note} ({self._summary()})")

    def note(self, environment: str, text: str) -> None:
        """Note what else there is to tell from now on, and say so."""
        super().note(environment, text)
        with self._lock:
            self._say(f"{environment}: {self._environments[environment].describe(time.monotonic())}")

    def rows(self, environment: str, done: int, nonfinite: int) -> None:
        """Note rows so far, and say so at most every five seconds."""
        super().rows(environment, done, nonfinite)
        self.tick()

    def tick(self) -> None:
        """Say who is where, at most every five seconds."""
        with self._lock:
            now = time.monotonic()
            if now - self._last < _EVERY_SECONDS:
                return
            at_work = [f"{name}: {state.describe(now)}" for name, state in self._at_work()]
            if at_work:
                self._say(" | ".join(at_work))

    def close(self) -> None:
        """Nothing to tidy."""

    def _notice(self, line: str) -> None:
        self._say(line)

    def _say(self, line: str) -> None:
        with self._lock:
            self._last = time.monotonic()
            print(f"[{self._last - self._start:4.0f} s] {line}", file=self._stream, flush=True)


class BarProgress(_Board):
    """A table of bars that is redrawn in place."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._live = Live(console=console, get_renderable=self._draw, refresh_per_second=5, transient=False)
        self._live.start()

    def tick(self) -> None:
        """Redraw by the terminal's own clock; nothing to do."""

    def close(self) -> None:
        """Leave the last picture on the terminal and give the cursor back."""
        self._live.stop()

    def _notice(self, line: str) -> None:
        self._live.console.print(line)

    def _draw(self) -> Table:
        drawn = Table.grid(padding=(0, 2))
        with self._lock:
            now = time.monotonic()
            for name, state in self._environments.items():
                bar = ProgressBar(total=state.total, completed=state.done, width=20, pulse=False)
                waiting = state.finished or state.phase == "wait"
                drawn.add_row(name, bar, state.phase if waiting else state.describe(now))
            drawn.add_row(self._summary())
        return drawn


def open_progress() -> Progress:
    """Return bars where stderr is a terminal, plain lines elsewhere."""
    console = Console(stderr=True, highlight=False)
    return BarProgress(console) if console.is_terminal else LogProgress(sys.stderr)
