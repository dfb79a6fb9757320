"""Learning table: every run that there is, and every one that there should be, so that a missing one shows."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from dynsparse.errors import InputError
from dynsparse.report.flat_scores import SPLITS
from dynsparse.report.learning_records import LearningRecords, Training
from dynsparse.report.learning_row import LearningRow, referee_rows, row_of
from dynsparse.report.loss_looks import in_usual_order
from dynsparse.report.table1 import paper_table1

__all__ = ["OF_A_LOSS", "ExpectedRuns", "LearningTable", "Values", "make_learning_table"]

OF_A_LOSS = ("jacobian_weight", "jacobian_directions")
"""Settings that may differ between losses: those of the second term, which ``state`` does not have."""


@dataclass(frozen=True)
class ExpectedRuns:
    """The runs that there should be: each loss with each seed in each environment, and others.

    Attributes:
        environments: Names of environments.
        losses: Names of losses.
        seeds: Seeds.
        others: (environment, loss, seed) of runs beside these, such as those that an earlier command asked for.
    """

    environments: tuple[str, ...]
    losses: tuple[str, ...]
    seeds: tuple[int, ...]
    others: frozenset[tuple[str, str, int]] = frozenset()

    @property
    def runs(self) -> frozenset[tuple[str, str, int]]:
        """(environment, loss, seed) of every run, once."""
        return self.others.union(itertools.product(self.environments, self.losses, self.seeds))


@dataclass(frozen=True)
class Values:
    """One metric of one loss, or referee, on one test set.

    Attributes:
        by_seed: Environment -> seed -> value.
        failed: Environment -> runs that failed.
        absent: Environment -> runs without a record.
        undefined: Environment -> runs in which the metric has no meaning.
        diverged: Environment -> those of the undefined whose error is beyond all numbers, the worst of all.
    """

    by_seed: Mapping[str, Mapping[int, float]]
    failed: Mapping[str, int]
    absent: Mapping[str, int]
    undefined: Mapping[str, int]
    diverged: Mapping[str, int]

    def expected(self, environment: str) -> int:
        """How many runs there should be in an environment."""
        counts = (self.failed, self.absent, self.undefined)
        return len(self.by_seed[environment]) + sum(count[environment] for count in counts)


@dataclass(frozen=True)
class LearningTable:
    """All rows, and what is the same in all of them.

    Attributes:
        environments: Names, in the paper's order.
        losses: Names, in the paper's order.
        referees: Names of referees.
        seeds: Seeds of the trainings; not every loss need have all of them in every environment.
        splits: Test sets that any run has.
        rows: The rows of losses and of referees.
        settings: What all trainings share.
        loss_settings: Loss -> settings of its second term.
        datasets: Environment -> what its models were trained on.
        state_names: Environment -> (ds,) names of state variables, where they are known.
        sizes: Environment -> split or ``"train"`` -> rows.
        episodes: Environment -> split or ``"train"`` -> episodes that these rows are of, where they are known.
        policies: Environment -> who acted while its data set was recorded.
        left_out: Trainings on record that nobody expects; they are in no row.
    """

    environments: tuple[str, ...]
    losses: tuple[str, ...]
    referees: tuple[str, ...]
    seeds: tuple[int, ...]
    splits: tuple[str, ...]
    rows: tuple[LearningRow, ...]
    settings: Mapping[str, Any]
    loss_settings: Mapping[str, Mapping[str, Any]]
    datasets: Mapping[str, Mapping[str, Any]]
    state_names: Mapping[str, tuple[str, ...]]
    sizes: Mapping[str, Mapping[str, int]]
    episodes: Mapping[str, Mapping[str, int]]
    policies: Mapping[str, str]
    left_out: int

    def select(self, split: str, label: str, environment: str | None = None) -> Iterator[LearningRow]:
        """Yield the rows of a loss or referee on one test set, in one environment or in all."""
        for name in self.environments if environment is None else (environment,):
            yield from self._sorted.get((split, label, name), ())

    def values(self, metric: str, split: str, label: str, also: Sequence[str] = ()) -> Values:
        """Gather one metric over environments and seeds.

        Args:
            metric: Dotted name.
            split: Test set.
            label: Name of a loss or of a referee.
            also: Metrics that a run must have as well to count.

        Returns:
            Every run counted once.
        """
        by_seed: dict[str, dict[int, float]] = {name: {} for name in self.environments}
        counts = {kind: dict.fromkeys(self.environments, 0) for kind in ("failed", "absent", "undefined", "diverged")}
        for row in self.select(split, label):
            value = row.metrics.get(metric)
            if row.status != "done":
                counts[row.status][row.environment] += 1
            elif value is None or any(row.metrics.get(name) is None for name in also):
                counts["undefined"][row.environment] += 1
                counts["diverged"][row.environment] += row.has_diverged(metric)
            else:
                by_seed[row.environment][row.seed] = value
        return Values(by_seed, **counts)

    def has(self, metric: str, split: str) -> bool:
        """Whether any run has a value of a metric."""
        return any(row.metrics.get(metric) is not None for row in self.rows if row.split == split)

    def seeds_of(self, environment: str, losses: Iterable[str]) -> tuple[int, ...]:
        """List the seeds that any of some losses should have in an environment."""
        rows = (row for loss in losses for row in self.select(self.splits[0], loss, environment))
        return tuple(sorted({row.seed for row in rows}))

    @property
    def trainings(self) -> int:
        """How many models there should be."""
        return sum(len(self.seeds_of(name, (loss,))) for name in self.environments for loss in self.losses)

    @property
    def missing(self) -> tuple[LearningRow, ...]:
        """Rows without a result, a run that lacks all test sets once."""
        states: dict[tuple[str, str, int], list[LearningRow]] = {}
        for row in self.rows:
            states.setdefault((row.environment, row.label, row.seed), []).append(row)
        listed: list[LearningRow] = []
        for rows in states.values():
            lacking = [row for row in rows if row.status != "done"]
            listed += lacking[:1] if len(lacking) == len(rows) else lacking
        return tuple(listed)

    @cached_property
    def _sorted(self) -> Mapping[tuple[str, str, str], list[LearningRow]]:
        found: dict[tuple[str, str, str], list[LearningRow]] = {}
        for row in self.rows:
            found.setdefault((row.split, row.label, row.environment), []).append(row)
        return found


def make_learning_table(records: LearningRecords, expected: ExpectedRuns | None = None) -> LearningTable:
    """Set records beside what is expected.

    Args:
        records: What was read.
        expected: The runs that there should be; None for every combination of what is on record.

    Returns:
        The table.

    Raises:
        InputError: If trainings differ in a setting other than loss and seed, or in one environment's data: their
            seeds can not be averaged.
    """
    _refuse_mixtures(records.trainings)
    wanted = expected or ExpectedRuns(
        tuple({run.environment for run in records.trainings} | {run.environment for run in records.referees}),
        tuple({record.loss for record in records.trainings}),
        tuple({record.seed for record in records.trainings}),
    )
    listed = list(paper_table1())
    environments = sorted(
        {*wanted.environments, *(name for name, _, _ in wanted.others)},
        key=lambda name: (listed.index(name) if name in listed else len(listed), name),
    )
    losses = in_usual_order({*wanted.losses, *(loss for _, loss, _ in wanted.others)})
    seeds = tuple(sorted({*wanted.seeds, *(seed for _, _, seed in wanted.others)}))
    runs = [run for run in itertools.product(environments, losses, seeds) if run in wanted.runs]
    found = {(record.environment, record.loss, record.seed): record for record in records.trainings}
    known = [found[run] for run in runs if run in found]
    splits = tuple(split for split in SPLITS if any(split in record.metrics for record in known)) or SPLITS[:1]
    rows = [row_of(found.get(run), *run, split) for split in splits for run in runs]
    referees = in_usual_order({record.name for record in records.referees} - {""})
    rows += referee_rows(records.referees, environments, referees, splits)
    return LearningTable(
        environments=tuple(environments),
        losses=losses,
        referees=referees,
        seeds=seeds,
        splits=splits,
        rows=tuple(rows),
        settings=_part(known[0].settings, of_loss=False) if known else {},
        loss_settings={record.loss: _part(record.settings, of_loss=True) for record in known},
        datasets={record.environment: record.dataset for record in known},
        state_names={record.environment: record.state_names for record in known if record.state_names},
        sizes={record.environment: record.rows for record in known if record.rows},
        episodes={record.environment: record.episodes for record in known if record.episodes},
        policies={record.environment: record.policy for record in known if record.policy},
        left_out=len(records.trainings) - len(known),
    )


def _refuse_mixtures(trainings: Iterable[Training]) -> None:
    """Refuse trainings whose average would mean nothing."""
    first: dict[tuple[str, str], tuple[str, Mapping[str, Any]]] = {}
    for record in trainings:
        for group, values in (
            (("settings", ""), _part(record.settings, of_loss=False)),
            (("settings", record.loss), _part(record.settings, of_loss=True)),
            (("data", record.environment), record.dataset),
        ):
            key, wanted = first.setdefault(group, (record.key, values))
            names = sorted(name for name in {*values, *wanted} if values.get(name) != wanted.get(name))
            if names:
                raise InputError(
                    f"expected trainings with the same {group[0]} but for loss and seed, got {names[0]} = "
                    f"{wanted.get(names[0])!r} in {key[:12]} and {values.get(names[0])!r} in {record.key[:12]}; "
                    "say which keys to read, or use a folder for each run"
                )


def _part(settings: Mapping[str, Any], *, of_loss: bool) -> dict[str, Any]:
    """Return the settings of a loss's second term, or all others."""
    return {name: value for name, value in settings.items() if (name in OF_A_LOSS) == of_loss}
