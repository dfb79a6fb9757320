"""Figure: the look that all figures share, and how one becomes a file of the same bytes every time."""

from __future__ import annotations

import io
import os
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from dynsparse.errors import InputError
from dynsparse.report.files import write_file

__all__ = [
    "BLOCK_LOOKS",
    "STYLE",
    "WIDTH",
    "BlockLook",
    "drawn_once",
    "mark",
    "new_figure",
    "new_panels",
    "render",
    "write_pair",
]

WIDTH = 3.4
"""Width of a figure in inches: one column of a two-column paper, and a telephone's screen."""

# Colours of Okabe and Ito, which remain distinct for the colour-blind.
_BLUE, _VERMILLION, _GREY = "#0072B2", "#D55E00", "#333333"

STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 8.0,
    "axes.titlesize": 8.0,
    "axes.labelsize": 8.0,
    "xtick.labelsize": 7.0,
    "ytick.labelsize": 7.0,
    "legend.fontsize": 7.0,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "hatch.linewidth": 0.8,
    "pdf.fonttype": 42,
    "svg.hashsalt": "dynsparse",
    # A dollar sign in a name is a dollar sign.
    "text.parse_math": False,
}

# For screens and web pages; print takes the PDF.
_DPI = 200

# What differs from run to run is left out of each file.
_METADATA: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Producer": None, "Creator": "dynsparse"},
    "svg": {"Date": None, "Creator": None, "Format": None, "Type": None},
}

# matplotlib's settings are global to the process, and environments finish in several threads.
_ONE_AT_A_TIME = threading.Lock()

_PLAIN_NAME = re.compile(r"\w[\w.+-]*", re.ASCII)


@dataclass(frozen=True)
class BlockLook:
    """How one block of the Jacobian looks in every figure; in grey, line and hatch tell the blocks apart.

    Attributes:
        name: ``"state"``, ``"action"`` or ``"combined"``, as in the fields of the analysis.
        label: What is written on paper.
        colour: Of lines and bars.
        line: Line style.
        hatch: Of bars.
    """

    name: str
    label: str
    colour: str
    line: str
    hatch: str


BLOCK_LOOKS = (
    BlockLook("state", "∂s'/∂s", _BLUE, "-", ""),
    BlockLook("action", "∂s'/∂a", _VERMILLION, "--", "//////"),
    BlockLook("combined", "both", _GREY, "-.", "......"),
)


def new_panels(
    title: str, count: int, *, height: float, share_x: bool = True, share_y: bool = False
) -> tuple[Figure, Sequence[Axes]]:
    """Make a figure one column wide with panels one above the other.

    Args:
        title: Written above all panels.
        count: Number of panels.
        height: Height of the figure, inches.
        share_x: Whether the panels have one horizontal axis.
        share_y: Whether the panels have the same vertical axis.

    Returns:
        The figure and its panels from top to bottom.
    """
    figure = new_figure(title, WIDTH, height)
    panels = figure.subplots(count, 1, sharex=share_x, sharey=share_y, squeeze=False)[:, 0]
    return figure, list(panels)


def new_figure(title: str, width: float, height: float) -> Figure:
    """Make an empty figure.

    Args:
        title: Written above all.
        width: Inches.
        height: Inches.

    Returns:
        The figure.
    """
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=8.5, fontweight="bold")
    return figure


def mark(axes: Axes, position: float, label: str) -> None:
    """Mark a place on the horizontal axis by a dashed line, named above the axes where nothing can cover it.

    Args:
        axes: Where to draw.
        position: The place, in the units of the axis.
        label: What it is, with its value.
    """
    line = axes.axvline(position, color="black", linestyle=(0, (4, 2)), linewidth=0.9, zorder=3)
    # A white rim keeps it visible in front of dark bars.
    line.set_path_effects([withStroke(linewidth=2.2, foreground="white")])
    axes.set_title(f"╎ {label}", loc="right", fontsize=7.0)


def drawn_once(draw: Callable[[], Figure]) -> Callable[[], Figure]:
    """Draw and lay out once: three formats, each with a layout of its own, take twice as long.

    Args:
        draw: Draws the figure.

    Returns:
        Gives the figure that was drawn at the first call.
    """

    @cache
    def settled() -> Figure:
        figure = draw()
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
        return figure

    return settled


def render(make: Callable[[], Figure], formats: Sequence[str]) -> tuple[bytes, ...]:
    """Draw a figure into bytes: the same data give the same bytes, whatever the user's own settings are.

    Args:
        make: Draws the figure.
        formats: ``"png"``, ``"pdf"`` or ``"svg"``.

    Returns:
        The content of one file a format.
    """
    contents = []
    # "default" first: what a user's matplotlibrc says must not change the picture.
    with _ONE_AT_A_TIME, matplotlib.style.context(["default", STYLE]):
        figure = make()
        for kind in formats:
            content = io.BytesIO()
            figure.savefig(content, format=kind, dpi=_DPI, metadata=_METADATA[kind])
            contents.append(content.getvalue())
    return tuple(contents)


def write_pair(make: Callable[[], Figure], folder: str | os.PathLike[str], name: str) -> tuple[Path, Path]:
    """Write a figure as PNG and as PDF with its fonts embedded.

    Args:
        make: Draws the figure.
        folder: Folder to write into; made where it is missing.
        name: Name of the files without suffix.

    Returns:
        Paths of the PNG and of the PDF file.

    Raises:
        InputError: If the name is not a plain one: it may come from a file, and must not lead out of the folder.
        OutputError: If the folder can not be written.
    """
    if not _PLAIN_NAME.fullmatch(name):
        raise InputError(
            f"expected a file name of letters, digits, '.', '+', '-' and '_', got {name!r}; rename the environment"
        )
    png, pdf = render(make, ("png", "pdf"))
    target = Path(folder) / name
    return (
        write_file(target.with_name(f"{name}.png"), png),
        write_file(target.with_name(f"{name}.pdf"), pdf),
    )
