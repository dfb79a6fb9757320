"""Table 1: always-zero elements of the transition Jacobian, measured beside the paper's."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from importlib import resources

from dynsparse.analysis.cause_record import CauseRecord
from dynsparse.analysis.global_sparsity import GlobalSparsity
from dynsparse.analysis.sparsity_report import SparsityReport
from dynsparse.analysis.zeros import ABOVE_ROUND_OFF
from dynsparse.report.cause import Cause
from dynsparse.report.causes import explain

__all__ = [
    "MISSING",
    "PaperRow",
    "Table1Row",
    "about_thresholds",
    "in_paper",
    "make_table1",
    "paper_table1",
]

MISSING = "missing: not analysed"
"""What stands in place of a number where there is no analysis."""


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
        always_zero_state_fraction: The same as a fraction of ``state_elements``.
        same_count_from_atol: Smallest threshold of the sweep from which on the count stays the same up to ``atol``.
        same_count_to_atol: Largest threshold of the sweep up to which the count stays the same from ``atol`` on.
        paper_always_zero_state: The paper's count; none for an environment that is not in its table.
        action_elements: ds * da.
        always_zero_action: Elements of ds'/da that are zero in every finite row.
        always_zero_action_fraction: The same as a fraction of ``action_elements``.
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
    always_zero_state_fraction: float
    same_count_from_atol: float
    same_count_to_atol: float
    paper_always_zero_state: int | None
    action_elements: int
    always_zero_action: int
    always_zero_action_fraction: float
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
        f"{row.environment}: this count of ∂s'/∂s depends on round-off; look at it with --atol 1e-12."
        for row in rows
        if row.same_count_from_atol == row.same_count_to_atol and row.atol < ABOVE_ROUND_OFF
    )


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
        always_zero_state_fraction=state.fraction,
        same_count_from_atol=stable[0],
        same_count_to_atol=stable[1],
        paper_always_zero_state=paper_state,
        action_elements=action.elements,
        always_zero_action=counts[1],
        always_zero_action_fraction=action.fraction,
        paper_always_zero_action=paper_action,
        equals_paper=None if printed is None else counts == (paper_state, paper_action),
    )


def _stable_thresholds(sparsity: GlobalSparsity) -> tuple[float, float]:
    """Return the range of thresholds around ``atol`` in which the count of the state block is the same."""
    count, atol = sparsity.state.always_zero_count, sparsity.atol
    # The count can only grow with the threshold: those with the same count lie side by side.
    same = [point.atol for point in sparsity.threshold_sweep if point.always_zero_state == count]
    return min([atol, *same]), max([atol, *same])
