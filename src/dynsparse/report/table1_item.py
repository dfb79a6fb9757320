"""Table 1 item: the table as a reader sees it, and for programs as CSV and JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from dynsparse.report.cause import Cause
from dynsparse.report.files import write_file
from dynsparse.report.item import TABLES, TableItem
from dynsparse.report.table1 import MISSING, PaperRow, Table1Row, about_thresholds, in_paper, paper_table1

__all__ = ["table1_item", "write_table1"]

_SCHEMA = 2
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
_FIELDS = tuple(field.name for field in fields(Table1Row))


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
    lines = [(_cells(row), tuple(asdict(row).values())) for row in rows]
    lines += [_missing_line(name, paper.get(name)) for name in missing]
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
        values=tuple(values for _, values in lines),
        notes=(_HEADINGS, *about_thresholds(rows), *(cause.text for cause in causes)),
        fields=_FIELDS,
    )


def write_table1(
    folder: str | os.PathLike[str],
    rows: Iterable[Table1Row],
    causes: Iterable[Cause],
    provenance: Mapping[str, Any],
) -> Path:
    """Write ``tables/table-1.json``: Table 1 with its causes, and with where it comes from.

    Args:
        folder: Folder of the report.
        rows: The table.
        causes: Sentences of cause.
        provenance: Settings and versions.

    Returns:
        Path of the file.

    Raises:
        OutputError: If the folder can not be written.
    """
    content = {
        "schema": _SCHEMA,
        "table": [asdict(row) for row in rows],
        "causes": [cause.to_dict() for cause in causes],
        "provenance": dict(provenance),
    }
    path = Path(folder) / TABLES / "table-1.json"
    return write_file(path, json.dumps(content, indent=1, allow_nan=False) + "\n")


def _cells(row: Table1Row) -> tuple[str, ...]:
    return (
        row.environment,
        str(row.state_dim),
        str(row.action_dim),
        f"{row.always_zero_state} ({100 * row.always_zero_state_fraction:.2f} %)",
        _NONE if row.paper_always_zero_state is None else str(row.paper_always_zero_state),
        str(row.always_zero_action),
        _NONE if row.paper_always_zero_action is None else str(row.paper_always_zero_action),
        _SAME[row.equals_paper],
        f"{row.same_count_from_atol:.0e}",
        f"{row.same_count_to_atol:.0e}",
        f"{row.rows:,}",
        f"{row.nonfinite_rows:,}",
    )


def _missing_line(name: str, printed: PaperRow | None) -> tuple[tuple[str, ...], tuple[object, ...]]:
    """Return cells and values of an environment that was not analysed: what the paper has stays."""
    known: dict[str, object] = {"environment": name}
    if printed is not None:
        known |= {
            "state_dim": printed.state_dim,
            "action_dim": printed.action_dim,
            "paper_always_zero_state": printed.always_zero_state,
            "paper_always_zero_action": printed.always_zero_action,
        }
    shown = (
        *("environment", "state_dim", "action_dim", "", "paper_always_zero_state", "", "paper_always_zero_action"),
    )
    cells = [_NONE if known.get(field) is None else str(known[field]) for field in (*shown, *[""] * 5)]
    cells[3] = MISSING
    return tuple(cells), tuple(known.get(field) for field in _FIELDS)
