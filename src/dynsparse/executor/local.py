"""Local executor: units in child processes of this one, one on each usable core."""

from __future__ import annotations

import math
import selectors
import time
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path

from dynsparse.errors import ExecutorError, SettingError, WorkerError
from dynsparse.executor.protocol import Answer, Event, OnEvent, answer_of, progress_of, request_of
from dynsparse.executor.unit import TRUSTED, Unit, check_function
from dynsparse.executor.unit_queue import UnitQueue
from dynsparse.executor.variables import unit_variables
from dynsparse.workers import Message, worker_count
from dynsparse.workers.process import WorkerProcess, start_message
from dynsparse.workers.protocol import encode

__all__ = ["LocalExecutor", "check_timeout"]

_TASK = "dynsparse.executor.server:serve"
_ATTEMPTS = 2
_MOST_FAILED_STARTS = 2
_START_TIMEOUT_S = 600.0
_LONGEST_WAIT_S = 3600.0


def check_timeout(seconds: float | None) -> float:
    """Return after how many seconds of silence a unit's process counts as hung; infinity for None.

    Raises:
        SettingError: It is not positive.
    """
    if seconds is None:
        return math.inf
    if not seconds > 0:
        raise SettingError(f"expected timeout_s to be a positive number of seconds or None, got {seconds!r}; try None")
    return seconds


class LocalExecutor:
    """Runs units in child processes that stay from unit to unit, each on one thread.

    A unit whose process dies, or hangs, is begun again once, in a new process; then it has failed.  The processes end
    when this one does, however it ends.
    """

    def __init__(
        self,
        workers: int = 0,
        *,
        timeout_s: float | None = None,
        variables: Mapping[str, str] | None = None,
        trusted: Sequence[str] = TRUSTED,
    ) -> None:
        """Describe the executor; nothing is started yet.

        Args:
            workers: How many processes; 0 for one on each usable core.
            timeout_s: A unit that has told nothing for so long counts as hung, s; None: never.
            variables: Variables of the processes beside or in place of those of ``unit_variables``.
            trusted: Packages whose functions may be run.

        Raises:
            SettingError: A number is impossible.
        """
        self._size = worker_count(workers)
        self._timeout_s = check_timeout(timeout_s)
        self._variables = unit_variables(variables)
        self._trusted = tuple(trusted)

    def run(self, units: Sequence[Unit], folder: Path, on_event: OnEvent) -> Generator[Answer, None, None]:
        """Run units; see ``Executor``."""
        for unit in units:
            check_function(unit.function, self._trusted)
        crew = _Crew(units, min(self._size, len(units)), self._variables, self._trusted, self._timeout_s, on_event)
        try:
            yield from crew.answers()
        finally:
            crew.end()


class _Crew:
    """Child processes, each of them starting, free, or with a unit.

    Everything happens in the calling thread, which waits in ``_news``; so Ctrl-C interrupts at once.
    """

    def __init__(
        self,
        units: Sequence[Unit],
        size: int,
        variables: Mapping[str, str],
        trusted: Sequence[str],
        timeout_s: float,
        on_event: OnEvent,
    ) -> None:
        self._queue = UnitQueue(units, _ATTEMPTS)
        self._size, self._variables, self._timeout_s, self._on_event = size, variables, timeout_s, on_event
        self._start = start_message(_TASK, Message("start", {"trusted": list(trusted)}))
        self._workers: list[WorkerProcess] = []
        self._starting: set[WorkerProcess] = set()
        self._failed_starts = 0
        self._start_error = ""

    def answers(self) -> Generator[Answer, None, None]:
        """Yield what becomes of the units."""
        while self._queue.unfinished:
            self._hire()
            for worker in self._workers:
                if worker not in self._starting and self._queue.held(worker) is None:
                    self._give(worker)
            heard = [self._hear(worker, moved) for worker, moved in self._news()]
            # Only then: whoever takes an answer may be long about it, and what was asked before is old by then.
            yield from (answer for answer in heard if answer is not None)

    def end(self) -> None:
        """Kill all processes, whatever they do."""
        for worker in self._workers:
            worker.kill()
        for worker in self._workers:
            worker.clean_up()
        self._workers.clear()

    def _hire(self) -> None:
        while len(self._workers) < min(self._size, self._queue.unfinished):
            if self._failed_starts >= _MOST_FAILED_STARTS:
                break
            try:
                worker = WorkerProcess(self._variables)
            except WorkerError as error:
                self._start_failed(str(error))
                continue
            self._workers.append(worker)
            self._starting.add(worker)
            worker.tell(self._start, "started", _START_TIMEOUT_S)
        if not self._workers:
            raise ExecutorError(f"no process could be started to run units: {self._start_error}")

    def _give(self, worker: WorkerProcess) -> None:
        unit = self._queue.take(worker)
        if unit is not None:
            self._on_event(Event("started", unit))
            self._ask(worker, unit, request_of(unit))

    def _ask(self, worker: WorkerProcess, unit: Unit, request: Message) -> None:
        worker.tell(encode(request), f"ran unit {unit.key[:12]}", self._timeout_s)

    def _news(self) -> list[tuple[WorkerProcess, bool]]:
        """Return each process and whether one of its pipes is ready, after waiting for one."""
        with selectors.DefaultSelector() as selector:
            for worker in self._workers:
                selector.register(worker.read_descriptor, selectors.EVENT_READ, worker)
                if worker.wants_to_write:
                    selector.register(worker.write_descriptor, selectors.EVENT_WRITE, worker)
            nearest = min(worker.deadline for worker in self._workers if worker.doing is not None)
            wait = min(max(0.0, nearest - time.monotonic()), _LONGEST_WAIT_S)
            moved = {key.data for key, _ in selector.select(wait)}
        return [(worker, worker in moved) for worker in self._workers]

    def _hear(self, worker: WorkerProcess, moved: bool) -> Answer | None:
        """Take note of what a process says; return what became of its unit where that is known now."""
        try:
            if not moved:
                if worker.doing is not None and time.monotonic() > worker.deadline:
                    raise worker.overdue(_START_TIMEOUT_S if worker in self._starting else self._timeout_s)
                return None
            reply = worker.pump()
        except WorkerError as error:
            return self._lost(worker, str(error))
        unit = self._queue.held(worker)
        if reply is None:
            return None
        if unit is None:
            self._started(worker, reply)
            return None
        progress = progress_of(unit, reply)
        if progress is not None:
            self._on_event(progress)
            self._ask(worker, unit, Message("next"))
            return None
        return answer_of(self._queue.finish(worker), reply)

    def _started(self, worker: WorkerProcess, reply: Message) -> None:
        self._starting.discard(worker)
        if reply.kind == "ready":
            self._failed_starts = 0
            return
        self._dismiss(worker)
        self._start_failed(f"{reply.meta.get('type')}: {reply.meta.get('text')}")
        # What raised would raise again; a process that died may have been unlucky.
        self._failed_starts = _MOST_FAILED_STARTS

    def _lost(self, worker: WorkerProcess, why: str) -> Answer | None:
        if worker in self._starting:
            self._start_failed(why)
        self._dismiss(worker)
        unit, again = self._queue.lose(worker)
        if unit is None:
            return None
        if again:
            self._on_event(Event("lost", unit, text=why))
            return None
        return Answer(unit, None, f"its process was lost {_ATTEMPTS} times: {why}")

    def _start_failed(self, why: str) -> None:
        self._failed_starts += 1
        self._start_error = why

    def _dismiss(self, worker: WorkerProcess) -> None:
        self._starting.discard(worker)
        worker.kill()
        worker.clean_up()
        self._workers.remove(worker)
