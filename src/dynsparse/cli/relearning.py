"""Relearning: models trained on plain autodiff's Jacobians too, where a study found these to differ."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dynsparse.analysis.derivative_record import DerivativeRecord, holds_derivatives
from dynsparse.cli.derivative_learning import DerivativeLearning
from dynsparse.cli.progress import Progress, open_progress
from dynsparse.cli.result_places import ANALYSES
from dynsparse.cli.training_board import TrainingBoard
from dynsparse.errors import DynsparseError

if TYPE_CHECKING:
    from dynsparse.executor import Executor, Unit
    from dynsparse.learning.settings import LearnSettings

__all__ = ["RELEARNED", "relearn"]

RELEARNED = "derivatives"
"""Folder of data sets with plain autodiff's Jacobians, and of what was trained on them."""


def relearn(
    datasets: Mapping[str, Path],
    out: Path,
    settings: LearnSettings,
    seeds: tuple[int, ...],
    executor: Executor,
    *,
    workers: int,
    beside: Path | None = None,
) -> dict[str, BaseException]:
    """Train where the record of derivatives has no scores, or those of other trainings; one that fails stops no other.

    Args:
        datasets: Folder of each environment's data set; derivatives may have been compared there or not.
        out: Folder of the study.
        settings: Of every training but for loss and seed.
        seeds: Seeds.
        executor: Where it is trained.
        workers: Worker processes for plain autodiff; 0 for one on each usable core.
        beside: Folder of records in which trainings on the exact Jacobians may be done already; None for none.

    Returns:
        What failed, by environment in words.

    Raises:
        InputError: A record is damaged.
    """
    places = {name: out / ANALYSES / name for name in datasets}
    there = {name: DerivativeRecord.load(place) for name, place in places.items() if holds_derivatives(place)}
    progress = open_progress()
    learning = DerivativeLearning(
        out / RELEARNED,
        settings,
        seeds,
        executor,
        on_units=lambda units: TrainingBoard(progress, units, settings.epochs, _named).hear,
        beside=beside,
    )
    waiting = [name for name, record in there.items() if record.differs and not learning.is_done(record)]
    failures: dict[str, BaseException] = {}
    try:
        for name in waiting:
            progress.add(name, 1)
        for name in waiting:
            if there[name].scores:
                print(f"trained again: {name}: the models on record were trained otherwise", flush=True)
            try:
                _extended(learning, there[name], datasets[name], workers, progress).save(places[name])
            except DynsparseError as error:  # kept, and raised when all the others are done
                failures[f"{name}, learning by either derivative"] = error
                progress.finish(name, f"failed: {error}")
    finally:
        progress.close()
    return failures


def _extended(
    learning: DerivativeLearning, record: DerivativeRecord, path: Path, workers: int, progress: Progress
) -> DerivativeRecord:
    from dynsparse.cli.stored import environment_of
    from dynsparse.dataset import open_dataset

    dataset, name = open_dataset(path), record.environment
    return learning.extend(
        record,
        dataset,
        environment_of(dataset),
        workers,
        partial(progress.phase, name),
        lambda rows: progress.count(name, rows, dataset.rows),
    )


def _named(unit: Unit) -> str:
    settings = unit.arguments["settings"]
    return f"{unit.arguments['environment']}, {settings['loss']}, seed {settings['seed']}"
