"""Overview: what the page compares across environments, Table 1 before all."""

from __future__ import annotations

from collections.abc import Sequence

from dynsparse.analysis import SparsityReport
from dynsparse.report.cause import Cause
from dynsparse.report.markup import element, make_table, prose, text
from dynsparse.report.quantities import number, percent
from dynsparse.report.sentences import TANGENT
from dynsparse.report.table1 import Table1Row, about_thresholds, in_paper, paper_table1
from dynsparse.report.verdict import verdict

__all__ = ["about_page", "summary_table", "table1"]

_SAME = {True: "yes", False: "NO", None: "not in it"}
_MISSING = "missing: not analysed"
_NONE = "-"
_PAPER = (4, 6, 7)
"""Columns of Table 1 that compare with the paper's."""
_HEADINGS = (
    "Same for: the range of thresholds within which the count of ∂s'/∂s stays the same. "
    "Left out: rows that are not finite."
)


def about_page(reports: Sequence[SparsityReport], missing: Sequence[str]) -> str:
    """Say what the page holds.

    Args:
        reports: The analyses that there are.
        missing: Names of the environments without one.

    Returns:
        HTML.
    """
    rows = sum(report.rows for report in reports)
    environments = number(len(reports), "environment")
    absent = f" Missing: {', '.join(missing)}." if missing else ""
    return element(
        "p",
        text(
            f"The transition Jacobian says how the next state s' of a simulator depends on the state s (∂s'/∂s) and on "
            f"the action a (∂s'/∂a) over one control step. This page counts its zeros in {rows:,} rows of "
            f"{environments}: over all rows, from row to row, and along time.{absent}{_tangents(reports)}"
        ),
    )


def table1(rows: Sequence[Table1Row], causes: Sequence[Cause], missing: Sequence[str]) -> str:
    """Set the always-zero elements beside the paper's, where it has them, with what is known about their causes.

    Args:
        rows: Table 1.
        causes: Sentences on its columns.
        missing: Names of the environments without an analysis.

    Returns:
        HTML.
    """
    columns: Sequence[str] = (
        "environment",
        "ds",
        "da",
        "∂s'/∂s",
        "paper",
        "∂s'/∂a",
        "paper",
        "as paper",
        "same for",
        "rows",
        "left out",
    )
    cells: list[Sequence[object]] = [_table1_cells(row) for row in rows]
    compared = in_paper(rows) or any(name in paper_table1() for name in missing)
    if not compared:
        kept = [place for place in range(len(columns)) if place not in _PAPER]
        columns, cells = [columns[k] for k in kept], [[line[k] for k in kept] for line in cells]
    cells += [(name, _MISSING) for name in missing]
    atols = sorted({row.atol for row in rows})
    at = f" with |x| < {', '.join(f'{atol:g}' for atol in atols)}" if atols else ""
    listed = element("ul", *(element("li", prose(cause.text)) for cause in causes)) if causes else ""
    beside = ", beside the paper's Table 1" if compared else ""
    counts = make_table(f"Elements{at} in every finite row{beside}", columns, cells)
    return counts + element("p", prose(" ".join([_HEADINGS, *about_thresholds(rows)]))) + listed


def summary_table(reports: Sequence[SparsityReport], missing: Sequence[str]) -> str:
    """Set the means over rows and over time side by side.

    Args:
        reports: The analyses that there are.
        missing: Names of the environments without one.

    Returns:
        HTML.
    """
    columns = (
        "environment", "sparsity", "of ∂s'/∂s", "of ∂s'/∂a", "patterns", "most frequent", "zero for", "non-zero for",
        "shorter than the episode", "switches", "audit",
    )  # fmt: skip
    cells: list[Sequence[object]] = [_summary_cells(report) for report in reports]
    cells += [(name, _MISSING) for name in missing]
    return make_table("Sparsity over rows and over time, means; durations in control steps", columns, cells)


def _tangents(reports: Sequence[SparsityReport]) -> str:
    """Say which environments' Jacobians are those of tangents."""
    names = [report.environment for report in reports if report.coordinates == "tangent"]
    if not names:
        return ""
    return (
        f" The states of {', '.join(names)} hold quaternions: their rows and columns (ds of them) are tangent "
        f"coordinates; {TANGENT}."
    )


def _table1_cells(row: Table1Row) -> tuple[object, ...]:
    return (
        row.environment,
        row.state_dim,
        row.action_dim,
        f"{row.always_zero_state} ({row.always_zero_state_percent:.2f} %)",
        _NONE if row.paper_always_zero_state is None else row.paper_always_zero_state,
        row.always_zero_action,
        _NONE if row.paper_always_zero_action is None else row.paper_always_zero_action,
        _SAME[row.equals_paper],
        f"{row.same_count_from_atol:.0e} to {row.same_count_to_atol:.0e}",
        f"{row.rows:,}",
        f"{row.nonfinite_rows:,}",
    )


def _summary_cells(report: SparsityReport) -> tuple[object, ...]:
    local, temporal = report.local, report.temporal
    return (
        report.environment,
        percent(local.combined.sparsity_mean),
        percent(local.state.sparsity_mean),
        percent(local.action.sparsity_mean),
        f"{local.distinct_patterns:,}",
        percent(local.pattern_shares[0]) if local.pattern_shares else _NONE,
        _steps(None if temporal is None else temporal.zero.mean),
        _steps(None if temporal is None else temporal.nonzero.mean),
        _steps(None if temporal is None else temporal.nonzero.mean_shorter),
        _NONE if temporal is None or temporal.pattern_switch_rate is None else percent(temporal.pattern_switch_rate),
        verdict(report.audit, report.derivative),
    )


def _steps(mean: float | None) -> str:
    return _NONE if mean is None else f"{mean:,.1f}"
