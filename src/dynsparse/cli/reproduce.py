"""``dynsparse reproduce``: the paper's questions, answered for all environments by one command."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from dynsparse.cli.environments import environment_names
from dynsparse.config import DEFAULT_ATOL, ReproduceSettings, preset_settings
from dynsparse.errors import SettingError

if TYPE_CHECKING:
    from dynsparse.cli.learning_run import LearningRun
    from dynsparse.executor import Executor
    from dynsparse.learning.settings import LearnSettings

__all__ = ["EXAMPLES", "Reproduce"]

EXAMPLES = """\
examples:
  dynsparse reproduce --preset smoke --out out/demo
  dynsparse reproduce --only q1,q2,q3 --envs CheetahRun WalkerRun --rows 5000 --out out/runners
  dynsparse reproduce --preset small --only q4 --out out/small
  dynsparse reproduce --preset small --causes --search --embed all --out out/small
  dynsparse reproduce --preset paper --executor ray --address head:6379 --out out/paper

Stopped (Ctrl-C) and run again, the same command goes on where it was.
"""

_QUESTIONS = ("q1", "q2", "q3", "q4")
_SECTIONS = ("derivatives", "policies", "horizon")
"""Beyond the paper: what changes when the derivative is right, with the data, with time."""
_EMBEDDED = "FingerSpin"
"""The environment of the paper's Figure 4."""
LEARNING = "learning"
"""Folder of the answers to q4."""
_TABLES = {"width_table": "a2.4", "decay_table": "a2.8"}
"""Which of the paper's tables that contradict each other the searches follow: those that its ranks are of."""
SEARCH = "search"
"""Folder of the hyperparameter searches."""


