"""Histograms: how sparse the rows are (Figures 5 and A3.2 of the paper)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dynsparse.analysis import LocalBlock, SparsityReport
from dynsparse.report.figure import BLOCK_LOOKS, BlockLook, mark, new_panels
from dynsparse.report.panel_grid import lowest, new_grid

__all__ = ["draw_all_histograms", "draw_histogram", "draw_histograms"]

# A bar must be seen where a block has hundreds of attainable values: in parts of the axis.
_THINNEST = 0.008
# And beside the frame, whose line a thinner one would merge with.
_THINNEST_OUTERMOST = 0.016
_BAR = 0.86
# A block of four elements would have bars as wide as a quarter of the axis: bars on an axis, at least.
_WIDEST = 12


def draw_histogram(axes: Axes, block: LocalBlock, look: BlockLook, limit: float = 100.0) -> None:
    """Draw one bar for each sparsity that occurs, and mark the mean.

    Args:
        axes: Where to draw.
        block: Sparsity of one block over the finite rows.
        look: Label and colour.
        limit: Right end of the axis, percent of elements.
    """
    counts = block.histogram_counts
    seen = np.flatnonzero(counts)
    # One bin an attainable number of zeros: its centre is that number over the elements.
    percent = 50.0 * (block.histogram_edges[seen] + block.histogram_edges[seen + 1])
    widest = 100.0 * float(block.histogram_edges[1] - block.histogram_edges[0])
    width = max(_BAR * min(widest, limit / _WIDEST), _THINNEST * limit)
    share = 100.0 * counts[seen] / max(int(counts.sum()), 1)
    # No share lies below none or above all, and no bar reaches there: the outermost ones stand beside their share.
    outermost = (percent <= 0.0) | (percent >= 100.0)
    widths = np.where(outermost, max(width, _THINNEST_OUTERMOST * limit), width)
    left = np.clip(percent - widths / 2, 0.0, 100.0 - widths)
    axes.bar(left, share, width=widths, align="edge", color=look.colour, linewidth=0.0)
    axes.set_xlim(0.0, limit + (width / 2 if limit < 100.0 else 0.0))
    axes.set_ylim(0.0, None)
    axes.locator_params(axis="y", nbins=4)
    axes.set_title(look.label, loc="left")
    mark(axes, 100.0 * block.sparsity_mean, f"mean {100.0 * block.sparsity_mean:.1f} %")


def draw_histograms(report: SparsityReport) -> Figure:
    """Draw the histograms of both blocks and of the two together, one above the other.

    Args:
        report: The analysis as read from its files.

    Returns:
        A figure fit for print.
    """
    figure, panels = new_panels(report.environment, len(BLOCK_LOOKS), height=3.6)
    blocks = [getattr(report.local, look.name) for look in BLOCK_LOOKS]
    limit = _axis_end(blocks)
    for axes, block, look in zip(panels, blocks, BLOCK_LOOKS, strict=True):
        draw_histogram(axes, block, look, limit)
    figure.supylabel("rows, %", fontsize=8)
    panels[-1].set_xlabel("elements at zero in a row, %")
    return figure


def draw_all_histograms(reports: Sequence[SparsityReport]) -> Figure:
    """Draw the histogram of both blocks together, a panel an environment, as the paper's Figure 5.

    Args:
        reports: Analyses as read from their files, one an environment.

    Returns:
        A figure over both columns of a paper, or over one where there is one environment.
    """
    figure, panels = new_grid("Sparsity of both blocks together", len(reports), height=1.35, share_y=False)
    (look,) = (look for look in BLOCK_LOOKS if look.name == "combined")
    for axes, report in zip(panels, reports, strict=True):
        block = report.local.combined
        draw_histogram(axes, block, look, _axis_end([block]))
        # The mean stands below the name: beside it there is no room.
        axes.set_title("", loc="right")
        axes.set_title(f"{report.environment}\nmean {100.0 * block.sparsity_mean:.1f} %", loc="left", fontsize=7.5)
        axes.locator_params(axis="x", nbins=4)
    for axes in lowest(panels):
        axes.set_xlabel("elements at zero, %", fontsize=7.5)
    figure.supylabel("rows, %", fontsize=8)
    return figure


def _axis_end(blocks: list[LocalBlock]) -> float:
    """Return the end of the common axis: the next multiple of ten that leaves room for the last bar."""
    largest = 0.0
    for block in blocks:
        seen = np.flatnonzero(block.histogram_counts)
        if len(seen):
            largest = max(largest, 100.0 * float(block.histogram_edges[seen[-1] + 1]))
    return min(100.0, max(10.0, 10.0 * math.ceil(round(largest / 10.0, 6))))
