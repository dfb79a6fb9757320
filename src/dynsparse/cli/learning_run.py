"""Learning run: trainings of several losses and seeds on one data set or more, then figures, tables and a page."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dynsparse.cli.learning_folder import UNITS, claim_folder
from dynsparse.cli.output import print_table, wide_console
from dynsparse.cli.training_board import run_trainings, tell_failed
from dynsparse.dataset import open_dataset
from dynsparse.errors import SettingError
from dynsparse.executor import Executor, Outcome, Unit, UnitStore
from dynsparse.learning.learn_data import refuse_too_small
from dynsparse.learning.losses import check_loss
from dynsparse.learning.settings import LearnSettings
from dynsparse.learning.unit import dataset_identity
from dynsparse.provenance import Provenance, collect_provenance
from dynsparse.report.answer_sentences import about_answer, about_training
from dynsparse.report.learning_publication import publish_learning
from dynsparse.report.learning_records import LearningRecords, read_learning_records
from dynsparse.report.learning_results import LearningResults
from dynsparse.report.learning_table import ExpectedRuns
from dynsparse.report.score_metrics import figures, table_metrics

if TYPE_CHECKING:
    from dynsparse.cli.progress import Progress

__all__ = ["LearningPlan", "LearningRun", "print_scores", "run_learning", "train_models"]

_FUNCTION = "dynsparse.learning.unit:run_unit"

_PRINTED = (
    "prediction.mse",
    "prediction.r2",
    "prediction.open_loop.25",
    *(f"normalized.{name}" for name in ("auprc", "auroc", "auprc_changing", "leak", "miss", "sparsity")),
)
"""The scores that fit a terminal."""

_TITLES = {
    "step": "Tested on test steps of training episodes (step; as in the paper): interquartile means",
    "episode": "Tested on unseen episodes (episode): interquartile means",
}


@dataclass(frozen=True)
class LearningPlan:
    """What is to be trained.

    Attributes:
        datasets: Folder of each environment's data set.
        losses: Names of losses.
        seeds: Seeds.
        settings: All else; its loss, seed and directions are not used.
        jacobian_directions: Of the loss ``"state-jacobian"``; random directions stand for no other.
    """

    datasets: Mapping[str, Path]
    losses: tuple[str, ...]
    seeds: tuple[int, ...]
    settings: LearnSettings
    jacobian_directions: int = 0

    def __post_init__(self) -> None:
        """Check the plan.

        Raises:
            SettingError: If something is named twice or not at all, or there is no such loss.
        """
        for name in ("losses", "seeds"):
            given = getattr(self, name)
            if not given or len(set(given)) < len(given):
                raise SettingError(f"{name} must name each once and one at least, got {', '.join(map(str, given))}")
        for loss in self.losses:
            check_loss(loss)

    def identities(self) -> dict[str, dict[str, Any]]:
        """Return what tells each environment's data set from others.

        Raises:
            DatasetError: If one is missing or empty.
        """
        return {name: dataset_identity(str(path)) for name, path in self.datasets.items()}

    def shared(self) -> dict[str, Any]:
        """Return the settings that all trainings have in common, as plain JSON values."""
        settings = self.settings.to_dict() | {"jacobian_directions": self.jacobian_directions}
        return {key: value for key, value in settings.items() if key not in ("loss", "seed")}

    def units(self) -> list[Unit]:
        """Return the referees of each seed's split, and the trainings, an environment after the other."""
        units = []
        for environment, identity in self.identities().items():
            for kind, loss in (("referees", "state"), *(("train", loss) for loss in self.losses)):
                for seed in self.seeds:
                    settings = dataclasses.replace(
                        self.settings,
                        loss=loss,
                        seed=seed,
                        jacobian_directions=self.jacobian_directions if loss == "state-jacobian" else 0,
                    )
                    arguments = {"kind": kind, "environment": environment, "dataset": identity}
                    context = {"dataset": str(self.datasets[environment])}
                    group = f"{environment} {loss if kind == 'train' else kind}"
                    units.append(Unit(_FUNCTION, {**arguments, "settings": settings.to_dict()}, context, group))
        return units


