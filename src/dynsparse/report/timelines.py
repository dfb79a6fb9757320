"""Timelines: sparsity along the first episode (Figures 6 and A3.3 of the paper)."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from dynsparse.analysis import SparsityReport, TemporalSparsity
from dynsparse.errors import InputError
from dynsparse.report.figure import BLOCK_LOOKS, BlockLook, new_panels

__all__ = ["FIRST_STEPS", "draw_timeline", "draw_timelines"]

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
