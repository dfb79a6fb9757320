"""Collector: worker processes that roll episodes out and differentiate every row of them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from types import TracebackType
from typing import overload

import numpy as np

from dynsparse.dataset import DatasetDescription
from dynsparse.errors import WorkerError
from dynsparse.physics.environment import Environment
from dynsparse.physics.linearization import Evaluation
from dynsparse.physics.processes import open_pool, warn_once
from dynsparse.rollout.settings import CollectSettings
from dynsparse.rollout.wave import EPISODES_AT_ONCE, Wave
from dynsparse.workers import Message, worker_count
from dynsparse.workers.protocol import JSON

__all__ = ["Collector"]

CHUNK_ROWS = 1024
"""Most rows of a request to differentiate."""

SEGMENT_STEPS = 1_000
"""Most control steps of a request to roll out: it bounds a request's time, and the solver calls that are held."""

WAVE_BYTES = 2**28
"""Bytes of stored rows that are held for each worker before they are committed, about."""

Commit = Callable[[int, Mapping[str, np.ndarray]], None]


class Collector:
    """Processes that make the blocks of one data set; a context manager.

    A block's content depends on the description and on its number alone: not on the number of workers, nor on which
    blocks are made together.

    Args:
        env: the environment, loaded from Playground.
        settings: what decides the rows.
        workers: how many processes; 0 for one on each usable core.
        policy_sha256: what the policy's weights must be when a worker reads them; None takes them as they are.

    Raises:
        SettingError: if ``workers`` is negative.
    """

    def __init__(
        self, env: Environment, settings: CollectSettings, *, workers: int = 0, policy_sha256: str | None = None
    ) -> None:
        self._name, self._settings, self._workers = env.name, settings, worker_count(workers)
        self._nv = env.nv
        more: dict[str, JSON] = {
            "environment": env.name,
            "fingerprint": env.fingerprint,
            "seed": settings.seed,
            "action_hold": settings.action_hold,
            "policy": "" if settings.is_random else os.path.abspath(settings.policy),
            "policy_sha256": policy_sha256,
        }
        self._pool = open_pool(env, settings.derivative, workers, task="dynsparse.rollout.server:serve", more=more)
        self.compile_seconds = 0.0

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
            WorkerError: if they can not be started, or a policy can not be used there.
        """
        began = time.perf_counter()
        self._pool.start()
        kind, meta, arrays = self._begin([0], 0, 1)
        count = max(1, len(self._pool.pids))
        first = self._answers([Message(kind, meta, arrays)] * count, "its first step")
        rows = [{name: x for name, x in reply.arrays.items() if not name.startswith("end_")} for reply in first]
        self._answers([Message("differentiate", {}, row) for row in rows], "its first row")
        for ready in self._pool.ready:
            if ready.get("cache_problem"):
                warn_once(f"compiled code is not kept: {ready['cache_problem']}; set DYNSPARSE_CACHE to a folder")
        self.compile_seconds = time.perf_counter() - began

    def make(
        self,
        description: DatasetDescription,
        blocks: Sequence[int],
        commit: Commit,
        *,
        on_phase: Callable[[str], None] = lambda _phase: None,
        on_rows: Callable[[int, int], None] | None = None,
    ) -> None:
        """Make blocks and hand each over as soon as it is whole.

        Args:
            description: the data set.
            blocks: numbers of the blocks to make.
            commit: told a block's number and its arrays, in this thread.
            on_phase: told ``"roll out"`` and ``"linearize"`` when they begin.
            on_rows: told rows differentiated so far, and how many of them are not finite.

        Raises:
            WorkerError: a worker died or hung; names the episodes.  Blocks that are whole were handed over before.
            OutputError: whatever ``commit`` raises goes through; no worker is left busy.
        """
        told = [0, 0]
        for group in self._waves(description, blocks):
            wave = Wave(description, group)
            parts = self._parts(wave.episodes)
            carried: list[dict[str, np.ndarray]] = [{} for _ in parts]
            for first in range(0, description.episode_steps, SEGMENT_STEPS):
                steps = min(SEGMENT_STEPS, description.episode_steps - first)
                on_phase("roll out")
                wave.open_segment(first, steps)
                self._roll_out(wave, parts, carried, first, steps)
                on_phase("linearize")
                self._linearize(wave, commit, told, on_rows)

    def recompute(self, rows: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run and differentiate stored rows once more, with the very functions that made them.

        Args:
            rows: (n, ...) ``state``, ``action``, ``warmstart``, ``mocap_pos`` and ``mocap_quat``.

        Returns:
            (n, ...) ``next_state``, ``next_warmstart``, ``jac_state``, ``jac_action``, ``reward``,
            ``solver_residual``, ``constraint_active`` and ``constraint_active_start``.

        Raises:
            WorkerError: a worker died or hung.
        """
        stepped = self._answers([Message("step", {}, part) for part in _parts(rows)], "stored rows")
        answers = self._answers([Message("differentiate", {}, dict(reply.arrays)) for reply in stepped], "stored rows")
        ends = ("next_state", "next_warmstart")
        found = {name: np.concatenate([reply.arrays[name] for reply in stepped]) for name in ends}
        return found | {name: np.concatenate([reply.arrays[name] for reply in answers]) for name in answers[0].arrays}

    def evaluate(self, states: np.ndarray, actions: np.ndarray, warmstarts: np.ndarray | None = None) -> Evaluation:
        """Run control steps without differentiating them; actions may leave the control range.

        Args:
            states: (n, ds).
            actions: (n, da).
            warmstarts: (n, nv), or None for zeros.

        Returns:
            n rows.

        Raises:
            WorkerError: a worker died or hung.
        """
        starts = np.zeros((len(states), self._nv)) if warmstarts is None else warmstarts
        parts = _parts({"state": states, "action": actions, "warmstart": starts})
        replies = self._answers([Message("evaluate", {}, part) for part in parts], "control steps")
        return Evaluation(**{name: np.concatenate([x.arrays[name] for x in replies]) for name in replies[0].arrays})

    def close(self) -> None:
        """End the workers; harmless when repeated."""
        self._pool.close()

    def __enter__(self) -> Collector:
        """Return the collector itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the workers."""
        self.close()

    def _roll_out(
        self, wave: Wave, parts: list[list[int]], carried: list[dict[str, np.ndarray]], first: int, steps: int
    ) -> None:
        """Run a segment of every episode; ``carried`` holds where each part stands, and is moved on."""
        requests = [
            Message(kind, meta, {**arrays, **carry})
            for (kind, meta, arrays), carry in zip(
                (self._begin(part, first, steps) for part in parts), carried, strict=True
            )
        ]

        def take(index: int, reply: Message) -> None:
            rows = {name: array for name, array in reply.arrays.items() if not name.startswith("end_")}
            wave.begin(parts[index], first, steps, rows)
            ends = {name: array for name, array in reply.arrays.items() if name.startswith("end_")}
            carried[index] = {name.removeprefix("end_"): np.array(array) for name, array in ends.items()}

        for part, answer in zip(parts, self._pool.run(requests, take, keep=False), strict=True):
            if isinstance(answer, WorkerError):
                raise WorkerError(
                    f"{self._name}: episodes {part[0]} to {part[-1]} could not be rolled out. {answer}", part
                )

    def _linearize(
        self, wave: Wave, commit: Commit, told: list[int], on_rows: Callable[[int, int], None] | None
    ) -> None:
        count = wave.segment_rows
        spans = [slice(first, min(first + CHUNK_ROWS, count)) for first in range(0, count, CHUNK_ROWS)]

        def take(index: int, reply: Message) -> None:
            wave.finish(spans[index], reply.arrays)
            told[0] += spans[index].stop - spans[index].start
            for number, arrays in wave.whole_blocks():
                told[1] += int((~arrays["finite"]).sum())
                commit(number, arrays)
            if on_rows is not None:
                on_rows(told[0], told[1])

        answers = self._pool.run(_Requests(wave, spans), take, keep=False)
        lost = [(span, answer) for span, answer in zip(spans, answers, strict=True) if isinstance(answer, WorkerError)]
        if lost:
            rows = [row for span, _ in lost for row in wave.numbers(span)]
            raise WorkerError(f"{self._name}: rows {rows[0]} to {rows[-1]} have no result. {lost[0][1]}", rows)

    def _begin(
        self, episodes: Sequence[int], first: int, steps: int
    ) -> tuple[str, dict[str, JSON], dict[str, np.ndarray]]:
        """Return the request that runs a segment of some episodes."""
        if self._settings.states == "coverage":
            return "cover", {"first": episodes[0], "rows": len(episodes)}, {}
        return "roll_out", {"first": first, "steps": steps}, {"episodes": np.array(episodes, dtype=np.int64)}

    def _waves(self, description: DatasetDescription, blocks: Sequence[int]) -> Iterator[list[int]]:
        """Group blocks, so that every worker has as many episodes as one step of its takes, and memory for them."""
        wave: list[int] = []
        held = 0
        for number in blocks:
            wave.append(number)
            held += len(description.block_episodes(number))
            size = held * description.episode_steps * row_bytes(description)
            if held >= self._workers * EPISODES_AT_ONCE or size >= self._workers * WAVE_BYTES:
                yield wave
                wave, held = [], 0
        if wave:
            yield wave

    def _parts(self, episodes: Sequence[int]) -> list[list[int]]:
        """Split episodes evenly among the workers; a part of coverage's is consecutive."""
        if self._settings.states == "coverage":
            cuts = [i for i, (a, b) in enumerate(pairwise(episodes), 1) if b != a + 1]
            runs = np.split(np.array(episodes), cuts)
            return [part.tolist() for run in runs for part in np.split(run, range(CHUNK_ROWS, len(run), CHUNK_ROWS))]
        count = max(self._workers, -(-len(episodes) // EPISODES_AT_ONCE))
        return [part.tolist() for part in np.array_split(np.array(episodes), min(count, len(episodes)))]

    def _answers(self, requests: Sequence[Message], what: str) -> list[Message]:
        answers = self._pool.run(requests)
        for answer in answers:
            if isinstance(answer, WorkerError):
                raise WorkerError(f"{self._name}: a worker could not compute {what}. {answer}")
        return [answer for answer in answers if isinstance(answer, Message)]


class _Requests(Sequence[Message]):
    """Requests to differentiate, each made when a worker is free for it: together they would double the memory."""

    def __init__(self, wave: Wave, spans: Sequence[slice]) -> None:
        self._wave, self._spans = wave, spans

    def __len__(self) -> int:
        """How many there are."""
        return len(self._spans)

    @overload
    def __getitem__(self, index: int) -> Message: ...
    @overload
    def __getitem__(self, index: slice) -> list[Message]: ...
    def __getitem__(self, index: int | slice) -> Message | list[Message]:
        """Make one, or some."""
        if isinstance(index, slice):
            return [self[place] for place in range(len(self))[index]]
        return Message("differentiate", {}, self._wave.request(self._spans[index]))


def _parts(rows: Mapping[str, np.ndarray]) -> list[dict[str, np.ndarray]]:
    """Cut arrays of rows into the size of a request."""
    count = len(rows["state"])
    spans = [slice(first, first + CHUNK_ROWS) for first in range(0, count, CHUNK_ROWS)]
    return [{name: np.ascontiguousarray(array[span]) for name, array in rows.items()} for span in spans]


def row_bytes(description: DatasetDescription) -> int:
    """Return the bytes of a row before compression, in float64."""
    return sum(max(1, spec.dtype.itemsize) * int(np.prod(spec.shape)) for spec in description.fields().values())
