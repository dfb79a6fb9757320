"""Recovered sparsity: how many zeros a model's Jacobian has, beside the true ones (Figures 8, right, and A2.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dynsparse.report.comparison import Comparison, Score, compare, pooled_score
from dynsparse.report.dot_plot import DotRow, draw_rows, numbers_of, rows_of
from dynsparse.report.learning_table import LearningTable
from dynsparse.report.loss_looks import INITIAL
from dynsparse.report.panel_grid import about_all, new_grid, rows_height, titled_split
from dynsparse.report.prediction_error import draw_error_rows
from dynsparse.report.score_metrics import figures
from dynsparse.report.seed_statistics import RESAMPLES
from dynsparse.report.zero_axis import zero_axis

__all__ = [
    "RecoveredSparsity",
    "draw_figure8",
    "draw_relative_sparsity",
    "draw_sparsity_by_environment",
    "recovered_sparsity",
]


@dataclass(frozen=True)
class RecoveredSparsity:
    """Sparsity of models' Jacobians in normalized coordinates on one test set.

    Attributes:
        final: Of trained models.
        initial: Of the networks before training; environment, or None for all, -> score.
        true: Of the simulator.
        relative: Final sparsity over the true one, run by run.
        relative_initial: Initial sparsity over the true one, run by run.
        with_zeros: Loss -> runs that have any zero, of those with a final sparsity over the true one.
    """

    final: Comparison
    initial: Mapping[str | None, Score]
    true: Mapping[str | None, Score]
    relative: Comparison
    relative_initial: Comparison
    with_zeros: Mapping[str, int]


def recovered_sparsity(
    table: LearningTable, split: str, *, resamples: int = RESAMPLES, seed: int = 0
) -> RecoveredSparsity:
    """Average sparsities over seeds.

    Args:
        table: The runs.
        split: Test set.
        resamples: Of the bootstrap.
        seed: Of the bootstrap.

    Returns:
        What the figures show.
    """
    final, relative, relative_initial = (
        compare(table, metric, split, resamples=resamples, seed=seed)
        for metric in ("normalized.sparsity", "normalized.relative_sparsity", "initial.relative_sparsity")
    )
    initial, true = (
        pooled_score(table, metric, split, resamples=resamples, seed=seed)
        for metric in ("initial.sparsity", "normalized.true_sparsity")
    )
    # A mean that leaves out the outer runs does not tell whether they have any.
    shares = {loss: table.values(relative.metric, split, loss).by_seed.values() for loss in table.losses}
    with_zeros = {
        loss: sum(share > 0.0 for by_seed in found for share in by_seed.values()) for loss, found in shares.items()
    }
    return RecoveredSparsity(final, initial, true, relative, relative_initial, with_zeros)


def draw_sparsity_rows(axes: Axes, found: RecoveredSparsity, environment: str | None = None) -> None:
    """Draw initial and final sparsity in one environment, or over all, and a line at the true one.

    Args:
        axes: Where to draw.
        found: The sparsities.
        environment: Which; None for all.
    """
    ticks: tuple[float, ...] = ()
    if environment is None and len(found.final.environments) > 1:
        ticks = tuple(
            value for name in found.final.environments if (value := found.initial[name].estimate.value) is not None
        )
    first = DotRow(replace(INITIAL, is_loss=False), found.initial[environment], ticks=ticks)
    rows = [first, *rows_of(found.final, environment, found.final.losses)]
    true = found.true[environment].estimate.value
    axis = zero_axis([*numbers_of(rows), true])
    draw_rows(axes, rows, axis)
    if true is not None:
        _draw_target(axes, float(axis.place(true)))


def draw_figure8(errors: Comparison, found: RecoveredSparsity) -> Figure:
    """Draw error and sparsity of each loss over all environments (Figure 8).

    Args:
        errors: Final errors.
        found: Sparsities on the same test set.

    Returns:
        A figure two columns wide.
    """
    title = f"{about_all(errors.environments)}, {titled_split(errors.split)}"
    figure, (left, right) = new_grid(title, 2, height=rows_height(1 + len(errors.losses)), share_y=False)
    draw_error_rows(left, errors)
    left.set_xlabel("one-step test MSE, normalized")
    draw_sparsity_rows(right, found)
    true = found.true[None].estimate.value
    if true is not None:
        right.set_title(f"╎ true {figures(true)}", loc="right", fontsize=7.0)
    right.set_xlabel("sparsity of the model's Jacobian")
    return figure


def draw_sparsity_by_environment(found: RecoveredSparsity) -> Figure:
    """Draw initial, final and true sparsity in every environment.

    Args:
        found: The sparsities.

    Returns:
        A figure with a panel an environment.
    """
    names = found.final.environments
    title = f"Sparsity of the model's Jacobian, {titled_split(found.final.split)}"
    figure, panels = new_grid(title, len(names), height=rows_height(1 + len(found.final.losses)))
    for axes, name in zip(panels, names, strict=True):
        draw_sparsity_rows(axes, found, name)
        axes.set_title(name, loc="left")
    figure.supxlabel("sparsity; dashed: the true one", fontsize=8)
    return figure


def draw_relative_sparsity(found: RecoveredSparsity) -> Figure:
    """Draw initial (hollow) and final (filled) sparsity over the true one, in every environment (Figure A2.2).

    Args:
        found: The sparsities.

    Returns:
        A figure with a panel an environment.
    """
    names = found.final.environments
    title = f"Sparsity over the true one, {titled_split(found.final.split)}"
    figure, panels = new_grid(title, len(names), height=rows_height(len(found.final.losses)))
    lines = {
        name: [
            replace(row, other=found.relative_initial.score(row.look.name, name))
            for row in rows_of(found.relative, name, found.relative.losses)
        ]
        for name in names
    }
    # One axis for all: that is what dividing by the target is for.
    axis = zero_axis([1.0, *(number for rows in lines.values() for number in numbers_of(rows))])
    for axes, name in zip(panels, names, strict=True):
        draw_rows(axes, lines[name], axis)
        _draw_target(axes, 1.0)
        axes.set_title(name, loc="left")
    figure.supxlabel("model's sparsity / true sparsity; hollow: before training", fontsize=8)
    return figure


def _draw_target(axes: Axes, place: float) -> None:
    axes.axvline(place, color="black", linestyle=(0, (4, 2)), linewidth=0.9, zorder=2)
