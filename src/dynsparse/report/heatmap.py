"""Heat map: the share of rows in which each element of the Jacobian is zero (Figures 2 and 3 of the paper)."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Patch, Rectangle
from numpy.typing import NDArray

from dynsparse.analysis.sparsity_report import SparsityReport
from dynsparse.report.block_layout import BlockLayout, CellLook

__all__ = ["draw_block", "draw_heatmap", "name_cells"]

# Perceptually uniform and readable in grey; reversed, so that the usual case (never zero) costs no ink.
_COLOURS = "magma_r"

_LOOK = CellLook()

# Inches below the names of the columns: colour bar and legend.
_BELOW, _BAR_ABOVE = 0.76, 0.5


def name_cells(
    axes: Axes, row_names: Sequence[str], column_names: Sequence[str], *, label_rows: bool, look: CellLook
) -> None:
    """Name the rows and columns of an image of one cell an element, and draw white lines between the cells.

    Args:
        axes: Where the image is.
        row_names: (rows,) names of the outputs.
        column_names: (columns,) names of the inputs.
        label_rows: Whether to write the names of the outputs.
        look: How large everything is.
    """
    rows, columns = len(row_names), len(column_names)
    axes.set_xticks(range(columns), column_names, rotation=90)
    axes.set_yticks(range(rows), row_names if label_rows else [""] * rows)
    axes.tick_params(length=0, labelsize=look.label)
    # Minor ticks only carry the white lines between the cells.
    axes.set_xticks(np.arange(columns + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(rows + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=look.line)
    axes.tick_params(which="minor", length=0)
    axes.spines[:].set_visible(False)


def draw_block(
    axes: Axes,
    zero_frequency: NDArray[np.float64],
    row_names: Sequence[str],
    column_names: Sequence[str],
    *,
    label_rows: bool = True,
    look: CellLook = _LOOK,
) -> AxesImage:
    """Draw one block: colour and number say how often an element is zero, hatching that it always is.

    Args:
        axes: Where to draw.
        zero_frequency: (rows, columns) share of rows of data at zero, in [0, 1].
        row_names: (rows,) names of the outputs.
        column_names: (columns,) names of the inputs.
        label_rows: Whether to write the names of the outputs.
        look: How large everything is.

    Returns:
        The image, to hang a colour bar on.
    """
    image = axes.imshow(zero_frequency, cmap=_COLOURS, vmin=0.0, vmax=1.0, aspect="equal", interpolation="nearest")
    name_cells(axes, row_names, column_names, label_rows=label_rows, look=look)
    for (row, column), share in np.ndenumerate(zero_frequency):
        if share == 1.0:
            axes.add_patch(_always_zero_mark((column - 0.5, row - 0.5)))
        elif share > 0.0 and look.number is not None:
            colour = "white" if share > 0.45 else "black"
            axes.text(column, row, _percent(share), ha="center", va="center", color=colour, fontsize=look.number)
    return image


def draw_heatmap(record: SparsityReport) -> Figure:
    """Draw both blocks of one environment side by side, with one colour bar.

    Args:
        record: The analysis as read from its files.

    Returns:
        A figure fit for print, one column of a paper wide where its elements fit in, or both.
    """
    layout = BlockLayout.of(record.state_names, record.action_names, below=_BELOW, lines=2)
    look, blocks = layout.look, record.global_sparsity
    figure = layout.figure(record.environment, _subtitle(record))
    first = layout.state_axes(figure)
    image = draw_block(first, blocks.state.zero_frequency, record.state_names, record.state_names, look=look)
    first.set_title("∂s'/∂s", fontsize=8)
    first.set_ylabel("next state s'", fontsize=7.5)
    first.set_xlabel("state s", fontsize=7.5)
    if record.action_names:
        second = layout.action_axes(figure)
        frequency = blocks.action.zero_frequency
        draw_block(second, frequency, record.state_names, record.action_names, label_rows=False, look=look)
        second.set_title("∂s'/∂a", fontsize=8)
        second.set_xlabel("action a", fontsize=7.5)
    bar = figure.colorbar(image, cax=layout.bar_axes(figure, _BAR_ABOVE), orientation="horizontal")
    bar.outline.set_visible(False)
    bar.set_ticks([0.0, 0.25, 0.5, 0.75, 1.0], labels=["0", "25", "50", "75", "100"])
    bar.ax.tick_params(labelsize=6.5, length=2, pad=1.5)
    bar.ax.set_title("rows at zero, %", fontsize=7.0, pad=3)
    figure.legend(
        handles=_legend(numbers=look.number is not None),
        loc="lower center",
        ncols=1 if layout.is_narrow else 2,
        frameon=False,
        fontsize=6.5,
        handlelength=1.4,
        borderaxespad=0.2,
        labelspacing=0.3,
    )
    return figure


def _percent(share: float) -> str:
    """Write a share in whole percent that never rounds to none or to all."""
    if share < 0.01:
        return "<1"
    return ">99" if share > 0.99 else f"{100 * share:.0f}"


def _always_zero_mark(corner: tuple[float, float]) -> Rectangle:
    return Rectangle(corner, 1, 1, facecolor="none", edgecolor="white", hatch="////", linewidth=0.0)


def _legend(*, numbers: bool) -> list[Patch]:
    dark = matplotlib.colormaps[_COLOURS](1.0)
    light = matplotlib.colormaps[_COLOURS](0.0)
    return [
        Patch(
            facecolor=dark,
            edgecolor="white",
            hatch="////",
            linewidth=0.0,
            label="zero in every row (counted in Table 1)",
        ),
        Patch(
            facecolor=light, edgecolor="none", label=f"zero in no row{'; numbers: percent of rows' if numbers else ''}"
        ),
    ]


def _subtitle(record: SparsityReport) -> list[str]:
    rows = record.rows - record.nonfinite_rows
    left_out = f", {record.nonfinite_rows:,} non-finite left out" if record.nonfinite_rows else ""
    tangent = ", tangent coordinates" if record.coordinates == "tangent" else ""
    return [
        f"{rows:,} rows{left_out}, {record.policy} policy",
        f"{record.derivative} derivative, zero: |x| < {record.atol:g}{tangent}",
    ]
