"""What a process that runs units does: run one, and say how far it has come to whoever asks.

Imported in child processes and in Ray's workers.
"""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from dynsparse.errors import SettingError
from dynsparse.executor.unit import CheckedResult, resolve
from dynsparse.provenance import collect_provenance
from dynsparse.workers.protocol import JSON, Message

__all__ = ["UnitServer", "serve"]

_SECONDS_BETWEEN_NEWS = 0.2
_STACK_BYTES = 2**26
"""Compilers recurse deeply, and outside the main thread some systems give them half a MiB."""
_LONGEST_TEXT, _LONGEST_TRACE = 2000, 20_000


class UnitServer:
    """Runs one unit at a time in a thread of its own, and answers a question when there is news of it.

    The request ``begin`` (meta ``function``, ``arguments``, ``context``) and each ``next`` are answered by the next
    news: ``progress`` (meta ``done``, ``total``, ``text``), or, as the last, ``done`` or ``failed``.
    """

    def __init__(self, trusted: Sequence[str]) -> None:
        """Serve units whose functions are in trusted packages."""
        self._trusted = tuple(trusted)
        self._machine: dict[str, JSON] = asdict(collect_provenance("unit", None).machine)
        self._news = _News()

    def ready(self) -> None:
        """Answer at once: whoever asks knows then that this process has started."""

    def answer(self, request: Message) -> Message:
        """Answer a request when there is news."""
        if request.kind == "begin":
            self._news = _News()
            threading.stack_size(_STACK_BYTES)
            threading.Thread(target=self._run, args=(request.meta, self._news), daemon=True).start()
        return self._news.next()

    def __call__(self, request: Message) -> Message:
        """Answer a request when there is news."""
        return self.answer(request)

    def _run(self, meta: Mapping[str, Any], news: _News) -> None:
        try:
            news.end(self._result(meta, news))
        # Also SystemExit: whatever a unit does, it is answered, and the others go on.
        except BaseException as error:
            text = " ".join(str(error).split())[:_LONGEST_TEXT]
            trace = "".join(traceback.format_exception(error))[-_LONGEST_TRACE:]
            found: dict[str, JSON] = {
                "type": type(error).__name__,
                "text": text,
                "traceback": trace,
                "machine": self._machine,
            }
            news.end(Message("failed", found))

    def _result(self, meta: Mapping[str, Any], news: _News) -> Message:
        function = resolve(str(meta["function"]), self._trusted)
        began = time.perf_counter()
        found = function(meta["arguments"], meta["context"], news.tell)
        if not (isinstance(found, tuple) and len(found) == 3):
            raise SettingError(
                f"expected {meta['function']} to return (record, arrays, measured), got {type(found).__name__}"
            )
        result = CheckedResult(*found)
        measured = {"seconds": time.perf_counter() - began, **result.measured}
        return Message("done", {"record": result.record, "measured": measured, "machine": self._machine}, result.arrays)


class _News:
    """The latest that one thread has to tell, for another that waits for it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._progress: Message | None = None
        self._end: Message | None = None
        self._not_before = 0.0

    def tell(self, done: int, total: int, text: str = "") -> None:
        """Say how far the unit has come; what nobody has asked for is replaced."""
        with self._changed:
            self._progress = Message("progress", {"done": int(done), "total": int(total), "text": str(text)})
            self._changed.notify()

    def end(self, message: Message) -> None:
        """Say what became of the unit."""
        with self._changed:
            self._end = message
            self._changed.notify()

    def next(self) -> Message:
        """Wait for the end, or else for progress, but not all of that."""
        with self._changed:
            while self._end is None:
                wait = self._not_before - time.monotonic()
                if self._progress is not None and wait <= 0:
                    message, self._progress = self._progress, None
                    self._not_before = time.monotonic() + _SECONDS_BETWEEN_NEWS
                    return message
                self._changed.wait(wait if self._progress is not None else None)
            return self._end


def serve(start: Message) -> UnitServer:
    """Make the handler of a child process (the task that the parent names)."""
    trusted = start.meta["trusted"]
    if not isinstance(trusted, list):
        raise SettingError(f"expected a list of trusted packages, got {trusted!r}")
    return UnitServer([str(name) for name in trusted])
