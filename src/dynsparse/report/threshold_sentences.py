"""Threshold sentences: at which threshold a number was counted, and where round-off decides it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dynsparse.analysis.zeros import ABOVE_ROUND_OFF
from dynsparse.report.cause_switches import joined
from dynsparse.report.counted_numbers import Counted, CountedNumbers
from dynsparse.report.paper_numbers import paper_claim
from dynsparse.report.quantities import number, percent, share_with_interval

__all__ = [
    "about_counting",
    "about_drawn",
    "about_patterns",
    "about_switch_rates",
    "chosen_threshold",
    "lead_threshold",
]

_WHY = "what lies between the two thresholds decides there, which is where sums that cancel leave round-off"


def lead_threshold(counted: Sequence[Counted]) -> str:
    """Say at which threshold the numbers are counted that an answer leads with: ``"|x| < 1e-12, above round-off"``."""
    lacking = [one for one in counted if one.above is None]
    if not lacking or len(lacking) == len(counted):
        atols = sorted({one.lead.atol for one in counted})
        return f"|x| < {joined([f'{atol:g}' for atol in atols])}{'' if lacking else ', above round-off'}"
    others = [f"{one.chosen.atol:g} in {one.environment}" for one in lacking]
    return f"|x| < {ABOVE_ROUND_OFF:g}, above round-off, but {joined(others)}"


def chosen_threshold(counted: Sequence[Counted]) -> str:
    """Name the threshold of the analyses: ``"the paper's 1e-15"``."""
    atols = sorted({one.chosen.atol for one in counted})
    whose = "the paper's" if atols == [paper_claim("threshold")] else "the chosen"
    return f"{whose} {joined([f'{atol:g}' for atol in atols])}"


def about_counting(atols: Iterable[float]) -> str:
    """Say at which thresholds zeros were counted.

    Args:
        atols: Of the records.
    """
    found = sorted(set(atols))
    why = ", above round-off" if found == [ABOVE_ROUND_OFF] else ""
    return f"Zeros are counted at |x| < {joined([f'{atol:g}' for atol in found])}{why}."


def about_patterns(counted: Sequence[Counted]) -> list[str]:
    """Say where both thresholds find another number of patterns; nothing where only one was counted at."""
    both = [one for one in counted if one.above is not None]
    if not both:
        return []
    other = [
        f"{one.environment} ({one.chosen.patterns:,} in place of {one.lead.patterns:,})"
        for one in both
        if one.other_patterns
    ]
    where = chosen_threshold(both)
    if not other:
        return [f"At {where} there are as many patterns as at {ABOVE_ROUND_OFF:g} in {_all_of(both)}."]
    return [f"At {where} the number of patterns is another in {joined(other)}: {_WHY}."]


def about_switch_rates(counted: Sequence[Counted]) -> list[str]:
    """Say where both thresholds give switch rates that are apart; nothing where only one was counted at."""
    both = [one for one in counted if one.above is not None and one.chosen.switch_rate.low is not None]
    if not both:
        return []
    other = [
        f"{one.environment} ({share_with_interval(one.chosen.switch_rate)} in place of "
        f"{share_with_interval(one.lead.switch_rate)})"
        for one in both
        if one.other_switches
    ]
    where = chosen_threshold(both)
    if not other:
        return [f"At {where} switches are not told from those at {ABOVE_ROUND_OFF:g} in {_all_of(both)}."]
    return [f"At {where} the pattern switches at another rate in {joined(other)}: {_WHY}."]


def about_drawn(counted: Sequence[Counted]) -> tuple[str, ...]:
    """Say at which threshold a figure is drawn, and where round-off is part of what it shows."""
    doubtful = [one for one in counted if one.other_patterns or one.other_switches]
    if not any(one.chosen.atol < ABOVE_ROUND_OFF for one in counted):
        return ()
    said = [f"Drawn at {chosen_threshold(counted)}."]
    for one in doubtful:
        said.append(
            f"{one.environment}: {number(one.chosen.patterns, 'pattern')}{_switches(one.chosen, ' and switches in ')} "
            f"here, {one.lead.patterns:,}{_switches(one.lead, ' and ')} at {ABOVE_ROUND_OFF:g}; the "
            "difference is round-off."
        )
    return tuple(said)


def _switches(found: CountedNumbers, before: str) -> str:
    return "" if found.switch_rate.value is None else f"{before}{percent(found.switch_rate.value)} of the steps"


def _all_of(counted: Sequence[Counted]) -> str:
    return counted[0].environment if len(counted) == 1 else f"all {len(counted)} environments counted at both"
