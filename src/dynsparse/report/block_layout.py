"""Block layout: where both blocks of a Jacobian stand in a figure as wide as one column of a paper, or as both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from dynsparse.report.figure import STYLE, WIDTH
from dynsparse.report.panel_grid import BOTH_COLUMNS

__all__ = ["BlockLayout", "CellLook"]

# Inches: between names and cells; what is left of the names, between the blocks and at the edge.
_TO_CELLS = 0.07
_BESIDE, _GAP, _EDGE = 0.32, 0.22, 0.08
# Sides of a cell, inches: the least in one column of a paper, the least at all, and the largest.
_LEAST_NARROW, _LEAST, _LARGEST = 0.185, 0.118, 0.36
# A cell of this side holds "99" in letters of 6 points; a larger one of 7.
_NUMBERS, _LARGE_NUMBERS = 0.18, 0.27
_LINE = 0.14


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


@dataclass(frozen=True)
class BlockLayout:
    """Places of a figure of both blocks, inches.

    Attributes:
        width: Of the figure: one column of a paper, both, or more where not even these hold the names.
        height: Of the figure.
        left: Where the first block begins.
        bottom: Where both blocks begin.
        below: Room below the names of the columns.
        states: Rows of both blocks, and columns of the first.
        actions: Columns of the second.
        look: How large everything is.
    """

    width: float
    height: float
    left: float
    bottom: float
    below: float
    states: int
    actions: int
    look: CellLook

    @classmethod
    def of(cls, state_names: Sequence[str], action_names: Sequence[str], *, below: float, lines: int) -> BlockLayout:
        """Choose the width by the names and the number of elements.

        Args:
            state_names: (ds,) names of the outputs and of the first block's inputs.
            action_names: (da,) names of the second block's inputs.
            below: Room to leave below the names of the columns, inches.
            lines: Lines of small print below the title in one column of a paper; one less over both.

        Returns:
            The layout.
        """
        states, actions = len(state_names), len(action_names)
        width, label, least = WIDTH, 6.5, _LEAST_NARROW
        for width, label, least in ((WIDTH, 6.5, _LEAST_NARROW), (BOTH_COLUMNS, 7.0, _LEAST)):
            longest = _TO_CELLS + max(_width(name, label) for name in (*state_names, *action_names))
            around = longest + _BESIDE + (_GAP if actions else 0.0) + _EDGE
            cell = (width - around) / (states + actions)
            if cell >= least:
                break
        cell = min(max(cell, _LEAST), _LARGEST)
        width = max(width, around + cell * (states + actions))
        spare = (width - around - cell * (states + actions)) / 2
        number = None if cell < _NUMBERS else 7.0 if cell >= _LARGE_NUMBERS else 6.0
        look = CellLook(cell, label, number, 0.8 if cell >= _NUMBERS else 0.35)
        top = 0.5 + _LINE * (lines if width == WIDTH else max(lines - 1, 1))
        bottom = longest + 0.22 + below
        height = top + cell * states + bottom
        return cls(width, height, longest + _BESIDE + spare, bottom, below, states, actions, look)

    @property
    def is_narrow(self) -> bool:
        """Whether it is one column of a paper wide."""
        return self.width == WIDTH

    def figure(self, title: str, lines: Sequence[str]) -> Figure:
        """Make the figure with a title and small print below it."""
        figure = Figure(figsize=(self.width, self.height))
        FigureCanvasAgg(figure)
        height, size = self.height, 8.5 if self.is_narrow else 9.5
        figure.text(0.5, 1 - 0.08 / height, title, ha="center", va="top", fontsize=size, fontweight="bold")
        said = "\n".join(lines) if self.is_narrow else ", ".join(lines)
        figure.text(0.5, 1 - 0.28 / height, said, ha="center", va="top", fontsize=6.5, linespacing=1.3)
        return figure

    def state_axes(self, figure: Figure) -> Axes:
        """Add the axes of the first block."""
        return self._block(figure, self.left, self.states)

    def action_axes(self, figure: Figure) -> Axes:
        """Add the axes of the second block."""
        return self._block(figure, self.left + self.look.cell * self.states + _GAP, self.actions)

    def bar_axes(self, figure: Figure, above_bottom: float) -> Axes:
        """Add the axes of a flat colour bar, its lower side so far above the bottom, inches."""
        inside = min(2.4, self.width - 2 * _BESIDE)
        start = (self.width - inside) / 2
        return figure.add_axes(
            (start / self.width, above_bottom / self.height, inside / self.width, 0.09 / self.height)
        )

    def _block(self, figure: Figure, x: float, cells: int) -> Axes:
        cell, width, height = self.look.cell, self.width, self.height
        return figure.add_axes((x / width, self.bottom / height, cell * cells / width, cell * self.states / height))


def _width(name: str, points: float) -> float:
    """Return how wide a name is, inches: a guess by its letters leaves gaps, or cuts it."""
    font = FontProperties(family=STYLE["font.family"], size=points)
    return float(text_to_path.get_text_width_height_descent(name, font, ismath=False)[0]) / 72.0
