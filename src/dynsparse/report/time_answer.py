"""Time answer: how often the pattern switches, and how long an element stays zero (Q3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dynsparse.analysis.durations import SHORT
from dynsparse.report.answer import (
    NOT_ENOUGH,
    Answer,
    about_family,
    about_same,
    extremes_of,
    said_by_side,
    share_of,
    steps_of,
)
from dynsparse.report.cause_switches import joined
from dynsparse.report.counted_numbers import Counted, CountedNumbers
from dynsparse.report.paper_numbers import paper_claims
from dynsparse.report.table1 import paper_table1
from dynsparse.report.threshold_sentences import about_switch_rates, chosen_threshold, lead_threshold

__all__ = ["answer_q3"]

_HALF = 0.5

_RARE = {
    -1: "The pattern switches in less than half of the steps in {}.",
    1: "It switches in more than half of the steps in {}.",
    0: "Its switch rate can not be told from one half in {}.",
    None: f"Whether it switches in more than half of the steps: {NOT_ENOUGH} in {{}}.",
}
_SHORT = {
    1: f"Most zero stretches are shorter than {SHORT} steps in {{}}.",
    -1: f"Most zero stretches last {SHORT} steps or longer in {{}}.",
    0: f"The share of zero stretches shorter than {SHORT} steps can not be told from one half in {{}}.",
    None: f"Whether most zero stretches are shorter than {SHORT} steps: {NOT_ENOUGH} in {{}}.",
}


def answer_q3(counted: Sequence[Counted]) -> Answer:
    """Say how often the pattern switches and how long an element stays zero, beside what the paper says.

    Args:
        counted: Numbers, one an environment; above round-off where there are any, the chosen threshold beside.

    Returns:
        The answer to Q3.
    """
    timed = [one for one in counted if one.chosen.switch_rate.value is not None]
    if not timed:
        return Answer("Nothing can be said about time: no two rows follow each other.")
    lead = {one.environment: one.lead for one in timed}
    short = f"The pattern switches in {_rates(lead)} of the control steps; {_lasts(lead)}"
    short += f" (zero: {lead_threshold(timed)})."
    both = [one for one in timed if one.above is not None]
    beside = []
    if both:
        chosen = {one.environment: one.chosen for one in both}
        beside.append(
            f"At {chosen_threshold(both)} it switches in {_rates(chosen)} of the steps, and {_lasts(chosen)}."
        )
    rare, rarely = _about_switches(timed)
    brief, briefly = _about_short(timed)
    same = about_same(mean for one in timed for mean in (one.lead.switch_rate, one.lead.zero_duration))
    family = about_family(rarely + briefly)
    told = (*beside, *about_switch_rates(timed), *rare, *brief, *_censored(timed), *family, *_resting(timed), *same)
    return Answer(short, told)


def _rates(numbers: Mapping[str, CountedNumbers]) -> str:
    return extremes_of({name: found.switch_rate for name, found in numbers.items()}, share_of)


def _lasts(numbers: Mapping[str, CountedNumbers]) -> str:
    means = {name: found.zero_duration for name, found in numbers.items() if found.stretches}
    if not means:
        return "no element that is zero at times stays so for less than an episode"
    lasts = extremes_of(means, steps_of)
    return f"an element that is not zero all along stays zero for {lasts} steps"


def _about_switches(timed: Sequence[Counted]) -> tuple[list[str], int]:
    """Hold the paper's "in a temporally sparse manner" against how often the pattern switches."""
    sides: dict[int | None, list[str]] = {}
    for one in timed:
        rate = one.lead.switch_rate
        if rate.episodes:
            sides.setdefault(rate.side_of(_HALF), []).append(f"{one.environment} ({share_of(rate)})")
    return _quoted("temporally-sparse", timed, said_by_side(sides, _RARE)), _compared(sides)


def _about_short(timed: Sequence[Counted]) -> tuple[list[str], int]:
    """Hold the paper's "fewer than 50 time steps" against the share of zero stretches that are shorter."""
    sides: dict[int | None, list[str]] = {}
    for one in timed:
        share = one.lead.short_share
        if share.episodes:
            sides.setdefault(share.side_of(_HALF), []).append(f"{one.environment} ({share_of(share)})")
    return _quoted("short-zeros", timed, said_by_side(sides, _SHORT)), _compared(sides)


def _quoted(claim: str, timed: Sequence[Counted], told: list[str]) -> list[str]:
    """Put the paper's words before what was found of them in its environments."""
    if told and any(one.environment in paper_table1() for one in timed):
        return [f"The paper says: “{paper_claims()[claim].quotation}”", *told]
    return told


def _compared(sides: Mapping[int | None, Sequence[str]]) -> int:
    return sum(len(names) for side, names in sides.items() if side is not None)


def _censored(timed: Sequence[Counted]) -> list[str]:
    """Say how many zero stretches may have been longer, and how many are short without them."""
    found = [
        f"{one.environment} {one.lead.censored:,} of {one.lead.stretches:,} "
        f"({share_of(one.lead.uncensored_short_share)})"
        for one in timed
        if one.lead.censored and one.lead.short_share.episodes
    ]
    if not found:
        return []
    return [
        "Zero stretches that touch an end of their episode or a row that is not finite, and may be longer than what "
        f"was seen of them (in brackets the share shorter than {SHORT} steps without these): {'; '.join(found)}."
    ]


def _resting(timed: Sequence[Counted]) -> list[str]:
    without = [one.environment for one in timed if not one.lead.stretches]
    if not without:
        return []
    return [f"No element changes within an episode in {joined(without)}: there is no such stretch."]
