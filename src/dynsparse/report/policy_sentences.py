"""Policy sentences: what changes in the numbers of Q1 to Q3 with who chose the actions, and why elements appear."""

from __future__ import annotations

from collections.abc import Mapping

from dynsparse.analysis.element_groups import ElementGroup, ElementRow
from dynsparse.analysis.policy_record import PolicyRecord
from dynsparse.report.cause_switches import FEWEST_ROWS, joined, shortened
from dynsparse.report.change_sentences import SWITCHES, ZEROS, about_change
from dynsparse.report.compared_numbers import Compared, about_verdicts
from dynsparse.report.compared_sentences import about_lengths_and_patterns
from dynsparse.report.episode_statistics import FEWEST_EPISODES
from dynsparse.report.policy_headline import about_always, headline
from dynsparse.report.policy_rows import about_lost_rows, under
from dynsparse.report.policy_table import is_round_off, name_of
from dynsparse.report.quantities import number
from dynsparse.report.said_once import by_what_is_said

__all__ = ["about_elements", "policy_sentences"]

_MOST_ELEMENTS = 3


def policy_sentences(
    records: Mapping[str, PolicyRecord], compared: tuple[Compared, ...], reference: str
) -> tuple[str, ...]:
    """Say what changes with the policy.

    Args:
        records: By environment.
        compared: Numbers of every environment and policy, corrected.
        reference: The policy that the others are compared with.

    Returns:
        Sentences: the answer, what rows are left out, Q1 and what explains it, Q2 and Q3, and what was not compared.
    """
    than = f"the {reference} policy"
    found = [headline(records, compared, than), *about_lost_rows(records), *about_always(records)]
    for name, record in records.items():
        found += about_elements(name, record)
    for policy in dict.fromkeys(row.name for row in compared if row.reference is not None):
        own = [row for row in compared if row.name == policy]
        found += [about_change(f"Under {under(policy)}", own, w, than, paired=False) for w in (ZEROS, SWITCHES)]
    found += about_lengths_and_patterns(compared, than, paired=False)
    found += [about_verdicts(compared), *_about_same(records), *_about_missing(records)]
    return tuple(filter(None, found))


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
    zero_in = joined([name_of(record, policy) for policy in group.zero_in]) if group.zero_in else "some data set"
    verb = "is" if len(group.elements) == 1 else "are"
    begin = f"{environment}: {names} {verb} always zero under {zero_in}"
    if is_round_off(group):
        return f"{begin}, and elsewhere at most {max(group.largest):.1g}, which is round-off."
    seen = _rows_of_each(record, {policy: max(counts) for policy, counts in group.nonzero.items()})
    if not group.constraints:
        return f"{begin}, and not in {seen}; no few constraints are active in all of these."
    switch = f"{'one of ' if len(group.constraints) > 1 else ''}{shortened(group.constraints, 3)}"
    active, both = sum(group.active.values()), sum(group.both.values())
    episodes = sum(record.episodes_active(rows.policy, group.constraints) for rows in record.policies)
    first = _first(record, group)
    if active < FEWEST_ROWS or episodes < FEWEST_EPISODES:
        return (
            f"{begin}, and not in {seen}, where {switch} is active{first}. Not enough data to say that this is what "
            f"switches {'it' if verb == 'is' else 'them'} on: {number(active, 'active row')} in "
            f"{number(episodes, 'episode')}, of {FEWEST_ROWS} in {FEWEST_EPISODES} that it takes."
        )
    always = f"in all of {number(active, 'such row')}" if both == active else f"in {both:,} of {active:,} such rows"
    never = [name_of(record, rows.policy) for rows in record.policies if not group.active.get(rows.policy)]
    counted = _rows_of_each(record, group.active)
    return (
        f"{begin}, and non-zero only where {switch} is active: {always}, in {number(episodes, 'episode')} ({counted}"
        f"{f'; never of {joined(never)}' if never else ''}){first}."
    )


def _rows_of_each(record: PolicyRecord, counts: Mapping[str, int]) -> str:
    """List in how many rows of which data sets something is the case, those of none left out."""
    return joined(
        [
            f"{counts[rows.policy]:,} of {number(rows.sparsity.finite_rows, 'row')} of {name_of(record, rows.policy)}"
            for rows in record.policies
            if counts.get(rows.policy)
        ]
    )


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
    where = f"in episode {row.episode} at step {row.t}, where {' at '.join(told)}"
    return f"; first under {name_of(record, row.policy)} {where}"


def _about_same(records: Mapping[str, PolicyRecord]) -> list[str]:
    """Say which policies are one, once of all environments in which they are."""
    found = by_what_is_said(
        (name, f"{joined([policy, *others])} are one checkpoint")
        for name, record in records.items()
        for policy in dict.fromkeys(record.same_as.values())
        if (others := record.names_of(policy)[1:])
    )
    return [f"In {joined(names)} {said}: measured once, and not compared." for said, names in found]


def _about_missing(records: Mapping[str, PolicyRecord]) -> list[str]:
    lacking: dict[str, list[str]] = {}
    for name, record in records.items():
        for policy in record.missing:
            lacking.setdefault(policy, []).append(name)
    return [
        f"Not measured under {policy}, which there is none of: {joined(names)}." for policy, names in lacking.items()
    ]
