"""Contact split: scores of the rows in which a constraint exerts force, beside those of all others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from dynsparse.report.comparison import Comparison, compare
from dynsparse.report.dot_plot import DotRow, draw_rows, numbers_of, rows_of
from dynsparse.report.learning_table import LearningTable
from dynsparse.report.loss_looks import EVERYTHING, look_of
from dynsparse.report.panel_grid import about_all, lowest, new_grid, rows_height, titled_split
from dynsparse.report.score_metrics import table_metrics
from dynsparse.report.seed_statistics import RESAMPLES
from dynsparse.report.zero_axis import zero_axis

__all__ = ["ContactPair", "contact_pair", "contact_split", "draw_contact", "draw_contact_by_environment"]

_ACTIVE, _INACTIVE = "contact.active.", "contact.inactive."

_PANELS = (
    ("prediction.mse", "one-step MSE", True),
    ("normalized.auprc", "AUPRC", False),
    ("normalized.leak", "leak", False),
)
"""Metric, what is written on paper, and whether its axis is logarithmic."""

_GREY, _CHANCE_LINE, _CHANCE_MARK = "0.35", (0, (2, 2)), "d"


@dataclass(frozen=True)
class ContactPair:
    """One metric of both groups of rows.

    Attributes:
        active: Of rows in which a constraint exerts force.
        inactive: Of the others.
    """

    active: Comparison
    inactive: Comparison


def contact_split(
    table: LearningTable, split: str, *, resamples: int = RESAMPLES, seed: int = 0
) -> Mapping[str, ContactPair]:
    """Average every score of normalized coordinates over seeds.

    Args:
        table: The runs.
        split: Test set.
        resamples: Of the bootstrap.
        seed: Of the bootstrap.

    Returns:
        Metric, without the group that its name begins with, -> both groups.
    """
    return {
        metric.name: contact_pair(table, metric.name, split, resamples=resamples, seed=seed)
        for metric in table_metrics("normalized")
        if table.has(metric.name, split) or not metric.optional
    }


def contact_pair(
    table: LearningTable, name: str, split: str, *, resamples: int = RESAMPLES, seed: int = 0
) -> ContactPair:
    """Average one metric of both groups of rows; over all environments, in runs that have it of both.

    Args:
        table: The runs.
        name: Dotted name without the group.
        split: Test set.
        resamples: Of the bootstrap.
        seed: Of the bootstrap.

    Returns:
        Both groups.
    """
    both = (f"{_ACTIVE}{name}", f"{_INACTIVE}{name}")
    # Else the mean over the environments that have contact would stand beside that over all, and differ by the others.
    whole, paired = (
        [
            compare(table, metric, split, also=also, environments=where, resamples=resamples, seed=seed)
            for metric in both
        ]
        for also, where in (((), table.environments), (both, (None,)))
    )
    return ContactPair(*(_with_overall(one, other) for one, other in zip(whole, paired, strict=True)))


def draw_contact(pairs: Mapping[str, ContactPair]) -> Figure:
    """Draw each metric over all environments, filled with contact and hollow without, and what it is by chance.

    Args:
        pairs: As ``contact_split`` gives them.

    Returns:
        A figure two columns wide.
    """
    first = pairs[_PANELS[0][0]].active
    title = f"{about_all(first.environments)}, {titled_split(first.split)}"
    figure, panels = new_grid(
        title, len(_PANELS), height=rows_height(len(first.losses)), columns=len(_PANELS), legend=True
    )
    for axes, (name, label, log) in zip(panels, _PANELS, strict=True):
        _draw_pair(axes, pairs[name], None, log=log)
        axes.set_xlabel(label)
    chances = [chance for name, _, log in _PANELS if not log for chance in _chances(pairs[name], None)]
    legend = [*_legend(), *([_chance_look()] if chances else [])]
    figure.legend(handles=legend, loc="outside lower center", ncols=3, frameon=False)
    return figure


def draw_contact_by_environment(pairs: Mapping[str, ContactPair]) -> Figure:
    """Draw the prediction error in every environment, filled with contact and hollow without.

    Args:
        pairs: As ``contact_split`` gives them.

    Returns:
        A figure with a panel an environment.
    """
    name, label, log = _PANELS[0]
    first = pairs[name].active
    title = f"Prediction error, {titled_split(first.split)}"
    figure, panels = new_grid(title, len(first.environments), height=rows_height(len(first.losses)), legend=True)
    for axes, environment in zip(panels, first.environments, strict=True):
        _draw_pair(axes, pairs[name], environment, log=log)
        axes.set_title(environment, loc="left")
    for axes in lowest(panels):
        axes.set_xlabel(label)
    figure.legend(handles=_legend(), loc="outside lower center", ncols=2, frameon=False)
    return figure


def _with_overall(comparison: Comparison, other: Comparison) -> Comparison:
    """Return a comparison with another one's scores over all environments."""
    return replace(comparison, scores={**comparison.scores, **other.scores})


def _draw_pair(axes: Axes, pair: ContactPair, environment: str | None, *, log: bool) -> None:
    rows = [
        # Where there is no row with contact, the other group stands alone.
        replace(row, other=pair.inactive.score(row.look.name, environment), ticks=())
        for row in rows_of(pair.active, environment, pair.active.losses)
    ]
    axis = zero_axis(numbers_of(rows)) if log else None
    draw_rows(axes, rows, axis)
    if not log:
        chances = _chances(pair, environment)
        for chance, filled in chances:
            axes.axvline(chance, color=_GREY, linestyle=_CHANCE_LINE, linewidth=0.7, zorder=1)
            # On the frame, above all losses.
            axes.plot(
                (chance,), (1.0,), transform=axes.get_xaxis_transform(), color=_GREY, marker=_CHANCE_MARK,
                markersize=5.0, markerfacecolor=_GREY if filled else "white", linestyle="none", clip_on=False, zorder=4,
            )  # fmt: skip
        _fit(axes, rows, [chance for chance, _ in chances])


def _chances(pair: ContactPair, environment: str | None) -> list[tuple[float, bool]]:
    """Return what a graph of everything scores in both groups, and whether its mark is filled."""
    if EVERYTHING not in pair.active.referees:
        return []
    found = ((one.score(EVERYTHING, environment).estimate.value, one is pair.active)
             for one in (pair.active, pair.inactive))  # fmt: skip
    return [(value, filled) for value, filled in found if value is not None]


def _fit(axes: Axes, rows: Sequence[DotRow], also: Sequence[float]) -> None:
    shown = [number for number in (*numbers_of(rows), *also) if number is not None] or [0.0, 1.0]
    margin = 0.06 * max(max(shown) - min(shown), 0.02)
    axes.set_xlim(max(-0.03, min(shown) - margin), min(1.03, max(shown) + margin))
    axes.locator_params(axis="x", nbins=4)


def _chance_look() -> Artist:
    return Line2D(
        [], [], color=_GREY, linestyle=_CHANCE_LINE, linewidth=0.7, marker=_CHANCE_MARK, markersize=5,
        label=f"chance ({look_of(EVERYTHING).label})",
    )  # fmt: skip


def _legend() -> list[Artist]:
    return [
        Line2D([], [], linestyle="none", marker="o", markersize=4, color="0.2", label="a constraint exerts force"),
        Line2D(
            [], [], linestyle="none", marker="o", markersize=4, color="0.2", markerfacecolor="white", label="none does"
        ),
    ]
