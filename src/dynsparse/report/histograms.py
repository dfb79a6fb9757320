"""Histograms: how sparse the rows are (Figures 5 and A3.2 of the paper)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import ScaledTranslation

from dynsparse.analysis import LocalBlock, SparsityReport
from dynsparse.report.figure import BLOCK_LOOKS, BlockLook, new_panels
from dynsparse.report.panel_grid import lowest, new_grid
from dynsparse.report.threshold_sentences import titled_zero

__all__ = ["draw_all_histograms", "draw_histogram", "draw_histograms"]

# A bar must be seen where a block has hundreds of attainable values: in parts of the axis.
_THINNEST = 0.008
# And beside the frame, whose line a thinner one would merge with.
_THINNEST_OUTERMOST = 0.016
_BAR = 0.86
# A block of four elements would have bars as wide as a quarter of the axis: bars on an axis, at least.
_WIDEST = 12
# Of the mean's mark, points, and of the title above it.
_TRIANGLE, _PAD = 4.5, 8.0


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
    _mark_mean(axes, 100.0 * block.sparsity_mean)


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
    figure, panels = new_grid(
        titled_zero("Sparsity of both blocks together", reports), len(reports), height=1.35, share_y=False
    )
    (look,) = (look for look in BLOCK_LOOKS if look.name == "combined")
    for axes, report in zip(panels, reports, strict=True):
        block = report.local.combined
        draw_histogram(axes, block, look, _axis_end([block]))
        # The mean stands below the name: beside it there is no room.
        axes.set_title("", loc="right")
        mean = f"\N{BLACK DOWN-POINTING TRIANGLE} mean {100.0 * block.sparsity_mean:.1f} %"
        axes.set_title(f"{report.environment}\n{mean}", loc="left", fontsize=7.5, pad=_PAD)
        axes.locator_params(axis="x", nbins=4)
    for axes in lowest(panels):
        axes.set_xlabel("elements at zero, %", fontsize=7.5)
    figure.supylabel("rows, %", fontsize=8)
    return figure


def _mark_mean(axes: Axes, percent: float) -> None:
    """Mark the mean by a triangle above the axes: a line would hide the bar, where there is one only."""
    # Its tip touches the frame; points are 1/72 inch.
    above = ScaledTranslation(0.0, (_TRIANGLE / 2 + 0.5) / 72, axes.figure.dpi_scale_trans)
    axes.plot(
        [percent],
        [1.0],
        transform=axes.get_xaxis_transform() + above,
        marker="v",
        markersize=_TRIANGLE,
        markeredgewidth=0.0,
        color="black",
        clip_on=False,
        zorder=5,
    )
    axes.set_title(f"\N{BLACK DOWN-POINTING TRIANGLE} mean {percent:.1f} %", loc="right", fontsize=7.0, pad=_PAD)


def _axis_end(blocks: list[LocalBlock]) -> float:
    """Return the end of the common axis: the next multiple of ten that leaves room for the last bar."""
    largest = 0.0
    for block in blocks:
        seen = np.flatnonzero(block.histogram_counts)
        if len(seen):
            largest = max(largest, 100.0 * float(block.histogram_edges[seen[-1] + 1]))
    return min(100.0, max(10.0, 10.0 * math.ceil(round(largest / 10.0, 6))))
