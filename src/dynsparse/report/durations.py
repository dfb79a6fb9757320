"""Durations: for how long an element stays zero, and for how long it stays non-zero (Figure 7 of the paper)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.legend_handler import HandlerTuple
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator
from numpy.typing import NDArray

from dynsparse.analysis import Durations, SparsityReport
from dynsparse.errors import InputError
from dynsparse.report.figure import BLOCK_LOOKS, BlockLook, mark, new_panels
from dynsparse.report.panel_grid import lowest, new_grid
from dynsparse.report.threshold_sentences import titled_zero

__all__ = ["draw_all_durations", "draw_durations", "draw_stretches", "octaves"]

_ZERO, _NONZERO = BLOCK_LOOKS[0], BLOCK_LOOKS[1]

_RAISED = str.maketrans("-0123456789", "\u207b\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079")

# A single stretch must show on a logarithmic axis.
_FLOOR = 0.6


def octaves(counts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Gather stretches by the octave of their length: 1, 2 to 3, 4 to 7, 8 to 15, and so on.

    Octaves are the bins that fit whole numbers on a logarithmic axis: equally wide on it, and each holds twice as many
    lengths as the one before.  Bins of another ratio hold now one length, now two, and show teeth that are not there.

    Args:
        counts: (T + 1,) stretches by length, T the length of an episode; entry 0 is not used.

    Returns:
        (k + 1,) ends of the octaves, the last one at T + 1; (k,) stretches in each.
    """
    longest = max(len(counts) - 1, 1)
    starts = 2 ** np.arange(longest.bit_length())
    edges = np.append(starts, longest + 1)
    padded = np.zeros(longest + 1, dtype=np.int64)
    padded[: len(counts)] = counts
    return edges, np.add.reduceat(padded, starts)


def draw_stretches(axes: Axes, durations: Durations, look: BlockLook, label: str) -> None:
    """Draw stretches against their length, both axes logarithmic, and mark the mean.

    Args:
        axes: Where to draw.
        durations: Stretches by length.
        look: Colour and hatch.
        label: What stays: ``"zero"`` or ``"non-zero"``.
    """
    edges, stretches = octaves(durations.counts)
    _, inside = octaves(durations.uncensored_counts)
    widths = np.diff(edges)
    axes.bar(
        edges[:-1],
        np.where(stretches > 0, stretches, np.nan),
        width=widths,
        align="edge",
        color=_pale(look.colour),
        edgecolor=look.colour,
        hatch=look.hatch,
        linewidth=0.7,
    )
    axes.hlines(
        inside[inside > 0],
        edges[:-1][inside > 0],
        edges[1:][inside > 0],
        color="black",
        linewidth=1.4,
    )
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xlim(0.9, edges[-1] * 1.1)
    axes.set_ylim(_FLOOR, max(10.0, 3.0 * float(stretches.max(initial=0))))
    _plain_ticks(axes)
    left_out = f" ({durations.left_out:,} left out)" if durations.left_out else ""
    axes.set_title(f"stays {label}{left_out}", loc="left")
    if durations.mean is None:
        axes.text(0.5, 0.5, "no such stretch", transform=axes.transAxes, ha="center", va="center", fontsize=7)
    else:
        mark(axes, durations.mean, f"mean {durations.mean:,.1f} steps")


def draw_durations(report: SparsityReport) -> Figure:
    """Draw the durations of zero stretches above those of non-zero ones.

    Args:
        report: The analysis as read from its files, with temporal results.

    Returns:
        A figure fit for print.

    Raises:
        InputError: If the analysis has no temporal results.
    """
    if report.temporal is None:
        raise InputError(
            f"expected an analysis with temporal results, that of {report.environment} has none; "
            "rows that are not parts of an episode have no durations"
        )
    figure, panels = new_panels(report.environment, 2, height=3.5, share_y=True)
    draw_stretches(panels[0], report.temporal.zero, _ZERO, "zero")
    draw_stretches(panels[1], report.temporal.nonzero, _NONZERO, "non-zero")
    highest = max(axes.get_ylim()[1] for axes in panels)
    panels[0].set_ylim(_FLOOR, highest)
    figure.supylabel("stretches", fontsize=8)
    panels[-1].set_xlabel("length of the stretch, control steps")
    figure.legend(handles=_legend(), loc="outside lower center", ncols=2, frameon=False, handlelength=1.6)
    return figure


