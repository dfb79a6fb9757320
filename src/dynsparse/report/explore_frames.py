"""Frames: pictures of a rollout as the explore page holds them, or the reason why there are none."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, features

from dynsparse.errors import ArrayError

__all__ = ["FrameStrip", "encode_frames"]

_QUALITY = 62
"""Of WebP and JPEG, of 100: edges of thin limbs stay sharp at 320 x 240 pixels."""


@dataclass(frozen=True)
class FrameStrip:
    """Every so many-th frame of a rollout.

    Attributes:
        pictures: Files, the first of step 0; none where nothing could be drawn.
        every: Steps from one to the next.
        type: Media type of the files.
        missing: Why there are none; empty where there are.
    """

    pictures: tuple[bytes, ...]
    every: int
    type: str
    missing: str = ""

    @classmethod
    def none(cls, reason: str) -> FrameStrip:
        """Return a strip without frames.

        Args:
            reason: What the page says in their place.
        """
        return cls((), 1, "", reason)

    def thinned(self, factor: int) -> FrameStrip:
        """Return every so many-th of these frames."""
        return replace(self, pictures=self.pictures[::factor], every=self.every * factor)

    def first(self, steps: int) -> FrameStrip:
        """Return the frames of the first steps alone."""
        return replace(self, pictures=self.pictures[: -(-steps // self.every)])


def encode_frames(frames: NDArray[np.uint8], every: int) -> FrameStrip:
    """Compress frames: WebP where this Pillow has it, else JPEG.

    Args:
        frames: (n, height, width, 3), red, green and blue.
        every: Steps from one to the next.

    Returns:
        The same bytes for the same frames and the same Pillow.

    Raises:
        ArrayError: The array has another shape or type.
    """
    if frames.ndim != 4 or frames.shape[-1] != 3 or frames.dtype != np.uint8:
        raise ArrayError(f"expected frames (n, height, width, 3) of uint8, got {frames.shape} of {frames.dtype}")
    kind = "WEBP" if features.check("webp") else "JPEG"
    pictures = []
    for frame in frames:
        content = io.BytesIO()
        Image.fromarray(frame).save(content, kind, quality=_QUALITY)
        pictures.append(content.getvalue())
    return FrameStrip(tuple(pictures), every, f"image/{kind.lower()}")
