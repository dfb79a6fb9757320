"""Embedding figure: transitions in the plane coloured by sparsity, and moments of an episode as frames beside it."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import rgb2hex
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpecFromSubplotSpec
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from dynsparse.analysis.embedding_record import EmbeddingRecord
from dynsparse.report.figure import new_figure
from dynsparse.report.panel_grid import BOTH_COLUMNS
from dynsparse.report.quantities import percent
from dynsparse.report.sparsity_colours import add_bar, sparsity_colours

__all__ = ["draw_embedding"]

_HEIGHT = 3.7
_PLANE = 3.0
"""About how high the plane is, inches."""
_COLUMNS = 2
_APART, _CLEAR = 0.17, 0.12
"""Least distance between two numbers, and between a number and a point of the path, inches."""
_SPARSITY = "combined sparsity: zeros of ∂s'/∂s and ∂s'/∂a together"


def draw_embedding(record: EmbeddingRecord) -> Figure:
    """Draw the embedding of one environment, both columns of a paper wide.

    Args:
        record: The embedding.

    Returns:
        The figure.
    """
    figure = new_figure(f"{record.environment}: (s, a, s') by t-SNE", BOTH_COLUMNS, _HEIGHT)
    sides = figure.add_gridspec(1, 2, width_ratios=(1.55, 1.0), wspace=0.02)
    left, right = sides[0, 0], sides[0, 1]
    axes = figure.add_subplot(left)
    colours = sparsity_colours(record.sparsity)
    _draw_plane(axes, record, colours)
    add_bar(figure, axes, colours, record.sparsity, _SPARSITY)
    moments = len(record.strip.rows)
    if not moments:
        box = figure.add_subplot(right)
        box.set_axis_off()
        _say(box, f"No frames: {record.strip.missing}.")
        return figure
    down = -(-moments // _COLUMNS)
    missing = bool(record.strip.missing)
    heights = [*[1.0] * down, *([0.55] if missing else [])]
    cells = GridSpecFromSubplotSpec(len(heights), _COLUMNS, right, height_ratios=heights)
    for number in range(moments):
        _draw_moment(figure.add_subplot(cells[divmod(number, _COLUMNS)]), record, number, colours)
    if missing:
        box = figure.add_subplot(cells[down, :])
        box.set_axis_off()
        _say(box, f"No frames: {record.strip.missing}")
    return figure


def _draw_plane(axes: Axes, record: EmbeddingRecord, colours: ScalarMappable) -> None:
    # In an order of chance: neither late nor sparse points cover the others.
    order = np.random.default_rng(0).permutation(len(record.rows))
    norm: Any = colours.norm
    points, count = record.points[order].astype(np.float64), len(order)
    axes.scatter(
        points[:, 0], points[:, 1], c=record.sparsity[order], cmap=colours.cmap, norm=norm,
        s=float(np.clip(9000 / count, 0.5, 7.0)), linewidths=0, rasterized=True,
    )  # fmt: skip
    low, high = record.points.min(axis=0), record.points.max(axis=0)
    margin = 0.05 * float((high - low).max() or 1.0)
    axes.set_xlim(low[0] - margin, high[0] + margin)
    axes.set_ylim(low[1] - margin, high[1] + margin)
    axes.set_aspect("equal", adjustable="box")
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
    if len(record.strip.rows):
        _draw_path(axes, record, colours, float(high[1] - low[1] + 2 * margin) / _PLANE)


def _draw_path(axes: Axes, record: EmbeddingRecord, colours: ScalarMappable, inch: float) -> None:
    """Draw the moments as numbered points on a line; ``inch`` is one in units of the plane."""
    places = record.strip_places
    path = record.points[places].astype(np.float64)
    (line,) = axes.plot(path[:, 0], path[:, 1], color="black", linewidth=0.8, zorder=4)
    line.set_path_effects([withStroke(linewidth=2.0, foreground="white")])
    shown = colours.to_rgba(record.sparsity[places])
    axes.scatter(path[:, 0], path[:, 1], c=shown, s=16, edgecolors="black", linewidths=0.7, zorder=5)
    for number, (point, label) in enumerate(zip(path, _spread(path / inch) * inch, strict=True), start=1):
        axes.plot(*zip(point, label, strict=True), color="black", linewidth=0.4, zorder=4)
        axes.text(
            float(label[0]), float(label[1]), str(number), fontsize=6.5, ha="center", va="center", zorder=6,
            bbox={"boxstyle": "circle,pad=0.18", "facecolor": "white", "edgecolor": "black", "linewidth": 0.5},
        )  # fmt: skip


def _spread(path: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (f, 2) places near (f, 2) points, inches, where numbers cover neither each other nor a point."""
    turns = 2 * np.pi * np.arange(len(path)) / len(path)
    away = path - path.mean(axis=0) + 1e-3 * np.stack([np.cos(turns), np.sin(turns)], axis=1)
    labels: NDArray[np.float64] = path + 1.5 * _CLEAR * away / np.linalg.norm(away, axis=1, keepdims=True)
    for _ in range(400):
        moves = np.zeros_like(labels)
        for others, least in ((labels, _APART), (path, _CLEAR)):
            gap = labels[:, None] - others
            distance = np.maximum(np.linalg.norm(gap, axis=2), 1e-6)
            short = np.where(distance < least, least - distance, 0.0)
            if others is labels:
                np.fill_diagonal(short, 0.0)
            moves += (gap * (0.5 * short / distance)[:, :, None]).sum(axis=1)
        if not moves.any():
            break
        labels = labels + moves
    return labels


def _draw_moment(axes: Axes, record: EmbeddingRecord, number: int, colours: ScalarMappable) -> None:
    place = record.strip_places[number]
    sparsity = float(record.sparsity[place])
    edge = rgb2hex(colours.to_rgba(np.array([sparsity]))[0])
    if len(record.strip.frames):
        axes.imshow(record.strip.frames[number], interpolation="lanczos")
    else:
        axes.text(
            0.5, 0.5, "no frame", transform=axes.transAxes, ha="center", va="center", fontsize=6.5, style="italic"
        )
        axes.set_aspect(0.75)
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(True)
        spine.set_color(edge)
        spine.set_linewidth(2.0)
    below: dict[str, Any] = {"y": 0.0, "pad": -3.5, "va": "top"}
    axes.set_title(f"{number + 1}: {percent(sparsity)}", fontsize=7.0, loc="left", fontweight="bold", **below)
    axes.set_title(f"t = {int(record.t[place])}", fontsize=6.5, loc="right", **below)


def _say(axes: Axes, words: str) -> None:
    lines = textwrap.wrap(words, 52)
    told = [*lines[:4], "…"] if len(lines) > 5 else lines
    axes.text(0.0, 1.0, "\n".join(told), transform=axes.transAxes, ha="left", va="top", fontsize=6.0, style="italic")
