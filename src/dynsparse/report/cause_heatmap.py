"""Cause heat map: why each element of the Jacobian is zero, as colour and letter."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.path import Path
from matplotlib.textpath import TextPath

from dynsparse.analysis.cause_counts import CauseCounts
from dynsparse.analysis.cause_record import CauseRecord
from dynsparse.physics.zero_labels import ZERO_LABELS
from dynsparse.report.cause_looks import LOOKS, look_of_cause
from dynsparse.report.heatmap import CellLook, heatmap_look, name_cells

__all__ = ["draw_cause_block", "draw_cause_heatmap"]

_PALE = 0.62
"""How much white is mixed into the colour of an element that is not always zero."""

_LARGE, _SMALL = 0.62, 0.42
"""Height of a letter as a share of its cell, of an element that is always zero and of another one."""

_NEVER = (0.97, 0.97, 0.97)

_LOOK = CellLook()

# Inches: a letter of a variable name of 7 points, and the width that title and legend need.
_LETTER = 0.075
_NARROWEST = 4.6
_LEGEND_LINE = 0.16


def draw_cause_block(
    axes: Axes,
    counts: CauseCounts,
    row_names: Sequence[str],
    column_names: Sequence[str],
    *,
    label_rows: bool = True,
    look: CellLook = _LOOK,
) -> None:
    """Draw one block: colour and letter say why an element is zero, large and full colour that it is in every row.

    Args:
        axes: Where to draw.
        counts: Why its elements are zero.
        row_names: (rows,) names of the outputs.
        column_names: (columns,) names of the inputs.
        label_rows: Whether to write the names of the outputs.
        look: How large everything is.
    """
    rows, columns = counts.constraint.shape
    dominant, always = counts.dominant, counts.always_zero
    colours = np.empty((rows, columns, 3))
    colours[:] = _NEVER
    for cause in LOOKS:
        chosen = dominant == ZERO_LABELS.index(cause.name)
        full = np.array(to_rgb(cause.colour))
        colours[chosen & always] = full
        colours[chosen & ~always] = full + _PALE * (1 - full)
    axes.imshow(colours, aspect="equal", interpolation="nearest")
    name_cells(axes, row_names, column_names, label_rows=label_rows, look=look)
    size = 72 * look.cell
    for cause in LOOKS:
        chosen = dominant == ZERO_LABELS.index(cause.name)
        _letters(axes, chosen & always, cause.letter, cause.ink, _LARGE * size)
        _letters(axes, chosen & ~always, cause.letter, "black", _SMALL * size)


def draw_cause_heatmap(record: CauseRecord) -> Figure:
    """Draw both blocks of one environment side by side.

    Args:
        record: Its causes.

    Returns:
        A figure fit for print; its size follows the number of elements.
    """
    states, actions = len(record.state_names), len(record.action_names)
    look = heatmap_look(states)
    cell, used = look.cell, _used(record)
    longest = _LETTER * look.label / 7.0 * max(len(name) for name in (*record.state_names, *record.action_names))
    legend = _LEGEND_LINE * (1 + (len(used) + 1) // 2)
    left, top, bottom, right, gap = longest + 0.35, 0.82, longest + 0.32 + legend, 0.25, 0.3
    width = left + cell * (states + actions) + gap + right
    height = top + cell * states + bottom
    spare = max(0.0, _NARROWEST - width) / 2
    width, left = width + 2 * spare, left + spare
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)

    def place(x: float, cells: int) -> Axes:
        return figure.add_axes((x / width, bottom / height, cell * cells / width, cell * states / height))

    first = place(left, states)
    draw_cause_block(first, record.state, record.state_names, record.state_names, look=look)
    first.set_title("∂s'/∂s", fontsize=9)
    first.set_ylabel("next state s'")
    first.set_xlabel("state s")
    if actions:
        second = place(left + cell * states + gap, actions)
        draw_cause_block(second, record.action, record.state_names, record.action_names, label_rows=False, look=look)
        second.set_title("∂s'/∂a", fontsize=9)
        second.set_xlabel("action a")
    figure.text(0.5, 1 - 0.1 / height, record.environment, ha="center", va="top", fontsize=10, fontweight="bold")
    said = f"most frequent cause of zeros, {record.rows:,} rows, zero: |x| < {record.atol:g}"
    figure.text(0.5, 1 - 0.3 / height, said, ha="center", va="top", fontsize=7.5)
    figure.legend(
        handles=_legend(used),
        title=f"large, full colour: zero in each of the {record.rows:,} rows explained; small, pale: in some",
        loc="lower center",
        ncols=2,
        frameon=False,
        fontsize=7.5,
        title_fontsize=7.5,
        handlelength=1.2,
    )
    return figure


def _letters(axes: Axes, where: np.ndarray, letter: str, ink: str, size: float) -> None:
    """Write one letter into many cells: one marker, because thousands of texts would make a page of megabytes."""
    rows, columns = where.nonzero()
    if rows.size:
        axes.plot(columns, rows, linestyle="none", marker=_glyph(letter), markersize=size, color=ink, markeredgewidth=0)


def _glyph(letter: str) -> Path:
    """Return a capital's outline, centred; a marker is scaled by its height, which is that of all capitals."""
    outline = TextPath((0, 0), letter, size=1.0)
    box = outline.get_extents()
    return Path(outline.vertices - [(box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2], outline.codes)


def _used(record: CauseRecord) -> list[str]:
    """Return the labels that dominate some element."""
    found = {*record.state.dominant.reshape(-1).tolist(), *record.action.dominant.reshape(-1).tolist()}
    return [look.name for look in LOOKS if ZERO_LABELS.index(look.name) in found]


def _legend(used: Sequence[str]) -> list[Patch]:
    looks = [look_of_cause(name) for name in used]
    named = [Patch(facecolor=look.colour, label=f"{look.letter}  {look.title}") for look in looks]
    return [
        *named,
        Patch(facecolor=_NEVER, edgecolor="0.6", linewidth=0.5, label="never zero"),
    ]
