"""Threshold sentences: at which threshold a number was counted, and where round-off decides it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from dynsparse.analysis import SparsityReport
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
    "titled_zero",
]

# Counts at two thresholds do not tell which: that takes the elements themselves, which no record keeps.
_ROUND_OFF = "the difference may be round-off, which sums that cancel leave of that size"
_CROSSING = f"a slope that passes through zero may be why, as it counts as zero for longer at {ABOVE_ROUND_OFF:g}"


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


def titled_zero(title: str, reports: Iterable[SparsityReport]) -> str:
    """Add to the title of a figure at which threshold it is drawn: ``"..., zero: |x| < 1e-15"``."""
    atols = sorted({report.atol for report in reports})
    return f"{title}, zero: |x| < {joined([f'{atol:g}' for atol in atols])}"


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
    where = chosen_threshold(both)
    said = {
        one.environment: (
            one.chosen.patterns - one.lead.patterns,
            f"{one.environment} ({one.chosen.patterns:,} in place of {one.lead.patterns:,})",
        )
        for one in both
        if one.other_patterns
    }
    if not said:
        return [f"At {where} there are as many patterns as at {ABOVE_ROUND_OFF:g} in {_all_of(both, both)}."]
    return _by_direction(said, f"At {where} there are more patterns in {{}}", f"At {where} there are fewer in {{}}")


def about_switch_rates(counted: Sequence[Counted]) -> list[str]:
    """Say where both thresholds give switch rates that are apart; nothing where only one was counted at."""
    both = [one for one in counted if one.above is not None]
    known = [one for one in both if one.chosen.switch_rate.low is not None and one.lead.switch_rate.low is not None]
    if not both:
        return []
    where, told = chosen_threshold(both), []
    said = {one.environment: (_step(one), _rates(one)) for one in known if one.other_switches}
    if said:
        told += _by_direction(
            said, f"At {where} the pattern switches more often in {{}}", f"At {where} it switches less often in {{}}"
        )
    elif known:
        told.append(f"At {where} switches are not told from those at {ABOVE_ROUND_OFF:g} in {_all_of(known, both)}.")
    unknown = [one.environment for one in both if one not in known]
    if unknown:
        asked = f"Whether it switches as often at {where} as at {ABOVE_ROUND_OFF:g}"
        told.append(f"{asked}: not enough data in {joined(unknown)}.")
    return told


def about_drawn(counted: Sequence[Counted]) -> tuple[str, ...]:
    """Say at which threshold a figure is drawn, and where round-off is part of what it shows.

    Args:
        counted: Whose numbers are drawn.  Of several, those are named whose switches differ, which shows.

    Returns:
        Sentences; none where there is one threshold.
    """
    if not any(one.chosen.atol < ABOVE_ROUND_OFF for one in counted):
        return ()
    said = [f"Drawn at {chosen_threshold(counted)}{_answered(counted)}."]
    if len(counted) == 1:
        (one,) = counted
        if one.other_patterns or one.other_switches:
            said.append(
                f"{number(one.chosen.patterns, 'pattern')}{_switches(one.chosen, ' and switches in ')} here, "
                f"{one.lead.patterns:,}{_switches(one.lead, ' and ')} at {ABOVE_ROUND_OFF:g}: {_reason(one)}."
            )
        return tuple(said)
    doubtful = [_rates(one) for one in counted if one.other_switches and _step(one) > 0.0]
    if doubtful:
        said.append(
            f"Some of the switches may be round-off in {joined(doubtful)}, in brackets the share of steps with one "
            f"here and at {ABOVE_ROUND_OFF:g}."
        )
    return tuple(said)


def _answered(counted: Sequence[Counted]) -> str:
    """Say that answers count at another threshold than figures are drawn at, as far as they do."""
    both = [one.environment for one in counted if one.above is not None]
    if not both:
        return ""
    whom = "" if len(both) == len(counted) else f" of {joined(both)}"
    return f"; the answers to Q2 and Q3 count{whom} at {ABOVE_ROUND_OFF:g}, above round-off"


def _reason(one: Counted) -> str:
    """Say what may make the numbers of two thresholds differ in one environment."""
    steps = [one.chosen.patterns - one.lead.patterns, _step(one) if one.other_switches else 0.0]
    said = [_ROUND_OFF] if max(steps) > 0 else []
    return ", and ".join([*said, *([_CROSSING] if min(steps) < 0 else [])])


def _by_direction(said: Mapping[str, tuple[float, str]], more: str, fewer: str) -> list[str]:
    """Say of whom there is more at the lower threshold, and of whom there is less, each with what makes it so."""
    up = [words for step, words in said.values() if step > 0]
    down = [words for step, words in said.values() if step < 0]
    told = [f"{more.format(joined(up))}: {_ROUND_OFF}."] if up else []
    return told + ([f"{fewer.format(joined(down))}: {_CROSSING}."] if down else [])


def _step(one: Counted) -> float:
    """Return how much more often the pattern switches at the chosen threshold than above round-off; 0 if unknown."""
    here, above = one.chosen.switch_rate.value, one.lead.switch_rate.value
    return 0.0 if here is None or above is None else here - above


def _rates(one: Counted) -> str:
    here, above = (share_with_interval(each.switch_rate, reason=False) for each in (one.chosen, one.lead))
    return f"{one.environment} ({here} in place of {above})"


def _switches(found: CountedNumbers, before: str) -> str:
    return "" if found.switch_rate.value is None else f"{before}{percent(found.switch_rate.value)} of the steps"


def _all_of(some: Sequence[Counted], both: Sequence[Counted]) -> str:
    """Name who is meant of all that were counted at both thresholds."""
    if len(some) == 1 or len(some) < len(both):
        return joined([one.environment for one in some])
    return f"all {len(some)} environments counted at both"
