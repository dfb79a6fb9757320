"""Table 1: always-zero elements of the transition Jacobian, measured beside the paper's."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from importlib import resources
from pathlib import Path
from typing import Any

from dynsparse.analysis.cause_record import CauseRecord
from dynsparse.analysis.global_sparsity import GlobalSparsity
from dynsparse.analysis.sparsity_report import SparsityReport
from dynsparse.report.cause import Cause
from dynsparse.report.causes import explain
from dynsparse.report.files import write_file
from dynsparse.report.item import TABLES, TableItem
from dynsparse.report.text_table import csv_table

__all__ = [
    "MISSING",
    "PaperRow",
    "Table1Row",
    "about_thresholds",
    "in_paper",
    "make_table1",
    "paper_table1",
    "table1_item",
    "write_table1",
]

MISSING = "missing: not analysed"
"""What stands in place of a number where there is no analysis."""

_SCHEMA = 1
_NONE = "-"
_SAME = {True: "yes", False: "NO", None: "not in it"}
_COLUMNS = (
    *("environment", "ds", "da", "∂s'/∂s", "∂s'/∂s, paper", "∂s'/∂a", "∂s'/∂a, paper", "as paper"),
    *("same from atol", "to atol", "rows", "left out"),
)
_OF_PAPER = (4, 6, 7)
"""Columns that compare with the paper's."""
_HEADINGS = (
    "Same from, to: the thresholds between which the count of ∂s'/∂s stays the same. Left out: rows that are not "
    "finite."
)

_ABOVE_ROUND_OFF = 1e-12


@dataclass(frozen=True)
class PaperRow:
    """One line of the paper's Table 1.

    Attributes:
        environment: Name of the environment.
        state_dim: ds.
        action_dim: da.
        always_zero_state: Always-zero elements of ds'/ds.
        always_zero_action: Always-zero elements of ds'/da.
    """

    environment: str
    state_dim: int
    action_dim: int
    always_zero_state: int
    always_zero_action: int


@dataclass(frozen=True)
class Table1Row:
    """One line of Table 1 as measured, with the paper's counts beside.

    Attributes:
        environment: Name of the environment.
        state_dim: ds.
        action_dim: da.
        rows: Rows of data.
        nonfinite_rows: Rows left out because they hold a NaN or an infinity.
        atol: Zero threshold.
        state_elements: ds * ds.
        always_zero_state: Elements of ds'/ds that are zero in every finite row.
        always_zero_state_percent: The same in percent of ``state_elements``.
        same_count_from_atol: Smallest threshold of the sweep from which on the count stays the same up to ``atol``.
        same_count_to_atol: Largest threshold of the sweep up to which the count stays the same from ``atol`` on.
        paper_always_zero_state: The paper's count; none for an environment that is not in its table.
        action_elements: ds * da.
        always_zero_action: Elements of ds'/da that are zero in every finite row.
        always_zero_action_percent: The same in percent of ``action_elements``.
        paper_always_zero_action: The paper's count.
        equals_paper: Whether both counts are the paper's; none without the paper's.
    """

    environment: str
    state_dim: int
    action_dim: int
    rows: int
    nonfinite_rows: int
    atol: float
    state_elements: int
    always_zero_state: int
    always_zero_state_percent: float
    same_count_from_atol: float
    same_count_to_atol: float
    paper_always_zero_state: int | None
    action_elements: int
    always_zero_action: int
    always_zero_action_percent: float
    paper_always_zero_action: int | None
    equals_paper: bool | None