def draw_all_durations(reports: Sequence[SparsityReport]) -> Figure:
    """Draw the durations of both kinds in one panel an environment, as the paper's Figure 7.

    Args:
        reports: Analyses as read from their files, with temporal results.

    Returns:
        A figure over both columns of a paper, or over one where there is one environment.

    Raises:
        InputError: If an analysis has no temporal results.
    """
    title = titled_zero("How long an element stays zero and non-zero", reports)
    figure, panels = new_grid(title, len(reports), height=1.5, share_y=False, legend=True)
    for axes, report in zip(panels, reports, strict=True):
        if report.temporal is None:
            raise InputError(f"expected analyses with temporal results, that of {report.environment} has none")
        kinds = ((report.temporal.zero, _ZERO, "-"), (report.temporal.nonzero, _NONZERO, (0, (3, 1))))
        highest, means = 10.0, []
        for durations, look, line in kinds:
            edges, stretches = octaves(durations.counts)
            seen = np.where(stretches > 0, stretches, _FLOOR)
            axes.stairs(seen, edges, baseline=_FLOOR, color=look.colour, linestyle=line, linewidth=1.1)
            if durations is report.temporal.zero:
                axes.stairs(seen, edges, baseline=_FLOOR, fill=True, color=_pale(look.colour), zorder=0)
            highest = max(highest, 3.0 * float(stretches.max(initial=0)))
            label = "zero" if look is _ZERO else "non-zero"
            means.append(f"{label}: {'none' if durations.mean is None else _short(durations.mean)}")
            if durations.mean is not None:
                axes.axvline(durations.mean, color=look.colour, linestyle=(0, (1, 1)), linewidth=1.2)
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.set_xlim(0.9, edges[-1] * 1.1)
        axes.set_ylim(_FLOOR, highest)
        _plain_ticks(axes, every=8)
        axes.set_title(f"{report.environment}\n{means[0]}, {means[1]}", loc="left", fontsize=7.0)
    for axes in lowest(panels):
        axes.set_xlabel("control steps", fontsize=7.5)
    figure.supylabel("stretches", fontsize=8)
    columns = 3 if len(reports) > 1 else 2
    figure.legend(**_legend_of_kinds(), loc="outside lower center", ncols=columns, frameon=False, handlelength=2.0)
    return figure


def _short(mean: float) -> str:
    return f"{mean:.1f}" if mean < 100 else f"{mean:,.0f}"


def _legend_of_kinds() -> dict[str, Any]:
    """Name the line of each kind, and both means, in their colours."""
    return {
        "handles": [
            Patch(facecolor=_pale(_ZERO.colour), edgecolor=_ZERO.colour, linewidth=1.1),
            Line2D([], [], color=_NONZERO.colour, linestyle=(0, (3, 1)), linewidth=1.1),
            tuple(
                Line2D([], [], color=look.colour, linestyle=(0, (1, 1)), linewidth=1.2) for look in (_ZERO, _NONZERO)
            ),
        ],
        "labels": ["stays zero", "stays non-zero", "means (above, in steps)"],
        "handler_map": {tuple: HandlerTuple(ndivide=None)},
    }


def _legend() -> list[Artist]:
    return [
        Patch(facecolor="0.8", edgecolor="0.4", linewidth=0.7, label="all"),
        Line2D([], [], color="black", linewidth=1.4, label="begun and ended inside an episode"),
    ]


def _pale(colour: str) -> tuple[float, float, float]:
    """Mix a colour with white: a transparent fill would take its hatching along in an SVG file."""
    red, green, blue = (1.0 - 0.35 * (1.0 - part) for part in to_rgb(colour))
    return (red, green, blue)


def _plain_ticks(axes: Axes, every: int = 2) -> None:
    """Write 1, 2, 4, ... below, or 1, 8, 64, ..., and powers of ten beside."""
    axes.xaxis.set_major_locator(LogLocator(base=every, numticks=12))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f}"))
    axes.yaxis.set_major_locator(LogLocator(base=10, numticks=6))
    axes.yaxis.set_major_formatter(FuncFormatter(_power))


def _power(value: float, _: object) -> str:
    """Write a power of ten, all in one form: dollar signs are dollar signs here, so that there is no formula."""
    return f"10{str(round(math.log10(value))).translate(_RAISED)}"
