"""Policy tables: one line an environment and policy, and one a group of elements that differ between policies."""

from __future__ import annotations

from collections.abc import Mapping

from dynsparse.analysis.element_groups import ElementGroup
from dynsparse.analysis.policy_record import PolicyRecord
from dynsparse.physics.environment_audit import ROUND_OFF
from dynsparse.report.cause_switches import joined, shortened
from dynsparse.report.difference_words import mean_cell, share_cell
from dynsparse.report.episode_statistics import mean_over_episodes
from dynsparse.report.item import TableItem

__all__ = ["element_table", "is_round_off", "policy_table"]

_COLUMNS = (
    "environment",
    "policy",
    "rows",
    "not finite",
    "return",
    "always zero ∂s'/∂s",
    "always zero ∂s'/∂a",
    "sparsity, %",
    "all patterns",
    "zero for, steps",
    "non-zero for, steps",
    "switches, %",
    "limit or contact, %",
    "most active",
)

_ELEMENT_COLUMNS = (
    "environment",
    "policy",
    "elements",
    "switched on by",
    "rows",
    "non-zero rows",
    "active rows",
    "both",
    "first row",
)


def policy_table(records: Mapping[str, PolicyRecord]) -> TableItem:
    """Make the table of all data sets.

    Args:
        records: By environment.

    Returns:
        The table ``policies``; its CSV has shares in percent.
    """
    cells: list[tuple[str, ...]] = []
    values: list[tuple[object, ...]] = []
    for environment, record in records.items():
        for rows in record.policies:
            found = rows.sparsity
            shares = [mean_over_episodes(part) for part in (found.combined, found.switch_rate, rows.active_share)]
            plain = [mean_over_episodes(part) for part in (rows.returns, found.zero_duration, found.nonzero_duration)]
            counts = (found.always_zero_state, found.always_zero_action)
            lost, most = found.all_rows - found.finite_rows, _most_active(record, rows.policy)
            cells.append((
                environment, rows.policy, f"{found.all_rows:,}", f"{lost:,}", mean_cell(plain[0]),
                *(f"{count:,}" for count in counts), share_cell(shares[0]), f"{found.distinct_patterns:,}",
                mean_cell(plain[1]), mean_cell(plain[2]), share_cell(shares[1]), share_cell(shares[2]), most or "-",
            ))  # fmt: skip
            values.append((
                environment, rows.policy, found.all_rows, lost, plain[0].value, *counts, _percent(shares[0].value),
                found.distinct_patterns, plain[1].value, plain[2].value, _percent(shares[1].value),
                _percent(shares[2].value), most or None,
            ))  # fmt: skip
    notes = (
        "Means over episodes with 95 % intervals; coverage has episodes of one step, which say nothing of time or of "
        "return.",
        "Limit or contact: rows in which any exerts force; most active: the named constraint that does in most rows.",
    )
    return TableItem("policies", "What changes with the data", "", _COLUMNS, tuple(cells), tuple(values), notes)


def element_table(records: Mapping[str, PolicyRecord]) -> TableItem | None:
    """Make the table of elements that are always zero in one data set and not in another.

    Args:
        records: By environment.

    Returns:
        The table ``policies-elements``; None where there are no such elements.
    """
    cells: list[tuple[str, ...]] = []
    values: list[tuple[object, ...]] = []
    for environment, record in records.items():
        for group in record.groups:
            names = [record.element_name(element) for element in group.elements]
            cause = _cause(group)
            for rows in record.policies:
                policy, count = rows.policy, max(group.nonzero[rows.policy])
                first = next((row for row in group.rows if row.policy == policy), None)
                where = "" if first is None else f"episode {first.episode}, t {first.t}"
                known = bool(group.constraints)
                active, both = (group.active[policy], group.both[policy]) if known else (None, None)
                shown = ("-" if number is None else f"{number:,}" for number in (active, both))
                total = rows.sparsity.finite_rows
                cells.append((
                    environment, policy, shortened(names, 2), cause, f"{total:,}", f"{count:,}", *shown, where or "-",
                ))  # fmt: skip
                values.append((
                    environment, policy, "; ".join(names), cause, total, count, active, both, where or None,
                ))  # fmt: skip
    if not cells:
        return None
    title = "Elements that are always zero in one data set and not in another"
    notes = (
        "Non-zero rows: finite rows in which the element of the group that is non-zero most often is. Active rows: "
        "those in which one of the constraints exerts force; both: those of them in which some element is not zero.",
    )
    return TableItem("policies-elements", title, "", _ELEMENT_COLUMNS, tuple(cells), tuple(values), notes)


def is_round_off(group: ElementGroup) -> bool:
    """Whether no element of a group is ever larger than what rounding leaves of a sum that is zero."""
    return max(group.largest) < ROUND_OFF


def _cause(group: ElementGroup) -> str:
    if group.constraints:
        return shortened(group.constraints, 3)
    return "round-off" if is_round_off(group) else "no few constraints"


def _most_active(record: PolicyRecord, policy: str) -> str:
    rows = record.rows_of(policy)
    if rows is None or not rows.active.size or not rows.active.any():
        return ""
    counts = rows.active.sum(axis=0)
    best = int(counts.argmax())
    ties = [record.constraint_names[place] for place in (counts == counts[best]).nonzero()[0]]
    return joined(ties) if len(ties) <= 2 else f"{ties[0]} and {len(ties) - 1} more"


def _percent(share: float | None) -> float | None:
    return None if share is None else 100.0 * share
