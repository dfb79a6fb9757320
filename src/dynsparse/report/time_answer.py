"""Time answer: how often the pattern switches, and how long an element stays zero (Q3)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from dynsparse.analysis.durations import SHORT
from dynsparse.report.answer import (
    NOT_ENOUGH,
    Answer,
    about_family,
    about_same,
    environments_of,
    extremes_of,
    said_by_side,
    share_of,
    steps_of,
)
from dynsparse.report.cause_switches import joined
from dynsparse.report.counted_numbers import Counted, CountedNumbers
from dynsparse.report.episode_statistics import EpisodeMean
from dynsparse.report.local_environments import LEAST, has_local, local_size
from dynsparse.report.paper_numbers import paper_claims
from dynsparse.report.quantities import number, with_interval
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
    """Say whether the pattern switches rarely and how long an element stays, beside what the paper says.

    Args:
        counted: Numbers, one an environment; above round-off where there are any, the chosen threshold beside.

    Returns:
        The answer to Q3.
    """
    timed = [one for one in counted if one.chosen.switch_rate.value is not None]
    if not timed:
        return Answer("Nothing can be said about time: no two rows follow each other.")
    local = [one for one in timed if has_local(one)]
    at = f"(zero: {lead_threshold(timed)})"
    if not local:
        who = f"{timed[0].environment} has" if len(timed) == 1 else f"None of {environments_of(len(timed))} has"
        said = (
            f"{who}{' no' if len(timed) == 1 else ''} local sparsity of {LEAST} or more that could change in time {at}."
        )
        return Answer(said, (*about_switch_rates(timed), *_about_rest(timed)))
    lead = {one.environment: one.lead for one in local}
    short = f"{_verdict(local)}: the pattern {_switches(lead)}; {_lasts(lead)} {at}."
    both = [one for one in local if one.above is not None]
    beside = []
    if both:
        chosen = {one.environment: one.chosen for one in both}
        beside.append(f"At {chosen_threshold(both)} it {_switches(chosen)}; {_lasts(chosen)}.")
    rare, rarely = _about_side("temporally-sparse", local, _RARE, lambda found: found.switch_rate)
    brief, briefly = _about_side(
        "short-zeros", local, _SHORT, lambda found: None if _all_censored(found) else found.short_share
    )
    family = about_family(rarely + briefly)
    told = (_about_whole(lead), *beside, *about_switch_rates(timed), *rare, *brief, *_censored(local), *family)
    return Answer(short, (*told, *_about_rest(timed)))


def _verdict(local: Sequence[Counted]) -> str:
    """Say in how many environments changes are temporally sparse, as far as intervals tell."""
    sides = [one.lead.switch_rate.side_of(_HALF) for one in local]
    rare, dense = sides.count(-1), sides.count(1)
    if len(local) == 1:
        said = {-1: "Changes are temporally sparse, in less than half of the steps, in {}"}
        said |= {1: "Changes are not temporally sparse, but in more than half of the steps, in {}"}
        unknown = "Whether changes are temporally sparse, in less than half of the steps, can not be told in {}"
        return said.get(sides[0] or 0, unknown).format(local[0].environment)
    parts = [f"in {rare} of {len(local)} environments with local sparsity"]
    parts += [f"not so in {dense}"] if dense else []
    parts += [f"not told in {len(local) - rare - dense}"] if rare + dense < len(local) else []
    return f"Changes are temporally sparse, in less than half of the steps, {', '.join(parts)}"


def _switches(numbers: Mapping[str, CountedNumbers]) -> str:
    """Write every how many steps the pattern switches, those first where it does most often."""
    rates = {name: found.switch_rate for name, found in numbers.items()}
    never = [name for name, rate in rates.items() if not rate.value]
    periods = {name: _period(rate.value, rate) for name, rate in rates.items() if rate.value}
    if not periods:
        return f"never switches in {joined(never)}"
    said = f"switches on average every {extremes_of(periods, _period_of)} control steps"
    return f"{said}, never in {joined(never)}" if never else said


def _period(value: float, rate: EpisodeMean) -> EpisodeMean:
    """Return every how many steps something of a rate above zero happens; no end, where the rate may be zero."""
    low, high = (None if end is None else 1.0 / end if end > 0.0 else math.inf for end in (rate.high, rate.low))
    return EpisodeMean(1.0 / value, low, high, rate.episodes)


def _period_of(mean: EpisodeMean) -> str:
    def end(steps: float) -> str:
        return "∞" if math.isinf(steps) else f"{steps:,.1f}"

    return with_interval(mean, end, reason=mean.low is None)


def _lasts(numbers: Mapping[str, CountedNumbers]) -> str:
    """Write how long stretches last; not of zeros that were all cut off, which may have lasted any time."""
    zeros = {
        name: found.zero_duration for name, found in numbers.items() if found.stretches and not _all_censored(found)
    }
    others = {name: found.nonzero_duration for name, found in numbers.items() if found.nonzero_duration.value}
    if zeros:
        said = f"zero stretches last {extremes_of(zeros, steps_of)} steps"
    elif any(found.stretches for found in numbers.values()):
        said = "all zero stretches are censored"
    else:
        said = "no zero stretch is shorter than its episode"
    return f"{said}, non-zero ones {extremes_of(others, steps_of)}" if others else said


def _all_censored(found: CountedNumbers) -> bool:
    """Whether every stretch of zeros touches an end of its episode or a row that is not finite."""
    return found.stretches > 0 and found.censored == found.stretches


def _about_whole(lead: Mapping[str, CountedNumbers]) -> str:
    """Say what stretches of a whole episode, which never end, do to the means."""
    shorter = {name: found.nonzero_shorter for name, found in lead.items() if found.nonzero_shorter.value}
    said = "Zero stretches of a whole episode are left out of these means, and non-zero ones are not"
    return f"{said}; shorter non-zero ones last {extremes_of(shorter, steps_of)} steps." if shorter else f"{said}."


def _about_side(
    claim: str,
    local: Sequence[Counted],
    words: Mapping[int | None, str],
    share: Callable[[CountedNumbers], EpisodeMean | None],
) -> tuple[list[str], int]:
    """Hold words of the paper against on which side of one half a share is, and count how often that was told."""
    sides: dict[int | None, list[str]] = {}
    for one in local:
        mean = share(one.lead)
        if mean is not None and mean.episodes:
            sides.setdefault(mean.side_of(_HALF), []).append(f"{one.environment} ({share_of(mean)})")
    told = said_by_side(sides, words)
    if told and any(one.environment in paper_table1() for one in local):
        told = [f"The paper says: “{paper_claims()[claim].quotation}”", *told]
    return told, sum(len(names) for side, names in sides.items() if side is not None)


def _censored(local: Sequence[Counted]) -> list[str]:
    """Say how many zero stretches may have been longer, how many are short without them, and who has no other."""
    found = [
        f"{one.environment} {one.lead.censored:,} of {one.lead.stretches:,} "
        f"({share_of(one.lead.uncensored_short_share)})"
        for one in local
        if one.lead.censored and one.lead.short_share.episodes and not _all_censored(one.lead)
    ]
    said = []
    if found:
        said.append(
            "Zero stretches that touch an end of their episode or a row that is not finite, and may be longer than "
            f"what was seen of them (in brackets the share shorter than {SHORT} steps without these): "
            f"{'; '.join(found)}."
        )
    cut = [f"{one.environment} ({one.lead.stretches:,})" for one in local if _all_censored(one.lead)]
    if cut:
        said.append(
            f"Every zero stretch of {joined(cut)} touches an end of its episode or a row that is not finite: nothing "
            "is said of how long they last."
        )
    return said


def _about_rest(timed: Sequence[Counted]) -> list[str]:
    """Name those apart that have no local sparsity to speak of, and local ones in which nothing changes."""
    apart = [f"{one.environment} ({_what(one.lead)})" for one in timed if not has_local(one)]
    words = f"Left out, as their local sparsity is less than {LEAST}" if len(apart) < len(timed) else "What there is"
    said = [f"{words}: {'; '.join(apart)}."] if apart else []
    resting = [one.environment for one in timed if has_local(one) and not one.lead.stretches]
    still = [f"No element changes within an episode in {joined(resting)}: there is no such stretch."] if resting else []
    means = (one.lead for one in timed)
    same = about_same(
        mean for found in means for mean in (found.switch_rate, found.zero_duration, found.nonzero_duration)
    )
    return [*said, *still, *same]


def _what(found: CountedNumbers) -> str:
    """Write what there is of local sparsity, switches and stretches where that is next to nothing."""
    if found.patterns == 1:
        return "none, all rows have one pattern"
    stretches = "no element changes within an episode"
    if found.stretches:
        stretches = (
            f"{number(found.stretches, 'zero stretch', 'zero stretches')} of {steps_of(found.zero_duration)} steps"
        )
        stretches += ", all censored" if _all_censored(found) else ""
    return f"{local_size(found)}, switches in {share_of(found.switch_rate)} of the steps, {stretches}"
