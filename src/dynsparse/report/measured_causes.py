"""Measured causes: the sentences of Table 1 where there is a record of causes, in place of those on record."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dynsparse.analysis.cause_record import CauseRecord
from dynsparse.analysis.sparsity_report import SparsityReport
from dynsparse.report.cause import Cause
from dynsparse.report.cause_sentences import Reason, reasons_of
from dynsparse.report.quantities import percent

__all__ = ["explain_measured"]

_MOST_LISTED = 4
"""Outputs that are named; of more the number is told."""


def explain_measured(report: SparsityReport, record: CauseRecord, paper_state: int | None) -> tuple[Cause, ...]:
    """Say why columns, and elements outside them, are always zero, from what was measured.

    Args:
        report: The analysis of one environment.
        record: Causes of the same environment.
        paper_state: The paper's count of always-zero state elements, to explain a departure from it.

    Returns:
        Causes in the order of the columns, then symmetries that something ended, then the departure from the paper.
    """
    return (*_of_columns(report, record), *_not_seen(report, record), *_departure(report, record, paper_state))


def _of_columns(report: SparsityReport, record: CauseRecord) -> list[Cause]:
    whole, single = [], []
    blocks = (
        (report.global_sparsity.state, record.state, report.state_names, True),
        (report.global_sparsity.action, record.action, report.action_names, False),
    )
    for block, counts, names, own_element in blocks:
        columns = block.always_zero_columns(own_element=own_element)
        for column, name in enumerate(names):
            mask = np.zeros_like(block.always_zero)
            mask[:, column] = block.always_zero[:, column]
            elements = int(mask.sum())
            if not elements:
                continue
            said = _listed(reasons_of(record, counts, mask))
            if column in columns:
                whole.append(Cause(report.environment, name, elements, "measured", said))
            else:
                outputs = [report.state_names[row] for row in mask[:, column].nonzero()[0]]
                sentence = f"single elements (next {_shortened(outputs)}): {said}"
                single.append(Cause(report.environment, name, elements, "measured", sentence))
    return [*whole, *single]


def _shortened(names: Sequence[str]) -> str:
    if len(names) <= _MOST_LISTED + 1:
        return ", ".join(names)
    return f"{', '.join(names[:_MOST_LISTED])} and {len(names) - _MOST_LISTED} others"


def _listed(reasons: Sequence[Reason]) -> str:
    if len(reasons) == 1:
        return reasons[0].text
    return "; ".join(f"{reason.elements:,} {reason.predicate}" for reason in reasons)


def _not_seen(report: SparsityReport, record: CauseRecord) -> list[Cause]:
    """Name the symmetries that hold, but for a constraint that was active in some row of the analysis."""
    block = report.global_sparsity.state
    seen = {report.state_names[column] for column in block.always_zero_columns(own_element=True)}
    causes = []
    for shift in record.symmetries:
        if not shift.holds or shift.coordinate in seen:
            continue
        index = report.state_names.index(shift.coordinate)
        others = [share for row, share in enumerate(block.zero_frequency[:, index]) if row != index]
        least = min(others, default=1.0)
        ends = f" as long as {' and '.join(shift.broken_by[:2])} is off" if shift.broken_by else ""
        sentence = (
            f"{shift.words} is a symmetry{ends}, and here something ended it: an element of the column is zero in "
            f"{percent(float(least))} of the rows"
        )
        causes.append(Cause(report.environment, shift.coordinate, 0, "not seen", sentence))
    return causes


def _departure(report: SparsityReport, record: CauseRecord, paper_state: int | None) -> list[Cause]:
    state = report.global_sparsity.state
    count = state.always_zero_count
    if paper_state is None or count == paper_state:
        return []
    reasons = reasons_of(record, record.state, state.always_zero)
    gated = sum(reason.elements for reason in reasons if reason.label in ("contact-off", "limit-off"))
    rows = report.rows - report.nonfinite_rows
    more = (
        f"{gated} of them {'is' if gated == 1 else 'are'} zero only as long as a contact or a limit is off, which one "
        "row can end"
        if gated
        else "none of them is zero because a contact or a limit is off"
    )
    sentence = f"the paper prints {paper_state}, we measure {count} in {rows:,} rows" + (f"; {more}" if count else "")
    return [Cause(report.environment, "", count, "departure", sentence)]
