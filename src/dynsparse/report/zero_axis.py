"""Zero axis: a logarithmic axis that has a place for 0, set apart, in place of leaving zeros out or lifting them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from numpy.typing import NDArray

__all__ = ["ZeroAxis", "tick_name", "zero_axis"]

# Decades between the place of 0 and the smallest power of ten, as a share of all decades of the axis.
_GAP = 0.11
_LEAST_GAP = 0.35
# Where only one value occurs, the axis still is to span something.
_LEAST_DECADES = 1.0
_MOST_TICKS = 4


@dataclass(frozen=True)
class ZeroAxis:
    """A logarithmic axis, and where on it 0 stands.

    Attributes:
        low: Lower end.
        high: Upper end.
        zero: Place of 0; None where no value is 0.
        border: Where the strip of 0 ends; None without one.
        empty: Whether there is no value at all, and so nothing to be named on it.
    """

    low: float
    high: float
    zero: float | None
    border: float | None
    empty: bool = False

    def place(self, values: NDArray[np.floating] | float) -> NDArray[np.float64]:
        """Return where values stand: (...) themselves, 0 at its own place."""
        array = np.asarray(values, dtype=np.float64)
        return array if self.zero is None else np.where(array <= 0.0, self.zero, array)

    def dress(self, axes: Axes, which: str) -> None:
        """Give an axis its scale, its ends, ticks at powers of ten, and a strip for 0.

        Args:
            axes: Where to draw.
            which: ``"x"`` or ``"y"``.
        """
        axis = axes.xaxis if which == "x" else axes.yaxis
        (axes.set_xscale if which == "x" else axes.set_yscale)("log")
        (axes.set_xlim if which == "x" else axes.set_ylim)(self.low, self.high)
        names = {} if self.empty else {place: tick_name(place) for place in self._ticks()}
        if self.zero is not None and self.border is not None:
            names[self.zero] = "0"
            span = axes.axvspan if which == "x" else axes.axhspan
            span(self.low, self.border, color="0.93", linewidth=0, zorder=0)
        axis.set_major_locator(FixedLocator(sorted(names)))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FuncFormatter(lambda value, _: _nearest(names, value)))

    def _ticks(self) -> list[float]:
        """Return the powers of ten that are named, as many as fit, evenly spaced; on a short axis 2s and 5s too."""
        start = math.log10(self.low if self.border is None else self.border)
        end = math.log10(self.high)
        first, last = math.ceil(start - 1e-9), math.floor(end + 1e-9)
        if last - first < 1:
            places = [factor * 10.0**power for power in range(first - 1, last + 1) for factor in (1, 2, 5)]
            return [place for place in places if start <= math.log10(place) <= end]
        step = max(1, math.ceil((last - first + 1) / _MOST_TICKS))
        # Counted from above: next to the place of 0 there is the least room.
        return [10.0**power for power in range(last, first - 1, -step)]


def zero_axis(values: Iterable[float | None]) -> ZeroAxis:
    """Find the axis on which all values can be shown.

    Args:
        values: Numbers from 0 up; None and NaN are ignored.

    Returns:
        The axis; from 0.1 to 1 where no value is above 0.
    """
    array = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    array = array[np.isfinite(array)]
    positive = array[array > 0]
    ends = (math.log10(positive.min()), math.log10(positive.max())) if len(positive) else (-1.0, 0.0)
    missing = _LEAST_DECADES - (ends[1] - ends[0])
    low, high = (ends[0] - max(missing / 2, 0.0), ends[1] + max(missing / 2, 0.0))
    margin = 0.05 * (high - low)
    high += margin
    if not (array <= 0).any():
        return ZeroAxis(10 ** (low - margin), 10**high, None, None, empty=not len(array))
    # The strip begins below a power of ten, so that the one nearest to 0 has its tick.
    low = math.floor(low + 1e-9)
    gap = max(_LEAST_GAP, _GAP * (high - low))
    return ZeroAxis(10 ** (low - 2 * gap), 10**high, 10 ** (low - 1.25 * gap), 10 ** (low - 0.5 * gap))


def tick_name(place: float) -> str:
    """Write a round number as it stands at an axis: 1e-6, 0.01, 1, 1e4."""
    if 1e-2 * 0.99 < place < 1e3:
        return f"{place:.3g}"
    return f"{place:.0e}".replace("e-0", "e-").replace("e+0", "e")


def _nearest(names: dict[float, str], value: float) -> str:
    return next((name for place, name in names.items() if math.isclose(place, value, rel_tol=1e-6)), "")
