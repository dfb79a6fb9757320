"""Policy tables: one line an environment and policy, and one a group of elements that differ between policies."""

from __future__ import annotations

from collections.abc import Mapping

from dynsparse.analysis.element_groups import ElementGroup
from dynsparse.analysis.policy_record import PolicyRecord, PolicyRows
from dynsparse.config import EPISODE_STEPS
from dynsparse.physics.environment_audit import ROUND_OFF
from dynsparse.report.cause_switches import joined, shortened
from dynsparse.report.difference_words import plain_cell, share_cell, steps_cell
from dynsparse.report.episode_statistics import SHARE, STEPS_LONG, mean_over_episodes
from dynsparse.report.item import TableItem

__all__ = ["element_table", "is_round_off", "name_of", "policy_table"]

_COLUMNS = (
    *("environment", "policy", "rows", "not finite", "steps an episode", "return of full episodes"),
    *("always zero ∂s'/∂s", "always zero ∂s'/∂a", "sparsity", "all patterns", "zero for, steps"),
    *("non-zero for, steps", "switches", "limit or contact", "most active"),
)
_MEANS = ("return", "sparsity", "zero_duration", "nonzero_duration", "switch_rate", "limit_or_contact")
_FIELDS = (
    *("environment", "policy", "same_as", "rows", "not_finite", "episodes", "episode_steps", "full_episodes"),
    *("always_zero_state", "always_zero_action", "distinct_patterns"),
    *(f"{name}{end}" for name in _MEANS for end in ("", "_low", "_high")),
    "most_active",
)

_ELEMENT_COLUMNS = (
    *("environment", "policy", "elements", "switched on by", "rows", "non-zero rows", "active rows", "both"),
    "first row",
)
_ELEMENT_FIELDS = (
    *("environment", "policy", "elements", "switched_on_by", "rows", "nonzero_rows", "active_rows", "both_rows"),
    *("first_episode", "first_t"),
)


def name_of(record: PolicyRecord, policy: str) -> str:
    """Name a data set: by its policy, and by those that are the very same checkpoint: ``"paper = expert"``."""
    return " = ".join(record.names_of(policy))


def policy_table(records: Mapping[str, PolicyRecord]) -> TableItem:
    """Make the table of all data sets.

    Args:
        records: By environment.

    Returns:
        The table ``policies``; its CSV has shares as fractions.
    """
    lines = [_line(environment, record, rows) for environment, record in records.items() for rows in record.policies]
    cells, values = (tuple(part) for part in zip(*lines, strict=True)) if lines else ((), ())
    notes = [
        "Means over episodes with 95 % intervals; there is none of fewer than three, or of the same number in every "
        "one. Coverage has episodes of one step, which say nothing of time or of return.",
        "Return: over episodes of all their control steps; a shorter one, which the number of rows cut off, has none.",
        "Limit or contact: rows in which a limit of a joint or tendon, or a contact of two geoms, exerts force; "
        "friction and equalities do not count. Most active: the named constraint of any kind that does in most rows.",
    ]
    short = sorted({record.episode_steps for record in records.values()} - {EPISODE_STEPS})
    if short:
        steps = joined([f"{count:,}" for count in short])
        notes.append(
            f"Returns of episodes of {steps} control steps are not to be held against the paper's, which are of "
            f"{EPISODE_STEPS:,}."
        )
    title = "What changes with the data"
    return TableItem("policies", title, "", _COLUMNS, cells, values, tuple(notes), fields=_FIELDS, keys=2)


def _line(environment: str, record: PolicyRecord, rows: PolicyRows) -> tuple[tuple[str, ...], tuple[object, ...]]:
    found, full = rows.sparsity, record.full_returns(rows)
    returns = mean_over_episodes(full)
    sparse, switches, active = (
        mean_over_episodes(part, SHARE) for part in (found.combined, found.switch_rate, rows.active_share)
    )
    zero, nonzero = (mean_over_episodes(steps, STEPS_LONG) for steps in (found.zero_duration, found.nonzero_duration))
    always = (found.always_zero_state, found.always_zero_action)
    lost, most = found.all_rows - found.finite_rows, _most_active(record, rows.policy)
    steps = int(found.rows.max(initial=0))
    cells = (
        *(environment, name_of(record, rows.policy), f"{found.all_rows:,}", f"{lost:,}", f"{steps:,}"),
        *(plain_cell(returns), *(f"{count:,}" for count in always), share_cell(sparse)),
        *(f"{found.distinct_patterns:,}", steps_cell(zero), steps_cell(nonzero), share_cell(switches)),
        *(share_cell(active), most or "-"),
    )
    same = "; ".join(record.names_of(rows.policy)[1:])
    values = (
        *(environment, rows.policy, same or None, found.all_rows, lost, found.episodes, steps, returns.episodes),
        *(*always, found.distinct_patterns),
        *(
            end
            for mean in (returns, sparse, zero, nonzero, switches, active)
            for end in (mean.value, mean.low, mean.high)
        ),
        most or None,
    )
    return cells, values


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
                where = "-" if first is None else f"episode {first.episode}, t {first.t}"
                known = bool(group.constraints)
                active, both = (group.active[policy], group.both[policy]) if known else (None, None)
                shown = ("-" if number is None else f"{number:,}" for number in (active, both))
                total = rows.sparsity.finite_rows
                cells.append((
                    environment, name_of(record, policy), shortened(names, 2), cause, f"{total:,}", f"{count:,}",
                    *shown, where,
                ))  # fmt: skip
                place = (None, None) if first is None else (first.episode, first.t)
                values.append((
                    environment, policy, "; ".join(names), cause, total, count, active, both, *place,
                ))  # fmt: skip
    if not cells:
        return None
    title = "Elements that are always zero in one data set and not in another"
    notes = (
        "Non-zero rows: finite rows in which the element of the group that is non-zero most often is. Active rows: "
        "those in which one of the constraints exerts force; both: those of them in which some element is not zero.",
    )
    return TableItem(
        "policies-elements", title, "", _ELEMENT_COLUMNS, tuple(cells), tuple(values), notes, fields=_ELEMENT_FIELDS,
        keys=3,
    )  # fmt: skip


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
