"""Score lines: a line a loss over something that is varied, with a band from end to end of its intervals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from matplotlib.axes import Axes

from dynsparse.report.comparison import Comparison
from dynsparse.report.loss_looks import look_of
from dynsparse.report.panel_grid import say_empty
from dynsparse.report.zero_axis import ZeroAxis, zero_axis

__all__ = ["draw_score_lines"]


def draw_score_lines(
    axes: Axes,
    places: Sequence[float],
    scores: Sequence[Comparison],
    environment: str | None,
    names: Iterable[str],
    *,
    also: Iterable[float | None] = (),
) -> ZeroAxis:
    """Draw one metric of losses and referees, a point for each of several comparisons, on a logarithmic axis.

    Args:
        axes: Where to draw.
        places: (k,) where the comparisons stand on the horizontal axis.
        scores: (k,) comparisons.
        environment: Which; None for all.
        names: Losses and referees, a line each.
        also: What else the vertical axis must hold.

    Returns:
        The vertical axis.
    """
    lines = {
        name: np.array(
            [
                [np.nan if end is None else end for end in (found.value, found.low, found.high)]
                for found in (comparison.score(name, environment).estimate for comparison in scores)
            ],
            dtype=np.float64,
        )
        for name in names
    }
    axis = zero_axis([*(value for line in lines.values() for value in line.ravel()), *also])
    for name, line in lines.items():
        look = look_of(name)
        mean, low, high = axis.place(line).T
        axes.fill_between(places, low, high, color=look.colour, alpha=0.12, linewidth=0)
        axes.plot(
            places, mean, color=look.colour, linestyle=look.line, linewidth=1.0, marker=look.marker, markersize=3.0,
            markerfacecolor=look.colour if look.is_loss else "white",
        )  # fmt: skip
    axis.dress(axes, "y")
    if all(np.isnan(line).all() for line in lines.values()):
        say_empty(axes)
    return axis
