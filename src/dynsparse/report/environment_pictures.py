"""Environment pictures: what the environments look like, in the order of the paper's Figure 1; and Figure 2."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from functools import partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dynsparse.analysis.picture_record import PictureRecord
from dynsparse.report.figure import new_figure
from dynsparse.report.interaction_diagram import interaction_item
from dynsparse.report.item import FigureItem, Part
from dynsparse.report.panel_grid import BOTH_COLUMNS
from dynsparse.report.quantities import number

__all__ = ["FIGURE_1", "draw_pictures", "pictures_part"]

FIGURE_1 = (
    "BallInCup", "CartpoleBalance", "CheetahRun", "ReacherHard", "FingerSpin", "FingerTurnEasy", "WalkerRun",
    "SwimmerSwimmer6",
)  # fmt: skip
"""The paper's order: four above, four below."""

_COLUMNS = 4
_HEIGHT = 1.5
_NOT_MEASURED = "no picture on record"


def pictures_part(records: Mapping[str, PictureRecord], expected: Sequence[str] | None = None) -> Part:
    """Make the part of the report that shows what was measured.

    Args:
        records: Pictures by environment.
        expected: Names of the environments that there should be; None for those with a record.

    Returns:
        The part: Figures 1 and 2.
    """
    names = _ordered(records if expected is None else (*expected, *records))
    lacking = _lacking(records, names)
    if not lacking:
        told = f"There is a frame of {f'each of {len(names):,} environments' if len(names) > 1 else names[0]}."
    else:
        told = f"There is a frame of {len(names) - len(lacking)} of {number(len(names), 'environment')}. " + " ".join(
            f"There is none of {name}: {_sentence(reason)}" for name, reason in lacking.items()
        )
    drawn = {record.drawn_by for record in records.values() if record.drawn_by}
    by = f" MuJoCo drew them with {', '.join(sorted(drawn))}." if drawn else ""
    figure = FigureItem(
        name="figure-1",
        title="The environments",
        source="Figure 1",
        content=f"A frame of each of {', '.join(names)}, in rows of {_COLUMNS}.",
        sentences=(f"Each in the midst of the first episode of its data set. {told}{by}",),
        draw=partial(draw_pictures, records, names),
    )
    return Part("pictures", "The environments", (told,), (figure, interaction_item()))


def draw_pictures(records: Mapping[str, PictureRecord], names: Sequence[str]) -> Figure:
    """Draw a frame of each environment; where there is none, a box that says why.

    Args:
        records: Pictures by environment.
        names: Which, in their order.

    Returns:
        The figure, both columns of a paper wide.
    """
    columns = min(_COLUMNS, len(names))
    rows = -(-len(names) // columns)
    figure = new_figure("", BOTH_COLUMNS * columns / _COLUMNS, _HEIGHT * rows)
    figure.suptitle("")
    figure.set_layout_engine("constrained", h_pad=0.02, w_pad=0.02, hspace=0.0, wspace=0.0)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for empty in panels[len(names) :]:
        empty.set_axis_off()
    for axes, name in zip(panels, names, strict=False):
        _draw_one(axes, name, records.get(name))
    return figure


def _draw_one(axes: Axes, name: str, record: PictureRecord | None) -> None:
    axes.set_title(name, fontsize=8.0, pad=3.0)
    axes.set_xticks([])
    axes.set_yticks([])
    if record is not None and record.frame.size:
        axes.imshow(record.frame, interpolation="lanczos")
        axes.set_axis_off()
        return
    for spine in axes.spines.values():
        spine.set_visible(True)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_aspect(0.75)
    reason = _NOT_MEASURED if record is None else record.missing
    lines = textwrap.wrap(f"not drawn: {reason}", 30)
    told = [*lines[:6], "…"] if len(lines) > 7 else lines
    axes.text(0.5, 0.5, "\n".join(told), ha="center", va="center", fontsize=6.0, style="italic")


def _ordered(names: Sequence[str] | Mapping[str, PictureRecord]) -> tuple[str, ...]:
    """Return the paper's in its order, then the others, each once."""
    known = tuple(dict.fromkeys(names))
    return (*(name for name in FIGURE_1 if name in known), *(name for name in known if name not in FIGURE_1))


def _lacking(records: Mapping[str, PictureRecord], names: Sequence[str]) -> dict[str, str]:
    found = {name: _NOT_MEASURED if name not in records else records[name].missing for name in names}
    return {name: reason for name, reason in found.items() if reason}


def _sentence(reason: str) -> str:
    return reason if reason.endswith(".") else f"{reason}."
