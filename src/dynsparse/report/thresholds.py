"""Thresholds: how the share of zeros depends on what counts as zero."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from dynsparse.analysis import GlobalSparsity, SparsityReport
from dynsparse.errors import InputError
from dynsparse.report.figure import BLOCK_LOOKS, mark, new_panels

__all__ = ["draw_sweep", "draw_thresholds"]


def draw_sweep(axes: Axes, sparsity: GlobalSparsity) -> None:
    """Draw the share of zeros, and of elements that are always zero, against the threshold.

    Args:
        axes: Where to draw.
        sparsity: Counts at each threshold of the sweep, and the threshold that was chosen.
    """
    points = sorted(sparsity.threshold_sweep, key=lambda point: point.atol)
    atols = np.array([point.atol for point in points])
    elements = sparsity.state.elements + sparsity.action.elements
    zero = np.array([100.0 * point.zero_fraction for point in points])
    always = np.array([100.0 * (p.always_zero_state + p.always_zero_action) / elements for p in points])
    state, action, _ = BLOCK_LOOKS
    axes.plot(atols, zero, color=state.colour, linestyle="-", marker="o", markersize=3, label="zero, mean over rows")
    axes.plot(
        atols,
        always,
        color=action.colour,
        linestyle="--",
        marker="s",
        markersize=3,
        markerfacecolor="white",
        label="zero in every row",
    )
    axes.set_xscale("log")
    axes.set_ylim(-0.03 * max(10.0, zero.max()), 1.12 * max(10.0, zero.max()))
    decades = range(int(np.round(np.log10(atols[0]))), int(np.round(np.log10(atols[-1]))) + 1)
    axes.set_xticks([float(f"1e{exponent}") for exponent in decades if exponent % 5 == 0])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0e}"))
    axes.locator_params(axis="y", nbins=5)
    mark(axes, sparsity.atol, f"chosen {sparsity.atol:g}")


def draw_thresholds(report: SparsityReport) -> Figure:
    """Draw the threshold sweep of one environment.

    Args:
        report: The analysis as read from its files.

    Returns:
        A figure fit for print.

    Raises:
        InputError: If no other threshold was tried.
    """
    if not report.global_sparsity.threshold_sweep:
        raise InputError(
            f"expected a threshold sweep, the analysis of {report.environment} has none; analyse the data set again"
        )
    figure, (axes,) = new_panels(report.environment, 1, height=2.5)
    draw_sweep(axes, report.global_sparsity)
    axes.set_ylabel("elements, %")
    axes.set_xlabel("zero threshold")
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    return figure
