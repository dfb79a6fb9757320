"""Cause answer: what most of each environment's zeros come from, and how far environments differ in that."""

from __future__ import annotations

from collections.abc import Sequence

from dynsparse.analysis.cause_record import CauseRecord
from dynsparse.report.answer import Answer, environments_of, span_of
from dynsparse.report.cause_looks import LOOKS
from dynsparse.report.cause_switches import joined
from dynsparse.report.quantities import number, percent

__all__ = ["answer_causes"]


def answer_causes(records: Sequence[CauseRecord]) -> Answer:
    """Say which cause the largest share of each environment's zeros has.

    Zeros of several environments are not added up: the largest system has most, and would outvote the others.

    Args:
        records: Causes, one an environment.

    Returns:
        The answer; its sentence is empty without a record, or a zero.
    """
    shares = {record.environment: _shares(record) for record in records if _zeros(record)}
    if not shares:
        return Answer("")
    listed = []
    for look in LOOKS:
        most = [
            f"{name} ({percent(found[look.name])})"
            for name, found in shares.items()
            if found[look.name] == max(found.values())
        ]
        if most:
            listed.append(f"{look.title}, in {joined(most)}")
    rows = sorted({record.rows for record in records})
    each = " of each" if len(records) > 1 else ""
    counted = number(rows[0], "row") if len(rows) == 1 else f"{rows[0]:,} to {rows[-1]:,} rows"
    short = f"Largest share of the zeros: {'; '.join(listed)} ({counted} explained{each})."
    return Answer(short, (*_ranges(list(shares.values())), *_without(records), _NO_INTERVAL))


_NO_INTERVAL = "Rows of all episodes are counted together, so that these shares have no interval."


def _ranges(shares: Sequence[dict[str, float]]) -> list[str]:
    """Say between which shares of an environment's zeros each cause lies."""
    if len(shares) < 2:
        return []
    spans = []
    for look in LOOKS:
        found = [of[look.name] for of in shares]
        if max(found):
            spans.append(f"{look.title}, {span_of(found, percent)}")
    return [f"Of one environment's zeros, over {environments_of(len(shares))}: {'; '.join(spans)}."]


def _without(records: Sequence[CauseRecord]) -> list[str]:
    names = [record.environment for record in records if not _zeros(record)]
    return [f"No element is zero in the rows explained of {joined(names)}."] if names else []


def _zeros(record: CauseRecord) -> int:
    return sum(record.by_label[look.name] for look in LOOKS)


def _shares(record: CauseRecord) -> dict[str, float]:
    """Return the share of a record's zeros by cause."""
    zeros = _zeros(record)
    return {look.name: record.by_label[look.name] / zeros for look in LOOKS}
