"""Jacobians of state and warm start together, of many rows on all cores: what a roll-out's derivative is made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from types import TracebackType

import numpy as np

from dynsparse.errors import SettingError, UnsupportedModelError, WorkerError
from dynsparse.physics.chain import CarriedJacobians
from dynsparse.physics.environment import Environment
from dynsparse.physics.processes import open_pool
from dynsparse.workers import Message

__all__ = ["CarriedWorkers"]

_SUBSTEPS = 640
"""Substeps of a request, about: seconds on a slow model, and no more memory than a gigabyte on a large one."""


class CarriedWorkers:
    """Processes that differentiate state and warm start together, by state, action and warm start.

    A control step is a function of state, action and ``qacc_warmstart``, and it returns the next two.  ``linearize``
    holds the warm start; here its own derivative is carried.  A context manager.

    Args:
        env: the environment; MJX's.
        workers: how many processes; 0 for one on each usable core.

    Raises:
        UnsupportedModelError: MuJoCo's C code runs the environment, or it is a function, which has no warm start.
    """

    def __init__(self, env: Environment, *, workers: int = 0) -> None:
        if env.engine != "mjx":
            raise UnsupportedModelError(
                f"expected an environment that MJX runs, {env.name} is run by "
                f"{'a function, which has no warm start' if env.engine == 'function' else 'MuJoCo C'}; "
                "take the product of its one-step Jacobians"
            )
        self._name, self._substeps = env.name, env.substeps
        self._pool = open_pool(env, "exact", workers, task="dynsparse.physics.horizon_server:serve")

    def jacobians(
        self,
        states: np.ndarray,
        actions: np.ndarray,
        warmstarts: np.ndarray,
        *,
        counts: Sequence[int] | None = None,
        on_rows: Callable[[int], None] = lambda _rows: None,
    ) -> CarriedJacobians:
        """Differentiate control steps of several lengths that begin at the same rows, their action held.

        Args:
            states: (n, ds) float64, n at least 1.
            actions: (n, da) applied.
            warmstarts: (n, nv).
            counts: (c,) lengths in substeps, rising; None for the environment's own control step alone.
            on_rows: told how many rows are finished.

        Returns:
            The Jacobians, of tangents; a row that is not finite holds NaN.

        Raises:
            SettingError: the counts are no rising numbers from 1 up, or there is no row.
            WorkerError: a worker died or hung; names the rows.
        """
        lengths = [self._substeps] if counts is None else [int(count) for count in counts]
        if not lengths or lengths[0] < 1 or any(b <= a for a, b in pairwise(lengths)):
            raise SettingError(f"expected rising numbers of substeps from 1 up, got {lengths}; for example [1, 2, 5]")
        if not len(states):
            raise SettingError(f"expected at least one row of {self._name}, got none; pass some")
        size = max(4, _SUBSTEPS // lengths[-1])
        spans = [slice(first, first + size) for first in range(0, len(states), size)]
        given = {"states": states, "actions": actions, "warmstarts": warmstarts}
        columns = {name: np.ascontiguousarray(x, dtype=np.float64) for name, x in given.items()}
        requests = [
            Message("carried", {}, {"counts": np.array(lengths), **{name: x[span] for name, x in columns.items()}})
            for span in spans
        ]
        done = [0]

        def told(index: int, _reply: Message) -> None:
            done[0] += len(states[spans[index]])
            on_rows(done[0])

        answers = self._pool.run(requests, told)
        for span, answer in zip(spans, answers, strict=True):
            if isinstance(answer, WorkerError):
                last = min(span.stop, len(states)) - 1
                raise WorkerError(f"{self._name}: rows {span.start} to {last} have no result. {answer}") from answer
        found = [answer.arrays for answer in answers if isinstance(answer, Message)]
        return CarriedJacobians(
            *(np.concatenate([arrays[name] for arrays in found]) for name in CarriedJacobians._fields)
        )

    def close(self) -> None:
        """End the workers; harmless when repeated."""
        self._pool.close()

    def __enter__(self) -> CarriedWorkers:
        """Return the workers themselves."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the workers."""
        self.close()
