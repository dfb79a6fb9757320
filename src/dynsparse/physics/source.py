"""Source: where an environment comes from, so that it can be described, started and rebuilt in another process."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from dynsparse.physics.environment import Environment

__all__ = ["Packed", "Source", "model_fingerprint"]

Packed = tuple[Mapping[str, Any], Mapping[str, np.ndarray]]
"""What travels to another process: plain JSON values and arrays."""


class Source(Protocol):
    """What an environment knows about its origin; the methods are given the environment itself."""

    @property
    def kind(self) -> str:
        """Which of ``passing.READERS`` rebuilds it in another process."""

    @property
    def config(self) -> Mapping[str, Any]:
        """How it was made, as plain JSON values: kept with every data set, which goes on with the same only."""

    @property
    def is_rewarded(self) -> bool:
        """Whether there is a reward; without one a data set's is 0 throughout, and says so."""

    def fingerprint(self, env: Environment) -> str:
        """Return 64 hexadecimal digits that are equal where the control step is."""

    def initial_state(self, env: Environment, key: int) -> np.ndarray:
        """Draw the (ds,) state in which an episode starts; the same key gives the same state."""

    def pack(self, env: Environment) -> Packed:
        """Return what its reader needs in another process."""


def model_fingerprint(model: bytes, substeps: int, engine: str) -> str:
    """Return the SHA-256 of a compiled model, the number of substeps and, where it is not MJX, the engine.

    Args:
        model: content of an MJB file.
        substeps: simulation steps in one control step.
        engine: what runs it.
    """
    other = b"" if engine == "mjx" else engine.encode()
    return hashlib.sha256(model + substeps.to_bytes(4, "little") + other).hexdigest()
