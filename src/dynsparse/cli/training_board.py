"""Training board: how far the units of a run of trainings are, and which of them failed."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Mapping, Sequence

from dynsparse.cli.progress import Progress, open_progress
from dynsparse.executor import Event, Executor, Outcome, Unit, UnitStore, run_units
from dynsparse.provenance import Provenance

__all__ = ["TrainingBoard", "has_diverged", "run_trainings", "tell_failed"]

_TRAININGS = ("train", "curve")
"""Kinds of units that train a model; the others are done in no time."""

_MOST_TOLD = 10

_DIVERGED = "DivergenceError:"
"""How the error of a training begins whose loss was not finite any more: a result of its settings, as bad as can be.
Any other failure is one of the machine, and says nothing about them."""


class TrainingBoard:
    """Progress of each environment in epochs of all its trainings."""

    def __init__(self, progress: Progress, units: Sequence[Unit], epochs: int, named: Callable[[Unit], str]) -> None:
        """Announce the environments.

        Args:
            progress: Who is told.
            units: All that are to be run.
            epochs: Of a training.
            named: Says which unit it is.
        """
        self._progress, self._epochs, self._named = progress, epochs, named
        self._done = {unit.key: 0 for unit in units}
        self._of: dict[str, list[str]] = {}
        self._failed: dict[str, int] = {}
        self._finished: set[str] = set()
        for unit in units:
            if unit.arguments["kind"] in _TRAININGS:
                self._of.setdefault(unit.arguments["environment"], []).append(unit.key)
        self._waiting = set(self._of)
        for name, keys in self._of.items():
            progress.add(name, len(keys) * epochs)

    def hear(self, event: Event) -> None:
        """Take note of an event."""
        name, unit = str(event.unit.arguments["environment"]), event.unit
        if event.kind == "lost":
            self._progress.note(name, f"{self._named(unit)} is begun again: {event.text}")
        if event.kind == "failed":
            self._failed[name] = self._failed.get(name, 0) + 1
        if unit.arguments["kind"] not in _TRAININGS:
            return
        if name in self._waiting and event.kind != "skipped":
            self._waiting.discard(name)
            self._progress.phase(name, "learn")
        if event.kind == "progress":
            self._done[unit.key] = event.done
        elif event.kind in ("done", "failed", "skipped"):
            self._done[unit.key] = self._epochs
            self._finished.add(unit.key)
        done = sum(self._done[key] for key in self._of[name])
        self._progress.rows(name, done, 0)
        if self._finished.issuperset(self._of[name]):
            failed = self._failed.get(name, 0)
            told = f"{len(self._of[name]) - failed} models" + (f", {failed} failed" if failed else "")
            self._progress.finish(name, told)

    def close(self) -> None:
        """Let time pass once more."""
        self._progress.tick()


def has_diverged(error: str) -> bool:
    """Whether a unit failed because its loss was not finite any more."""
    return error.startswith(_DIVERGED)


def run_trainings(
    units: Sequence[Unit],
    store: UnitStore,
    executor: Executor,
    provenance: Provenance,
    epochs: int,
    named: Callable[[Unit], str],
    *,
    progress: Progress | None = None,
) -> Outcome:
    """Run the units that have no result yet, and tell how far that is.

    A training that diverged before would diverge again: it is not repeated, and counts as failed.

    Args:
        units: The units.
        store: Where results go.
        executor: What runs them.
        provenance: Of the whole run.
        epochs: Of a training.
        named: Says which unit it is.
        progress: Who is told; by default a new one.

    Returns:
        What became of them.

    Raises:
        ExecutorError: If nothing can be run.
        OutputError: If a result can not be written, or another process writes there.
    """
    diverged = _diverged(units, store)
    told = progress or open_progress()
    try:
        board = TrainingBoard(told, units, epochs, named)
        for unit in units:
            if unit.key in diverged:
                board.hear(Event("failed", unit, text=diverged[unit.key]))
        left = [unit for unit in units if unit.key not in diverged]
        outcome = run_units(left, store, executor, on_event=board.hear, provenance=provenance)
        board.close()
    finally:
        told.close()
    return dataclasses.replace(outcome, failed={**diverged, **outcome.failed})


def _diverged(units: Sequence[Unit], store: UnitStore) -> dict[str, str]:
    """Return errors of the units that diverged in an earlier run, by key."""
    found = {}
    for unit in units:
        record = store.record(unit.key)
        if record is not None and record["status"] == "failed" and has_diverged(record["error"]):
            found[unit.key] = str(record["error"])
    return found


def tell_failed(failed: Mapping[str, str], units: Sequence[Unit], named: Callable[[Unit], str]) -> None:
    """Print on standard error which units have no result, and why; of many only the first.

    Args:
        failed: Error by key.
        units: All units.
        named: Says which unit it is.
    """
    names = {unit.key: named(unit) for unit in units}
    for key, error in list(failed.items())[:_MOST_TOLD]:
        print(f"failed: {names[key]}: {error}", file=sys.stderr)
    more = f"and {len(failed) - _MOST_TOLD} more" if len(failed) > _MOST_TOLD else ""
    again = "" if all(map(has_diverged, failed.values())) else "the same command tries again what did not diverge"
    if more or again:
        print("; ".join(filter(None, [more, again])), file=sys.stderr)
