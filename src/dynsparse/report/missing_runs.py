"""Missing runs: which trainings failed or have no record, and what that does to the averages."""

from __future__ import annotations

from collections.abc import Sequence

from dynsparse.report.learning_results import LearningResults
from dynsparse.report.learning_table import LearningTable
from dynsparse.report.loss_looks import look_of
from dynsparse.report.phrases import labels_of
from dynsparse.report.prediction_error import ERROR
from dynsparse.report.quantities import number

__all__ = ["about_missing", "missing_lines", "uneven_means"]

# Longer ones are folded away by their reader's patience: the record holds the whole.
_LONGEST = 300


def about_missing(table: LearningTable) -> str:
    """Say how many runs are missing, failed ones among them, whether records were left out, and whose seeds differ.

    Args:
        table: The runs.

    Returns:
        A sentence or more.
    """
    trainings = [row for row in table.missing if row.label in table.losses]
    expected = table.trainings
    runs = number(expected, "training")
    said = f"All {runs} are there." if expected > 1 else "The only training is there."
    if trainings:
        failed = sum(row.status == "failed" for row in trainings)
        said = (
            f"Of {runs} {len(trainings):,} {'is' if len(trainings) == 1 else 'are'} missing or incomplete, "
            f"{failed:,} of them because they failed."
        )
    referees = len([row for row in table.missing if row.label in table.referees])
    if not table.referees:
        said += " There is no record of referees: nothing says what a score would be without learning."
    elif referees:
        said += f" {number(referees, 'score')} of referees {'is' if referees == 1 else 'are'} missing."
    if table.left_out:
        records = number(table.left_out, "training")
        said += f" {records} on record {'is' if table.left_out == 1 else 'are'} not of this run and left out."
    return said + _about_seeds(table)


def missing_lines(table: LearningTable) -> list[tuple[str, str, str, str, str]]:
    """List the missing runs: environment, loss or referee, seeds, what became of them, and why.

    Args:
        table: The runs.

    Returns:
        A line each; seeds that share all else share a line.
    """
    lines: dict[tuple[str, str, str, str], list[int]] = {}
    for row in table.missing:
        why = row.error or "no record"
        lines.setdefault((row.environment, look_of(row.label).label, row.status, _shortened(why)), []).append(row.seed)
    return [
        (environment, label, ", ".join(map(str, sorted(set(seeds)))), status, why)
        for (environment, label, status, why), seeds in lines.items()
    ]


def uneven_means(results: Sequence[LearningResults]) -> list[str]:
    """Say which losses are averaged over fewer environments than others, so that their means do not compare.

    Args:
        results: What was computed, one a test set.

    Returns:
        Sentences, each once; none where all are averaged over the same.
    """
    return list(dict.fromkeys(filter(None, map(_about_uneven, results))))


def _about_seeds(table: LearningTable) -> str:
    """Say which losses were asked for with other seeds than others, or in other environments."""
    seeds = {loss: tuple(table.seeds_of(name, (loss,)) for name in table.environments) for loss in table.losses}
    if len(set(seeds.values())) <= 1:
        return ""
    counts = (f"{sum(map(len, own)):,} of {look_of(loss).label}" for loss, own in seeds.items())
    return (
        f" Not every loss was asked for with the same seeds in the same environments ({', '.join(counts)}): their "
        "means are over different runs, paired differences over those that both have."
    )


def _about_uneven(results: LearningResults) -> str:
    lacking = {loss: results.scores[ERROR].score(loss).empty for loss in results.losses}
    if len(set(lacking.values())) <= 1:
        return ""
    parts = [f"{labels_of([loss])} lacks {', '.join(names)}" for loss, names in lacking.items() if names]
    return (
        f"Means over all environments do not compare: {'; '.join(parts)}. Paired differences do: they are over the "
        "runs that both have."
    )


def _shortened(error: str) -> str:
    line = " ".join(error.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}..."
