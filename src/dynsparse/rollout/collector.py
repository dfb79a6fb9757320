"""Collector: worker processes that roll episodes out and differentiate every row of them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType

import numpy as np

from dynsparse.dataset import DatasetDescription
from dynsparse.errors import WorkerError
from dynsparse.physics.environment import Environment
from dynsparse.physics.linearization import Evaluation
from dynsparse.physics.processes import open_pool, warn_once
from dynsparse.rollout.episodes import Episodes, EpisodesPlan
from dynsparse.rollout.experts import policy_path
from dynsparse.rollout.plan import REQUEST_ROWS, Plan
from dynsparse.rollout.settings import CollectSettings
from dynsparse.workers import Message, worker_count
from dynsparse.workers.protocol import JSON

__all__ = ["Collector"]

Commit = Callable[[int, Mapping[str, np.ndarray]], None]


class Collector:
    """Processes that make the blocks of one data set; a context manager.

    A block's content depends on the description and on its number alone: not on the number of workers, nor on which
    blocks are made together.

    Args:
        env: the environment.
        settings: what decides the rows.
        workers: how many processes; 0 for one on each usable core.
        policy_sha256: what the policy's weights must be when a worker reads them; None takes them as they are.

    Raises:
        SettingError: if ``workers`` is negative.
        PolicyError: if the package has no policy of the level that was asked for.
    """

    def __init__(
        self, env: Environment, settings: CollectSettings, *, workers: int = 0, policy_sha256: str | None = None
    ) -> None:
        self._name, self._settings, self._workers = env.name, settings, worker_count(workers)
        self._nv = env.nv
        path = policy_path(env.name, settings.policy)
        more: dict[str, JSON] = {
            "seed": settings.seed,
            "action_hold": settings.action_hold,
            "policy": path and os.path.abspath(path),
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
        whole = {"episode_steps": 1, "rows": 1}
        first = Message("collect", {"first": 0, "steps": 1, **whole}, {"episodes": np.zeros(1, np.int64)})
        if self._settings.states == "coverage":
            first = Message("cover", {"first": 0, "rows": 1})
        self._answers([first] * max(1, len(self._pool.pids)), "its first row")
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
        on_rows: Callable[[int, int], None] | None = None,
    ) -> None:
        """Make blocks and hand each over as soon as it is whole.

        Args:
            description: the data set.
            blocks: numbers of the blocks to make.
            commit: told a block's number and its arrays, in this thread.
            on_rows: told rows made so far, and how many of those handed over are not finite.

        Raises:
            WorkerError: a worker died or hung; names the rows.  Blocks that are whole were handed over before.
            OutputError: whatever ``commit`` raises goes through; no worker is left busy.
        """
        plan = Plan(description, blocks, self._workers)
        told = [0, 0]

        def take(index: int, reply: Message) -> None:
            for number, arrays in plan.take(index, reply):
                told[1] += int((~arrays["finite"]).sum())
                commit(number, arrays)
            told[0] += len(reply.arrays["jac_state"])
            if on_rows is not None:
                on_rows(told[0], told[1])

        answers = self._pool.run(plan, take, keep=False, ready=plan.ready)
        lost = [(index, answer) for index, answer in enumerate(answers) if isinstance(answer, WorkerError)]
        if lost:
            index, error = lost[0]
            rows = plan.rows(index).tolist()
            raise WorkerError(f"{self._name}: rows {rows[0]} to {rows[-1]} have no result. {error}", rows) from error

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
        answers = self._answers([Message("recompute", {}, part) for part in _parts(rows)], "stored rows")
        return {name: np.concatenate([reply.arrays[name] for reply in answers]) for name in answers[0].arrays}

    def roll_out(self, episodes: int, steps: int) -> Episodes:
        """Run episodes 0 to e - 1 of a collection with these settings, without differentiating anything.

        Args:
            episodes: e.
            steps: Control steps of each, T.

        Returns:
            The same rows, bit for bit, as a collection stores.

        Raises:
            WorkerError: a worker died or hung, or the policy returned a number that is not finite.
        """
        plan = EpisodesPlan(episodes, steps)
        while not plan.is_done:
            plan.take(self._answers(plan.requests(), "control steps of episodes"))
        return plan.episodes()

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

    def _answers(self, requests: Sequence[Message], what: str) -> list[Message]:
        answers = self._pool.run(requests)
        for answer in answers:
            if isinstance(answer, WorkerError):
                raise WorkerError(f"{self._name}: a worker could not compute {what}. {answer}") from answer
        return [answer for answer in answers if isinstance(answer, Message)]


def _parts(rows: Mapping[str, np.ndarray]) -> list[dict[str, np.ndarray]]:
    """Cut arrays of rows into the size of a request."""
    count = len(rows["state"])
    spans = [slice(first, first + REQUEST_ROWS) for first in range(0, count, REQUEST_ROWS)]
    return [{name: np.ascontiguousarray(array[span]) for name, array in rows.items()} for span in spans]
