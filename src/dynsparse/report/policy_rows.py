"""Policy rows: from how many rows and episodes numbers are, and how many rows are not finite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dynsparse.analysis.policy_record import PolicyRecord, PolicyRows
from dynsparse.report.cause_switches import joined
from dynsparse.report.compared_numbers import NOT_ENOUGH, has_rows
from dynsparse.report.policy_headline import COVERAGE
from dynsparse.report.policy_table import name_of
from dynsparse.report.quantities import number
from dynsparse.report.said_once import by_what_is_said

__all__ = ["about_lost_rows", "about_rows", "drawn_title", "under"]


def under(policy: str) -> str:
    """Say under whose actions: ``"coverage states"``, ``"the random policy"``."""
    return "coverage states" if policy == COVERAGE else f"the {policy} policy"


def about_lost_rows(records: Mapping[str, PolicyRecord]) -> tuple[str, ...]:
    """Say of each data set how many of its rows are not finite, and what that leaves.

    Args:
        records: By environment.

    Returns:
        A sentence of all data sets that lack some rows, and one of those that lack more than half; empty without.
    """
    lost, few = [], []
    for name, record in records.items():
        for rows in record.policies:
            found = rows.sparsity
            gone = found.all_rows - found.finite_rows
            if gone:
                whose = f"{name} under {under(rows.policy)}"
                lost.append(f"{gone:,} of {number(found.all_rows, 'row')} of {whose}")
                few += [] if has_rows(found) else [whose]
    if not lost:
        return ()
    said = [f"Rows that are not finite are left out, and what is left may be unlike the whole: {joined(lost)}."]
    if few:
        said.append(
            f"Fewer than half of the rows are left of {joined(few)}: {NOT_ENOUGH} to compare with, in Q1, Q2 or Q3."
        )
    return tuple(said)


def about_rows(records: Mapping[str, PolicyRecord]) -> str:
    """Say from how many finite rows and episodes the means are.

    Args:
        records: By environment.
    """

    def counted(record: PolicyRecord) -> str:
        each = by_what_is_said((name_of(record, rows.policy), _counted(rows)) for rows in record.policies)
        return ", ".join(f"{said} under {joined(policies)}" for said, policies in each)

    said = by_what_is_said((name, counted(record)) for name, record in records.items())
    listed = "; ".join(f"{words} ({joined(names)})" for words, names in said)
    return f"Means over episodes with their 95 % intervals, of {listed}."


def drawn_title(title: str, records: Mapping[str, PolicyRecord]) -> str:
    """Write what stands above a figure: threshold, how many episodes, and what bars are.

    Args:
        title: What it is of.
        records: By environment.

    Returns:
        Two lines.
    """
    atols = joined([f"{atol:g}" for atol in sorted({record.atol for record in records.values()})])
    every = [rows for record in records.values() for rows in record.policies]
    counts = {
        alone: [int((rows.sparsity.finite > 0).sum()) for rows in every if _is_one_step(rows) == alone]
        for alone in (False, True)
    }
    parts = [
        f"{_span(found)}{' one-step' if alone else ''} episode{'' if max(found) == 1 else 's'}"
        for alone, found in counts.items()
        if found
    ]
    return f"{title}: zeros at |x| < {atols}\nmeans over {joined(parts, 'or')}, bars their 95 % intervals"


def _span(counts: Sequence[int]) -> str:
    return " to ".join(dict.fromkeys((f"{min(counts):,}", f"{max(counts):,}")))


def _counted(rows: PolicyRows) -> str:
    found = rows.sparsity
    episodes = int((found.finite > 0).sum())
    few = f"{found.finite_rows:,} finite of " if found.finite_rows < found.all_rows else ""
    said = f"{few}{number(found.all_rows, 'row')} in"
    # Of one step each: as many as there are rows.
    return f"{said} one-step episodes" if _is_one_step(rows) else f"{said} {number(episodes, 'episode')}"


def _is_one_step(rows: PolicyRows) -> bool:
    return int(rows.sparsity.rows.max(initial=0)) == 1
