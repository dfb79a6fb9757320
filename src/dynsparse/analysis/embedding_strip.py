"""Embedding strip: moments of one episode as frames, beside their places in an embedding."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynsparse.errors import ArrayError

__all__ = ["NO_FRAMES", "Strip"]

NO_FRAMES = np.zeros((0, 0, 0, 3), dtype=np.uint8)
"""Frames where there are none."""


@dataclass(frozen=True, eq=False)
class Strip:
    """Moments of one episode as frames.

    Attributes:
        rows: (f,) their rows in the data set; none where no episode is long enough, or rows do not follow in time.
        frames: (f, height, width, 3) uint8, red, green and blue; none where nothing could draw.
        every: Control steps from one to the next.
        switches: How many of the f - 1 neighbours in it differ in sparsity.
        pattern_switches: How many control steps between the first and the last one change the pattern.
        drawn_by: What drew them; empty without frames.
        missing: Why there are no frames, or no moments; empty where there are.
    """

    rows: NDArray[np.int64]
    frames: NDArray[np.uint8]
    every: int = 0
    switches: int = 0
    pattern_switches: int = 0
    drawn_by: str = ""
    missing: str = ""

    def __post_init__(self) -> None:
        """Check that frames and rows belong together.

        Raises:
            ArrayError: They do not.
        """
        count = len(self.frames)
        if self.frames.ndim != 4 or self.frames.shape[-1] != 3 or self.frames.dtype != np.uint8:
            raise ArrayError(f"expected frames (f, height, width, 3) of uint8, got {self.frames.shape}")
        if count not in (0, len(self.rows)) or bool(count) == bool(self.missing):
            raise ArrayError(
                f"expected a frame for each of {len(self.rows)} rows or the reason why there is none, got {count} and "
                f"{self.missing!r}"
            )

    def to_dict(self) -> dict[str, Any]:
        """Return all but the arrays."""
        return {name: value for name, value in asdict(self).items() if name not in ("rows", "frames")}
