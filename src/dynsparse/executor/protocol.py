"""Executor: where units run.  What one takes, what it answers, and what it tells meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from dynsparse.executor.unit import CheckedResult, Unit
from dynsparse.workers.protocol import JSON, Message

__all__ = ["Answer", "Event", "Executor", "OnEvent", "answer_of", "progress_of", "request_of"]


@dataclass(frozen=True)
class Event:
    """Something that happened to a unit.

    Attributes:
        kind: ``"skipped"`` (finished by an earlier run), ``"started"``, ``"progress"``, ``"lost"`` (its process died
            or hung, and it will be run again), ``"done"`` or ``"failed"`` (both: on the disk now).
        unit: The unit.
        done: How far it has come, of ``total``; in ``"progress"`` alone.
        total: See ``done``.
        text: What it does, or why it failed or was lost.
    """

    kind: str
    unit: Unit
    done: int = 0
    total: int = 0
    text: str = ""


OnEvent = Callable[[Event], None]


@dataclass(frozen=True, eq=False)
class Answer:
    """What became of a unit: a result, or an error.

    Attributes:
        unit: The unit.
        result: Its result; None where there is none.
        error: Why there is none, one line; empty where there is one.
        traceback: Where the function raised, if it did.
        machine: The kind of machine that ran it; None where that is not known.
    """

    unit: Unit
    result: CheckedResult | None = None
    error: str = ""
    traceback: str = ""
    machine: Mapping[str, Any] | None = None


class Executor(Protocol):
    """Runs units somewhere."""

    def run(self, units: Sequence[Unit], folder: Path, on_event: OnEvent) -> Generator[Answer, None, None]:
        """Run units, and yield what becomes of each as it is known, in whatever order.

        Closing the iterator ends everything that was started.

        Args:
            units: The units; no two of one key.
            folder: Where the caller stores results; there is no other need for it than to check that it is shared.
            on_event: Told ``"started"``, ``"progress"`` and ``"lost"``, in the calling thread.

        Yields:
            One answer for each unit.

        Raises:
            ExecutorError: Nothing can be run, or nothing any more.
            SettingError: A unit's function may not be run.
        """


def request_of(unit: Unit) -> Message:
    """Return what a process is asked to begin a unit."""
    meta: dict[str, JSON] = {"function": unit.function, "arguments": unit.arguments, "context": dict(unit.context)}
    return Message("begin", meta)


def answer_of(unit: Unit, reply: Message) -> Answer:
    """Return what a process's last reply to a unit says became of it."""
    meta: Mapping[str, Any] = reply.meta
    machine = meta.get("machine")
    if reply.kind == "done":
        return Answer(unit, CheckedResult(meta["record"], reply.arrays, meta["measured"]), machine=machine)
    return Answer(unit, None, f"{meta['type']}: {meta['text']}", meta["traceback"], machine)


def progress_of(unit: Unit, reply: Message) -> Event | None:
    """Return the event that a reply tells of; None where the reply is the last one."""
    if reply.kind != "progress":
        return None
    return Event("progress", unit, int(reply.number("done")), int(reply.number("total")), str(reply.meta["text"]))
