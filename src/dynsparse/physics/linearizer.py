"""Worker processes that linearize one environment, and the chunks in which they are fed."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from types import TracebackType

import numpy as np

from dynsparse.errors import SettingError, WorkerError
from dynsparse.physics.engine import ENGINE_DERIVATIVES
from dynsparse.physics.environment import Environment
from dynsparse.physics.linearization import Evaluation, Linearization, Rollout
from dynsparse.physics.processes import open_pool, warn_once
from dynsparse.workers import Message

__all__ = ["CHUNK_ROWS", "Linearizer", "chunk_rows", "close_workers", "shared_linearizer"]

LEAST_CHUNK_ROWS = 64
LEAST_BIG_CHUNK_ROWS, CHUNK_ROWS = 256, 4096
CHUNK_BYTES = 2**21
"""Bytes of a reply where there are many rows, about: few requests where a row is small, which costs microseconds, and
no reply that a worker needs long for where it is large."""


class Linearizer:
    """Processes that run and differentiate control steps of one environment; a context manager.

    Args:
        env: the environment.
        derivative: ``"exact"``, ``"autodiff"``, ``"finite-difference"``, or ``"reference"`` (the exact formula
            by plain autodiff: slow, a referee).
        workers: how many processes; 0 for one on each usable core.

    Raises:
        SettingError: if the derivative is unknown or ``workers`` negative.
        UnsupportedModelError: if the environment has no such derivative.
    """

    def __init__(self, env: Environment, derivative: str = "exact", *, workers: int = 1) -> None:
        if derivative not in ENGINE_DERIVATIVES:
            raise SettingError(f"derivative must be one of {', '.join(ENGINE_DERIVATIVES)}, got {derivative!r}")
        if derivative != "reference":
            env.check_derivative(derivative)
        # Not the environment itself: it must be free to go while its workers are kept for the next call.
        self._name, self._nv = env.name, env.nv
        self._row = env.default_state()[None], np.zeros((1, env.action_dim)), np.zeros((1, env.nv))
        self._row_bytes = 8 * env.state_dim * (env.state_dim + env.action_dim)
        self.derivative = derivative
        self.compile_seconds = 0.0
        self._pool = open_pool(env, derivative, workers)

    @property
    def peak_rss_mib(self) -> float:
        """Largest memory that any of the workers has held, MiB."""
        return self._pool.peak_rss_mib

    @property
    def pids(self) -> tuple[int, ...]:
        """Process ids of the workers that run now."""
        return self._pool.pids

    def warm_up(self) -> None:
        """Start the workers and compile what every row needs.

        Raises:
            WorkerError: if they can not be started.
        """
        began = time.perf_counter()
        self._pool.start()
        for answer in self._pool.run([_request("linearize", *self._row)] * max(1, len(self._pool.pids))):
            if isinstance(answer, WorkerError):
                raise WorkerError(f"{self._name}: no worker could compute its first row. {answer}")
        self._warn_of_cache()
        self.compile_seconds = time.perf_counter() - began

    def linearize(
        self,
        states: np.ndarray,
        actions: np.ndarray,
        warmstarts: np.ndarray | None = None,
        *,
        on_rows: Callable[[int, int], None] | None = None,
    ) -> Linearization:
        """Run and differentiate control steps.

        Args:
            states: (n, ds) float64.
            actions: (n, da) applied actions.
            warmstarts: (n, nv), or None for zeros.
            on_rows: called with the rows finished so far and how many of them are not finite.

        Returns:
            n rows.

        Raises:
            WorkerError: naming the rows whose worker died or hung; its ``partial`` holds the others.
        """
        finished = [0, 0]

        def count(_index: int, reply: Message) -> None:
            finite = reply.arrays["finite"]
            finished[0] += len(finite)
            finished[1] += int((~finite).sum())
            if on_rows is not None:
                on_rows(finished[0], finished[1])

        arrays = self._run("linearize", states, actions, warmstarts, count)
        return Linearization(**arrays, derivative=self.derivative)

    def evaluate(self, states: np.ndarray, actions: np.ndarray, warmstarts: np.ndarray | None = None) -> Evaluation:
        """Run control steps without differentiating them; actions may leave the control range.

        Args:
            states: (n, ds) float64.
            actions: (n, da).
            warmstarts: (n, nv), or None for zeros.

        Returns:
            n rows.

        Raises:
            WorkerError: naming the rows whose worker died or hung.
        """
        arrays = self._run("evaluate", states, actions, warmstarts)
        return Evaluation(**arrays)

    def roll_out(
        self, initial_states: np.ndarray, actions: np.ndarray, warmstarts: np.ndarray | None = None
    ) -> Rollout:
        """Run episodes side by side.

        Args:
            initial_states: (episodes, ds).
            actions: (episodes, T, da) applied actions.
            warmstarts: (episodes, nv) at the start, or None for zeros.

        Returns:
            States and warm starts of every control step.

        Raises:
            WorkerError: naming the episodes whose worker died or hung.
        """
        return Rollout(**self._run("roll_out", initial_states, actions, warmstarts))

    def close(self) -> None:
        """End the workers; harmless when repeated."""
        self._pool.close()

    def __enter__(self) -> Linearizer:
        """Return the linearizer itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the workers."""
        self.close()

    def _run(
        self,
        kind: str,
        states: np.ndarray,
        actions: np.ndarray,
        warmstarts: np.ndarray | None,
        on_reply: Callable[[int, Message], None] | None = None,
    ) -> dict[str, np.ndarray]:
        if warmstarts is None:
            warmstarts = np.zeros((len(states), self._nv))
        rows, size = len(states), chunk_rows(len(states), self._row_bytes)
        spans = [slice(first, min(first + size, rows)) for first in range(0, rows, size)]
        found: dict[str, np.ndarray] = {}

        def take(index: int, reply: Message) -> None:
            for name, part in reply.arrays.items():
                if name not in found:
                    found[name] = np.empty((rows, *part.shape[1:]), dtype=part.dtype)
                found[name][spans[index]] = part
            if on_reply is not None:
                on_reply(index, reply)

        requests = [_request(kind, states[span], actions[span], warmstarts[span]) for span in spans]
        answers = self._pool.run(requests, take, keep=False)
        self._warn_of_cache()
        lost = [(spans[i], answer) for i, answer in enumerate(answers) if isinstance(answer, WorkerError)]
        if lost:
            raise self._failure(kind, lost, rows, found)
        return found

    def _failure(
        self,
        kind: str,
        lost: list[tuple[slice, WorkerError]],
        rows: int,
        found: dict[str, np.ndarray],
    ) -> WorkerError:
        what = "episodes" if kind == "roll_out" else "rows"
        named = ", ".join(f"{span.start}-{span.stop - 1}" for span, _ in lost[:4]) + (", ..." if len(lost) > 4 else "")
        missing = [row for span, _ in lost for row in range(span.start, span.stop)]
        error = WorkerError(f"{self._name}: {what} {named} of {rows} have no result. {lost[0][1]}", missing)
        if kind == "linearize" and found:
            for array in found.values():
                for span, _ in lost:
                    array[span] = np.nan if array.dtype.kind == "f" else False
            error.partial = Linearization(**found, derivative=self.derivative)
        return error

    def _warn_of_cache(self) -> None:
        for ready in self._pool.ready:
            if ready.get("cache_problem"):
                warn_once(f"compiled code is not kept: {ready['cache_problem']}; set DYNSPARSE_CACHE to a folder")


def chunk_rows(rows: int, row_bytes: int) -> int:
    """Return the rows of a request: few where there are few, so that several workers have something to do.

    It does not depend on the number of workers, so that results do not either.

    Args:
        rows: how many there are.
        row_bytes: bytes of a row's Jacobians.
    """
    parts = -(-rows // 8)
    most = min(CHUNK_ROWS, max(LEAST_BIG_CHUNK_ROWS, CHUNK_BYTES // row_bytes // LEAST_CHUNK_ROWS * LEAST_CHUNK_ROWS))
    return min(most, -(-parts // LEAST_CHUNK_ROWS) * LEAST_CHUNK_ROWS)


def _request(kind: str, states: np.ndarray, actions: np.ndarray, warmstarts: np.ndarray) -> Message:
    arrays = {"states": states, "actions": actions, "warmstarts": warmstarts}
    return Message(kind, {}, {name: np.ascontiguousarray(x, dtype=np.float64) for name, x in arrays.items()})


_MOST_SHARED = 4

_shared: dict[tuple[str, str, int, int], Linearizer] = {}
_sharing = threading.Lock()


def shared_linearizer(env: Environment, derivative: str, workers: int) -> Linearizer:
    """Return the linearizer that this process keeps for later calls with the same arguments.

    The one that was not used for longest ends when there are more than four.
    """
    # A forked process can not use its parent's workers, hence the process id.
    key = (env.fingerprint, derivative, workers, os.getpid())
    with _sharing:
        linearizer = _shared.pop(key, None) or Linearizer(env, derivative, workers=workers)
        _shared[key] = linearizer
        while len(_shared) > _MOST_SHARED:
            _shared.pop(next(iter(_shared))).close()
        return linearizer


def close_workers() -> None:
    """End the worker processes that ``linearize_batch`` keeps for the next call; they free their memory.

    Without it they end with the program.
    """
    with _sharing:
        while _shared:
            _shared.popitem()[1].close()
