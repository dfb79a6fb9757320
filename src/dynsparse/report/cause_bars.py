"""Cause bars: the share of elements that are zero in each environment, by the reason why."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.patches import Patch

from dynsparse.analysis.cause_record import CauseRecord
from dynsparse.report.cause_looks import LOOKS
from dynsparse.report.figure import WIDTH, new_figure

__all__ = ["draw_cause_bars"]

_BAR = 0.27
"""Inches from one environment to the next."""


def draw_cause_bars(records: Sequence[CauseRecord]) -> Figure:
    """Draw one bar an environment, from no zero to all zero, stacked by reason.

    Args:
        records: Causes, one an environment, from top to bottom.

    Returns:
        A figure fit for print.
    """
    figure = new_figure("Zero elements by cause", WIDTH, 1.55 + _BAR * len(records))
    axes = figure.subplots()
    places = list(range(len(records)))
    left = [0.0] * len(records)
    for look in LOOKS:
        shares = [100 * record.by_label[look.name] / max(record.pairs, 1) for record in records]
        axes.barh(
            places,
            shares,
            left=left,
            height=0.72,
            color=look.colour,
            hatch=look.hatch,
            edgecolor="black",
            linewidth=0.5,
        )
        left = [start + share for start, share in zip(left, shares, strict=True)]
    for place, end in zip(places, left, strict=True):
        axes.annotate(
            f"{end:.1f} %", (end, place), xytext=(3, 0), textcoords="offset points", va="center", fontsize=7.0
        )
    axes.set_yticks(places, [record.environment for record in records])
    axes.invert_yaxis()
    axes.set_ylim(len(records) - 0.4, -0.6)
    # Room for the number behind the longest bar; never beyond what a share can be.
    axes.set_xlim(0, min(100.0, 10.0 * (1 + max(left, default=0.0) * 1.15 // 10)))
    axes.set_xlabel("share of all elements in all rows, %")
    axes.tick_params(axis="y", length=0)
    used = [look for look in LOOKS if any(record.by_label[look.name] for record in records)]
    handles = [
        Patch(facecolor=look.colour, hatch=look.hatch, edgecolor="black", linewidth=0.5, label=look.title)
        for look in used
    ]
    if handles:
        figure.legend(
            handles=handles, loc="outside lower center", ncols=2, frameon=False, handlelength=2.2, handleheight=1.2
        )
    return figure
