"""Policy sentences: what changes in the numbers of Q1 to Q3 with who chose the actions, and why elements appear."""

from __future__ import annotations

from collections.abc import Mapping

from dynsparse.analysis.element_groups import ElementGroup, ElementRow
from dynsparse.analysis.policy_record import PolicyRecord
from dynsparse.report.cause_switches import joined, shortened
from dynsparse.report.change_sentences import SWITCHES, ZEROS, change_sentences
from dynsparse.report.compared_numbers import Compared
from dynsparse.report.policy_table import is_round_off
from dynsparse.report.quantities import number
from dynsparse.report.table1 import paper_table1

__all__ = ["about_elements", "policy_sentences"]

_MOST_ELEMENTS = 3
_BLOCKS = (("always_zero_state", "∂s'/∂s"), ("always_zero_action", "∂s'/∂a"))


def policy_sentences(
    records: Mapping[str, PolicyRecord], compared: tuple[Compared, ...], reference: str
) -> tuple[str, ...]:
    """Say what changes with the policy.

    Args:
        records: By environment.
        compared: Numbers of every environment and policy.
        reference: The policy that the others are compared with.

    Returns:
        Sentences: Q1, what explains it, Q2 and Q3.
    """
    found = [*_about_always(records)]
    for name, record in records.items():
        found += about_elements(name, record)
    policies = dict.fromkeys(row.name for row in compared if row.name != reference)
    for policy in policies:
        whose = "coverage states" if policy == "coverage" else f"the {policy} policy"
        own = [row for row in compared if row.name == policy]
        for words in (ZEROS, SWITCHES):
            found += change_sentences(f"Under {whose}", own, words, f"the {reference} policy")
    found += _about_missing(records)
    return tuple(found)


def _about_always(records: Mapping[str, PolicyRecord]) -> list[str]:
    """Say how the counts of Table 1 depend on the data, beside the paper's where they do."""
    sentences, same = [], []
    paper = paper_table1()
    for name, record in records.items():
        changed = False
        for field, label in _BLOCKS:
            counts = {rows.policy: int(getattr(rows.sparsity, field)) for rows in record.policies}
            if len(set(counts.values())) < 2:
                continue
            changed = True
            by_count: dict[int, list[str]] = {}
            for policy, count in counts.items():
                by_count.setdefault(count, []).append(policy)
            parts = [f"{count:,} under {joined(names)}" for count, names in sorted(by_count.items(), reverse=True)]
            printed = paper.get(name)
            said = "" if printed is None else f"; the paper prints {getattr(printed, field):,}"
            sentences.append(f"{name} has always-zero elements of {label} by the data: {', '.join(parts)}{said}.")
        if not changed:
            same.append(name)
    if same:
        sentences.append(f"The counts of always-zero elements (Q1) are the same in every data set of {joined(same)}.")
    return sentences


def about_elements(environment: str, record: PolicyRecord) -> tuple[str, ...]:
    """Say what switches on the elements that are always zero in one data set and not in another.

    Args:
        environment: Name of the environment.
        record: Its record.

    Returns:
        A sentence a group of elements.
    """
    return tuple(_about_group(environment, record, group) for group in record.groups)


def _about_group(environment: str, record: PolicyRecord, group: ElementGroup) -> str:
    names = shortened([record.element_name(element) for element in group.elements], _MOST_ELEMENTS)
    zero_in = joined(group.zero_in) if group.zero_in else "some data set"
    verb = "is" if len(group.elements) == 1 else "are"
    begin = f"{environment}: {names} {verb} always zero under {zero_in}"
    if is_round_off(group):
        return f"{begin}, and elsewhere at most {max(group.largest):.1g}, which is round-off."
    nonzero = {p.policy: max(group.nonzero[p.policy]) for p in record.policies}
    if not group.constraints:
        parts = [
            f"{count:,} of {number(rows.sparsity.finite_rows, 'row')} of {rows.policy}"
            for rows in record.policies
            if (count := nonzero[rows.policy])
        ]
        return f"{begin}, and not in {joined(parts)}; no few constraints are active in all of these."
    switch = shortened(group.constraints, 3)
    plural = len(group.constraints) > 1
    active, both = sum(group.active.values()), sum(group.both.values())
    always = "in every one" if both == active else f"in {both:,}"
    never = [p.policy for p in record.policies if not group.active[p.policy]]
    counted = [
        f"{group.active[rows.policy]:,} of {number(rows.sparsity.finite_rows, 'row')} of {rows.policy}"
        for rows in record.policies
        if group.active[rows.policy]
    ]
    said = (
        f"{begin}, and non-zero only where {'one of ' if plural else ''}{switch} is active: {always} of "
        f"{number(active, 'such row')} ({', '.join(counted)}{f'; never of {joined(never)}' if never else ''})"
    )
    return f"{said}{_first(record, group)}."


def _first(record: PolicyRecord, group: ElementGroup) -> str:
    """Tell the first row in which an element appears, with the largest of the values."""
    if not group.rows:
        return ""
    row: ElementRow = group.rows[0]
    place = max(range(len(row.values)), key=lambda index: abs(row.values[index]))
    output, column = group.elements[place]
    told = [f"{record.element_name((output, column))} is {row.values[place]:.3g}"]
    inputs = (*record.state_names, *record.action_names)
    # The variable that the element is a slope of, where the state holds it by that name.
    if inputs[column] in record.state_variables:
        told.append(f"{inputs[column]} {row.state[record.state_variables.index(inputs[column])]:.3g}")
    return f"; first under {row.policy} in episode {row.episode} at step {row.t}, where {' at '.join(told)}"


def _about_missing(records: Mapping[str, PolicyRecord]) -> list[str]:
    lacking: dict[str, list[str]] = {}
    for name, record in records.items():
        for policy in record.missing:
            lacking.setdefault(policy, []).append(name)
    return [
        f"Not measured under {policy}, which there is none of: {joined(names)}." for policy, names in lacking.items()
    ]
