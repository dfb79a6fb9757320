"""Policy headline: in how many environments who acts changes the share of zeros, and which elements never are not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from dynsparse.analysis.policy_record import PolicyRecord
from dynsparse.report.answer import extremes_of
from dynsparse.report.cause_switches import joined
from dynsparse.report.change_sentences import ZEROS
from dynsparse.report.compared_numbers import NOT_ENOUGH, Compared, has_rows
from dynsparse.report.episode_statistics import SHARE, EpisodeMean, mean_over_episodes
from dynsparse.report.policy_table import name_of
from dynsparse.report.quantities import number, share_with_interval
from dynsparse.report.table1 import paper_table1

__all__ = ["COVERAGE", "about_always", "headline"]

COVERAGE = "coverage"
"""States and actions that nobody chose."""

_BLOCKS = (("always_zero_state", "∂s'/∂s"), ("always_zero_action", "∂s'/∂a"))


def headline(records: Mapping[str, PolicyRecord], compared: Sequence[Compared], than: str) -> str:
    """Say what who acts changes, of the share of zeros and of the counts of Table 1.

    Args:
        records: By environment.
        compared: Numbers of every environment and policy, corrected.
        than: What they are compared with, ``"the paper policy"``.

    Returns:
        One or two sentences.
    """
    several = [name for name, record in records.items() if len(record.policies) > 1]
    if not several:
        return "There is one data set of each environment: nothing to compare."
    said = filter(None, (_about_zeros(records, compared, than), _about_counts(records)))
    return " ".join(said) or f"There is {NOT_ENOUGH} to compare the data sets of any environment."


def _about_zeros(records: Mapping[str, PolicyRecord], compared: Sequence[Compared], than: str) -> str:
    """Say in how many environments policies have other shares of zeros, and where the range of them is largest."""
    rows = [row for row in compared if row.quantity.field == ZEROS.field and row.name != COVERAGE and row.is_told]
    verdicts: dict[str, set[str]] = {}
    for row in rows:
        verdicts.setdefault(row.environment, set()).add(row.verdict)
    if not verdicts:
        return ""
    of = number(len(verdicts), "environment")
    if all(found == {NOT_ENOUGH} for found in verdicts.values()):
        return f"There is {NOT_ENOUGH} to tell whether who acts changes the share of zeros (Q2) in {of}."
    differing = [name for name, found in verdicts.items() if found & {"more", "less"}]
    if not differing:
        return f"Who acts is told to change the share of zeros (Q2) in none of {of} (each policy against {than})."
    shares = {name: _shares(records[name]) for name in differing}
    most = max(differing, key=lambda name: _range(shares[name].values()))
    span = extremes_of(shares[most], share_with_interval)
    return (
        f"Who acts changes the share of zeros (Q2) in {len(differing):,} of {of} (each policy against {than}, "
        f"corrected by Holm's method), {'most in' if len(differing) > 1 else 'which is'} {most}: {span}."
    )


def _shares(record: PolicyRecord) -> dict[str, EpisodeMean]:
    """Return the share of zeros under each policy that enough is known of."""
    found = {
        name_of(record, rows.policy): mean_over_episodes(rows.sparsity.combined, SHARE)
        for rows in record.policies
        if rows.policy != COVERAGE and has_rows(rows.sparsity)
    }
    return {name: mean for name, mean in found.items() if mean.value is not None}


def _range(means: Iterable[EpisodeMean]) -> float:
    values = [mean.value for mean in means if mean.value is not None]
    return max(values) - min(values)


def _about_counts(records: Mapping[str, PolicyRecord]) -> str:
    """Say in how many environments the counts of Table 1 depend on the data, of those with two data sets of enough."""
    counts = {name: _counts(record) for name, record in records.items()}
    several = [name for name, found in counts.items() if len(found[0]) > 1]
    if not several:
        return ""
    depends = [name for name in several if any(len(set(found.values())) > 1 for found in counts[name])]
    of = number(len(several), "environment")
    if not depends:
        return f"The counts of always-zero elements (Q1) do not depend on the data in any of {of}: {joined(several)}."
    return f"The counts of always-zero elements (Q1) depend on the data in {len(depends):,} of {of}: {joined(depends)}."


def _counts(record: PolicyRecord) -> list[dict[str, int]]:
    """Return the counts of Table 1 by data set, one mapping a block; more rows can only lower them, so not of few."""
    return [
        {
            name_of(record, rows.policy): int(getattr(rows.sparsity, field))
            for rows in record.policies
            if has_rows(rows.sparsity)
        }
        for field, _ in _BLOCKS
    ]


def about_always(records: Mapping[str, PolicyRecord]) -> list[str]:
    """Say how the counts of Table 1 depend on the data where they do, beside the paper's.

    Args:
        records: By environment.

    Returns:
        A sentence an environment and block of the Jacobian.
    """
    sentences = []
    paper = paper_table1()
    for name, record in records.items():
        for (field, label), counts in zip(_BLOCKS, _counts(record), strict=True):
            if len(set(counts.values())) < 2:
                continue
            by_count: dict[int, list[str]] = {}
            for policy, count in counts.items():
                by_count.setdefault(count, []).append(policy)
            parts = [f"{count:,} under {joined(names)}" for count, names in sorted(by_count.items(), reverse=True)]
            said = _about_printed(int(getattr(paper[name], field)), by_count) if name in paper else ""
            sentences.append(f"{name} has always-zero elements of {label} by the data: {', '.join(parts)}{said}.")
    return sentences


def _about_printed(printed: int, by_count: Mapping[int, list[str]]) -> str:
    there = by_count.get(printed)
    whose = "that of none of these" if there is None else f"that under {joined(there)}"
    return f"; the paper prints {printed:,}, {whose}"
