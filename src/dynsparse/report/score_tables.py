"""Score tables: each loss beside the referees, per environment and over all, as CSV and as cells."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from dynsparse.report.comparison import Comparison, Difference, Score
from dynsparse.report.learning_results import LearningResults
from dynsparse.report.learning_table import LearningTable
from dynsparse.report.loss_looks import BASELINE, look_of
from dynsparse.report.panel_grid import about_split
from dynsparse.report.phrases import interval
from dynsparse.report.score_metrics import (
    COORDINATES,
    JACOBIAN_METRICS,
    PREDICTION_METRICS,
    Metric,
    figures,
    jacobian_metric,
)
from dynsparse.report.seed_statistics import Estimate

__all__ = [
    "ALL",
    "ScoreTable",
    "all_tables",
    "cell",
    "column_groups",
    "difference_table",
    "differences_csv",
    "label_table",
    "score_table",
    "scores_csv",
]

ALL = "all"
"""What stands in place of an environment for all of them together."""

_ESTIMATE = ("value", "low", "high", "runs")
_COUNTS = ("failed", "absent", "undefined", "diverged")
_OF_A_PAIR = ("unpaired", "side", "diverged")


@dataclass(frozen=True)
class ScoreTable:
    """A table to be read.

    Attributes:
        caption: What it holds.
        columns: Headings.
        rows: Cells; the first names the loss or referee.
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def score_table(
    results: LearningResults, metrics: Sequence[Metric], environment: str | None, caption: str
) -> ScoreTable:
    """Return the scores of all losses and referees in one environment, or over all.

    Args:
        results: What was computed.
        metrics: The columns; those that no run has are left out.
        environment: Which; None for all.
        caption: What the table holds.

    Returns:
        The table; each cell is ``mean [low, high] (runs/expected)``, as far as there is an interval and runs lack.
    """
    metrics = [metric for metric in metrics if metric.name in results.scores]
    rows = tuple(
        (look_of(name).label, *(cell(results.scores[metric.name].score(name, environment)) for metric in metrics))
        for name in (*results.losses, *results.referees)
    )
    return ScoreTable(caption, ("loss", *(metric.title for metric in metrics)), rows)


def difference_table(
    results: LearningResults, metrics: Sequence[Metric], environment: str | None, caption: str
) -> ScoreTable:
    """Return how each loss differs from ``state``, run by run.

    Args:
        results: What was computed.
        metrics: The columns; those that no run has, or that are the simulator's alone, are left out.
        environment: Which; None for all.
        caption: What the table holds.

    Returns:
        The table; a ratio is marked by a cross, a difference by its sign, one whose interval lies on one side by an
        asterisk, and one that lacks runs beyond all numbers by how many these are: it then has no asterisk.
    """
    metrics = [metric for metric in metrics if metric.of_model and metric.name in results.scores]
    rows = tuple(
        (
            look_of(loss).label,
            *(_difference_cell(results.difference(metric.name, loss, BASELINE, environment)) for metric in metrics),
        )
        for loss in results.losses
        if loss != BASELINE
    )
    return ScoreTable(caption, ("loss", *(metric.title for metric in metrics)), rows)


def column_groups(coordinates: str) -> tuple[tuple[str, tuple[Metric, ...]], ...]:
    """Return the tables of some coordinates that are narrow enough to be read: name and columns."""
    own = tuple(jacobian_metric(metric.name, coordinates) for metric in JACOBIAN_METRICS)
    near = [metric.name for metric in JACOBIAN_METRICS].index("frobenius_error")
    jacobian = (
        (f"where the zeros are, {coordinates}", own[:near]),
        (f"how near the Jacobian is, {coordinates}", own[near:]),
    )
    return (("prediction", PREDICTION_METRICS), *jacobian) if coordinates == "normalized" else jacobian


def all_tables(results: LearningResults, environment: str | None) -> Iterator[ScoreTable]:
    """Yield every table of one environment, or over all: normalized coordinates, raw ones, differences.

    Args:
        results: What was computed.
        environment: Which; None for all.
    """
    where = environment or ALL
    for coordinates in COORDINATES:
        for name, metrics in column_groups(coordinates):
            yield score_table(results, metrics, environment, f"{where}, {about_split(results.split)}: {name}")
    if BASELINE in results.losses:
        for name, metrics in column_groups("normalized"):
            caption = f"{where}, {about_split(results.split)}: paired with {BASELINE}, {name}"
            yield difference_table(results, metrics, environment, caption)


def cell(score: Score) -> str:
    """Write one score: its mean, its interval, how many runs it rests on where some lack, and whether any diverged."""
    if score.estimate.value is None:
        return score.lacks or "-"
    diverged = f", {score.diverged} diverged" if score.diverged else ""
    counted = f" ({score.counted}{diverged})" if score.counted else ""
    return f"{figures(score.estimate.value)}{interval(score.estimate)}{counted}"


def scores_csv(comparisons: Iterable[Comparison], *, overall: bool = True) -> str:
    """Return every score as one line: environment, split, label, metric, mean, interval and counts.

    Args:
        comparisons: The metrics.
        overall: Whether a mean over all environments means something.

    Returns:
        The text of a file.
    """
    columns = ("environment", "split", "label", "kind", "metric", *_ESTIMATE, *_COUNTS)
    lines = (
        (
            *(environment or ALL, one.split, label, "loss" if label in one.losses else "referee", one.metric),
            *_numbers(score.estimate),
            *(getattr(score, name) for name in _COUNTS),
        )
        for one in comparisons
        for (label, environment), score in one.scores.items()
        if overall or environment is not None
    )
    return _csv(columns, lines)


def differences_csv(results: Iterable[LearningResults]) -> str:
    """Return every paired difference as one line; ``kind`` says whether it is a ratio.

    Args:
        results: Of each test set.

    Returns:
        The text of a file.
    """
    columns = ("environment", "split", "loss", "reference", "metric", "kind", *_ESTIMATE, *_OF_A_PAIR)
    lines = (
        (
            *(environment or ALL, found.split, loss, reference, metric, "ratio" if one.is_ratio else "difference"),
            *_numbers(one.estimate),
            *(getattr(one, name) for name in _OF_A_PAIR),
        )
        for found in results
        for (metric, loss, reference), by_environment in found.differences.items()
        for environment, one in by_environment.items()
    )
    return _csv(columns, lines)


def _difference_cell(difference: Difference | None) -> str:
    if difference is None or difference.estimate.value is None:
        return f"no pair, {difference.diverged} diverged" if difference and difference.diverged else "no pair"
    value = difference.estimate.value
    sign = "\N{MULTIPLICATION SIGN}" if difference.is_ratio else "+" if value >= 0 else ""
    star = "*" if difference.side in (1, -1) else ""
    diverged = f" ({difference.diverged} diverged)" if difference.diverged else ""
    return f"{sign}{figures(value)}{star}{interval(difference.estimate)}{diverged}"


def label_table(table: LearningTable) -> ScoreTable:
    """Return how each loss and referee is called in tables (label), and in records and CSV (name)."""
    looks = [look_of(name) for name in (*table.losses, *table.referees)]
    rows = tuple((look.label, look.name, look.meaning) for look in looks)
    return ScoreTable("Losses and referees", ("label", "name in csv and options", "what it is"), rows)


def _numbers(estimate: Estimate) -> tuple[object, ...]:
    return tuple(getattr(estimate, name) for name in _ESTIMATE)


def _csv(columns: Sequence[str], lines: Iterable[Sequence[object]]) -> str:
    """Write lines; None becomes an empty cell, and numbers keep all their digits."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(lines)
    return text.getvalue()