def paper_table1() -> Mapping[str, PaperRow]:
    """Return the paper's Table 1 as printed.

    Returns:
        One row an environment, by name, in the paper's order.
    """
    text = resources.files("dynsparse.report").joinpath("data/paper_table1.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(io.StringIO(text))
    return {
        row["environment"]: PaperRow(row["environment"], *(int(row[field.name]) for field in fields(PaperRow)[1:]))
        for row in rows
    }


def make_table1(
    records: Iterable[SparsityReport], measured: Mapping[str, CauseRecord] | None = None
) -> tuple[tuple[Table1Row, ...], tuple[Cause, ...]]:
    """Set measured counts beside the paper's, and say where they come from.

    Args:
        records: Analyses, one an environment.
        measured: Why elements are zero, by environment, where that was measured.

    Returns:
        The table, and the causes, both in the order of the records.
    """
    paper = paper_table1()
    rows: list[Table1Row] = []
    causes: list[Cause] = []
    for record in records:
        printed = paper.get(record.environment)
        rows.append(_table_row(record, printed))
        known = (measured or {}).get(record.environment)
        causes.extend(explain(record, printed.always_zero_state if printed else None, known))
    return tuple(rows), tuple(causes)


def in_paper(rows: Iterable[Table1Row]) -> bool:
    """Whether some environment is one of the paper's: without, its columns hold nothing."""
    return any(row.equals_paper is not None for row in rows)


def about_thresholds(rows: Iterable[Table1Row]) -> tuple[str, ...]:
    """Name the environments whose count is another one at both neighbouring thresholds.

    Args:
        rows: The table.

    Returns:
        A sentence each.
    """
    return tuple(
        f"{row.environment}: this count of ∂s'/∂s hangs on round-off; look at it with --atol 1e-12."
        for row in rows
        if row.same_count_from_atol == row.same_count_to_atol and row.atol < _ABOVE_ROUND_OFF
    )


def table1_item(rows: Sequence[Table1Row], causes: Iterable[Cause], missing: Sequence[str]) -> TableItem:
    """Return Table 1 as an item of a report.

    Args:
        rows: The table.
        causes: Sentences on its columns, which say where a departure from the paper comes from.
        missing: Names of the environments without an analysis; they have a line that says so.

    Returns:
        The item; without the paper's columns where none of its environments is there or missing.
    """
    paper = paper_table1()
    lines = [(_cells(row), _values(row)) for row in rows] + [_missing_line(name, paper.get(name)) for name in missing]
    compared = in_paper(rows) or any(name in paper for name in missing)
    kept = [place for place in range(len(_COLUMNS)) if compared or place not in _OF_PAPER]
    atols = ", ".join(f"{atol:g}" for atol in sorted({row.atol for row in rows}))
    at = f" with |x| < {atols}" if atols else ""
    return TableItem(
        name="table-1",
        title=f"Elements of the Jacobian{at} in every finite row",
        source="Table 1" if compared else "",
        columns=tuple(_COLUMNS[place] for place in kept),
        cells=tuple(tuple(cells[place] for place in kept) for cells, _ in lines),
        values=tuple(tuple(values[place] for place in kept) for _, values in lines),
        notes=(_HEADINGS, *about_thresholds(rows), *(cause.text for cause in causes)),
    )


def write_table1(
    folder: str | os.PathLike[str],
    rows: Iterable[Table1Row],
    causes: Iterable[Cause],
    provenance: Mapping[str, Any],
) -> tuple[Path, Path]:
    """Write ``tables/table-1.csv`` and ``tables/table-1.json``: Table 1 for programs, with all its columns.

    Args:
        folder: Folder of the report.
        rows: The table.
        causes: Sentences of cause, kept in the JSON file.
        provenance: Settings and versions, kept in the JSON file.

    Returns:
        Paths of the CSV and of the JSON file.

    Raises:
        OutputError: If the folder can not be written.
    """
    listed = [asdict(row) for row in rows]
    names = [field.name for field in fields(Table1Row)]
    content = {
        "schema": _SCHEMA,
        "table": listed,
        "causes": [cause.to_dict() for cause in causes],
        "provenance": dict(provenance),
    }
    stem = Path(folder) / TABLES / "table-1"
    return (
        write_file(stem.with_suffix(".csv"), csv_table(names, (list(row.values()) for row in listed))),
        write_file(stem.with_suffix(".json"), json.dumps(content, indent=1, allow_nan=False) + "\n"),
    )


def _cells(row: Table1Row) -> tuple[str, ...]:
    return (
        row.environment,
        str(row.state_dim),
        str(row.action_dim),
        f"{row.always_zero_state} ({row.always_zero_state_percent:.2f} %)",
        _NONE if row.paper_always_zero_state is None else str(row.paper_always_zero_state),
        str(row.always_zero_action),
        _NONE if row.paper_always_zero_action is None else str(row.paper_always_zero_action),
        _SAME[row.equals_paper],
        f"{row.same_count_from_atol:.0e}",
        f"{row.same_count_to_atol:.0e}",
        f"{row.rows:,}",
        f"{row.nonfinite_rows:,}",
    )


def _values(row: Table1Row) -> tuple[object, ...]:
    return (
        *(row.environment, row.state_dim, row.action_dim, row.always_zero_state, row.paper_always_zero_state),
        *(row.always_zero_action, row.paper_always_zero_action, row.equals_paper, row.same_count_from_atol),
        *(row.same_count_to_atol, row.rows, row.nonfinite_rows),
    )


def _missing_line(name: str, printed: PaperRow | None) -> tuple[tuple[str, ...], tuple[object, ...]]:
    """Return cells and values of an environment that was not analysed: what the paper has stays."""
    dims = (None, None) if printed is None else (printed.state_dim, printed.action_dim)
    counts = (None, None) if printed is None else (printed.always_zero_state, printed.always_zero_action)
    values: tuple[object, ...] = (name, *dims, None, counts[0], None, counts[1], None, None, None, None, None)
    cells = [_NONE if value is None else str(value) for value in values]
    cells[3] = MISSING
    return tuple(cells), values


def _table_row(record: SparsityReport, printed: PaperRow | None) -> Table1Row:
    state, action = record.global_sparsity.state, record.global_sparsity.action
    paper_state = printed.always_zero_state if printed else None
    paper_action = printed.always_zero_action if printed else None
    counts = (state.always_zero_count, action.always_zero_count)
    stable = _stable_thresholds(record.global_sparsity)
    return Table1Row(
        environment=record.environment,
        state_dim=len(record.state_names),
        action_dim=len(record.action_names),
        rows=record.rows,
        nonfinite_rows=record.nonfinite_rows,
        atol=record.atol,
        state_elements=state.elements,
        always_zero_state=counts[0],
        always_zero_state_percent=round(100 * state.fraction, 2),
        same_count_from_atol=stable[0],
        same_count_to_atol=stable[1],
        paper_always_zero_state=paper_state,
        action_elements=action.elements,
        always_zero_action=counts[1],
        always_zero_action_percent=round(100 * action.fraction, 2),
        paper_always_zero_action=paper_action,
        equals_paper=None if printed is None else counts == (paper_state, paper_action),
    )


def _stable_thresholds(sparsity: GlobalSparsity) -> tuple[float, float]:
    """Return the range of thresholds around ``atol`` in which the count of the state block is the same."""
    count, atol = sparsity.state.always_zero_count, sparsity.atol
    # The count can only grow with the threshold: those with the same count lie side by side.
    same = [point.atol for point in sparsity.threshold_sweep if point.always_zero_state == count]
    return min([atol, *same]), max([atol, *same])
