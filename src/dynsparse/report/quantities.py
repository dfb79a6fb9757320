"""Quantities: shares, counts and durations as they are written in running text."""

from __future__ import annotations

__all__ = ["number", "percent", "steps_long"]


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
