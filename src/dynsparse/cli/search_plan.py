"""Search plan: which trainings the three hyperparameter searches are made of, and what became of each."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dynsparse.cli.training_board import has_diverged
from dynsparse.errors import ExecutorError
from dynsparse.executor import Unit
from dynsparse.learning.search_grid import SearchGrid, search_preset
from dynsparse.learning.settings import LearnSettings
from dynsparse.learning.unit import dataset_identity
from dynsparse.physics.environment import ENVIRONMENT_NAMES
from dynsparse.report.quantities import number
from dynsparse.report.search_ranks import SearchRun

__all__ = ["SearchPlan", "Training", "outcome_of"]

_FUNCTION = "dynsparse.learning.unit:run_unit"


@dataclass(frozen=True)
class Training:
    """One training of a search.

    Attributes:
        unit: What runs it.
        values: What it has of each hyperparameter that the search tries, by the paper's names.
    """

    unit: Unit
    values: Mapping[str, Any]

    @property
    def name(self) -> str:
        """What it is called in messages."""
        values = ", ".join(f"{name} {value}" for name, value in self.values.items())
        return f"{self.unit.arguments['environment']}, {values}, seed {self.unit.arguments['settings']['seed']}"


@dataclass(frozen=True)
class SearchPlan:
    """What is to be searched.

    Attributes:
        datasets: Folder of each environment's data set.
        grids: The searches, one after the other.
        settings: What the first begins with; its loss is that of the state.
        first_seed: The others follow.
        tables: Which of the tables that contradict each other are followed, by name, for the record.
    """

    datasets: Mapping[str, Path]
    grids: tuple[SearchGrid, ...]
    settings: LearnSettings
    first_seed: int
    tables: Mapping[str, str]

    def identities(self) -> dict[str, dict[str, Any]]:
        """Return what tells each environment's data set from others.

        Raises:
            DatasetError: If one is missing or empty.
        """
        return {name: dataset_identity(str(path)) for name, path in self.datasets.items()}

    def shared(self) -> dict[str, Any]:
        """Return what all searches begin with, as plain JSON values."""
        settings = {key: value for key, value in self.settings.to_dict().items() if key != "seed"}
        return settings | dict(self.tables)

    def seeds(self, grid: SearchGrid) -> tuple[int, ...]:
        """Return the seeds of a search."""
        return tuple(range(self.first_seed, self.first_seed + grid.seeds))

    def trainings(
        self, grid: SearchGrid, base: LearnSettings, identities: Mapping[str, Mapping[str, Any]]
    ) -> list[Training]:
        """Return all trainings of a search, an environment after the other, the largest networks first.

        Args:
            grid: The search.
            base: What it does not try.
            identities: Of the data sets.
        """
        # What takes longest must not start last.
        configurations = sorted(grid.configurations(base), key=lambda s: -s.layer_depth * s.layer_width**2)
        trainings = []
        for environment, identity in identities.items():
            for settings in configurations:
                group = f"{environment} {settings.layer_width} {settings.layer_depth} {settings.activation}"
                for seed in self.seeds(grid):
                    own = dataclasses.replace(settings, seed=seed).to_dict()
                    arguments = {"kind": "curve", "environment": environment, "dataset": identity, "settings": own}
                    unit = Unit(_FUNCTION, arguments, {"dataset": str(self.datasets[environment])}, group)
                    trainings.append(Training(unit, grid.values_of(settings)))
        return trainings

    def scale(self, grid: SearchGrid, identities: Mapping[str, Mapping[str, Any]]) -> str:
        """Say how much of what the paper ran is run."""
        paper = search_preset("paper")
        rows = sorted({identity["rows"] for identity in identities.values()})
        told = number(rows[0], "row") if len(rows) == 1 else f"{rows[0]:,} to {rows[-1]:,} rows"
        return (
            f"Run: {number(len(identities), 'environment')}, {told} in each, {number(self.settings.epochs, 'epoch')}, "
            f"{number(grid.seeds, 'seed')}; the paper: {len(ENVIRONMENT_NAMES)}, {paper.rows:,}, {paper.epochs} and "
            f"{paper.seeds[grid.number - 1]}."
        )


def outcome_of(training: Training, record: Mapping[str, Any] | None, split: str) -> SearchRun:
    """Return what became of a training.

    Args:
        training: The training.
        record: Of its unit; None where there is none.
        split: Which test set its final loss is of.

    Raises:
        ExecutorError: If the record is none of a learning curve.
    """
    arguments = training.unit.arguments
    about = (arguments["environment"], arguments["settings"]["seed"], training.values)
    if record is None or record["status"] != "done":
        error = "not run" if record is None else str(record["error"])
        return SearchRun(*about, math.inf if has_diverged(error) else None, error, training.unit.key)
    try:
        loss = float(record["result"]["curve"][f"test_{split}"][-1])
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise ExecutorError(
            f"expected the record {training.unit.key}.json to hold a learning curve, got {error!r}; remove it and run "
            "the same again"
        ) from error
    return SearchRun(*about, loss, None, training.unit.key)
