"""``dynsparse reproduce``: the paper's questions, answered for all environments by one command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dynsparse.cli.environments import environment_names
from dynsparse.config import DEFAULT_ATOL, ReproduceSettings, preset_settings
from dynsparse.errors import DynsparseError, SettingError

if TYPE_CHECKING:
    from dynsparse.cli.result_folder import ResultFolder
    from dynsparse.executor import Executor

__all__ = ["EXAMPLES", "Reproduce"]

EXAMPLES = """\
examples:
  dynsparse reproduce --preset smoke --out out/demo
  dynsparse reproduce --only q1,q2,q3 --envs CheetahRun WalkerRun --rows 5000 --out out/runners
  dynsparse reproduce --preset small --policy paper --only q4 --out out/small
  dynsparse reproduce --preset paper --policy paper --executor ray --address head:6379 --out out/paper

Stopped (Ctrl-C) and run again, the same command goes on where it was.
"""

_QUESTIONS = ("q1", "q2", "q3", "q4")
LEARNING = "learning"
"""Folder of the answers to q4."""
CAUSE_ROWS = 64
"""Rows of each data set whose zeros are explained; `dynsparse causes` looks at more."""


@dataclass(frozen=True)
class Reproduce:
    """Answer the paper's questions: global (q1), state-dependent (q2), temporal (q3) and learned sparsity (q4).

    Writes OUT/report.html, OUT/table1.csv and .json, OUT/figures/, for each environment OUT/data/ENV (the data set) and
    OUT/analysis/ENV/analysis.json and .npz, and for q4 OUT/learning/learning.html, tables, figures and trained models.
    """

    out: Path
    """Folder for the results: a new one, or one that the same settings were written to."""

    preset: Literal["smoke", "small", "paper"] = "smoke"
    """Rows per environment, in episodes of 1,000 control steps: smoke 4,000, small 20,000, paper 1,000,000; and of q4
    seeds, epochs and units of a layer: smoke 2, 8 and 64, small 3, 20 and 512, paper 15, 100 and 512."""

    only: str = "q1,q2,q3,q4"
    """Questions to answer, separated by commas."""

    envs: tuple[str, ...] = ()
    """Environments, by default all eight (see dynsparse envs)."""

    rows: int | None = None
    """Rows per environment in place of the preset's."""

    policy: Literal["random", "novice", "paper", "expert"] = "random"
    """Who chooses the actions: nobody, or an agent that comes with the package (see dynsparse envs); the paper's data
    are of agents as good as "paper"."""

    workers: int = 0
    """Worker processes in all; 0 for one on each usable core."""

    executor: Literal["local", "ray"] = "local"
    """Where the models of q4 are trained: processes on this machine, or a Ray cluster."""

    address: str | None = None
    """HOST:PORT of the Ray cluster."""

    seed: int = 0
    """Seed of initial states and actions."""

    atol: float = DEFAULT_ATOL
    """An element of the Jacobian is zero when abs(x) < atol; of q1 to q3 (q4 has the paper's 1e-12)."""

    causes: bool = False
    """Also say why elements are zero, at 64 rows of each data set (a quarter of a minute to a minute an environment on
    one core, once its step is compiled)."""

    def run(self) -> int:
        """Compute what is not there yet, then write and print the answers.

        Returns:
            The exit code.
        """
        questions = _questions(self.only)
        names = environment_names(self.envs)
        settings = preset_settings(self.preset, names, self.rows, self.seed, self.atol, self.policy)

        # Imported late: matplotlib and the workers take a second, and a wrong option should not wait for it.
        from dynsparse.cli.progress import open_progress
        from dynsparse.cli.publication import in_papers_order, publish
        from dynsparse.cli.reproduction import Reproduction
        from dynsparse.cli.result_folder import ResultFolder
        from dynsparse.provenance import collect_provenance
        from dynsparse.workers import worker_count

        workers = worker_count(self.workers)
        sparsity = tuple(question for question in questions if question != "q4")
        if "q4" in questions:
            from dynsparse.cli.executors import make_executor

            executor = make_executor(self.executor, 0 if self.executor == "ray" else workers, self.address)
        folder = ResultFolder(self.out, settings)
        command = self._command(settings, questions)
        try:
            finished = [name for name in names if folder.finished(name) is not None]
            if finished:
                print(f"already finished, not repeated: {', '.join(finished)}", flush=True)
            waiting = [name for name in names if name not in finished]
            failures: dict[str, BaseException] = {}
            if waiting:
                progress = open_progress()
                try:
                    failures = Reproduction(settings, folder, progress, command, sparsity).run(waiting, workers)
                finally:
                    progress.close()
            there = in_papers_order([name for name in folder.names() if folder.finished(name) is not None])
            unexplained = self._explain(folder, there, workers, command) if self.causes and sparsity else {}
            reports = [report for name in there if (report := folder.finished(name)) is not None]
            if reports and sparsity:
                provenance = collect_provenance(command, settings.seed, settings_hash=folder.settings_hash).to_dict()
                page = self.out / "report.html"
                expected = in_papers_order([*{*names, *there}])
                publish(
                    reports,
                    self.out,
                    page,
                    expected=expected,
                    provenance=provenance,
                    measured={name: found for name in there if (found := folder.causes(name)) is not None},
                    questions=sparsity,
                    redraw=False,
                )
            status = 0
            if "q4" in questions and len(failures) < len(names):
                there = [name for name in in_papers_order(names) if name not in failures]
                status = self._learn({name: folder.dataset(name) for name in there}, executor, command)
            for failure in (*failures.values(), *unexplained.values()):
                raise failure
            return status
        finally:
            folder.close()

    def _explain(
        self, folder: ResultFolder, names: Sequence[str], workers: int, command: str
    ) -> dict[str, DynsparseError]:
        """Say why elements are zero where that is not known yet; the other environments go on when one fails."""
        from dynsparse.cli.explanation import explain_dataset
        from dynsparse.cli.progress import open_progress

        waiting = [name for name in names if folder.causes(name) is None]
        failures: dict[str, DynsparseError] = {}
        progress = open_progress()
        try:
            for name in waiting:
                progress.add(name, CAUSE_ROWS)
            for name in waiting:
                progress.phase(name, "load")
                try:
                    record = explain_dataset(
                        folder.dataset(name),
                        command,
                        rows=CAUSE_ROWS,
                        seed=self.seed,
                        atol=self.atol,
                        workers=workers,
                        on_phase=partial(progress.phase, name),
                        on_rows=lambda done, name=name: progress.rows(name, done, 0),  # type: ignore[misc] # its default
                    )
                except DynsparseError as error:  # kept, and raised when all the others are done
                    failures[name] = error
                    progress.finish(name, f"failed: {error}")
                    continue
                folder.commit_causes(record)
                progress.finish(name, "explained")
        finally:
            progress.close()
        return failures

    def _learn(self, datasets: Mapping[str, Path], executor: Executor, command: str) -> int:
        """Answer q4."""
        from dynsparse.cli.learning_run import LearningPlan, run_learning
        from dynsparse.learning.losses import LOSSES
        from dynsparse.learning.presets import learning_preset

        preset = learning_preset(self.preset)
        # From 1, as in the paper.
        seeds = tuple(range(self.seed + 1, self.seed + 1 + preset.seeds))
        return run_learning(
            LearningPlan(datasets, LOSSES, seeds, preset.settings), self.out / LEARNING, executor, command
        )

    def _command(self, settings: ReproduceSettings, questions: tuple[str, ...]) -> str:
        """Return the command as somebody else would repeat it, the folder aside."""
        return (
            f"dynsparse reproduce --preset {settings.preset} --only {','.join(questions)} "
            f"--envs {' '.join(settings.environments)} "
            f"--rows {settings.rows} --policy {settings.policy} --seed {settings.seed} --atol {settings.atol!r}"
            f"{' --causes' if self.causes else ''}"
        )


def _questions(only: str) -> tuple[str, ...]:
    """Return the questions that were asked for, in their order."""
    asked = only.replace(",", " ").lower().split() or [only]
    for question in asked:
        if question not in _QUESTIONS:
            raise SettingError(
                f"only must name questions of the paper, got {question!r}; there are {', '.join(_QUESTIONS)}"
            )
    return tuple(question for question in _QUESTIONS if question in asked)
