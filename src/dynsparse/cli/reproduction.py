"""Reproduction of Q1 to Q3: environments side by side, each collected, verified, audited, and analysed."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dynsparse.analysis import EpisodeCount, SparsityReport, analyze
from dynsparse.cli.progress import Progress
from dynsparse.cli.result_places import ResultPlaces
from dynsparse.config import ReproduceSettings
from dynsparse.dataset import open_dataset, verify_dataset
from dynsparse.errors import DatasetError
from dynsparse.provenance import collect_provenance
from dynsparse.report.verdict import verdict
from dynsparse.rollout.collect import fill_dataset
from dynsparse.rollout.settings import CollectSettings
from dynsparse.rollout.stored_rows import audit_dataset, identity

if TYPE_CHECKING:
    from dynsparse.physics.environment import Environment
    from dynsparse.rollout.collector import Collector

__all__ = ["Reproduction", "start_order"]

AUDIT_ROWS = 64
"""Rows of each data set that are held against differences: a second's work.  `dynsparse audit` looks at more."""

# Longest first: what takes longest must not start last.  Compile time decides at the size of "smoke".
_LONGEST_FIRST = (
    "CheetahRun",
    "WalkerRun",
    "FingerTurnEasy",
    "FingerSpin",
    "BallInCup",
    "SwimmerSwimmer6",
    "ReacherHard",
    "CartpoleBalance",
)

_LOOK_SECONDS = 0.2


class Reproduction:
    """Works a list of environments off, a few at a time, each in a thread with worker processes of its own."""

    def __init__(
        self,
        settings: ReproduceSettings,
        folder: ResultPlaces,
        progress: Progress,
        command: str,
    ) -> None:
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
        self._open: set[Collector] = set()
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
        waiting = sorted(environments, key=start_order)
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
        """Collect, verify, audit, analyse and commit one environment."""

        def enter(phase: str) -> None:
            if self._stop.is_set():
                raise KeyboardInterrupt
            self._progress.phase(name, phase)

        settings, path = self._settings, self._folder.dataset(name)
        enter("load")
        # Loading switches JAX to 64 bits inside a context of its thread; one at a time is not slower.
        with self._loading:
            env = open_environment(name)
        rows = CollectSettings(
            settings.rows,
            settings.policy,
            seed=settings.seed,
            derivative=settings.derivative,
            episode_steps=settings.episode_steps,
            action_hold=settings.action_hold,
        )
        collector = open_collector(env, rows, workers)
        self._open.add(collector)
        try:
            collected = fill_dataset(
                env, rows, path, collector, resume=True, on_phase=enter, on_rows=self._teller(name)
            )
            enter("verify")
            _check(path, self._proceed)
            dataset = open_dataset(path)
            enter("audit")
            audit = audit_dataset(
                dataset, env, collector, rows=AUDIT_ROWS, seed=settings.seed, atol=settings.atol, on_phase=enter
            ).to_dict()
        finally:
            self._open.discard(collector)
            collector.close()
        enter("analyze")
        measured = {"compile_seconds": collected.compile_seconds, "peak_rss_mib": collected.peak_rss_mib}
        provenance = self._provenance(name, identity(dataset), measured)
        episodes = EpisodeCount(dataset)
        record = analyze(
            dataset, settings.atol, audit=audit, provenance=provenance, on_rows=self._proceed, episodes=episodes
        )
        above = episodes.above_round_off(record)
        self._folder.commit(record, episodes.record(record), *(() if above is None else (above,)))
        self._progress.finish(name, _told(record))

    def _proceed(self, _done: int, _other: int) -> None:
        """Stop where the reproduction was stopped: called between blocks."""
        if self._stop.is_set():
            raise KeyboardInterrupt

    def _teller(self, name: str) -> Callable[[int, int], None]:
        return lambda done, nonfinite: self._progress.rows(name, done, nonfinite)

    def _provenance(self, name: str, dataset: dict[str, str], measured: dict[str, float]) -> dict[str, Any]:
        return collect_provenance(
            self._command,
            self._settings.seed,
            dataset=dataset,
            settings=self._settings.environment_dict(name),
            settings_hash=self._folder.settings_hash,
            measured=measured,
        ).to_dict()

    def _abandon(self, threads: list[threading.Thread]) -> None:
        """End all workers and wait for the threads that were waiting for them.

        A thread inside a call of its collector can not be interrupted, and closing the collector would wait for
        that call.  But the call ends when it keeps losing its workers, as it would if they died.
        """
        self._stop.set()
        while any(thread.is_alive() for thread in threads):
            for pid in [pid for collector in list(self._open) for pid in collector.pids]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(_LOOK_SECONDS / 4)


def open_environment(name: str) -> Environment:
    """Load an environment; the import is here because it takes seconds."""
    from dynsparse.physics.environment import load_environment

    return load_environment(name)


def open_collector(env: Environment, settings: CollectSettings, workers: int) -> Collector:
    """Make an environment's pool of workers; nothing is started yet."""
    from dynsparse.rollout.collector import Collector

    return Collector(env, settings, workers=workers)


def _check(path: Path, proceed: Callable[[int, int], None]) -> None:
    """Refuse a data set that is not what was committed."""
    report = verify_dataset(path, on_block=proceed)
    if not report.ok:
        raise DatasetError(
            f"{path} is damaged: {report.problems[0] if report.problems else 'blocks are missing'} "
            f"({len(report.problems)} problems; dynsparse verify lists them); remove it and run again"
        )


def _told(record: SparsityReport) -> str:
    left_out = f", {record.nonfinite_rows:,} non-finite" if record.nonfinite_rows else ""
    found = verdict(record.audit, record.derivative)
    audit = "" if record.audit is None or found == "clean" else f", audit: {found}"
    return f"done, {record.rows:,} rows{left_out}{audit}"


def start_order(name: str) -> int:
    """Return where an environment stands among those that are begun, the longest first."""
    return _LONGEST_FIRST.index(name) if name in _LONGEST_FIRST else -1
