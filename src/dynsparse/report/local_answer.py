"""Local answer: whether sparsity depends on the state (Q2)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dynsparse.report.answer import (
    NOT_ENOUGH,
    Answer,
    about_same,
    extremes_of,
    named_of,
    said_by_side,
    share_of,
    span_of,
)
from dynsparse.report.counted_numbers import Counted, CountedNumbers
from dynsparse.report.local_environments import about_without_local, has_local, local_sparsity
from dynsparse.report.paper_numbers import paper_claims
from dynsparse.report.quantities import percent
from dynsparse.report.table1 import paper_table1
from dynsparse.report.threshold_sentences import about_patterns, chosen_threshold, lead_threshold

__all__ = ["answer_q2"]

_ROUNDING = 1e-12
"""What rounding may make of a mean that equals a share."""


def answer_q2(counted: Sequence[Counted]) -> Answer:
    """Say whether sparsity depends on the state, how much of it there is, and how many patterns.

    Args:
        counted: Numbers, one an environment; above round-off where there are any, the chosen threshold beside.

    Returns:
        The answer to Q2.
    """
    local = [one for one in counted if has_local(one)]
    lead = f"In the mean a row has {_zeros({one.environment: one.lead for one in counted})}."
    both = [one for one in counted if one.above is not None]
    beside = []
    if both:
        beside.append(f"At {chosen_threshold(both)} a row has {_zeros({one.environment: one.chosen for one in both})}.")
    means = [mean for one in counted for mean in (one.lead.sparsity, *([one.chosen.sparsity] if one.above else []))]
    told = (
        *(lead, *beside, *about_patterns(counted), *_beyond_global(local), _values(counted), *_first_rows(counted)),
        *about_same(means),
    )
    return Answer(f"{_depends(counted, local)} (zero: {lead_threshold(counted)}).", told)


def _depends(counted: Sequence[Counted], local: Sequence[Counted]) -> str:
    """Say where sparsity depends on the state, by how much, and who has none of that to speak of."""
    without = about_without_local(counted)
    if not local:
        if all(one.lead.patterns == 1 for one in counted):
            return f"Which elements are zero does not depend on the state in {named_of([o.report for o in counted])}"
        where = f"in {named_of([one.report for one in counted])}"
        return f"Which elements are zero hardly depends on the state {where}: beyond those that always are, {without}"
    which = f"in {len(local)} of {len(counted)} environments" if len(counted) > 1 else f"in {local[0].environment}"
    said = f"Which elements are zero depends on the state {which}"
    shares = {one.environment: local_sparsity(one.lead) for one in local}
    if any(share.value is not None for share in shares.values()):
        said += f": beyond those that always are, a row has {extremes_of(shares, share_of)} zeros"
    return f"{said}; {without}" if without else said


def _zeros(numbers: dict[str, CountedNumbers]) -> str:
    counts = [found.patterns for found in numbers.values()]
    means = extremes_of({name: found.sparsity for name, found in numbers.items()}, share_of)
    plural = "pattern" if set(counts) == {1} else "patterns"
    return f"{means} zeros, in {span_of(counts, lambda count: f'{count:,}')} {plural}"


def _first_rows(counted: Sequence[Counted]) -> list[str]:
    """Say how many patterns only an episode's first row has, right after the reset."""
    found = [
        f"{one.environment} ({one.lead.first_patterns:,} of {one.lead.patterns:,})"
        for one in counted
        if one.lead.first_patterns
    ]
    return said_by_side({1: found}, {1: "Patterns that no row but the first of an episode has, after the reset: {}."})


def _beyond_global(local: Sequence[Counted]) -> list[str]:
    """Say where intervals tell that a row has more zeros in the mean than those that every row has."""
    sides: dict[int | None, list[str]] = {}
    for one in local:
        found = one.lead
        if found.always is not None and found.sparsity.episodes:
            # It can not be below: what is always zero is zero in each row.
            side = found.sparsity.side_of(found.always + _ROUNDING)
            sides.setdefault(side if side is None else max(side, 0), []).append(one.environment)
    words: dict[int | None, str] = {
        1: "A row has more zeros in the mean than the elements that are always zero in {}.",
        0: "Their number can not be told from that of the elements that are always zero in {}.",
        None: f"Whether a row has more zeros than those that are always there: {NOT_ENOUGH} in {{}}.",
    }
    return said_by_side(sides, words)


def _values(counted: Sequence[Counted]) -> str:
    """Say how far the share takes certain values only."""
    shares = []
    for one in counted:
        counts = np.sort(one.report.local.combined.histogram_counts)[::-1]
        shares.append(float(counts[:3].sum() / counts.sum()))
    said = f"At {chosen_threshold(counted)} the three most frequent shares of zeros make up {span_of(shares, percent)}"
    if not any(one.environment in paper_table1() for one in counted):
        return f"{said} of the rows."
    return f"{said} of the rows (the paper: “{paper_claims()['certain-values'].quotation}”)."
