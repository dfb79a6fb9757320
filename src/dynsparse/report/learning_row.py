"""Learning row: one run on one test set, done, failed, or absent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from dynsparse.report.learning_records import Referee, Training

__all__ = ["LearningRow", "referee_rows", "row_of"]


@dataclass(frozen=True)
class LearningRow:
    """One run on one test set.

    Attributes:
        environment: Name of the environment.
        label: Name of the loss, or of the referee.
        seed: Its seed.
        split: The test set.
        status: ``"done"``, ``"failed"``, or ``"absent"`` where there is no record.
        error: Why it failed; None otherwise.
        metrics: Metric by dotted name; None where it has no meaning.
        epochs: (e,) epochs after which a model was tested.
        curve: (e,) one-step mean squared error on this test set.
    """

    environment: str
    label: str
    seed: int
    split: str
    status: str
    error: str | None = None
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    epochs: tuple[int, ...] = ()
    curve: tuple[float | None, ...] = ()

    def has_diverged(self, metric: str) -> bool:
        """Whether an error has no value because it is beyond all numbers, rather than because nothing was predicted."""
        if self.metrics.get(metric) is not None:
            return False
        whole = metric.endswith("prediction.mse") and metric in self.metrics
        return whole or bool(self.metrics.get(f"{metric}.diverged"))


def row_of(record: Training | Referee | None, environment: str, label: str, seed: int, split: str) -> LearningRow:
    """Return the row of one run on one test set, whatever became of it.

    Args:
        record: Its record; None where there is none.
        environment: Name of the environment.
        label: Name of the loss or of the referee.
        seed: Its seed.
        split: The test set.

    Returns:
        The row.
    """
    if record is None:
        return LearningRow(environment, label, seed, split, "absent")
    if record.error is not None:
        return LearningRow(environment, label, seed, split, "failed", record.error)
    if split not in record.metrics:
        return LearningRow(environment, label, seed, split, "absent", "not tested on it")
    own = (record.epochs, record.curves.get(split, ())) if isinstance(record, Training) else ((), ())
    return LearningRow(environment, label, seed, split, "done", None, record.metrics[split], *own)


def referee_rows(
    records: Sequence[Referee], environments: Sequence[str], names: Sequence[str], splits: Sequence[str]
) -> Iterator[LearningRow]:
    """Yield the rows of every referee on every test set.

    Args:
        records: All there are.
        environments: Names.
        names: Of referees.
        splits: Test sets.
    """
    for environment in environments:
        own = [record for record in records if record.environment == environment]
        seeds = sorted({record.seed for record in own}) or [0]
        # A failed unit of referees has none of them.
        found = {(record.name, record.seed): record for record in own}
        for split in splits:
            for name in names:
                for seed in seeds:
                    record = found.get((name, seed)) or found.get(("", seed))
                    yield row_of(record, environment, name, seed, split)
