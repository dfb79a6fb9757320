"""Difference words: how means over episodes, and differences of two, are written in sentences and tables."""

from __future__ import annotations

from dynsparse.report.episode_statistics import EpisodeMean
from dynsparse.report.quantities import percent

__all__ = ["mean_cell", "plain_number", "points", "share_cell", "share_mean"]


def points(difference: EpisodeMean, *, signed: bool = False) -> str:
    """Write the size of a difference of shares: ``"3.1 percentage points [2.0, 4.2]"``; its sign is the caller's.

    Args:
        difference: The difference; of one below zero, the size and its interval are turned round.
        signed: Write the difference itself, with its sign.

    Returns:
        The words, without an interval where there is none.
    """
    if difference.value is None:
        return "an unknown number of percentage points"
    turned = difference.value < 0.0 and not signed
    shown = _tenth(-100.0 * difference.value if turned else 100.0 * difference.value)
    words = f"{shown} percentage point{'' if shown == '1.0' else 's'}"
    if difference.low is None or difference.high is None:
        return words
    low, high = 100.0 * difference.low, 100.0 * difference.high
    low, high = (-high, -low) if turned else (low, high)
    return f"{words} [{_tenth(low)}, {_tenth(high)}]"


def share_mean(mean: EpisodeMean) -> str:
    """Write a mean of shares in percent, without its interval."""
    return "unknown" if mean.value is None else percent(mean.value)


def share_cell(mean: EpisodeMean) -> str:
    """Write a mean of shares with its interval, in percent, into a table; the interval ends where shares do."""
    if mean.value is None:
        return "-"
    if mean.low is None or mean.high is None:
        return _tenth(100 * mean.value)
    low, high = max(mean.low, 0.0), min(mean.high, 1.0)
    return f"{_tenth(100 * mean.value)} [{_tenth(100 * low)}, {_tenth(100 * high)}]"


def mean_cell(mean: EpisodeMean) -> str:
    """Write a mean with its interval into a table."""
    if mean.value is None:
        return "-"
    ends = "" if mean.low is None or mean.high is None else f" [{plain_number(mean.low)}, {plain_number(mean.high)}]"
    return f"{plain_number(mean.value)}{ends}"


def plain_number(value: float) -> str:
    """Write a number to three digits, or as a whole number from a hundred on."""
    return f"{value:,.0f}" if abs(value) >= 100.0 else f"{value:.3g}"


def _tenth(value: float) -> str:
    """Write a number to a tenth, and to its first digit where a tenth would be zero and it is not."""
    # No "-0.0": what is left of a sum that ought to be zero is no number below it.
    return f"{value + 0.0:.1f}" if abs(value) >= 0.05 or abs(value) < 1e-9 else f"{value:.1g}"
