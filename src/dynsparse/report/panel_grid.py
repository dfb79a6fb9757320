"""Panel grid: small panels side by side, one an environment, up to two columns of a paper wide."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from dynsparse.report.figure import WIDTH, new_figure
from dynsparse.report.loss_looks import LossLook

__all__ = [
    "BOTH_COLUMNS",
    "about_all",
    "about_split",
    "about_test",
    "grid_shape",
    "line_legend",
    "lowest",
    "new_grid",
    "rows_height",
    "say_empty",
    "titled_split",
]

BOTH_COLUMNS = 7.0
"""Width of a figure over both columns of a paper, inches."""

_MOST_COLUMNS = 4

_SPLITS = {"step": "test steps of training episodes", "episode": "unseen episodes"}
_PAPERS = "step"


def about_split(split: str) -> str:
    """Say in a few words what a test set is."""
    return _SPLITS.get(split, split)


def titled_split(split: str) -> str:
    """Say what a test set is in the title of a figure, and which of them the paper has."""
    return f"{about_split(split)} (as in the paper)" if split == _PAPERS else about_split(split)


def about_test(split: str) -> str:
    """Say what a test set is, with its name in records and CSV."""
    return f"{about_split(split)} ({split})"


def new_grid(
    title: str,
    count: int,
    *,
    height: float,
    columns: int = _MOST_COLUMNS,
    share_x: bool = False,
    share_y: bool = True,
    legend: bool = False,
) -> tuple[Figure, list[Axes]]:
    """Make a figure with panels in rows, one column of a paper wide for one panel, both for more.

    Args:
        title: Written above all panels; over a single one it is broken at its last comma.
        count: Number of panels.
        height: Of one row of panels, inches.
        columns: Most panels in a row.
        share_x: Whether all panels have the same horizontal axis.
        share_y: Whether the panels have the same vertical axis.
        legend: Whether there is to be room for one below.

    Returns:
        The figure and its panels, row by row.
    """
    down, across = grid_shape(count, columns)
    height = height * down + (0.3 if legend else 0.0)
    if count == 1:
        figure = new_figure(",\n".join(title.rsplit(", ", 1)), WIDTH, 0.5 + height)
    else:
        figure = new_figure(title, BOTH_COLUMNS, 0.35 + height)
    grid = figure.subplots(down, across, sharex=share_x, sharey=share_y, squeeze=False)
    panels = list(grid.ravel())
    for empty in panels[count:]:
        empty.remove()
    if share_x:
        for panel in lowest(panels[:count]):
            panel.tick_params(axis="x", labelbottom=True)
    return figure, panels[:count]


def grid_shape(count: int, columns: int = _MOST_COLUMNS) -> tuple[int, int]:
    """Return into how many rows and columns panels are set: five are three and two, not four and one."""
    down = -(-count // min(columns, count))
    return down, -(-count // down)


def lowest(panels: Sequence[Axes]) -> list[Axes]:
    """Return the panels below which there is none: where the last row is short, some of the row above it."""
    places = [panel.get_subplotspec() for panel in panels]
    bottom = {place.colspan.start: index for index, place in enumerate(places) if place is not None}
    return [panels[index] for index in bottom.values()]


def about_all(environments: Sequence[str]) -> str:
    """Name what an average is over."""
    return environments[0] if len(environments) == 1 else f"Over all {len(environments)} environments"


def rows_height(rows: int) -> float:
    """Return the height in inches of a panel with some lines, its labels and its title included."""
    return 0.55 + 0.2 * rows


def say_empty(axes: Axes) -> None:
    """Write into a panel that there is nothing to draw."""
    axes.text(0.5, 0.5, "no run", transform=axes.transAxes, ha="center", va="center", fontsize=6.5, style="italic")


def line_legend(figure: Figure, looks: Sequence[LossLook], more: Sequence[Artist] = ()) -> None:
    """Name the lines below all panels.

    Args:
        figure: Where to draw.
        looks: Lines with their markers.
        more: What else is to be named.
    """
    handles: list[Artist] = [
        Line2D(
            [], [], color=look.colour, linestyle=look.line, marker=look.marker, markersize=3.5, linewidth=1.2,
            label=look.label, markerfacecolor=look.colour if look.is_loss else "white",
        )
        for look in looks
    ]  # fmt: skip
    handles += more
    narrow = figure.get_size_inches()[0] < BOTH_COLUMNS
    figure.legend(
        handles=handles, loc="outside lower center", ncols=3 if narrow else min(len(handles), 7), frameon=False,
        handlelength=2.8, columnspacing=1.2,
    )  # fmt: skip
