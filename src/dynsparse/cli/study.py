"""Study: the stages of a reproduction, each resumable, each on the clock."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from dynsparse.cli.heard_process import HeardProcess
from dynsparse.cli.progress import open_progress
from dynsparse.cli.relearning import relearn
from dynsparse.cli.reproduction import Reproduction, start_order
from dynsparse.cli.result_folder import ResultFolder
from dynsparse.cli.section_run import RECORDS, SectionPlan, run_sections
from dynsparse.cli.stage_clock import SECTIONS_STAGE, StageClock
from dynsparse.cli.unit_board import UnitBoard
from dynsparse.config import ReproduceSettings
from dynsparse.errors import DynsparseError, ExecutorError, OutputError
from dynsparse.executor import Executor, Unit, UnitStore, run_units
from dynsparse.provenance import Provenance, collect_provenance
from dynsparse.report.learning_table import ExpectedRuns

if TYPE_CHECKING:
    from dynsparse.learning.settings import LearnSettings

__all__ = ["Study"]

_COLLECT = "dynsparse.cli.data_unit:collect_environment"


class Study:
    """What a reproduction does, stage by stage; a stage that fails in one environment goes on in the others."""

    def __init__(
        self,
        settings: ReproduceSettings,
        folder: ResultFolder,
        clock: StageClock,
        command: str,
        *,
        workers: int,
        executor: Callable[[], Executor],
        everywhere: bool,
    ) -> None:
        """Prepare; nothing is started yet.

        Args:
            settings: What to compute.
            folder: Where it goes, held by this process.
            clock: Told how long each stage takes.
            command: The command, for the record.
            workers: Processes in all on this machine.
            executor: Makes what runs units: a cluster or this machine.
            everywhere: Whether it is a cluster, and data too are collected on it.
        """
        self._settings, self._folder, self._clock, self._command = settings, folder, clock, command
        self._workers, self._executor, self._everywhere = workers, executor, everywhere
        self._failures: dict[str, BaseException] = {}

    @property
    def failures(self) -> Mapping[str, BaseException]:
        """What failed, by environment, or environment and section."""
        return self._failures

    @property
    def provenance(self) -> Provenance:
        """The record of this command."""
        return collect_provenance(self._command, self._settings.seed, settings_hash=self._folder.settings_hash)

    def collect(self, names: Sequence[str]) -> None:
        """Collect, verify, audit and analyse the environments that are not finished.

        Raises:
            KeyboardInterrupt: If interrupted; all workers are closed then.
        """
        finished = [name for name in names if self._folder.finished(name) is not None]
        if finished:
            print(f"already finished, not repeated: {', '.join(finished)}", flush=True)
        waiting = [name for name in names if name not in finished]
        if not waiting:
            return
        with self._clock.stage("data"):
            self._failures |= self._collect_everywhere(waiting) if self._everywhere else self._collect_here(waiting)

    def measure(self, plans: Sequence[SectionPlan], names: Sequence[str]) -> None:
        """Measure the sections that are not measured yet.

        Args:
            plans: Which, and how much of each.
            names: Environments whose data are there.
        """
        if not plans or not names:
            return
        with self._clock.stage(SECTIONS_STAGE):
            outcome = run_sections(
                plans,
                {name: self._folder.dataset(name) for name in sorted(names, key=start_order)},
                self._folder.path,
                self._executor(),
                self.provenance,
                command=f"dynsparse reproduce --preset {self._settings.preset}",
                seed=self._settings.seed,
                atol=self._settings.atol,
            )
        self._clock.note_units(outcome.times)
        self._failures |= {name: ExecutorError(f"{name}: {error}") for name, error in outcome.failed.items()}

    def relearn(
        self, names: Sequence[str], settings: LearnSettings, seeds: tuple[int, ...], beside: Path | None = None
    ) -> None:
        """Train on plain autodiff's Jacobians too, where these differ from the exact ones in float64.

        Args:
            names: Environments whose derivatives were compared, if at all.
            settings: Of every training but for loss and seed.
            seeds: Seeds.
            beside: Folder of records in which trainings on the exact Jacobians may be done already.
        """
        datasets = {name: self._folder.dataset(name) for name in names}
        self._failures |= relearn(datasets, self._folder.path, settings, seeds, self._executor(), workers=self._workers)

    def publish(self, expected: Sequence[str], questions: Sequence[str], runs: ExpectedRuns | None = None) -> None:
        """Write the report and its items from what is on record, and print what they say.

        Args:
            expected: Environments that there should be; those missing are shown as missing.
            questions: Which of the paper's questions to answer.
            runs: Trainings that there should be.
        """
        from dynsparse.cli.learning_run import print_scores
        from dynsparse.cli.publication import publish_study

        found = publish_study(
            self._folder.path,
            self._folder.path / "report.html",
            expected=expected,
            provenance=self.provenance.to_dict(),
            questions=questions,
            runs=runs,
        )
        if found.learning is not None:
            print_scores(found.learning.results)

    @contextmanager
    def exploring(self) -> Iterator[None]:
        """Write the page to look around in, in a process of its own while something else is done; then wait for it."""
        command = [sys.executable, "-m", "dynsparse.cli", "explore", str(self._folder.path), "--no-open"]
        # Its progress is not shown beside this one's; what it says in the end is.
        process = HeardProcess(command)
        try:
            yield
        except BaseException:  # Ctrl-C too: the other process must not go on alone
            process.kill()
            raise
        finally:
            out, err = process.wait()
            self._clock.note("explore", process.span)
        print(out, end="")
        if process.failed:
            last = (err.strip().splitlines() or ["it ended without a word"])[-1]
            self._failures["explore"] = OutputError(f"explore.html: {last.removeprefix('dynsparse: ')}")

    def tell(self) -> None:
        """Print how long each stage took, and which took longer than planned."""
        print(f"\ntime: {self._clock.told()}")
        for sentence in self._clock.over:
            print(f"over its budget: {sentence}")

    def _collect_here(self, waiting: Sequence[str]) -> dict[str, BaseException]:
        progress = open_progress()
        try:
            return Reproduction(self._settings, self._folder, progress, self._command).run(waiting, self._workers)
        finally:
            progress.close()

    def _collect_everywhere(self, waiting: Sequence[str]) -> dict[str, BaseException]:
        """Collect on a cluster, each environment on one CPU."""
        units = []
        for name in sorted(waiting, key=start_order):
            settings = self._settings.to_dict() | {"environments": [name]}
            arguments = {"environment": name, "settings": settings, "command": self._command}
            units.append(Unit(_COLLECT, arguments, {"study": str(self._folder.path)}, name))
        store = UnitStore(self._folder.path / RECORDS)
        for unit in units:  # what a record says was finished is not there any more
            store.forget(unit.key)
        progress = open_progress()
        try:
            board = UnitBoard(progress, units, lambda _: "data")
            outcome = run_units(units, store, self._executor(), on_event=board.hear, provenance=self.provenance)
        finally:
            progress.close()
        names = {unit.key: str(unit.arguments["environment"]) for unit in units}
        return {names[key]: _failure(names[key], error) for key, error in outcome.failed.items()}


def _failure(name: str, error: str) -> DynsparseError:
    return ExecutorError(f"{name}: {error}")
