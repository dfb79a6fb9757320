"""Worker processes that linearize one environment, and the chunks in which they are fed."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from types import TracebackType

import numpy as np

from dynsparse.errors import SettingError, WorkerError
from dynsparse.physics.engine import ENGINE_DERIVATIVES
from dynsparse.physics.environment import Environment
from dynsparse.physics.linearization import Evaluation, Linearization, Rollout
from dynsparse.physics.processes import open_pool, warn_once
from dynsparse.workers import Message

__all__ = ["CHUNK_ROWS", "Linearizer", "close_workers", "shared_linearizer"]

CHUNK_ROWS = 256
"""Rows of a request.  Counted from row 0, so that results do not depend on the number of workers."""


class Linearizer:
    """Processes that run and differentiate control steps of one environment; a context manager.

    Args:
        env: the environment.
        derivative: ``"exact"``, ``"autodiff"``, ``"finite-difference"``, or ``"reference"`` (the exact formula
            by plain autodiff: slow, a referee).
        workers: how many processes; 0 for one on each usable core.

    Raises:
        SettingError: if the derivative is unknown or ``workers`` negative.
    """

    def __init__(self, env: Environment, derivative: str = "exact", *, workers: int = 1) -> None:
        if derivative not in ENGINE_DERIVATIVES:
            raise SettingError(f"derivative must be one of {', '.join(ENGINE_DERIVATIVES)}, got {derivative!r}")
        self.env = env
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
        row = self.env.default_state()[None], np.zeros((1, self.env.action_dim)), np.zeros((1, self.env.nv))
        self._answers([_request("linearize", *row)] * max(1, len(self._pool.pids)))
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
            WorkerError: naming the rows whose worker died or hung; the others were computed, and are lost.
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
            warmstarts = np.zeros((len(states), self.env.nv))
        starts = range(0, len(states), CHUNK_ROWS)
        requests = [
            _request(kind, *(x[start : start + CHUNK_ROWS] for x in (states, actions, warmstarts))) for start in starts
        ]
        replies = self._answers(requests, on_reply, len(states))
        names = replies[0].arrays
        return {name: np.concatenate([reply.arrays[name] for reply in replies]) for name in names}

    def _answers(
        self,
        requests: Sequence[Message],
        on_reply: Callable[[int, Message], None] | None = None,
        rows: int = 1,
    ) -> list[Message]:
        answers = self._pool.run(requests, on_reply)
        for ready in self._pool.ready:
            if ready.get("cache_problem"):
                warn_once(f"compiled code is not kept: {ready['cache_problem']}; set DYNSPARSE_CACHE to a folder")
        failed = [(i, answer) for i, answer in enumerate(answers) if isinstance(answer, WorkerError)]
        if failed:
            raise _failure(self.env.name, failed, rows)
        return [answer for answer in answers if isinstance(answer, Message)]


def _failure(name: str, failed: list[tuple[int, WorkerError]], rows: int) -> WorkerError:
    spans = [(i * CHUNK_ROWS, min((i + 1) * CHUNK_ROWS, rows)) for i, _ in failed]
    text = ", ".join(f"{first}-{stop - 1}" for first, stop in spans[:4]) + (", ..." if len(spans) > 4 else "")
    lost = [row for first, stop in spans for row in range(first, stop)]
    return WorkerError(f"{name}: rows {text} have no result. {failed[0][1]}", lost)


def _request(kind: str, states: np.ndarray, actions: np.ndarray, warmstarts: np.ndarray) -> Message:
    arrays = {"states": states, "actions": actions, "warmstarts": warmstarts}
    return Message(kind, {}, {name: np.ascontiguousarray(x, dtype=np.float64) for name, x in arrays.items()})


_shared: weakref.WeakKeyDictionary[Environment, dict[tuple[str, int, int], Linearizer]] = weakref.WeakKeyDictionary()
_sharing = threading.Lock()


def shared_linearizer(env: Environment, derivative: str, workers: int) -> Linearizer:
    """Return the linearizer that this process keeps for later calls with the same arguments."""
    with _sharing:
        kept = _shared.setdefault(env, {})
        key = (derivative, workers, os.getpid())  # a forked process can not use its parent's workers
        if key not in kept:
            kept[key] = Linearizer(env, derivative, workers=workers)
        return kept[key]


def close_workers() -> None:
    """End the worker processes that ``linearize_batch`` keeps for the next call; they free their memory.

    Without it they end with the program.
    """
    with _sharing:
        for kept in list(_shared.values()):
            for linearizer in kept.values():
                linearizer.close()
        _shared.clear()
