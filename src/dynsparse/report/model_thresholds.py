"""Model thresholds: how the share of a model's zeros depends on what counts as one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dynsparse.report.comparison import Comparison, Score, compare, pooled_score
from dynsparse.report.learning_table import LearningTable
from dynsparse.report.loss_looks import look_of
from dynsparse.report.panel_grid import about_all, line_legend, lowest, new_grid, titled_split
from dynsparse.report.score_lines import draw_score_lines
from dynsparse.report.seed_statistics import RESAMPLES
from dynsparse.report.zero_axis import ZeroAxis, tick_name

__all__ = ["PAPER_ATOL", "ModelThresholds", "draw_model_thresholds", "model_thresholds"]

PAPER_ATOL = 1e-6
"""The paper's threshold for a zero of a model's Jacobian."""

_PREFIX = "threshold_sweep."


@dataclass(frozen=True)
class ModelThresholds:
    """Sparsity of models' Jacobians at several thresholds on one test set.

    Attributes:
        atols: (k,) thresholds, ascending.
        sparsity: One comparison a threshold.
        true: The simulator's sparsity; environment, or None for all, -> score.
        chosen: The threshold that all other figures use.
    """

    atols: tuple[float, ...]
    sparsity: tuple[Comparison, ...]
    true: Mapping[str | None, Score]
    chosen: float


def model_thresholds(table: LearningTable, split: str, *, resamples: int = RESAMPLES, seed: int = 0) -> ModelThresholds:
    """Average the sparsity at each threshold over seeds.

    Args:
        table: The runs.
        split: Test set.
        resamples: Of the bootstrap.
        seed: Of the bootstrap.

    Returns:
        What the figure shows; no threshold where no run has a sweep.
    """
    rows = (row for row in table.rows if row.split == split and row.label in table.losses)
    names = {name for row in rows for name in row.metrics if name.startswith(_PREFIX)}
    atols = sorted((float(name.removeprefix(_PREFIX)), name) for name in names)
    return ModelThresholds(
        tuple(atol for atol, _ in atols),
        tuple(compare(table, name, split, resamples=resamples, seed=seed) for _, name in atols),
        pooled_score(table, "normalized.true_sparsity", split, resamples=resamples, seed=seed),
        float(table.settings.get("model_atol", PAPER_ATOL)),
    )


def draw_model_thresholds(sweep: ModelThresholds) -> Figure:
    """Draw the sparsity of each loss against the threshold, over all environments and in each.

    Args:
        sweep: Sparsities at one threshold at least.

    Returns:
        A figure with a panel an environment, and one before them where there are several.
    """
    first = sweep.sparsity[0]
    names: list[str | None] = [None, *first.environments] if len(first.environments) > 1 else [*first.environments]
    title = f"Sparsity against the zero threshold, {titled_split(first.split)}"
    figure, panels = new_grid(title, len(names), height=1.6, columns=3, share_x=True, share_y=False, legend=True)
    for axes, name in zip(panels, names, strict=True):
        _draw_sweep(axes, sweep, name)
        axes.set_title(about_all(first.environments) if name is None else name, loc="left")
    for axes in lowest(panels):
        axes.set_xlabel(f"threshold; dotted: {tick_name(sweep.chosen)}")
    figure.supylabel("sparsity; dashed: the true one", fontsize=8)
    line_legend(figure, [look_of(loss) for loss in first.losses])
    return figure


def _draw_sweep(axes: Axes, sweep: ModelThresholds, environment: str | None) -> None:
    true = sweep.true[environment].estimate.value
    axis = draw_score_lines(axes, sweep.atols, sweep.sparsity, environment, sweep.sparsity[0].losses, also=[true])
    ZeroAxis(sweep.atols[0] / 1.5, sweep.atols[-1] * 1.5, None, None).dress(axes, "x")
    axes.axvline(sweep.chosen, color="black", linestyle=":", linewidth=0.8, zorder=1)
    if true is not None:
        axes.axhline(float(axis.place(true)), color="black", linestyle=(0, (4, 2)), linewidth=0.9, zorder=1)
