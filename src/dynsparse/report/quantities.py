"""Quantities: shares, counts and durations as they are written in running text, with their intervals."""

from __future__ import annotations

from collections.abc import Callable

from dynsparse.report.episode_statistics import SHARE, EpisodeMean

__all__ = [
    "number",
    "percent",
    "share_with_interval",
    "steps_long",
    "steps_with_interval",
    "why_no_interval",
    "with_interval",
]


def percent(share: float) -> str:
    """Write a share in percent, to a tenth; neither none nor all is what rounding makes of something else.

    Args:
        share: A number in [0, 1].

    Returns:
        For example ``"5.2 %"``, ``"0 %"`` or ``"<0.1 %"``.
    """
    if share in (0.0, 1.0):
        return f"{100 * share:.0f} %"
    if share < 0.0005:
        return "<0.1 %"
    return ">99.9 %" if share >= 0.9995 else f"{100 * share:.1f} %"


def number(count: int, singular: str, plural: str | None = None) -> str:
    """Write a count with its noun.

    Args:
        count: How many.
        singular: The noun of one.
        plural: The noun of several, where it is not the first with an s.

    Returns:
        For example ``"1 row"`` or ``"2,000 rows"``.
    """
    return f"{count:,} {singular if count == 1 else plural or singular + 's'}"


def steps_long(mean: float | None) -> str:
    """Write a mean duration.

    Args:
        mean: Control steps; None where nothing lasted.

    Returns:
        For example ``"8.0 control steps"``.
    """
    return "no steps (there is none)" if mean is None else f"{mean:,.1f} control steps"


def share_with_interval(mean: EpisodeMean, *, reason: bool = True) -> str:
    """Write a share in percent with its interval, which ends where shares do.

    Args:
        mean: Of shares.
        reason: Whether to say why there is no interval, where there is none; a table says it below.

    Returns:
        For example ``"3.1 % [2.8, 3.4]"``, ``"3.1 %, did not vary in 4 episodes"`` or ``"-"``.
    """
    return with_interval(mean.within(SHARE), percent, lambda end: percent(end).removesuffix(" %"), reason=reason)


def steps_with_interval(mean: EpisodeMean, *, reason: bool = True) -> str:
    """Write a mean duration in control steps with its interval: ``"8.0 [7.1, 9.0]"``."""
    return with_interval(mean, lambda value: f"{value:,.1f}", reason=reason)


def with_interval(
    mean: EpisodeMean,
    write: Callable[[float], str],
    write_end: Callable[[float], str] | None = None,
    *,
    reason: bool = True,
) -> str:
    """Write a number with its interval over episodes, or with the reason why there is none.

    Args:
        mean: The number.
        write: Writes it.
        write_end: Writes an end of its interval, where it is written otherwise: without the unit.
        reason: Whether to say why there is no interval, where there is none; a table says it below.

    Returns:
        For example ``"8.0 [7.1, 9.0]"``, ``"8.0, no interval of 2 episodes"`` or ``"-"``.
    """
    if mean.value is None:
        return "-"
    if mean.ends is None:
        return f"{write(mean.value)}, {why_no_interval(mean)}" if reason else write(mean.value)
    low, high = map(write_end or write, mean.ends)
    return f"{write(mean.value)} [{low}, {high}]"


def why_no_interval(mean: EpisodeMean) -> str:
    """Say why a number has no interval: too few episodes, or it happened to be the same in all of them."""
    if not mean.episodes:
        return "no interval"
    if mean.low is not None:
        return f"did not vary in {number(mean.episodes, 'episode')}"
    return f"no interval of {number(mean.episodes, 'episode')}"
