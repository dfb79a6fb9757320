"""Clip: frames of an episode as an animated picture, and as a strip for a page."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from dynsparse.errors import ArrayError
from dynsparse.report.figure import new_figure

__all__ = ["draw_strip", "encode_gif"]

_COLOURS = 128
_STRIP_WIDTH = 7.0
"""Inches: both columns of a two-column paper."""


def encode_gif(frames: np.ndarray, seconds: float) -> bytes:
    """Return an animated GIF that repeats for ever.

    Args:
        frames: (n, height, width, 3) uint8.
        seconds: How long each frame is shown, s; rounded to hundredths, which is what a GIF can hold.

    Returns:
        The content of the file; the same bytes for the same frames.

    Raises:
        ArrayError: If there is no frame, or the array has another shape or type.
    """
    _check_frames(frames)
    # One palette for all: the background does not flicker.
    sample = frames[:: max(1, len(frames) // 8)].reshape(-1, frames.shape[2], 3)
    palette = Image.fromarray(sample).quantize(_COLOURS, dither=Image.Dither.NONE)
    images = [Image.fromarray(frame).quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    content = io.BytesIO()
    duration = max(10 * round(100 * seconds), 20)  # ms; browsers slow down what is shorter
    images[0].save(content, "GIF", save_all=True, append_images=images[1:], duration=duration, loop=0, disposal=1)
    return content.getvalue()


def draw_strip(frames: np.ndarray, labels: Sequence[str], title: str, *, columns: int = 4) -> Figure:
    """Draw some frames side by side, each with a line of text below.

    Args:
        frames: (n, height, width, 3) uint8.
        labels: (n,) what is written below each.
        title: Written above all.
        columns: Frames in a row.

    Returns:
        The figure.

    Raises:
        ArrayError: If there is no frame, the array has another shape or type, or there are not as many labels.
    """
    _check_frames(frames)
    if len(labels) != len(frames):
        raise ArrayError(f"expected a label for each of {len(frames)} frames, got {len(labels)}")
    rows = -(-len(frames) // columns)
    height = rows * (_STRIP_WIDTH / columns * frames.shape[1] / frames.shape[2] + 0.18) + 0.25
    figure = new_figure(title, _STRIP_WIDTH, height)
    figure.set_layout_engine("constrained", h_pad=0.02, w_pad=0.02, hspace=0.0, wspace=0.0)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in panels:
        axes.set_axis_off()
    for axes, frame, label in zip(panels[: len(frames)], frames, labels, strict=True):
        axes.imshow(frame, interpolation="lanczos")
        axes.text(0.5, -0.03, label, transform=axes.transAxes, ha="center", va="top", fontsize=7.0)
    return figure


def _check_frames(frames: np.ndarray) -> None:
    if frames.ndim != 4 or frames.shape[-1] != 3 or frames.dtype != np.uint8 or not len(frames):
        raise ArrayError(
            f"expected frames (n, height, width, 3) of uint8 with n of at least 1, got {frames.shape} of {frames.dtype}"
        )
