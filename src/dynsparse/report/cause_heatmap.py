"""Cause heat map: why each element of the Jacobian is zero, as colour and letter."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.path import Path
from matplotlib.textpath import TextPath

from dynsparse.analysis.cause_counts import CauseCounts
from dynsparse.analysis.cause_record import CauseRecord
from dynsparse.physics.zero_labels import ZERO_LABELS
from dynsparse.report.block_layout import BlockLayout, CellLook
from dynsparse.report.cause_looks import LOOKS, look_of_cause
from dynsparse.report.heatmap import name_cells

__all__ = ["draw_cause_block", "draw_cause_heatmap"]

_PALE = 0.62
"""How much white is mixed into the colour of an element that is not always zero."""

_LARGE, _SMALL = 0.62, 0.42
"""Height of a letter as a share of its cell, of an element that is always zero and of another one."""

_NEVER = (0.97, 0.97, 0.97)

_LOOK = CellLook()

# Inches.
_LEGEND_LINE = 0.14


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
        A figure fit for print, one column of a paper wide where its elements fit in, or both.
    """
    used = _used(record)
    legend = _LEGEND_LINE * (len(used) + 1)
    layout = BlockLayout.of(record.state_names, record.action_names, below=0.1 + legend, lines=3)
    lines = [
        f"most frequent cause of zeros, {record.rows:,} rows, zero: |x| < {record.atol:g}",
        "large, full colour: zero in each of these rows",
        "small, pale: in some",
    ]
    figure = layout.figure(record.environment, lines)
    first = layout.state_axes(figure)
    draw_cause_block(first, record.state, record.state_names, record.state_names, look=layout.look)
    first.set_title("∂s'/∂s", fontsize=8)
    first.set_ylabel("next state s'", fontsize=7.5)
    first.set_xlabel("state s", fontsize=7.5)
    if record.action_names:
        names = record.action_names
        second = layout.action_axes(figure)
        draw_cause_block(second, record.action, record.state_names, names, label_rows=False, look=layout.look)
        second.set_title("∂s'/∂a", fontsize=8)
        second.set_xlabel("action a", fontsize=7.5)
    figure.legend(
        handles=_legend(used), loc="lower center", ncols=1 if layout.is_narrow else 2, frameon=False, fontsize=6.5,
        handlelength=1.2, borderaxespad=0.2, labelspacing=0.3,
    )  # fmt: skip
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
