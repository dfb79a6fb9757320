"""Picture record: what one environment looks like at one row of its data set.  No JAX."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from dynsparse.analysis import files
from dynsparse.analysis.stored_record import StoredRecord
from dynsparse.errors import ArrayError

__all__ = ["PictureRecord", "holds_picture"]

_FIELDS = ("environment", "policy", "row", "episode", "t", "dt", "drawn_by", "missing", "provenance")


@dataclass(frozen=True, eq=False)
class PictureRecord(StoredRecord):
    """One rendered state.

    Attributes:
        environment: Name of the environment.
        policy: Who chose the actions that led there.
        row: Its row in the data set.
        episode: Its episode.
        t: Its control step.
        dt: Duration of a control step, s.
        frame: (height, width, 3) uint8, red, green and blue; (0, 0, 3) where nothing could draw.
        drawn_by: What drew it; empty without a frame.
        missing: Why there is no frame; empty where there is one.
        provenance: Settings, seeds and versions that made it.
    """

    STEM = "picture"

    environment: str
    policy: str
    row: int
    episode: int
    t: int
    dt: float
    frame: NDArray[np.uint8]
    drawn_by: str = ""
    missing: str = ""
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check that there is a frame or a reason.

        Raises:
            ArrayError: There is neither, or both, or the frame is none.
        """
        frame = self.frame
        if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8 or bool(frame.size) == bool(self.missing):
            raise ArrayError(
                f"expected a frame (height, width, 3) of uint8 or the reason why there is none, got {frame.shape} of "
                f"{frame.dtype} and {self.missing!r}"
            )

    def to_dict(self) -> dict[str, Any]:
        """Return what ``picture.json`` holds, besides the hashes that ``save`` adds."""
        return {"schema": files.SCHEMA, **{name: getattr(self, name) for name in _FIELDS}}

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return what ``picture.npz`` holds, by name."""
        return {"frame": self.frame}

    @classmethod
    def _from_parts(cls, found: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Make the record again of what the two files hold."""
        return cls(frame=arrays["frame"], **{name: found[name] for name in _FIELDS})


def holds_picture(folder: str | os.PathLike[str]) -> bool:
    """Whether a folder holds a picture, sound or not."""
    return files.holds_analysis(folder, PictureRecord.STEM)
