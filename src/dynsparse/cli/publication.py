"""Publication: figures, tables and the page of whatever a folder holds, written and told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.text import Text

from dynsparse.analysis import SparsityReport
from dynsparse.cli.output import table, wide_console
from dynsparse.report.cause import Cause
from dynsparse.report.document import write_study
from dynsparse.report.gallery import QUESTIONS
from dynsparse.report.learning_table import ExpectedRuns
from dynsparse.report.study import StudyResults
from dynsparse.report.study_folder import in_papers_order, read_study
from dynsparse.report.table1 import Table1Row, about_thresholds, in_paper
from dynsparse.report.verdict import verdict

__all__ = ["in_papers_order", "publish_study"]

_PAPER = (4, 6, 7)
"""Columns of Table 1 that compare with the paper's."""
_SAME = {True: "yes", False: "NO", None: "not in it"}


def publish_study(
    folder: Path,
    page: Path,
    *,
    items: Path | None = None,
    expected: Sequence[str] | None = None,
    provenance: Mapping[str, Any],
    questions: Sequence[str] = QUESTIONS,
    runs: ExpectedRuns | None = None,
) -> StudyResults:
    """Write figures, tables and page of whatever records a folder holds, print the tables, and say where everything is.

    Args:
        folder: Folder of ``reproduce`` or ``analyze``.
        page: The HTML file.
        items: Folder in which ``figures`` and ``tables`` are written; None for the same.
        expected: Environments that there should be, those missing are shown as missing; None for those that are there.
        provenance: The record of this command.
        questions: Which of the paper's questions to answer.
        runs: Trainings that there should be; None for every combination of what is on record.

    Returns:
        What was found.

    Raises:
        InputError: If there is no analysis, or a record is damaged.
        OutputError: If something can not be written.
    """
    results = read_study(folder, expected=expected, runs=runs, questions=questions)
    paths = write_study(results, items or folder, page, provenance=provenance)
    if "q1" in questions:
        _print_table(*results.table1)
    if "q2" in questions or "q3" in questions:
        _print_summary(results.reports)
    counts = Counter(path.parent for path in paths[:-1])
    print("\nwritten:")
    for place, count in counts.items():
        print(f"  {place}: {count:,} files")
    print(f"  {page}: everything on one page")
    return results


def _print_table(rows: Sequence[Table1Row], causes: Sequence[Cause]) -> None:
    columns = ["environment", "ds", "da", "∂s'/∂s", "paper", "∂s'/∂a", "paper", "as paper", "same for atol", "rows"]
    cells = [_cells(row) for row in rows]
    if not in_paper(rows):
        kept = [place for place in range(len(columns)) if place not in _PAPER]
        columns, cells = [columns[k] for k in kept], [[line[k] for k in kept] for line in cells]
    if any(row.nonfinite_rows for row in rows):
        columns.append("non-finite")
        cells = [[*line, f"{row.nonfinite_rows:,}"] for line, row in zip(cells, rows, strict=True)]
    console = wide_console()
    atol = f"{rows[0].atol:g}" if rows else ""
    console.print(table(columns, cells, title=f"Table 1: elements of the Jacobian with |x| < {atol} in every row"))
    for sentence in (*(cause.text for cause in causes), *about_thresholds(rows)):
        console.print(Text(f"- {sentence}", overflow="fold"))


def _cells(row: Table1Row) -> list[str]:
    return [
        row.environment,
        str(row.state_dim),
        str(row.action_dim),
        f"{row.always_zero_state} ({100 * row.always_zero_state_fraction:.2f} %)",
        "-" if row.paper_always_zero_state is None else str(row.paper_always_zero_state),
        str(row.always_zero_action),
        "-" if row.paper_always_zero_action is None else str(row.paper_always_zero_action),
        _SAME[row.equals_paper],
        f"{row.same_count_from_atol:.0e}..{row.same_count_to_atol:.0e}",
        f"{row.rows:,}",
    ]


def _print_summary(reports: Sequence[SparsityReport]) -> None:
    columns = [
        "environment",
        "mean sparsity",
        "patterns",
        "zero for",
        "non-zero for",
        "(shorter ones)",
        "pattern changes",
        "audit",
    ]
    console = wide_console()
    console.print(table(columns, [_summary(report) for report in reports], title="Sparsity over states and time"))


def _summary(report: SparsityReport) -> list[str]:
    local, time = report.local, report.temporal
    return [
        report.environment,
        f"{100 * local.combined.sparsity_mean:.1f} %",
        f"{local.distinct_patterns:,}",
        _steps(None if time is None else time.zero.mean),
        _steps(None if time is None else time.nonzero.mean),
        _steps(None if time is None else time.nonzero.mean_shorter),
        "-" if time is None or time.pattern_switch_rate is None else f"{100 * time.pattern_switch_rate:.1f} % of steps",
        verdict(report.audit, report.derivative),
    ]


def _steps(mean: float | None) -> str:
    return "-" if mean is None else f"{mean:,.1f} steps"
