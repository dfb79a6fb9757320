"""Recovery scores: whether a model's zeros are where the true ones are, beside referees that need no training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from dynsparse.report.comparison import Comparison
from dynsparse.report.dot_plot import draw_rows, numbers_of, rows_of
from dynsparse.report.loss_looks import FREQUENCY
from dynsparse.report.panel_grid import about_all, new_grid, rows_height, titled_split
from dynsparse.report.score_metrics import jacobian_metric

__all__ = ["RECOVERY", "draw_recovery", "draw_recovery_rows"]

RECOVERY = ("auprc", "auprc_changing", "auroc_within", "leak", "auroc", "auroc_changing", "miss")
"""The metrics that the figure shows where there are any, without the coordinates that their names begin with."""

_BETTER = {1: "higher is better", -1: "lower is better"}


def draw_recovery_rows(axes: Axes, scores: Comparison, environment: str | None = None) -> None:
    """Draw one score of each loss, and below a line the referees'; a dashed line is the training frequencies'.

    Args:
        axes: Where to draw.
        scores: A score between 0 and 1.
        environment: Which; None for all.
    """
    rows = rows_of(scores, environment, (*scores.losses, *scores.referees))
    draw_rows(axes, rows)
    if scores.referees:
        axes.axhline(len(scores.losses) - 0.5, color="0.4", linewidth=0.6)
    if FREQUENCY in scores.referees:
        reference = scores.score(FREQUENCY, environment).estimate.value
        if reference is not None:
            axes.axvline(reference, color="0.35", linestyle=(0, (2, 2)), linewidth=0.7, zorder=1)
    # From 0 to 1 it would be a point in a corner where all scores are near to one end.
    shown = [number for number in numbers_of(rows) if number is not None] or [0.0, 1.0]
    span = max(max(shown) - min(shown), 0.02)
    axes.set_xlim(max(-0.03, min(shown) - 0.06 * span), min(1.03, max(shown) + 0.06 * span))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 2.5, 5, 10]))


def draw_recovery(
    scores: Mapping[str, Comparison], environment: str | None = None, *, names: Sequence[str] | None = None
) -> Figure:
    """Draw all scores in one environment, or over all, a panel each.

    Args:
        scores: Name of a score without coordinates -> comparison.
        environment: Which; None for all.
        names: Which scores to draw, in their order; None for all of them in the usual one.

    Returns:
        A figure two columns wide.
    """
    if names is None:
        names = [name for name in RECOVERY if name in scores]
    first = scores[names[0]]
    where = about_all(first.environments) if environment is None else environment
    lines = len(first.losses) + len(first.referees)
    figure, panels = new_grid(
        f"{where}, {titled_split(first.split)}",
        len(names),
        height=rows_height(lines) * 0.92,
        columns=-(-len(names) // 2),
    )
    for axes, name in zip(panels, names, strict=True):
        metric = jacobian_metric(name)
        draw_recovery_rows(axes, scores[name], environment)
        axes.set_title(metric.title, loc="left")
        axes.set_xlabel(_BETTER[metric.better], fontsize=7.0)
    return figure
