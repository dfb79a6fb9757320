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
from dynsparse.report.panel_grid import BOTH_COLUMNS, lowest, new_grid

__all__ = ["FIRST_STEPS", "draw_first_steps", "draw_pair", "draw_timeline", "draw_timelines"]

FIRST_STEPS = 50
"""Control steps that the paper's Figure A3.3 shows."""

# A timeline that hardly moves is not blown up to fill its panel: percentage points.
_SMALLEST_SPAN = 4.0


def draw_timeline(axes: Axes, values: NDArray[np.float64], look: BlockLook, *, width: float = 1.0) -> None:
    """Draw sparsity against the control step: a level for each step, a cross where the row is not finite.

    Args:
        axes: Where to draw.
        values: (T,) share of elements at zero, NaN for a row that is not finite.
        look: Label and colour.
        width: Width of the line, points.
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
    axes.set_ylim(*_limits(percent[~np.isnan(percent)]))
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
    figure = new_figure("Sparsity over the first episode", WIDTH if len(reports) == 1 else BOTH_COLUMNS, 3.7)
    panels = figure.subplots(len(BLOCK_LOOKS), len(reports), sharex="col", squeeze=False)
    for column, report in enumerate(reports):
        temporal = _temporal(report)
        for axes, look in zip(panels[:, column], BLOCK_LOOKS, strict=True):
            draw_timeline(axes, getattr(temporal, f"timeline_{look.name}"), look, width=0.5)
        panels[0, column].set_title(f"{report.environment}, {BLOCK_LOOKS[0].label}", loc="left")
        panels[-1, column].set_xlabel("control step")
    figure.supylabel("elements at zero, %", fontsize=8)
    return figure


def draw_first_steps(reports: Sequence[SparsityReport], steps: int = FIRST_STEPS) -> Figure:
    """Draw the beginning of the first episode, both blocks in one panel an environment, as the paper's Figure A3.3.

    Args:
        reports: Analyses as read from their files, with temporal results.
        steps: How many control steps.

    Returns:
        A figure over both columns of a paper, or over one where there is one environment.

    Raises:
        InputError: If an analysis has no temporal results.
    """
    title = f"The first {steps} control steps of the first episode"
    figure, panels = new_grid(title, len(reports), height=1.35, share_y=False, legend=True)
    looks = BLOCK_LOOKS[:2]
    for axes, report in zip(panels, reports, strict=True):
        lines = [100.0 * getattr(_temporal(report), f"timeline_{look.name}")[:steps] for look in looks]
        for values, look in zip(lines, looks, strict=True):
            edges = np.arange(len(values) + 1) - 0.5
            axes.stairs(values, edges, baseline=None, color=look.colour, linewidth=1.0, linestyle=look.line)
        axes.set_title(report.environment, loc="left", fontsize=7.5)
        both = np.concatenate(lines)
        axes.set_ylim(*_limits(both[~np.isnan(both)]))
        axes.set_xlim(-1.0, max(len(lines[0]), 2))
        axes.yaxis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 2.5, 5, 10]))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
    for axes in lowest(panels):
        axes.set_xlabel("control step", fontsize=7.5)
    figure.supylabel("elements at zero, %", fontsize=8)
    handles = [Line2D([], [], color=look.colour, ls=look.line, label=look.label) for look in looks]
    figure.legend(handles=handles, loc="outside lower center", ncols=2, frameon=False)
    return figure


def _temporal(report: SparsityReport) -> TemporalSparsity:
    if report.temporal is None:
        raise InputError(
            f"expected an analysis with temporal results, that of {report.environment} has none; "
            "rows that are not parts of an episode have no timeline"
        )
    return report.temporal


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
