"""Run of units: what is not done yet is run, and each answer stored as it comes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dynsparse.errors import ExecutorError
from dynsparse.executor.protocol import Answer, Event, Executor, OnEvent
from dynsparse.executor.store import UnitStore
from dynsparse.executor.unit import Unit
from dynsparse.provenance import Provenance, collect_provenance

__all__ = ["Outcome", "run_units"]


@dataclass(frozen=True)
class Outcome:
    """What became of the units of a run.

    Attributes:
        done: Keys of those that this run finished, in the order in which it did.
        failed: Error by key of those that have no result; the next run tries them again.
        skipped: Keys of those that an earlier run had finished.
    """

    done: tuple[str, ...]
    failed: Mapping[str, str]
    skipped: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether every unit has a result now."""
        return not self.failed


def run_units(
    units: Sequence[Unit],
    store: UnitStore,
    executor: Executor,
    *,
    on_event: OnEvent | None = None,
    provenance: Provenance | None = None,
) -> Outcome:
    """Run the units that have no result yet, and store what becomes of each.

    Stopped at any moment, by whatever, and called again, it goes on with what is left.  A unit that fails does not stop
    the others.

    Args:
        units: The units, in the order in which they are to be begun; equal ones are run once.
        store: Where results go; held against other writers meanwhile.
        executor: What runs them.
        on_event: Told what happens, in this thread.
        provenance: Of the whole run, kept with every unit beside the machine that ran it and the time; by default it
            names this function alone.

    Returns:
        What became of them.

    Raises:
        ExecutorError: The executor can not run anything, or not any more; see there.
        OutputError: A result can not be written, or another process writes there.
        SettingError: A unit's function may not be run.
    """
    tell = on_event or (lambda _event: None)
    base = (provenance or collect_provenance("dynsparse.executor.run_units", None)).to_dict()
    done: list[str] = []
    failed: dict[str, str] = {}
    unique = list({unit.key: unit for unit in units}.values())
    with store.hold():
        todo = [unit for unit in unique if not store.is_done(unit.key)]
        left = {unit.key for unit in todo}
        skipped = [unit for unit in unique if unit.key not in left]
        for unit in skipped:
            tell(Event("skipped", unit))
        if todo:
            with closing(executor.run(todo, store.folder, tell)) as answers:
                for answer in answers:
                    left.discard(answer.unit.key)
                    _store(store, answer, base)
                    if answer.result is not None:
                        done.append(answer.unit.key)
                        tell(Event("done", answer.unit))
                    else:
                        failed[answer.unit.key] = answer.error
                        tell(Event("failed", answer.unit, text=answer.error))
    if left:
        raise ExecutorError(f"expected an answer for every unit, got none for {len(left)}; run the same again")
    return Outcome(tuple(done), failed, tuple(unit.key for unit in skipped))


def _store(store: UnitStore, answer: Answer, base: Mapping[str, Any]) -> None:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    provenance = {**base, "machine": answer.machine or base["machine"], "date": now}
    if answer.result is not None:
        store.commit(answer.unit, answer.result, provenance)
    else:
        store.commit_failure(answer.unit, answer.error, provenance, answer.traceback)
