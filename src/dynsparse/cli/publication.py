"""Publication: Table 1, the figures and the page of whatever analyses there are, written and told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.text import Text

from dynsparse.analysis import CauseRecord, SparsityReport
from dynsparse.cli.output import table, wide_console
from dynsparse.report.cause import Cause
from dynsparse.report.cause_section import check_causes, write_cause_bars
from dynsparse.report.document import write_report
from dynsparse.report.gallery import QUESTIONS, figure_names, write_figures
from dynsparse.report.table1 import Table1Row, about_thresholds, in_paper, make_table1, paper_table1, write_table1
from dynsparse.report.verdict import verdict

__all__ = ["in_papers_order", "publish"]

_PAPER = (4, 6, 7)
"""Columns of Table 1 that compare with the paper's."""
_SAME = {True: "yes", False: "NO", None: "not in it"}


def publish(
    reports: Sequence[SparsityReport],
    out: Path,
    page: Path,
    *,
    expected: Sequence[str] | None = None,
    provenance: Mapping[str, Any],
    measured: Mapping[str, CauseRecord] | None = None,
    questions: Sequence[str] = QUESTIONS,
    redraw: bool = True,
) -> None:
    """Write table, figures and page, print the table, and say where everything is.

    Args:
        reports: Analyses, one an environment.
        out: Folder for ``table1.csv``, ``table1.json`` and ``figures``.
        page: The HTML file.
        expected: Environments that there should be; those missing are shown as missing.
        provenance: The record of this command.
        measured: Why elements are zero, by environment, where that was measured.
        questions: Which of the paper's questions to answer.
        redraw: Draw figures that are there already; without, whoever calls knows that they are of these analyses.
    """
    measured = measured or {}
    check_causes(reports, measured)
    rows, causes = make_table1(reports, measured)
    paths = list(write_table1(out, rows, causes, provenance)) if "q1" in questions else []
    figures = out / "figures"
    for report in reports:
        record = measured.get(report.environment)
        if redraw or not all((figures / name).exists() for name in figure_names(report, questions, record)):
            write_figures(report, figures, questions, record)
    records = [measured[report.environment] for report in reports if report.environment in measured]
    write_cause_bars(records, figures)
    write_report(
        reports,
        page,
        table=rows,
        causes=causes,
        measured=measured,
        expected=expected,
        provenance=provenance,
        questions=questions,
    )
    if "q1" in questions:
        _print_table(rows, causes)
    if "q2" in questions or "q3" in questions:
        _print_summary(reports)
    print("\nwritten:")
    for path in paths:
        print(f"  {path}")
    print(f"  {figures}: figures of {len(reports)} environments as .png and .pdf")
    print(f"  {page}: everything on one page")


def in_papers_order(names: Sequence[str]) -> list[str]:
    """Sort environments as the paper's Table 1 lists them, others after them by name."""
    listed = list(paper_table1())
    return sorted(names, key=lambda name: (listed.index(name) if name in listed else len(listed), name))


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
        f"{row.always_zero_state} ({row.always_zero_state_percent:.2f} %)",
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
