"""Learning results: everything that is computed over seeds on one test set, for figures, tables and sentences alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dynsparse.report.comparison import Comparison, Difference, compare, pair
from dynsparse.report.contact_split import ContactPair, contact_pair, contact_split
from dynsparse.report.learning_outliers import Outlier, learning_outliers
from dynsparse.report.learning_table import LearningTable
from dynsparse.report.loss_looks import BASELINE, FREQUENCY, IDENTITY
from dynsparse.report.model_thresholds import ModelThresholds, model_thresholds
from dynsparse.report.open_loop import open_loop_errors
from dynsparse.report.prediction_error import ERROR, TrainingCurve, training_curves
from dynsparse.report.recovered_sparsity import RecoveredSparsity, recovered_sparsity
from dynsparse.report.score_metrics import COORDINATES, Metric, jacobian_metric, table_metrics
from dynsparse.report.seed_statistics import RESAMPLES

__all__ = ["LearningResults", "learning_results"]

# What a graph of one and the same pattern for all states can be compared by.
_AGAINST_FREQUENCY = ("auprc", "auroc", "auprc_changing", "auroc_changing", "leak")


@dataclass(frozen=True)
class LearningResults:
    """Results on one test set.

    Attributes:
        split: The test set.
        environments: Names.
        losses: Names.
        referees: Names.
        scores: Metric by dotted name, all that tables hold -> comparison.
        differences: (metric, loss, reference) -> environment, or None for all, -> difference.
        sparsity: Recovered sparsity.
        curves: (environment, loss) -> error over training.
        thresholds: Sparsity at several thresholds.
        open_loop: Steps -> errors of models that are not corrected.
        open_loop_contact: The same from rows in which a constraint exerts force, and from the others.
        contact: Every score of normalized coordinates with and without contact.
        diverged: (loss, steps) -> runs whose open-loop error was beyond all numbers; they have none.
        outliers: Losses whose one-step error in some environment is far from that of ``state``, the farthest first.
    """

    split: str
    environments: tuple[str, ...]
    losses: tuple[str, ...]
    referees: tuple[str, ...]
    scores: Mapping[str, Comparison]
    differences: Mapping[tuple[str, str, str], Mapping[str | None, Difference]]
    sparsity: RecoveredSparsity
    curves: Mapping[tuple[str, str], TrainingCurve]
    thresholds: ModelThresholds
    open_loop: Mapping[int, Comparison]
    open_loop_contact: Mapping[int, ContactPair]
    contact: Mapping[str, ContactPair]
    diverged: Mapping[tuple[str, int], int]
    outliers: tuple[Outlier, ...]

    def score(self, name: str) -> Comparison:
        """Return a score of Jacobians in normalized coordinates by its name without them."""
        return self.scores[f"normalized.{name}"]

    def difference(self, metric: str, loss: str, reference: str, environment: str | None = None) -> Difference | None:
        """Return a paired difference; None where there is no such reference."""
        found = self.differences.get((metric, loss, reference))
        return None if found is None else found[environment]

    @property
    def is_empty(self) -> bool:
        """Whether no model has been tested."""
        return all(curve.runs == 0 for curve in self.curves.values()) and self.sparsity.final.is_empty()


def learning_results(table: LearningTable, split: str, *, resamples: int = RESAMPLES, seed: int = 0) -> LearningResults:
    """Compute everything on one test set.

    Args:
        table: The runs.
        split: Test set.
        resamples: Of the bootstrap.
        seed: Of the bootstrap.

    Returns:
        The results.
    """
    metrics = [
        metric
        for coordinates in COORDINATES
        for metric in table_metrics(coordinates)
        if table.has(metric.name, split) or not metric.optional
    ]
    open_loop = open_loop_errors(table, split, resamples=resamples, seed=seed)
    contact = contact_split(table, split, resamples=resamples, seed=seed)
    return LearningResults(
        split=split,
        environments=table.environments,
        losses=table.losses,
        referees=table.referees,
        scores={m.name: compare(table, m.name, split, resamples=resamples, seed=seed) for m in metrics},
        differences=_differences(table, split, metrics, resamples, seed),
        sparsity=recovered_sparsity(table, split, resamples=resamples, seed=seed),
        curves=training_curves(table, split, resamples=resamples, seed=seed),
        thresholds=model_thresholds(table, split, resamples=resamples, seed=seed),
        open_loop=open_loop,
        open_loop_contact={
            steps: contact.get(errors.metric)
            or contact_pair(table, errors.metric, split, resamples=resamples, seed=seed)
            for steps, errors in open_loop.items()
        },
        contact=contact,
        diverged={
            (loss, steps): errors.score(loss).diverged for loss in table.losses for steps, errors in open_loop.items()
        },
        outliers=learning_outliers(table, split),
    )


def _differences(
    table: LearningTable, split: str, metrics: list[Metric], resamples: int, seed: int
) -> dict[tuple[str, str, str], Mapping[str | None, Difference]]:
    wanted = [(metric, BASELINE) for metric in metrics if BASELINE in table.losses and metric.of_model]
    if FREQUENCY in table.referees:
        wanted += [(jacobian_metric(name), FREQUENCY) for name in _AGAINST_FREQUENCY]
    if IDENTITY in table.referees:
        wanted += [(metric, IDENTITY) for metric in metrics if metric.name == ERROR]
    return {
        (metric.name, loss, reference): pair(
            table, metric.name, split, loss, reference, ratio=metric.log, resamples=resamples, seed=seed
        )
        for metric, reference in wanted
        for loss in table.losses
        if loss != reference
    }
