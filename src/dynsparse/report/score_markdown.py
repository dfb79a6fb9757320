"""Score Markdown: tables of scores as a text file that is read as it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dynsparse.report.learning_results import LearningResults
from dynsparse.report.panel_grid import about_test
from dynsparse.report.score_tables import ScoreTable, all_tables

__all__ = ["markdown", "markdown_table"]


def markdown(results: Iterable[LearningResults], notes: Sequence[str]) -> str:
    """Return all tables as Markdown, over all environments first.

    Args:
        results: Of each test set.
        notes: Sentences to stand before the tables.

    Returns:
        The text of a file.
    """
    parts = ["# Scores of learned world models", *notes]
    for found in results:
        for environment in (None, *found.environments):
            parts.append(f"## {environment or 'All environments'}, tested on {about_test(found.split)}")
            parts += [markdown_table(table) for table in all_tables(found, environment)]
    return "\n\n".join(parts) + "\n"


def markdown_table(table: ScoreTable) -> str:
    """Return a table as Markdown, its caption before it."""
    lines = [f"**{table.caption}**", "", _line(table.columns), _line(["---"] * len(table.columns))]
    return "\n".join([*lines, *(_line(row) for row in table.rows)])


def _line(cells: Sequence[str]) -> str:
    escaped = [text.replace("|", "\\|") for text in cells]
    return f"| {' | '.join(escaped)} |"
