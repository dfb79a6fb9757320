"""Learning curve: the return of a policy along its training."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from dynsparse.errors import InputError
from dynsparse.report.figure import BLOCK_LOOKS, new_panels

__all__ = ["draw_learning_curve"]


def draw_learning_curve(
    environment: str,
    columns: Mapping[str, NDArray[np.float64]],
    *,
    target_return: float | None = None,
) -> Figure:
    """Draw mean return against control steps, with the 95 % interval of each point.

    Args:
        environment: What was trained on, for the title.
        columns: (p,) each: ``steps``, ``mean_return``, ``return_low``, ``return_high`` and ``training_return`` (NaN
            where no training episode has ended).
        target_return: A return to reach; None for none.

    Returns:
        The figure.

    Raises:
        InputError: The curve has no point.
    """
    steps = columns["steps"]
    if not len(steps):
        raise InputError("expected a curve of at least one point, got none; train for longer")
    look = BLOCK_LOOKS[0]
    figure, (axes,) = new_panels(f"{environment}: return while learning", 1, height=2.3)
    millions = steps / 1e6
    marker = "." if len(steps) < 10 else ""
    axes.fill_between(
        millions,
        columns["return_low"],
        columns["return_high"],
        color=look.colour,
        alpha=0.25,
        linewidth=0,
        label="its 95 % interval",
    )
    axes.plot(
        millions,
        columns["training_return"],
        color=BLOCK_LOOKS[2].colour,
        linestyle=":",
        linewidth=0.9,
        label="episodes it learned from" if np.isfinite(columns["training_return"]).any() else None,
    )
    axes.plot(millions, columns["mean_return"], color=look.colour, linewidth=1.2, marker=marker, label="evaluation")
    if target_return is not None:
        axes.axhline(target_return, color="black", linestyle=(0, (4, 2)), linewidth=0.8)
        axes.annotate(
            f"target {target_return:,.0f}",
            (1.0, target_return),
            xycoords=("axes fraction", "data"),
            xytext=(-2, 2),
            textcoords="offset points",
            ha="right",
            va="bottom",
            fontsize=6.5,
        )
    axes.set_xlabel("control steps learned from, in millions")
    axes.set_ylabel("mean return of an episode")
    axes.set_xlim(0, millions[-1])
    axes.set_ylim(bottom=min(0.0, float(np.nanmin(columns["return_low"], initial=0.0))))
    axes.legend(frameon=False, loc="best", fontsize=6.5)
    return figure
