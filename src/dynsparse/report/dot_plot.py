"""Dot plot: one line a loss or referee, a marker at its value and a bar from end to end of its interval."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from dynsparse.report.comparison import Comparison, Score
from dynsparse.report.loss_looks import LossLook, look_of
from dynsparse.report.zero_axis import ZeroAxis

__all__ = ["DotRow", "draw_rows", "numbers_of", "rows_of"]

_MISSING = "0.35"

# Half the distance between two scores of one line, in lines.
_APART = 0.17


@dataclass(frozen=True)
class DotRow:
    """One line of a dot plot.

    Attributes:
        look: Name, colour and marker.
        score: What is drawn.
        other: A second score of the same loss, drawn hollow above the first; None for none.
        ticks: Values of the single environments, drawn small.
    """

    look: LossLook
    score: Score
    other: Score | None = None
    ticks: tuple[float, ...] = ()


def rows_of(comparison: Comparison, environment: str | None, names: Iterable[str]) -> list[DotRow]:
    """Return a line for each loss or referee that is named.

    Args:
        comparison: The metric.
        environment: Which; None for all of them, each of which then is a tick.
        names: Losses and referees.

    Returns:
        The lines.
    """
    rows = []
    for name in names:
        ticks: tuple[float, ...] = ()
        if environment is None and len(comparison.environments) > 1:
            found = (comparison.score(name, one).estimate.value for one in comparison.environments)
            ticks = tuple(value for value in found if value is not None)
        rows.append(DotRow(look_of(name), comparison.score(name, environment), ticks=ticks))
    return rows


def numbers_of(rows: Iterable[DotRow]) -> list[float | None]:
    """Return every number that the lines show, to find the ends of an axis."""
    found: list[float | None] = []
    for row in rows:
        for score in (row.score, row.other):
            if score is not None:
                found += [score.estimate.value, score.estimate.low, score.estimate.high]
        found += row.ticks
    return found


def draw_rows(axes: Axes, rows: Sequence[DotRow], axis: ZeroAxis | None = None) -> None:
    """Draw lines from top to bottom, named at the left, with what lacks at the right.

    Args:
        axes: Where to draw.
        rows: The lines.
        axis: A logarithmic axis; None for a linear one, whose ends the caller sets.
    """
    for height, row in enumerate(rows):
        axes.axhline(height, color="0.88", linewidth=0.5, zorder=0.5)
        if row.ticks:
            places = _place(axis, row.ticks)
            axes.plot(places, np.full(len(places), height), "|", color="0.65", markersize=4, markeredgewidth=0.6)
        apart = 0.0 if row.other is None else _APART
        if row.other is not None:
            _draw_score(axes, height - apart, row.other, row.look, axis, hollow=True)
        _draw_score(axes, height + apart, row.score, row.look, axis, hollow=not row.look.is_loss)
        if row.score.estimate.value is None and (row.other is None or row.other.estimate.value is None):
            axes.text(
                0.5, height, row.score.lacks, transform=axes.get_yaxis_transform(), ha="center", va="center",
                fontsize=6.5, color=_MISSING, style="italic",
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.0},
            )  # fmt: skip
        elif row.score.counted:
            axes.text(
                1.01, height, row.score.counted, transform=axes.get_yaxis_transform(), ha="left", va="center",
                fontsize=6.0, color=_MISSING,
            )  # fmt: skip
    axes.set_yticks(range(len(rows)), [row.look.label for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    if axis is not None:
        axis.dress(axes, "x")


def _draw_score(
    axes: Axes, height: float, score: Score, look: LossLook, axis: ZeroAxis | None, *, hollow: bool
) -> None:
    estimate = score.estimate
    if estimate.value is None:
        return
    if estimate.low is not None and estimate.high is not None:
        axes.plot(
            _place(axis, (estimate.low, estimate.high)), (height, height), color=look.colour, linewidth=1.1,
            marker="|", markersize=7.0, markeredgewidth=1.1,
        )  # fmt: skip
    axes.plot(
        _place(axis, (estimate.value,)), (height,), color=look.colour, marker=look.marker, markersize=4.0,
        markerfacecolor="white" if hollow else look.colour, markeredgewidth=0.9, linestyle="none",
        # Half a marker may stand beyond the end of an axis, at a best possible value for example.
        clip_on=False, zorder=3,
    )  # fmt: skip


def _place(axis: ZeroAxis | None, values: Sequence[float]) -> np.ndarray:
    array = np.asarray(values, dtype=np.float64)
    return array if axis is None else axis.place(array)
