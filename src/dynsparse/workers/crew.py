"""The workers of a pool and what each of them is doing: hired, assigned, heard, dismissed."""

from __future__ import annotations

import selectors
import time
from collections import deque
from collections.abc import Mapping, Sequence

from dynsparse.errors import WorkerError
from dynsparse.workers.process import WorkerProcess, start_message
from dynsparse.workers.protocol import JSON, Message

__all__ = ["Answer", "Crew"]

Answer = Message | WorkerError

_MOST_FAILED_STARTS = 2

_MOST_AT_HAND = 2
"""Requests of a worker: it begins the second while this process still takes the reply to the first."""


class Crew:
    """Worker processes for one task, each of them starting, busy with a request, or free.

    Everything happens in the calling thread, which waits in `advance`; so Ctrl-C interrupts at once.

    Attributes:
        peak_rss_mib: the most memory that any worker has reported to have held, MiB.
        ready: what each worker said when it was ready.
    """

    def __init__(
        self,
        task: str,
        start: Message,
        environment: Mapping[str, str],
        start_timeout_s: float,
        batch_timeout_s: float,
    ) -> None:
        """Describe the workers; none is started yet.  See `WorkerPool` for the arguments."""
        self.peak_rss_mib = 0.0
        self.ready: list[Mapping[str, JSON]] = []
        self._start_pieces = start_message(task, start)
        self._environment = environment
        self._start_timeout_s = start_timeout_s
        self._batch_timeout_s = batch_timeout_s
        self._workers: list[WorkerProcess] = []
        self._requests: dict[WorkerProcess, deque[int]] = {}  # who works on the first of which; none: is starting
        self._unbegun: list[int] = []
        self._failed_starts = 0
        self._start_error: WorkerError | None = None

    @property
    def pids(self) -> tuple[int, ...]:
        """The process ids of the workers that run now."""
        return tuple(worker.pid for worker in list(self._workers) if worker.alive)

    @property
    def empty(self) -> bool:
        """Whether there is no worker at all."""
        return not self._workers

    @property
    def free(self) -> list[WorkerProcess]:
        """The workers that wait for a request."""
        return [worker for worker in self._workers if worker not in self._requests]

    @property
    def ahead(self) -> list[WorkerProcess]:
        """The workers that are busy with a request, and have none to go on with afterwards; none while some start."""
        if not all(self._requests.values()):
            return []
        return [worker for worker, indices in self._requests.items() if 0 < len(indices) < _MOST_AT_HAND]

    def unbegun(self) -> list[int]:
        """Return, once, the requests that nobody works on any more: a lost worker had not begun them."""
        indices, self._unbegun = self._unbegun, []
        return indices

    @property
    def occupied(self) -> list[WorkerProcess]:
        """The workers that are starting or busy with a request."""
        return list(self._requests)

    @property
    def gave_up(self) -> WorkerError | None:
        """Why no more workers are hired; None while they are."""
        return self._start_error if self._failed_starts >= _MOST_FAILED_STARTS else None

    def forgive(self) -> None:
        """Forget failed starts, and hire again; forget what a run that was interrupted left unbegun."""
        self._failed_starts, self._start_error = 0, None
        self._unbegun.clear()

    def hire(self, count: int) -> None:
        """Replace free workers that have died and start as many as lack, unless starts keep failing."""
        self.dismiss([worker for worker in self.free if not worker.alive])
        while len(self._workers) < count and self._failed_starts < _MOST_FAILED_STARTS:
            try:
                worker = WorkerProcess(self._environment)
            except WorkerError as error:
                self._start_failed(error)
                continue
            self._workers.append(worker)
            self._requests[worker] = deque()
            worker.tell(self._start_pieces, "started", self._start_timeout_s)

    def assign(self, worker: WorkerProcess, index: int, pieces: list[bytes | memoryview]) -> None:
        """Give an encoded request to a worker that is free, or has none to go on with."""
        self._requests.setdefault(worker, deque()).append(index)
        worker.tell(pieces, f"worked on request {index}", self._batch_timeout_s)

    def advance(self) -> list[tuple[int, Answer]]:
        """Wait until something happens to an occupied worker; return the requests answered by that.

        A worker that died, hung or sent no message is dismissed; its request's answer is a WorkerError.
        """
        answers: list[tuple[int, Answer]] = []
        for worker, moved in self._wait():
            indices = self._requests[worker]
            answer = self._hear(worker) if moved else self._overdue(worker)
            if answer is None:
                continue
            index = indices.popleft() if indices else None
            if isinstance(answer, WorkerError):
                self._unbegun.extend(indices)
                self.dismiss([worker])
            elif not indices:
                del self._requests[worker]
            if index is None:
                self._started(worker, answer)
            else:
                answers.append((index, _judged(answer, index)))
        return answers

    def dismiss(self, workers: Sequence[WorkerProcess]) -> None:
        """Kill workers, whatever they do, and remove what they leave."""
        for worker in workers:
            worker.kill()
        for worker in workers:
            self._requests.pop(worker, None)
            worker.clean_up()
            self._workers.remove(worker)

    def end(self) -> None:
        """Dismiss all workers."""
        self.dismiss(list(self._workers))

    def _wait(self) -> list[tuple[WorkerProcess, bool]]:
        """Return each occupied worker and whether one of its pipes is ready, after waiting for one."""
        with selectors.DefaultSelector() as selector:
            for worker in self._requests:
                selector.register(worker.read_descriptor, selectors.EVENT_READ, worker)
                if worker.wants_to_write:
                    selector.register(worker.write_descriptor, selectors.EVENT_WRITE, worker)
            nearest = min(worker.deadline for worker in self._requests)
            moved = {key.data for key, _ in selector.select(max(0.0, nearest - time.monotonic()))}
        return [(worker, worker in moved) for worker in self._requests]

    def _hear(self, worker: WorkerProcess) -> Answer | None:
        try:
            answer = worker.pump()
            if answer is not None:
                self.peak_rss_mib = max(self.peak_rss_mib, answer.number("peak_rss_mib"))
        except WorkerError as error:
            return error
        return answer

    def _overdue(self, worker: WorkerProcess) -> WorkerError | None:
        """Return the error of a worker that is overdue.

        Asked only where nothing moved: this thread itself may have been away, in a callback or stopped,
        while the worker answered in time.
        """
        if time.monotonic() <= worker.deadline:
            return None
        starting = not self._requests[worker]
        return worker.overdue(self._start_timeout_s if starting else self._batch_timeout_s)

    def _started(self, worker: WorkerProcess, answer: Answer) -> None:
        """Take note of the answer to a start message."""
        if isinstance(answer, WorkerError):
            self._start_failed(answer)
        elif answer.kind == "ready":
            self.forgive()
            self.ready.append(answer.meta)
        else:
            self.dismiss([worker])
            self._start_failed(_reported(answer, "A worker could not start"))
            # A factory that raised would raise again; a worker that died may have been unlucky.
            self._failed_starts = _MOST_FAILED_STARTS

    def _start_failed(self, error: WorkerError) -> None:
        self._failed_starts += 1
        self._start_error = error


def _judged(answer: Answer, index: int) -> Answer:
    """Return the answer to a request, as an error that names the request where it is one."""
    if isinstance(answer, WorkerError):
        return WorkerError(str(answer), (index,))
    if answer.kind == "error":
        return _reported(answer, f"Request {index} failed in its worker", (index,))
    return answer


def _reported(message: Message, what: str, rows: Sequence[int] = ()) -> WorkerError:
    """Return the error that a worker's "error" message tells of; its traceback goes along as a note."""
    error = WorkerError(f"{what}: {message.meta.get('type')}: {message.meta.get('text')}", rows)
    error.add_note(f"In the worker:\n{message.meta.get('traceback')}")
    return error
