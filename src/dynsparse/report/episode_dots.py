"""Episode dots: a line an environment, panels side by side, a marker and an interval for each way of measuring."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from dynsparse.report.episode_statistics import SHARE, Bounds, EpisodeMean
from dynsparse.report.figure import new_figure
from dynsparse.report.panel_grid import BOTH_COLUMNS

__all__ = ["LASTING", "DotLook", "DotPanel", "draw_episode_dots"]

_LINE_HEIGHT = 0.115
"""Inches that a marker takes."""

_WIDEST_LEGEND = 115
"""Letters in one line of the legend, the sample of each look as wide as eight."""

_SPREAD = 0.76
"""Share of the height of an environment that its markers take."""


LASTING = "stays zero (Q3), steps:\nmean over episodes of\nan episode's mean"
"""Axis of durations: each episode counts the same, where the ratio of Q3 counts each stretch the same."""


@dataclass(frozen=True)
class DotLook:
    """How one way of measuring looks; in grey, the marker tells it from others.

    Attributes:
        name: Its key in the numbers of a panel.
        label: What is written on paper.
        colour: Of marker and interval.
        marker: Marker.
    """

    name: str
    label: str
    colour: str
    marker: str


@dataclass(frozen=True)
class DotPanel:
    """One number of all environments.

    Attributes:
        label: Written below the axis, with its unit.
        numbers: By environment and look, none below zero; what is missing is not drawn.
        mark: A number that is marked by a line; None for none.
        is_share: Whether they are shares, to be drawn in percent.
        bounds: What the numbers can be, where intervals end; of shares that is known.
        log_ends: Ends of a logarithmic axis, wider where a number is beyond; None for a linear one.
    """

    label: str
    numbers: Mapping[tuple[str, str], EpisodeMean]
    mark: float | None = None
    is_share: bool = False
    bounds: Bounds = (0.0, math.inf)
    log_ends: Bounds | None = None


def draw_episode_dots(
    title: str,
    environments: Sequence[str],
    looks: Sequence[DotLook],
    panels: Sequence[DotPanel],
    instead: Mapping[tuple[str, str], str] | None = None,
) -> Figure:
    """Draw panels over both columns of a paper.

    Args:
        title: Written above all.
        environments: From top to bottom.
        looks: Ways of measuring, from top to bottom in each environment.
        panels: From left to right.
        instead: By environment and look, what is written in place of a marker that there is none of, ``"= paper"``.

    Returns:
        The figure.
    """
    lines = title.count("\n") + max((panel.label.count("\n") for panel in panels), default=0)
    height = 1.0 + 0.14 * lines + len(environments) * max(0.22, _LINE_HEIGHT * len(looks) + 0.08)
    figure = new_figure(title, BOTH_COLUMNS, height)
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for place, panel in zip(axes, panels, strict=True):
        _draw(place, environments, looks, panel, instead or {})
    axes[0].set_yticks(range(len(environments)), environments)
    axes[0].set_ylim(len(environments) - 0.5, -0.5)
    handles: list[Artist] = [
        Line2D([], [], color=look.colour, marker=look.marker, markersize=4.0, linewidth=1.1, label=look.label)
        for look in looks
    ]
    width = sum(len(look.label) + 8 for look in looks)
    columns = -(-len(looks) // -(-width // _WIDEST_LEGEND)) if looks else 1
    figure.legend(handles=handles, loc="outside lower center", ncols=columns, frameon=False, columnspacing=1.4)
    return figure


def _draw(
    axes: Axes,
    environments: Sequence[str],
    looks: Sequence[DotLook],
    panel: DotPanel,
    instead: Mapping[tuple[str, str], str],
) -> None:
    factor = 100.0 if panel.is_share else 1.0
    for row, environment in enumerate(environments):
        if row:
            axes.axhline(row - 0.5, color="0.88", linewidth=0.5, zorder=0.5)
        for place, look in enumerate(looks):
            found = panel.numbers.get((environment, look.name))
            height = row + _SPREAD * ((place + 0.5) / len(looks) - 0.5)
            if found is None or found.value is None:
                axes.text(
                    0.99, height, instead.get((environment, look.name), ""), transform=axes.get_yaxis_transform(),
                    ha="right", va="center", fontsize=5.5, color=look.colour, style="italic",
                )  # fmt: skip
                continue
            ends = found.within(SHARE if panel.is_share else panel.bounds).ends
            if ends is not None:
                axes.plot([factor * end for end in ends], (height, height), color=look.colour, linewidth=1.1)
            axes.plot(
                (factor * found.value,), (height,), color=look.colour, marker=look.marker, markersize=3.6,
                linestyle="none", clip_on=False, zorder=3,
            )  # fmt: skip
    if panel.mark is not None:
        axes.axvline(factor * panel.mark, color="0.35", linewidth=0.7, linestyle=(0, (4, 2)), zorder=0.8)
    axes.set_xlabel(panel.label)
    if panel.log_ends is None:
        axes.xaxis.set_major_locator(MaxNLocator(nbins=4))
    else:
        _dress_log(axes, panel.log_ends, [mean.value for mean in panel.numbers.values() if mean.value is not None])
    axes.tick_params(axis="y", length=0)


def _dress_log(axes: Axes, ends: Bounds, values: Sequence[float]) -> None:
    low, high = min([ends[0], *values]), max([ends[1], *values])
    axes.set_xscale("log")
    # Half a marker of room.
    axes.set_xlim(low / 1.1, high * 1.1)
    axes.xaxis.set_major_locator(LogLocator(base=10.0))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
