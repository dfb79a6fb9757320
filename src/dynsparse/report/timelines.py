"""Timelines: sparsity along the first episode (Figures 6 and A3.3 of the paper)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from dynsparse.analysis import SparsityReport, TemporalSparsity
from dynsparse.errors import InputError
from dynsparse.report.figure import BLOCK_LOOKS, WIDTH, BlockLook, new_figure, new_panels
from dynsparse.report.panel_grid import BOTH_COLUMNS, grid_shape
from dynsparse.report.threshold_sentences import titled_zero

__all__ = ["FIRST_STEPS", "draw_first_steps", "draw_pair", "draw_timeline", "draw_timelines"]

FIRST_STEPS = 50
"""Control steps that the paper's Figure A3.3 shows."""

# A share that moves by one element of hundreds must be seen to move; one at rest needs some axis: percentage points.
_SMALLEST_SPAN = 1.0
# Of no zeros at all: an axis on which that reads as nothing.
_SPAN_OF_NONE = 10.0


def draw_timeline(
    axes: Axes, values: NDArray[np.float64], look: BlockLook, *, width: float = 1.0, from_zero: bool = False
) -> None:
    """Draw sparsity against the control step: a level for each step, a cross where the row is not finite.

    Args:
        axes: Where to draw.
        values: (T,) share of elements at zero, NaN for a row that is not finite.
        look: Label and colour.
        width: Width of the line, points.
        from_zero: Whether the vertical axis begins at no zeros, rather than showing the range of the share.
    """
    percent = 100.0 * np.asarray(values, dtype=np.float64)
    steps = len(percent)
    axes.stairs(percent, np.arange(steps + 1) - 0.5, baseline=None, color=look.colour, linewidth=width)
    missing = np.flatnonzero(np.isnan(percent))
    axes.plot(
        missing,
        np.full(len(missing), 0.06),
        transform=axes.get_xaxis_transform(),
        linestyle="none",
        marker="x",
        markersize=3.0,
        color="black",
        label="not finite",
    )
    axes.set_xlim(-0.5 - 0.01 * steps, steps - 0.5 + 0.01 * steps)
    _set_limits(axes, percent, from_zero=from_zero)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    axes.set_title(look.label, loc="left")
    if len(missing):
        axes.set_title(f"\N{MULTIPLICATION SIGN} not finite ({len(missing):,})", loc="right", fontsize=7.0)


def draw_timelines(report: SparsityReport, steps: int | None = None) -> Figure:
    """Draw the first episode, both blocks and the two together, one above the other.

    Args:
        report: The analysis as read from its files, with temporal results.
        steps: How many control steps from its start; None for the whole episode.

    Returns:
        A figure fit for print.

    Raises:
        InputError: If the analysis has no temporal results.
    """
    temporal = _temporal(report)
    figure, panels = new_panels(report.environment, len(BLOCK_LOOKS), height=3.6)
    for axes, look in zip(panels, BLOCK_LOOKS, strict=True):
        values = getattr(temporal, f"timeline_{look.name}")[:steps]
        draw_timeline(axes, values, look, width=1.1 if len(values) <= 2 * FIRST_STEPS else 0.5)
    figure.supylabel("elements at zero, %", fontsize=8)
    panels[-1].set_xlabel("control step of the first episode")
    return figure


def draw_pair(reports: Sequence[SparsityReport]) -> Figure:
    """Draw the first episode of a few environments side by side, a row of panels a block, as the paper's Figure 6.

    Args:
        reports: Analyses as read from their files, with temporal results.

    Returns:
        A figure over both columns of a paper, or over one where there is one environment.

    Raises:
        InputError: If an analysis has no temporal results.
    """
    title = titled_zero("Sparsity over the first episode", reports)
    if len(reports) == 1:
        title = title.replace(", zero", ",\nzero")
    figure = new_figure(title, WIDTH if len(reports) == 1 else BOTH_COLUMNS, 3.7)
    panels = figure.subplots(len(BLOCK_LOOKS), len(reports), sharex="col", squeeze=False)
    for column, report in enumerate(reports):
        temporal = _temporal(report)
        for axes, look in zip(panels[:, column], BLOCK_LOOKS, strict=True):
            draw_timeline(axes, getattr(temporal, f"timeline_{look.name}"), look, width=0.5, from_zero=True)
        panels[0, column].set_title(f"{report.environment}, {BLOCK_LOOKS[0].label}", loc="left")
        panels[-1, column].set_xlabel("control step")
    figure.supylabel("elements at zero, %", fontsize=8)
    return figure


