"""Heat map: the share of rows in which each element of the Jacobian is zero (Figures 2 and 3 of the paper)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Patch, Rectangle
from numpy.typing import NDArray

from dynsparse.analysis.sparsity_report import SparsityReport
from dynsparse.report.figure import write_pair

__all__ = ["CellLook", "draw_block", "draw_heatmap", "heatmap_look", "name_cells", "write_heatmap"]

# Perceptually uniform and readable in grey; reversed, so that the usual case (never zero) costs no ink.
_COLOURS = "magma_r"

# Inches: a letter of a variable name of 7 points, and the width that title and legend need.
_LETTER = 0.075
_NARROWEST = {"state": 4.6, "tangent": 6.9}


@dataclass(frozen=True)
class CellLook:
    """How large everything is.

    Attributes:
        cell: Side of an element, inches.
        label: Size of the names, points.
        number: Size of the numbers in the cells, points; None for none.
        line: Width of the lines between the cells, points.
    """

    cell: float = 0.26
    label: float = 7.0
    number: float | None = 6.0
    line: float = 0.8


def heatmap_look(states: int) -> CellLook:
    """Choose sizes: with many elements names stay readable on one screen, where numbers in the cells would not."""
    if states <= 10:
        return CellLook(0.36, 7.0, 7.0, 0.8)
    return CellLook(0.26, 7.0, 5.6, 0.8) if states <= 30 else CellLook(0.13, 6.5, None, 0.35)


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
    look: CellLook = CellLook(),
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
        A figure fit for print; its size follows the number of elements.
    """
    states, actions = len(record.state_names), len(record.action_names)
    look = heatmap_look(states)
    cell = look.cell
    longest = _LETTER * look.label / 7.0 * max(len(name) for name in (*record.state_names, *record.action_names))
    left, top, bottom, right, gap = longest + 0.35, 0.82, longest + 0.62, 1.05, 0.3
    width = left + cell * (states + actions) + gap + right
    height = top + cell * states + bottom
    # The text above and below the blocks is wider than the blocks of a small environment.
    spare = max(0.0, _NARROWEST[record.coordinates] - width) / 2
    width, left = width + 2 * spare, left + spare
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)

    def place(x: float, cells: float) -> Axes:
        return figure.add_axes((x / width, bottom / height, cells / width, cell * states / height))

    second = left + cell * states + gap
    blocks = record.global_sparsity
    first_axes = place(left, cell * states)
    image = draw_block(first_axes, blocks.state.zero_frequency, record.state_names, record.state_names, look=look)
    second_axes = place(second, cell * actions)
    draw_block(
        second_axes,
        blocks.action.zero_frequency,
        record.state_names,
        record.action_names,
        label_rows=False,
        look=look,
    )
    first_axes.set_title("∂s'/∂s", fontsize=9)
    second_axes.set_title("∂s'/∂a", fontsize=9)
    first_axes.set_ylabel("next state s'")
    first_axes.set_xlabel("state s")
    second_axes.set_xlabel("action a")
    bar = figure.colorbar(image, cax=place(second + cell * actions + 0.2, 0.13))
    bar.set_label("share of rows at zero", labelpad=5)
    bar.outline.set_visible(False)
    bar.set_ticks([0.0, 0.25, 0.5, 0.75, 1.0])
    figure.text(0.5, 1 - 0.1 / height, record.environment, ha="center", va="top", fontsize=10, fontweight="bold")
    figure.text(0.5, 1 - 0.3 / height, _subtitle(record), ha="center", va="top", fontsize=7.5)
    figure.legend(
        handles=_legend(numbers=look.number is not None),
        loc="lower center",
        ncols=2,
        frameon=False,
        fontsize=7.5,
        handlelength=1.4,
    )
    return figure


def write_heatmap(record: SparsityReport, folder: str | os.PathLike[str]) -> tuple[Path, Path]:
    """Write the heat map as PNG and PDF; the same record gives the same bytes.

    Args:
        record: The analysis as read from its files.
        folder: Folder to write ``<environment>.png`` and ``<environment>.pdf`` into.

    Returns:
        Paths of the PNG and of the PDF file.

    Raises:
        InputError: If the environment's name is no name for a file.
        OutputError: If the folder can not be written.
    """
    return write_pair(lambda: draw_heatmap(record), folder, record.environment)


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
        Patch(facecolor=dark, edgecolor="white", hatch="////", linewidth=0.0, label="zero in every row (Table 1)"),
        Patch(
            facecolor=light, edgecolor="none", label=f"zero in no row{'; numbers: percent of rows' if numbers else ''}"
        ),
    ]


def _subtitle(record: SparsityReport) -> str:
    rows = record.rows - record.nonfinite_rows
    left_out = f", {record.nonfinite_rows:,} non-finite left out" if record.nonfinite_rows else ""
    tangent = ", tangent coordinates (rx, ry, rz: rotation vectors)" if record.coordinates == "tangent" else ""
    return (
        f"{rows:,} rows{left_out}, {record.policy} policy, {record.derivative} derivative, "
        f"zero: |x| < {record.atol:g}{tangent}"
    )