@dataclass(frozen=True, eq=False)
class LearningRun:
    """What became of a plan.

    Attributes:
        units: All of it.
        outcome: What this run did.
        records: What is on record, of earlier runs too.
        expected: The trainings that there should be.
        provenance: The record of the command.
    """

    units: tuple[Unit, ...]
    outcome: Outcome
    records: LearningRecords
    expected: ExpectedRuns
    provenance: Provenance


def train_models(
    plan: LearningPlan, out: Path, executor: Executor, command: str, *, progress: Progress | None = None
) -> LearningRun:
    """Train what is not there yet, and say on standard error what failed.

    Args:
        plan: What is to be trained.
        out: Folder for the records (``units``).
        executor: Where it is trained.
        command: The command, for the record.
        progress: Who is told how far it is; by default a new one.

    Returns:
        What became of it.

    Raises:
        OutputExistsError: If the folder holds trainings of other settings.
        ExecutorError: If nothing can be run.
        DatasetError: If a data set is missing or empty.
        SettingError: If one is too small to split.
    """
    for path in plan.datasets.values():
        refuse_too_small(open_dataset(path), plan.settings, plan.seeds)
    units = plan.units()
    claim_folder(out, plan.shared(), plan.identities())
    provenance = collect_provenance(command, min(plan.seeds), settings=plan.shared())
    store = UnitStore(out / UNITS)
    outcome = run_trainings(units, store, executor, provenance, plan.settings.epochs, _named, progress=progress)
    # All that is there: one folder is of one choice of settings, and its page would else forget what was asked before.
    records = read_learning_records(store.folder)
    there = frozenset((record.environment, record.loss, record.seed) for record in records.trainings)
    tell_failed(outcome.failed, units, _named)
    if outcome.skipped:
        print(f"{len(outcome.skipped)} of {len(units)} units were done before, and are not repeated")
    expected = ExpectedRuns(tuple(plan.datasets), plan.losses, plan.seeds, there)
    return LearningRun(tuple(units), outcome, records, expected, provenance)


def run_learning(
    plan: LearningPlan, out: Path, executor: Executor, command: str, *, progress: Progress | None = None
) -> int:
    """Train what is not there yet, then write and print the answers.

    Args:
        plan: What is to be trained.
        out: Folder for the records (``units``), figures, tables and page.
        executor: Where it is trained.
        command: The command, for the record.
        progress: Who is told how far it is; by default a new one.

    Returns:
        The exit code: 1 where a training failed.

    Raises:
        OutputExistsError: If the folder holds trainings of other settings.
        ExecutorError: If nothing can be run.
        DatasetError: If a data set is missing or empty.
        SettingError: If one is too small to split.
    """
    run = train_models(plan, out, executor, command, progress=progress)
    found = publish_learning(run.records, out, run.provenance.to_dict(), run.expected)
    print_scores(found.results)
    print(f"\nwritten:\n  {found.page}: everything on one page")
    for path in found.tables:
        print(f"  {path}")
    print(f"  {found.page.parent / 'figures'}: {len(found.figures)} files, .png and .pdf")
    return 0 if run.outcome.complete else 1


def print_scores(found: Sequence[LearningResults]) -> None:
    """Print the scores over all environments on each test set, and what they say."""
    console = wide_console()
    for results in found:
        print_table(console, *_summary(results), title=_TITLES[results.split])
        for sentence in filter(None, (about_training(results), about_answer(results))):
            console.print(sentence + "\n", soft_wrap=True, markup=False)


def _summary(results: LearningResults) -> tuple[list[str], list[list[str]]]:
    """Return columns and cells: scores over all environments, of each loss and each referee."""
    metrics = [metric for metric in table_metrics("normalized") if metric.name in _PRINTED]
    cells = []
    for label in (*results.losses, *results.referees):
        scores = [results.scores[metric.name].score(label) for metric in metrics]
        runs = max((score.estimate.runs for score in scores), default=0)
        cells.append([label, *(figures(score.estimate.value) for score in scores), f"{runs}/{scores[0].expected}"])
    return ["", *(metric.title for metric in metrics), "runs"], cells


def _named(unit: Unit) -> str:
    arguments = unit.arguments
    if arguments["kind"] != "train":
        return f"{arguments['environment']}, referees, seed {arguments['settings']['seed']}"
    return f"{arguments['environment']}, {arguments['settings']['loss']}, seed {arguments['settings']['seed']}"
