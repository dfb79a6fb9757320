"""Unit board: how far each environment's units are, its sections for example."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from dynsparse.cli.progress import Progress
from dynsparse.executor import Event, Unit

__all__ = ["UnitBoard"]


class UnitBoard:
    """Progress of each environment in units, and in what each of them is doing."""

    def __init__(self, progress: Progress, units: Sequence[Unit], kind: Callable[[Unit], str]) -> None:
        """Announce the environments.

        Args:
            progress: Who is told.
            units: All that are to be run.
            kind: Says what a unit of an environment is.
        """
        self._progress, self._kind = progress, kind
        self._left = Counter(_environment(unit) for unit in units)
        self._total = Counter(self._left)
        self._failed: Counter[str] = Counter()
        self._phase: dict[str, str] = {}
        for name, count in self._left.items():
            progress.add(name, count)

    def hear(self, event: Event) -> None:
        """Take note of an event."""
        name = _environment(event.unit)
        if event.kind == "lost":
            self._progress.note(name, f"{self._kind(event.unit)} is begun again: {event.text}")
        elif event.kind in ("started", "progress"):
            kind = self._kind(event.unit)
            text = f"{kind}: {event.text}" if event.text else kind
            if self._phase.get(name) != text:
                self._phase[name] = text
                self._progress.phase(name, text)
        elif event.kind in ("done", "failed", "skipped"):
            self._failed[name] += event.kind == "failed"
            self._left[name] -= 1
            if not self._left[name]:
                failed = f", {self._failed[name]} failed" if self._failed[name] else ""
                self._progress.finish(name, f"{self._total[name] - self._failed[name]} done{failed}")


def _environment(unit: Unit) -> str:
    return str(unit.arguments["environment"])
