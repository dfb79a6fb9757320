"""Measured causes: the sentences of Table 1 where there is a record of causes, in place of those on record.

One sentence a cause, whichever columns it is the cause of: a model with many elements that are always zero has few
causes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dynsparse.analysis.cause_record import CauseRecord
from dynsparse.analysis.sparsity_report import SparsityReport
from dynsparse.report.cause import Cause
from dynsparse.report.cause_sentences import Reason, reasons_of
from dynsparse.report.cause_switches import joined, shortened
from dynsparse.report.cause_symmetries import about_incomplete
from dynsparse.report.quantities import number

__all__ = ["explain_measured"]

_MOST_CAUSES = 6
"""Sentences on what is always zero; the last of more stands for all that are left."""


@dataclass(frozen=True)
class _Group:
    """Elements of both blocks with one reason: (dt, dt + da) which."""

    reason: Reason
    where: NDArray[np.bool_]

    @property
    def elements(self) -> int:
        return int(self.where.sum())


def explain_measured(report: SparsityReport, record: CauseRecord, paper_state: int | None) -> tuple[Cause, ...]:
    """Say why elements are always zero, from what was measured.

    Args:
        report: The analysis of one environment.
        record: Causes of the same environment.
        paper_state: The paper's count of always-zero state elements, to explain a departure from it.

    Returns:
        Causes, those of most elements first and at most six; then symmetries whose columns are not zero, then the
        departure from the paper.
    """
    return (*_always_zero(report, record), *_not_seen(report, record), *_departure(report, record, paper_state))


def _always_zero(report: SparsityReport, record: CauseRecord) -> list[Cause]:
    groups = _groups(report, record)
    most = len(groups) if len(groups) <= _MOST_CAUSES else _MOST_CAUSES - 1
    causes = []
    for group in groups[:most]:
        columns, outputs = _where(report, group.where)
        sentence = f"{outputs}: {group.reason.text}" if outputs else group.reason.text
        causes.append(Cause(report.environment, columns, group.elements, "measured", sentence))
    rest = groups[most:]
    if rest:
        columns, _ = _where(report, np.any([group.where for group in rest], axis=0))
        by_label: dict[str, int] = {}
        for group in rest:
            by_label[group.reason.label] = by_label.get(group.reason.label, 0) + group.elements
        counted = joined([f"{count:,} {label}" for label, count in by_label.items()])
        sentence = f"{number(len(rest), 'other cause')}, {counted} (causes.npz has each element's)"
        causes.append(Cause(report.environment, columns, sum(by_label.values()), "measured", sentence))
    return causes


def _groups(report: SparsityReport, record: CauseRecord) -> list[_Group]:
    """Return the reasons of all elements that are always zero, those of most elements first."""
    states, width = len(report.state_names), len(report.state_names) + len(report.action_names)
    found: dict[tuple[str, str], _Group] = {}
    blocks = (
        (report.global_sparsity.state, record.state, slice(0, states)),
        (report.global_sparsity.action, record.action, slice(states, width)),
    )
    for block, counts, span in blocks:
        for reason in reasons_of(record, counts, block.always_zero):
            where = np.zeros((states, width), dtype=bool)
            where[:, span] = reason.where
            key = (reason.label, reason.text)
            found[key] = _Group(reason, where | found[key].where if key in found else where)
    return sorted(found.values(), key=lambda group: -group.elements)


def _where(report: SparsityReport, where: NDArray[np.bool_]) -> tuple[str, str]:
    """Name the columns, and the outputs where these are not all, the own one of a state's column aside."""
    names = (*report.state_names, *report.action_names)
    columns = np.flatnonzero(where.any(axis=0))
    outputs = where.any(axis=1)
    whole = where | (np.eye(*where.shape) > 0)
    if whole[:, columns].all():
        return _compact([names[k] for k in columns], "column"), ""
    said = _compact([report.state_names[k] for k in np.flatnonzero(outputs)], "row")
    every = where[np.ix_(outputs, columns)].all()
    return _compact([names[k] for k in columns], "column"), f"{'next' if every else 'some of next'} {said}"


def _compact(names: Sequence[str], noun: str) -> str:
    """Name a few variables; of many of one body their number, such as "12 box rows"."""
    bodies = {(name.split(" ")[1:] or [name])[0] for name in names}
    if len(names) > _MOST_CAUSES and len(bodies) == 1:
        return f"{len(names)} {bodies.pop()} {noun}s"
    return shortened(names)


def _not_seen(report: SparsityReport, record: CauseRecord) -> list[Cause]:
    """Name the symmetries that hold and whose columns are not zero: round-off, or what ends them."""
    block = report.global_sparsity.state
    found = []
    for shift in record.symmetries:
        sentence = about_incomplete(record, shift, block.always_zero) if shift.holds else ""
        if sentence:
            found.append(Cause(report.environment, shift.coordinate, 0, "not seen", sentence))
    return found


def _departure(report: SparsityReport, record: CauseRecord, paper_state: int | None) -> list[Cause]:
    state = report.global_sparsity.state
    count = state.always_zero_count
    if paper_state is None or count == paper_state:
        return []
    reasons = reasons_of(record, record.state, state.always_zero)
    gated = sum(reason.elements for reason in reasons if reason.label in ("contact-off", "limit-off"))
    rows = report.rows - report.nonfinite_rows
    more = (
        f"{gated} of them {'is' if gated == 1 else 'are'} zero only while contacts or limits are off, which one row "
        "can end"
        if gated
        else "none of them is zero because contacts or limits are off"
    )
    sentence = f"the paper prints {paper_state}, we measure {count} in {rows:,} rows" + (f"; {more}" if count else "")
    return [Cause(report.environment, "", count, "departure", sentence)]
