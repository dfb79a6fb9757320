"""Horizon figures: sparsity against control steps and their length, and how far a roll-out's derivative differs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator
from numpy.typing import NDArray

from dynsparse.analysis.horizon_record import HorizonRecord
from dynsparse.report.episode_statistics import SHARE, mean_over_episodes
from dynsparse.report.figure import BLOCK_LOOKS, BlockLook
from dynsparse.report.horizon_numbers import roll_out_at
from dynsparse.report.panel_grid import BOTH_COLUMNS, lowest, new_grid
from dynsparse.report.zero_axis import tick_name, zero_axis

__all__ = ["draw_differences", "draw_horizons", "draw_lengths"]

_LOOKS = BLOCK_LOOKS[:2]
_PATTERNS, _ROLL_OUT, _ALWAYS = "black", "#009E73", "0.88"
"""Colours that no block of the Jacobian has: the same in both figures."""

_MARKED = (1, 2, 5, 10, 20, 50)
_HEIGHT = 1.45
# Of an axis: room for the name of a tick in the narrowest panel.
_LEAST_APART = 0.22
# Shares that hardly move are not blown up to fill their panel: percentage points.
_SMALLEST_TOP = 4.0


def draw_horizons(records: Sequence[HorizonRecord], block: int) -> Figure:
    """Draw sparsity against the number of control steps, one panel an environment.

    Args:
        records: One an environment.
        block: 0 for ∂s'/∂s, 1 for ∂s'/∂a.

    Returns:
        A figure fit for print.
    """
    title = f"Zeros in {_LOOKS[block].label} over k control steps"
    figure, panels = new_grid(title, len(records), height=_HEIGHT, share_y=False, legend=True)
    for axes, record in zip(panels, records, strict=True):
        _draw_horizon(axes, record, block)
    _name_axes(figure, panels, "control steps k", "elements at zero, %")
    handles: list[Artist] = [
        Line2D([], [], color=_LOOKS[block].colour, linewidth=1.2, label="product of Jacobians, mean and 95 %"),
        Line2D([], [], color=_PATTERNS, linestyle="--", linewidth=1.0, label="product of patterns"),
        Line2D([], [], color=_ROLL_OUT, marker="o", markersize=3.2, linestyle="none", markerfacecolor="white",
               label="roll-out, warm start carried"),
    ]  # fmt: skip
    if any(record.product.always_zero[block].any() for record in records):
        handles.append(Patch(facecolor=_ALWAYS, label="zero at every start"))
    _legend(figure, handles)
    return figure


def draw_lengths(records: Sequence[HorizonRecord]) -> Figure:
    """Draw sparsity against the length of the control step, one panel an environment that has it.

    Args:
        records: One an environment, each with control steps of several lengths.

    Returns:
        A figure fit for print.
    """
    figure, panels = new_grid(
        "Zeros against the length of a control step", len(records), height=_HEIGHT, share_y=False, legend=True
    )
    for axes, record in zip(panels, records, strict=True):
        _draw_length(axes, record)
    _name_axes(figure, panels, "control step, ms", "elements at zero, %")
    handles: list[Artist] = [
        _line(look, f"{look.label}, 95 %", marker=marker, markersize=3.0)
        for look, marker in zip(_LOOKS, "os", strict=True)
    ]  # fmt: skip
    handles.append(Line2D([], [], color="black", linestyle=(0, (4, 2)), linewidth=0.9, label="the task's own length"))
    _legend(figure, handles)
    return figure


def draw_differences(records: Sequence[HorizonRecord]) -> Figure:
    """Draw the largest difference between roll-out and product against control steps, one panel an environment.

    Args:
        records: One an environment, each with roll-outs.

    Returns:
        A figure fit for print.
    """
    title = "Derivative of the roll-out, its warm start carried, against the product"
    figure, panels = new_grid(title, len(records), height=_HEIGHT, share_y=True, legend=True)
    curves = [record.rollout.relative for record in records if record.rollout is not None]
    axis = zero_axis(np.concatenate([curve.ravel() for curve in curves]).tolist())
    for axes, record, curve in zip(panels, records, curves, strict=True):
        for look, values in zip(_LOOKS, curve, strict=True):
            axes.plot(record.steps, axis.place(values), color=look.colour, linestyle=look.line, linewidth=1.1)
        axis.dress(axes, "y")
        _dress_steps(axes, record)
    _name_axes(figure, panels, "control steps k", "largest relative difference")
    _legend(figure, [_line(look, look.label) for look in _LOOKS])
    return figure


def _draw_horizon(axes: Axes, record: HorizonRecord, block: int) -> None:
    steps, look = record.steps, _LOOKS[block]
    always = 100.0 * record.product.always_zero[block] / max(record.elements(block), 1)
    axes.fill_between(steps, 0.0, always, color=_ALWAYS, linewidth=0, zorder=0)
    structure = 100.0 * record.product.structure[block].mean(axis=0)
    top = max(_draw_mean(axes, steps, record.product.sparsity[block], look.colour), float(structure.max()))
    axes.plot(steps, structure, color=_PATTERNS, linestyle="--", linewidth=1.0, zorder=2.6)
    marked = [k for k in _MARKED if k <= record.horizon]
    rolled = [roll_out_at(record, block, k) for k in marked]
    places = [(k, 100.0 * share) for k, share in zip(marked, rolled, strict=True) if share is not None]
    if places:
        axes.plot(
            *zip(*places, strict=True), color=_ROLL_OUT, marker="o", markersize=3.2, linestyle="none",
            markerfacecolor="white", markeredgewidth=0.9, clip_on=False, zorder=3,
        )  # fmt: skip
        top = max(top, *(share for _, share in places))
    _dress_shares(axes, top)
    _dress_steps(axes, record)


def _draw_length(axes: Axes, record: HorizonRecord) -> None:
    found = record.step_length
    if found is None:
        return
    lengths = 1e3 * found.timestep * found.counts
    top = 0.0
    for block, (look, marker) in enumerate(zip(_LOOKS, "os", strict=True)):
        if record.elements(block):
            drawn = partial(_draw_mean, marker=marker, line=look.line)
            top = max(top, drawn(axes, lengths, found.sparsity[block], look.colour))
    own = 1e3 * found.timestep * found.substeps
    axes.axvline(own, color="black", linestyle=(0, (4, 2)), linewidth=0.9, zorder=1)
    _dress_shares(axes, top)
    axes.set_xscale("log")
    _name_ticks(axes, {x: f"{x:g}" for x in _apart((own, float(lengths[0]), *map(float, lengths[::-1])))})
    axes.set_title(record.environment, loc="left")


def _draw_mean(
    axes: Axes,
    places: NDArray[Any],
    shares: NDArray[np.float64],
    colour: str,
    *,
    marker: str = "",
    line: str = "-",
) -> float:
    """Draw a mean over episodes with its interval; return the highest number drawn, %."""
    means = [mean_over_episodes(shares[:, k], SHARE) for k in range(shares.shape[1])]
    values = np.array([100.0 * (mean.value or 0.0) for mean in means])
    if all(mean.low is not None for mean in means):
        low, high = (
            np.array([100.0 * float(end) for end in ends])
            for ends in zip(*((mean.low or 0.0, mean.high or 0.0) for mean in means), strict=True)
        )
        axes.fill_between(places, low, high, color=colour, alpha=0.22, linewidth=0, zorder=1.5)
        values_top = float(high.max())
    else:
        values_top = float(values.max())
    axes.plot(places, values, color=colour, linewidth=1.2, marker=marker, markersize=3.0, linestyle=line, zorder=2.5)
    return values_top


def _dress_shares(axes: Axes, top: float) -> None:
    axes.set_ylim(0.0, min(max(1.08 * top, _SMALLEST_TOP), 103.0))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 2.5, 5, 10]))


def _dress_steps(axes: Axes, record: HorizonRecord) -> None:
    axes.set_xscale("log")
    axes.set_xlim(0.93, max(record.horizon, 2) * 1.08)
    _name_ticks(axes, {float(k): str(k) for k in _MARKED if k <= record.horizon})
    axes.set_title(record.environment, loc="left")


def _apart(places: Sequence[float]) -> list[float]:
    """Return those of some places on a logarithmic axis whose names do not touch: each, unless too near an earlier."""
    least = _LEAST_APART * math.log10(max(places) / min(places))
    kept: list[float] = []
    for place in places:
        if all(abs(math.log10(place / other)) >= least for other in kept):
            kept.append(place)
    return kept


def _name_ticks(axes: Axes, names: Mapping[float, str]) -> None:
    axes.xaxis.set_major_locator(FixedLocator(sorted(names)))
    axes.xaxis.set_minor_locator(NullLocator())

    def name(value: float, _place: object) -> str:
        return next((text for place, text in names.items() if np.isclose(place, value)), tick_name(value))

    axes.xaxis.set_major_formatter(FuncFormatter(name))


def _name_axes(figure: Figure, panels: Sequence[Axes], x: str, y: str) -> None:
    figure.supylabel(y, fontsize=8)
    for panel in lowest(panels):
        panel.set_xlabel(x, fontsize=7.0)


def _line(look: BlockLook, label: str, **more: Any) -> Line2D:
    line: Any = look.line
    return Line2D([], [], color=look.colour, linestyle=line, linewidth=1.1, label=label, **more)


def _legend(figure: Figure, handles: Sequence[Artist]) -> None:
    narrow = figure.get_size_inches()[0] < BOTH_COLUMNS
    figure.legend(
        handles=list(handles), loc="outside lower center", ncols=2 if narrow else len(handles), frameon=False,
        handlelength=2.4, columnspacing=1.4,
    )  # fmt: skip