def draw_first_steps(reports: Sequence[SparsityReport], steps: int = FIRST_STEPS) -> Figure:
    """Draw the beginning of the first episode, a panel a block below each other, as the paper's Figure A3.3.

    The paper draws both blocks in one panel.  Where one has 5 % of zeros and the other 50 %, neither is seen to move
    there.

    Args:
        reports: Analyses as read from their files, with temporal results.
        steps: How many control steps.

    Returns:
        A figure over both columns of a paper, or over one where there is one environment.

    Raises:
        InputError: If an analysis has no temporal results.
    """
    title, looks = titled_zero(f"The first {steps} control steps of the first episode", reports), BLOCK_LOOKS[:2]
    if len(reports) == 1:
        title = title.replace(", zero", ",\nzero")
    down, across = grid_shape(len(reports))
    figure = new_figure(title, WIDTH if across == 1 else BOTH_COLUMNS, 0.75 + 1.75 * down)
    grid = figure.subplots(2 * down, across, squeeze=False)
    for place, report in enumerate(reports):
        pair = grid[2 * (place // across) : 2 * (place // across) + 2, place % across]
        for axes, look in zip(pair, looks, strict=True):
            _draw_beginning(axes, getattr(_temporal(report), f"timeline_{look.name}")[:steps], look)
        pair[0].set_title(report.environment, loc="left", fontsize=7.5)
        pair[0].tick_params(axis="x", labelbottom=False)
        if place + across >= len(reports):
            pair[1].set_xlabel("control step", fontsize=7.5)
    for axes in grid.reshape(down, 2, across).transpose(0, 2, 1).reshape(-1, 2)[len(reports) :].ravel():
        axes.remove()
    figure.supylabel("elements at zero, %", fontsize=8)
    handles = [Line2D([], [], color=look.colour, label=look.label) for look in looks]
    figure.legend(handles=handles, loc="outside lower center", ncols=2, frameon=False)
    return figure


def _draw_beginning(axes: Axes, values: NDArray[np.float64], look: BlockLook) -> None:
    percent = 100.0 * values
    axes.stairs(percent, np.arange(len(percent) + 1) - 0.5, baseline=None, color=look.colour, linewidth=1.0)
    _set_limits(axes, percent)
    axes.set_xlim(-1.0, max(len(percent), 2))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=3, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))


def _temporal(report: SparsityReport) -> TemporalSparsity:
    if report.temporal is None:
        raise InputError(
            f"expected an analysis with temporal results, that of {report.environment} has none; "
            "rows that are not parts of an episode have no timeline"
        )
    return report.temporal


def _set_limits(axes: Axes, percent: NDArray[np.float64], *, from_zero: bool = False) -> None:
    """Set the ends of the vertical axis; of no zeros at all, say so on an axis to ten percent."""
    finite = percent[~np.isnan(percent)]
    if len(finite) and not finite.any():
        axes.set_ylim(-0.06 * _SPAN_OF_NONE, _SPAN_OF_NONE)
        axes.text(0.5, 0.5, "0 % throughout", transform=axes.transAxes, ha="center", va="center", fontsize=7.0)
        return
    low, high = _limits(finite)
    axes.set_ylim(min(low, -0.06 * high) if from_zero else low, high)


def _limits(percent: NDArray[np.float64]) -> tuple[float, float]:
    """Return the ends of the vertical axis, inside [0, 100] but for a margin that keeps the line off the frame."""
    if not len(percent):
        return (0.0, 100.0)
    low, high = float(percent.min()), float(percent.max())
    spare = max(0.08 * (high - low), (_SMALLEST_SPAN - (high - low)) / 2, 0.0)
    span = high - low + 2 * spare
    margin = 0.06 * span
    start = min(max(low - spare, -margin), 100.0 + margin - span)
    return (start, start + span)
