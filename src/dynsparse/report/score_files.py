"""Score files: every score of trained models as CSV for programs, and as Markdown for people."""

from __future__ import annotations

from collections.abc import Sequence

from dynsparse.report.answer_sentences import about_answer, about_training
from dynsparse.report.comparison import Comparison
from dynsparse.report.learned_data import about_few_episodes, data_table
from dynsparse.report.learning_dimensions import dimension_scores
from dynsparse.report.learning_results import LearningResults
from dynsparse.report.learning_sentences import about_chances, about_intervals, about_scores
from dynsparse.report.learning_table import LearningTable
from dynsparse.report.missing_runs import about_missing, uneven_means
from dynsparse.report.panel_grid import about_test
from dynsparse.report.score_markdown import markdown, markdown_table
from dynsparse.report.score_tables import differences_csv, label_table, scores_csv
from dynsparse.report.seed_statistics import RESAMPLES

__all__ = ["score_files"]


def score_files(
    table: LearningTable, results: Sequence[LearningResults], *, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, str]:
    """Return the contents of the files.

    Args:
        table: The runs.
        results: What was computed on each test set.
        resamples: Of the bootstrap.
        seed: Of the bootstrap.

    Returns:
        End of a file's name -> content: ``scores.md``, ``scores.csv``, ``contact.csv``, ``dimensions.csv`` and
        ``differences.csv``.
    """
    notes = [
        *map(_summary, results),
        about_missing(table),
        *uneven_means(results),
        *filter(None, [about_few_episodes(table)]),
        about_intervals(table, resamples, seed),
        about_scores(table, results),
        about_chances(results),
        markdown_table(data_table(table)),
        markdown_table(label_table(table)),
    ]
    return {
        "scores.md": markdown(results, notes),
        "scores.csv": scores_csv(_scores(results)),
        "contact.csv": scores_csv(_contact(results)),
        "dimensions.csv": scores_csv(dimension_scores(table, resamples, seed), overall=False),
        "differences.csv": differences_csv(results),
    }


def _summary(found: LearningResults) -> str:
    said = " ".join(filter(None, (about_training(found), about_answer(found))))
    return f"**Tested on {about_test(found.split)}.** {said}"


def _scores(results: Sequence[LearningResults]) -> list[Comparison]:
    return [one for found in results for one in (*found.scores.values(), *found.thresholds.sparsity)]


def _contact(results: Sequence[LearningResults]) -> list[Comparison]:
    """List what is split by contact."""
    pairs = []
    for found in results:
        # The open-loop errors of some numbers of steps stand in both.
        others = (pair for pair in found.open_loop_contact.values() if pair not in found.contact.values())
        pairs += [*found.contact.values(), *others]
    return [one for pair in pairs for one in (pair.active, pair.inactive)]
