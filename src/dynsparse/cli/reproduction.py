"""Reproduction of Q1: environments side by side, each collected, analysed, drawn and committed."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from dynsparse.analysis.source import ArrayRows, RowDescription
from dynsparse.analysis.streaming import analyze
from dynsparse.cli.progress import Progress
from dynsparse.cli.result_folder import ResultFolder
from dynsparse.config import ReproduceSettings
from dynsparse.provenance import collect_provenance
from dynsparse.report.heatmap import write_heatmap
from dynsparse.rollout.collect import Collected, collect_random

if TYPE_CHECKING:
    from dynsparse.physics.environment import Environment
    from dynsparse.physics.linearizer import Linearizer

__all__ = ["Reproduction"]

# Longest first: what takes longest must not start last.  Compile time decides at the size of "smoke".
_LONGEST_FIRST = (
    "FingerSpin",
    "FingerTurnEasy",
    "BallInCup",
    "WalkerRun",
    "SwimmerSwimmer6",
    "CheetahRun",
    "ReacherHard",
    "CartpoleBalance",
)

_LOOK_SECONDS = 0.2


class Reproduction:
    """Works a list of environments off, a few at a time, each in a thread with worker processes of its own."""

    def __init__(self, settings: ReproduceSettings, folder: ResultFolder, progress: Progress, command: str) -> None:
        """Prepare; nothing is started yet.

        Args:
            settings: What to compute.
            folder: Where finished environments go.
            progress: Who is told how far it is.
            command: The command, for the record.
        """
        self._settings = settings
        self._folder = folder
        self._progress = progress
        self._command = command
        self._queue: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._loading = threading.Lock()
        self._open: set[Linearizer] = set()
        self._failures: dict[str, BaseException] = {}

    def run(self, environments: Iterable[str], workers: int) -> dict[str, BaseException]:
        """Work the environments off; the other ones go on when one fails.

        Args:
            environments: Names of those that are not finished yet.
            workers: Worker processes in all; at most one environment each at a time.

        Returns:
            What each failed environment failed of; empty if all are finished.

        Raises:
            KeyboardInterrupt: If interrupted; all workers are closed then.
        """
        waiting = sorted(environments, key=_start_order)
        for name in waiting:
            self._progress.add(name, self._settings.rows)
            self._queue.put(name)
        side_by_side = max(1, min(workers, len(waiting)))
        each = max(1, workers // side_by_side)
        threads = [
            threading.Thread(target=self._work, args=(each,), name=f"reproduce-{index}", daemon=True)
            for index in range(min(side_by_side, len(waiting)))
        ]
        try:
            for thread in threads:
                thread.start()
            while any(thread.is_alive() for thread in threads):
                self._progress.tick()
                time.sleep(_LOOK_SECONDS)
        except BaseException:
            self._abandon(threads)
            raise
        return {name: self._failures[name] for name in waiting if name in self._failures}

    def _work(self, workers: int) -> None:
        """Take environments from the queue until it is empty."""
        while not self._stop.is_set():
            try:
                name = self._queue.get_nowait()
            except queue.Empty:
                return
            try:
                self._environment(name, workers)
            except BaseException as error:  # kept for the main thread, which raises it
                self._failures[name] = error
                if not self._stop.is_set():
                    self._progress.finish(name, f"failed: {error}")

    def _environment(self, name: str, workers: int) -> None:
        """Collect, analyse, draw and commit one environment."""

        def enter(phase: str) -> None:
            if self._stop.is_set():
                raise KeyboardInterrupt
            self._progress.phase(name, phase)

        enter("load")
        # Loading switches JAX to 64 bits inside a context of its thread; one at a time is not slower.
        with self._loading:
            env = open_environment(name)
        enter("compile")
        linearizer = open_linearizer(env, self._settings.derivative, workers)
        self._open.add(linearizer)
        try:
            linearizer.warm_up()
            told = self._teller(name)
            collected = collect_random(env, linearizer, self._settings, enter, told)
            measured = {"compile_seconds": linearizer.compile_seconds, "peak_rss_mib": linearizer.peak_rss_mib}
        finally:
            self._open.discard(linearizer)
            linearizer.close()
        enter("draw")
        self._keep(env, collected, measured)

    def _teller(self, name: str) -> Callable[[int, int], None]:
        return lambda done, nonfinite: self._progress.rows(name, done, nonfinite)

    def _keep(self, env: Environment, collected: Collected, measured: dict[str, float]) -> None:
        settings = self._settings
        provenance = collect_provenance(
            self._command,
            settings.seed,
            settings=settings.environment_dict(env.name),
            settings_hash=self._folder.settings_hash,
            measured=measured,
        )
        description = RowDescription(
            environment=env.name,
            state_names=env.state_names,
            action_names=env.action_names,
            policy={"name": settings.policy},
            derivative=settings.derivative,
            episode_steps=settings.episode_steps,
        )
        jacobians = {name: getattr(collected.linearization, name) for name in ("jac_state", "jac_action", "finite")}
        rows = ArrayRows(description, {**jacobians, "episode": collected.episode, "t": collected.t})
        record = analyze(rows, settings.atol, provenance=provenance.to_dict())
        # The figure first: once an environment counts as finished, everything of it is there.
        write_heatmap(record, self._folder.path / "figures")
        self._folder.commit(record)
        left_out = f", {record.nonfinite_rows:,} non-finite" if record.nonfinite_rows else ""
        self._progress.finish(env.name, f"done, {record.rows:,} rows{left_out}")

    def _abandon(self, threads: list[threading.Thread]) -> None:
        """End all workers and wait for the threads that were waiting for them.

        A thread inside a call of its linearizer can not be interrupted, and closing the linearizer would wait for
        that call.  But the call ends when it keeps losing its workers, as it would if they died.
        """
        self._stop.set()
        while any(thread.is_alive() for thread in threads):
            for pid in [pid for linearizer in list(self._open) for pid in linearizer.pids]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(_LOOK_SECONDS / 4)


def open_environment(name: str) -> Environment:
    """Load an environment; the import is here because it takes seconds."""
    from dynsparse.physics.environment import load_environment

    return load_environment(name)


def open_linearizer(env: Environment, derivative: str, workers: int) -> Linearizer:
    """Make an environment's pool of workers; nothing is started yet."""
    from dynsparse.physics.linearizer import Linearizer

    return Linearizer(env, derivative, workers=workers)


def _start_order(name: str) -> int:
    return _LONGEST_FIRST.index(name) if name in _LONGEST_FIRST else -1