@dataclass(frozen=True)
class Reproduce:
    """Run the paper's whole study, and what changes when the derivative, the data or the horizon does.

    Answers global (q1), state-dependent (q2), temporal (q3) and learned sparsity (q4).  Writes OUT/report.html, in the
    paper's order and beside its numbers; OUT/figures and OUT/tables, named after the paper's; OUT/explore.html to look
    around in; for each environment OUT/data/ENV (the data set) and OUT/analysis/ENV (the numbers); and OUT/learning.
    """

    out: Path
    """Folder for the results: a new one, or one that the same settings were written to."""

    preset: Literal["smoke", "small", "paper"] = "smoke"
    """Rows per environment, in episodes of 1,000 control steps: smoke 4,000, small 20,000, paper 1,000,000; and of q4
    seeds, epochs and units of a layer: smoke 2, 8 and 64, small 3, 20 and 512, paper 15, 100 and 512."""

    only: str = "q1,q2,q3,q4,derivatives,policies,horizon"
    """What to answer, separated by commas: the paper's questions; what changes with plain autodiff (derivatives), with
    the data (policies), over several steps and with the length of a step (horizon)."""

    envs: tuple[str, ...] = ()
    """Environments, by default all eight (see dynsparse envs)."""

    rows: int | None = None
    """Rows per environment in place of the preset's."""

    policy: Literal["random", "novice", "paper", "expert"] = "paper"
    """Who chooses the actions: nobody (random), or an agent that comes with the package (see dynsparse envs); the
    paper's data are of agents as good as "paper"."""

    workers: int = 0
    """Worker processes in all; 0 for one on each usable core."""

    executor: Literal["local", "ray"] = "local"
    """Where data are collected, sections measured and models trained: processes on this machine, or a Ray cluster whose
    machines share the folder; an environment's data are collected on one CPU there."""

    address: str | None = None
    """HOST:PORT of the Ray cluster."""

    seed: int = 0
    """Seed of initial states and actions."""

    atol: float = DEFAULT_ATOL
    """An element of the Jacobian is zero when abs(x) < atol; of q1 to q3 (q4 has the paper's 1e-12)."""

    causes: bool = False
    """Also say why elements are zero, at 64 rows of each data set and more in the larger presets (a quarter of a minute
    to a minute an environment on one core, once its step is compiled)."""

    embed: Annotated[tuple[str, ...], tyro.conf.arg(metavar="ENV|all")] = ()
    """Environments whose states are embedded (Figure 4); FingerSpin by default, as in the paper."""

    search: bool = False
    """Also run the hyperparameter searches of Appendix A2.1, of the preset's size, on these data."""

    explore: bool = True
    """Write OUT/explore.html."""

    def run(self) -> int:
        """Compute what is not there yet, then write and print the answers.

        Returns:
            The exit code.
        """
        questions, asked = _asked(self.only)
        names = environment_names(self.envs)
        embedded = _embedded(self.embed, names)
        settings = preset_settings(self.preset, names, self.rows, self.seed, self.atol, self.policy)

        # Imported late: matplotlib and the workers take a second, and a wrong option should not wait for it.
        from dynsparse.cli.executors import make_executor
        from dynsparse.cli.learning_folder import UNITS
        from dynsparse.cli.publication import in_papers_order
        from dynsparse.cli.result_folder import ResultFolder
        from dynsparse.cli.stage_clock import StageClock
        from dynsparse.cli.study import Study
        from dynsparse.cli.study_preset import study_preset
        from dynsparse.workers import worker_count

        workers = worker_count(self.workers)
        everywhere = self.executor == "ray"
        executor = make_executor(self.executor, 0 if everywhere else workers, self.address)
        preset = study_preset(self.preset)
        wanted = {*asked, *(("causes",) if self.causes else ()), *(("pictures", "embedding") if questions else ())}
        plans = preset.plans(wanted, embedded)
        command = self._command(settings, (*questions, *asked))
        folder = ResultFolder(self.out, settings)
        try:
            clock = StageClock(self.out, self.preset, 0 if everywhere else workers, preset.budgets)
            known = folder.ask(questions)
            study = Study(
                settings, folder, clock, command, workers=workers, executor=lambda: executor, everywhere=everywhere
            )
            study.collect(names)
            there = in_papers_order([name for name in names if folder.finished(name) is not None])
            study.measure(plans, there)
            status, runs = 0, None
            if "q4" in questions and there:
                with clock.stage("q4"):
                    learned = self._learn({name: folder.dataset(name) for name in there}, executor, command)
                    status, runs = int(not learned.outcome.complete), learned.expected
                if "derivatives" in asked:
                    again = [name for name in there if preset.relearned is None or name in preset.relearned]
                    with clock.stage("relearned"):
                        study.relearn(again, *self._learning(), self.out / LEARNING / UNITS)
            if self.search and there:
                with clock.stage("search"):
                    status = max(status, self._search(executor, there))
            if there:
                with study.exploring() if self.explore else nullcontext(), clock.stage("report"):
                    study.publish(in_papers_order(names), known, runs)
            study.tell()
            failures = list(study.failures.values())
            for failure in failures[:-1]:
                print(f"failed: {failure}", file=sys.stderr)
            if failures:
                raise failures[-1]
            return status
        finally:
            folder.close()

    def _learning(self) -> tuple[LearnSettings, tuple[int, ...]]:
        """Return settings and seeds of trainings."""
        from dynsparse.learning.presets import learning_preset

        preset = learning_preset(self.preset)
        # From 1, as in the paper.
        return preset.settings, tuple(range(self.seed + 1, self.seed + 1 + preset.seeds))

    def _learn(self, datasets: Mapping[str, Path], executor: Executor, command: str) -> LearningRun:
        """Train for q4."""
        from dynsparse.cli.learning_run import LearningPlan, train_models
        from dynsparse.learning.losses import LOSSES

        settings, seeds = self._learning()
        plan = LearningPlan(datasets, LOSSES, seeds, settings)
        return train_models(plan, self.out / LEARNING, executor, command)

    def _command(self, settings: ReproduceSettings, questions: tuple[str, ...]) -> str:
        """Return the command as somebody else would repeat it, the folder aside."""
        return (
            f"dynsparse reproduce --preset {settings.preset} --only {','.join(questions)} "
            f"--envs {' '.join(settings.environments)} "
            f"--rows {settings.rows} --policy {settings.policy} --seed {settings.seed} --atol {settings.atol!r}"
            f"{' --causes' if self.causes else ''}{' --search' if self.search else ''}"
            f"{f' --embed {chr(32).join(self.embed)}' if self.embed else ''}"
        )

    def _search(self, executor: Executor, there: Sequence[str]) -> int:
        """Run the hyperparameter searches on the data that are there."""
        from dynsparse.cli.search_data import given_data
        from dynsparse.cli.search_plan import SearchPlan
        from dynsparse.cli.search_run import run_search
        from dynsparse.learning.search_grid import search_preset

        preset = search_preset(self.preset)
        names = [name for name in preset.environments or there if name in there]
        if not names:
            raise SettingError(
                f"expected data of {', '.join(preset.environments)} for the searches of this preset, there are "
                f"{', '.join(there)}; leave --search out, or add these to --envs"
            )
        plan = SearchPlan(
            given_data(self.out, names), preset.grids(**_TABLES), preset.settings("step"), self.seed + 1, _TABLES
        )
        return run_search(plan, self.out / SEARCH, executor, f"dynsparse reproduce --preset {self.preset} --search")


def _asked(only: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the questions and the sections that were asked for, each in their order."""
    asked = only.replace(",", " ").lower().split() or [only]
    for question in asked:
        if question not in (*_QUESTIONS, *_SECTIONS):
            raise SettingError(
                f"only must name questions of the paper or sections beyond it, got {question!r}; there are "
                f"{', '.join((*_QUESTIONS, *_SECTIONS))}"
            )
    return tuple(q for q in _QUESTIONS if q in asked), tuple(s for s in _SECTIONS if s in asked)


def _embedded(given: tuple[str, ...], names: Sequence[str]) -> tuple[str, ...]:
    """Return the environments whose states are embedded."""
    if not given:
        return tuple(name for name in names if name == _EMBEDDED)
    chosen = tuple(names) if given == ("all",) else environment_names(given)
    others = [name for name in chosen if name not in names]
    if others:
        raise SettingError(f"embed must name environments of the study, got {', '.join(others)}; add them to --envs")
    return chosen
