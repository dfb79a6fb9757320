"""A pool of workers for one task: each free worker takes the next request."""

from __future__ import annotations

import math
import os
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType

from dynsparse.errors import SettingError, WorkerError
from dynsparse.workers.cores import worker_count
from dynsparse.workers.crew import Answer, Crew
from dynsparse.workers.process import WorkerProcess
from dynsparse.workers.protocol import JSON, Message, encode

__all__ = ["WorkerPool"]


class WorkerPool:
    """Worker processes that all serve one task; started when first needed.

    A context manager; an open pool also ends with the interpreter.  One run at a time: a second
    thread waits.  After ``os.fork`` the pool remains the parent's; the forked process builds its own.
    """

    def __init__(
        self,
        task: str,
        start: Message,
        workers: int,
        *,
        environment: Mapping[str, str] | None = None,
        start_timeout_s: float = 600.0,
        batch_timeout_s: float = 600.0,
    ) -> None:
        """Describe the pool; nothing is started yet.

        Args:
            task: "package.module:factory"; a worker calls ``factory(start)`` once and the handler that
                it returns, ``handler(request) -> reply``, for every request.  Values in the handler's
                ``ready_meta``, where it has one, come back in `ready`.
            start: what the factory gets; the task's name is added to its meta.
            workers: how many processes; 0 for one on each usable core.
            environment: variables set for the workers beyond the parent's own.
            start_timeout_s: a worker that is not ready by then is killed, s.
            batch_timeout_s: a worker that has not answered a request by then is killed, s.

        Raises:
            SettingError: a count, a timeout or the task's name is impossible.
            WorkerError: ``start`` can not be sent.
        """
        for name, value in (("start_timeout_s", start_timeout_s), ("batch_timeout_s", batch_timeout_s)):
            if not (math.isfinite(value) and value > 0):
                raise SettingError(f"Expected {name} to be a positive number of seconds, got {value!r}; try 600.")
        if task.count(":") != 1:
            raise SettingError(f"Expected a task such as 'package.module:factory', got {task!r}.")
        self._size = worker_count(workers)
        self._crew = Crew(task, start, dict(environment or {}), start_timeout_s, batch_timeout_s)
        self._owner = os.getpid()
        self._lock = threading.RLock()
        self._running = False
        self._closed = False
        self._finalizer = weakref.finalize(self, _end_all, self._crew, self._owner)

    @property
    def pids(self) -> tuple[int, ...]:
        """The process ids of the workers that run now."""
        return self._crew.pids

    @property
    def peak_rss_mib(self) -> float:
        """The most memory that any worker has reported to have held, in MiB."""
        return self._crew.peak_rss_mib

    @property
    def ready(self) -> list[Mapping[str, JSON]]:
        """What each worker said when it was ready, replaced ones included: ``seconds`` and the task's own."""
        return list(self._crew.ready)

    def start(self) -> None:
        """Start all workers and wait until they are ready.

        Raises:
            WorkerError: the task's factory failed, or workers died or hung at their start twice in a row.
        """
        with self._exclusive():
            while True:
                self._crew.hire(self._size)
                if self._crew.gave_up is not None:
                    raise self._crew.gave_up
                if not self._crew.occupied:
                    return
                self._crew.advance()

    def run(
        self,
        requests: Sequence[Message],
        on_reply: Callable[[int, Message], None] | None = None,
        *,
        keep: bool = True,
        ready: Callable[[int], bool] | None = None,
    ) -> list[Message | WorkerError]:
        """Have every request answered, each by the next free worker.

        A request whose worker died, hung or raised is not tried again: it has a WorkerError in its
        place, whose ``rows`` hold the request's index.  A lost worker is replaced.  If anything is
        raised here, Ctrl-C included, the workers busy at that moment are killed.

        Args:
            requests: what to send; each is looked at when a worker is free for it.
            on_reply: called in this thread with the index of each request and its reply, as they come.
            keep: whether replies are returned with their arrays; without, ``on_reply`` alone sees these.
            ready: whether the request of an index can be made yet, where it waits for replies to others; the first
                that can is made.  One that waits for a request without a reply gets a WorkerError too.

        Returns:
            One reply or error for each request, in the requests' order.

        Raises:
            WorkerError: a request can not be sent, or no worker could be started at all.
        """
        with self._exclusive():
            answers: dict[int, Answer] = {}
            todo = deque(range(len(requests)))
            while len(answers) < len(requests):
                self._crew.hire(min(self._size, len(requests) - len(answers)))
                if self._crew.empty:
                    error = self._crew.gave_up or WorkerError("No worker could be started.")
                    if not answers:
                        raise error
                    answers.update((index, WorkerError(str(error), (index,))) for index in todo)
                    break
                while worker := self._taker(len(todo)):
                    index = next((i for i in todo if ready is None or ready(i)), None)
                    if index is None:
                        break
                    todo.remove(index)
                    self._crew.assign(worker, index, encode(requests[index]))
                if not self._crew.occupied:
                    why = "It waits for a request that has no reply."
                    answers.update((index, WorkerError(why, (index,))) for index in todo)
                    break
                advanced = self._crew.advance()
                todo.extendleft(sorted(self._crew.unbegun(), reverse=True))
                for index, answer in advanced:
                    answers[index] = answer
                    if isinstance(answer, Message):
                        answers[index] = answer if keep else Message(answer.kind, answer.meta)
                        if on_reply is not None:
                            on_reply(index, answer)
            return [answers[index] for index in range(len(requests))]

    def close(self) -> None:
        """End all workers and remove their folders; harmless when repeated, and in a forked process."""
        if os.getpid() != self._owner:
            return
        with self._lock:
            if self._running:
                raise WorkerError("Expected the pool to be idle, got close() inside a run; close it afterwards.")
            self._closed = True
            self._crew.end()

    def __enter__(self) -> WorkerPool:
        """Return the pool itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the pool."""
        self.close()

    def _taker(self, waiting: int) -> WorkerProcess | None:
        """Return who is to be given one of so many requests now: a free worker, or one with nothing to go on with."""
        if not waiting:
            return None
        if free := self._crew.free:
            return free[0]
        # Near the end nobody is given one beforehand: another one may be free before.
        return next(iter(self._crew.ahead), None) if waiting >= self._size else None

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        # Before the lock: after a fork another thread may hold it for ever.
        if os.getpid() != self._owner:
            raise WorkerError(
                f"Expected to be used in process {self._owner}, got process {os.getpid()}; "
                "build a new pool after os.fork."
            )
        with self._lock:
            if self._closed or self._running:
                state = "a closed pool" if self._closed else "a call inside its own run"
                raise WorkerError(f"Expected an idle, open pool, got {state}; build a new pool.")
            self._running = True
            self._crew.forgive()
            try:
                yield
            except BaseException:
                self._crew.dismiss(self._crew.occupied)
                raise
            finally:
                self._running = False


def _end_all(crew: Crew, owner: int) -> None:
    """End all workers; in a forked process leave them to their parent."""
    if os.getpid() == owner:
        crew.end()
