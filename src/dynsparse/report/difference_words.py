"""Difference words: how means over episodes, and differences of two, are written in sentences and tables."""

from __future__ import annotations

from collections.abc import Callable

from dynsparse.report.episode_statistics import STEPS_LONG, EpisodeMean
from dynsparse.report.quantities import percent, share_with_interval, with_interval

__all__ = ["plain_cell", "plain_number", "points", "share_cell", "share_mean", "size_of", "steps_cell"]


def points(difference: EpisodeMean, *, paired: bool) -> str:
    """Write the size of a difference of shares: ``"3.1 percentage points [2.0, 4.2]"``; its sign is the caller's.

    Args:
        difference: The difference; of one below zero, the size and its interval are turned round.
        paired: Whether it is one of the same episodes.

    Returns:
        The words, without an interval where there is none; one of no width is said to be none.
    """
    if difference.value is None:
        return "an unknown number of percentage points"
    shown = _tenth(abs(100.0 * difference.value))
    return _with_ends(f"{shown} percentage point{'' if shown == '1.0' else 's'}", difference, 100.0, _tenth, paired)


def size_of(difference: EpisodeMean, unit: str, *, paired: bool) -> str:
    """Write the size of a difference that is no share, as ``points`` does: ``"5.53 control steps [5.27, 5.79]"``."""
    if difference.value is None:
        return f"an unknown number of {unit}"
    return _with_ends(f"{plain_number(abs(difference.value))} {unit}", difference, 1.0, plain_number, paired)


def _with_ends(words: str, difference: EpisodeMean, factor: float, write: Callable[[float], str], paired: bool) -> str:
    """Add the interval of a size; that of a difference below zero is turned round."""
    if not difference.varies:
        return f"{words} in every episode" if paired else words
    if difference.ends is None:
        return words
    low, high = (factor * end for end in difference.ends)
    low, high = (-high, -low) if (difference.value or 0.0) < 0.0 else (low, high)
    return f"{words} [{write(low)}, {write(high)}]"


def share_mean(mean: EpisodeMean) -> str:
    """Write a mean of shares in percent, without its interval."""
    return "unknown" if mean.value is None else percent(mean.value)


def share_cell(mean: EpisodeMean) -> str:
    """Write a mean of shares with its interval into a table, which says below why some have none."""
    return share_with_interval(mean, reason=False)


def steps_cell(mean: EpisodeMean) -> str:
    """Write a mean duration with its interval into a table."""
    return plain_cell(mean.within(STEPS_LONG))


def plain_cell(mean: EpisodeMean) -> str:
    """Write a mean of any kind with its interval into a table."""
    return with_interval(mean, plain_number, reason=False)


def plain_number(value: float) -> str:
    """Write a number to three digits, or as a whole number from a hundred on."""
    return f"{value:,.0f}" if abs(value) >= 100.0 else f"{value:.3g}"


def _tenth(value: float) -> str:
    """Write a number to a tenth, and to its first digit where a tenth would be zero and it is not."""
    # No "-0.0": what is left of a sum that ought to be zero is no number below it.
    return f"{value + 0.0:.1f}" if abs(value) >= 0.05 or abs(value) < 1e-9 else f"{value:.1g}"
