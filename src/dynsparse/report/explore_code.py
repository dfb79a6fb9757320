"""Code: how the explore page holds numbers: bits, magnitudes in one byte, and base64 of both.

``data/explore/codec.js`` reads what is written here.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynsparse.errors import ArrayError

__all__ = ["CODES", "MagnitudeScale", "bits", "encoded", "nibbles"]

CODES = 255
"""Codes of a magnitude, 1 to 255; 0 is a zero, or a number that is not finite (a bit tells which)."""


@dataclass(frozen=True)
class MagnitudeScale:
    """The one-byte code of ``abs(x)``: code c stands for ``10 ** (low + (c - 1) / 254 * (high - low))``.

    Attributes:
        low: log10 of what code 1 stands for; smaller magnitudes are 1 too.
        high: log10 of what code 255 stands for; larger magnitudes are 255 too.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        """Check the ends.

        Raises:
            ArrayError: They are not two finite numbers in increasing order.
        """
        if not (np.isfinite(self.low) and np.isfinite(self.high) and self.low < self.high):
            raise ArrayError(f"expected two finite ends in increasing order, got {self.low} and {self.high}")

    @classmethod
    def over(cls, atol: float, largest: float) -> MagnitudeScale:
        """Return the scale from the zero threshold to the largest magnitude, both rounded outwards to whole decades.

        Args:
            atol: An element is zero when ``abs(x) < atol``.
            largest: Largest finite magnitude.
        """
        low = float(np.floor(np.log10(atol)))
        return cls(low, max(float(np.ceil(np.log10(largest))) if largest > 0 else low, low + 1))

    @property
    def error(self) -> float:
        """Largest relative error of a magnitude between the ends: half a step."""
        return float(10 ** ((self.high - self.low) / (CODES - 1) / 2) - 1)

    def encode(self, values: NDArray[np.float64], kept: NDArray[np.bool_]) -> NDArray[np.uint8]:
        """Return the code of each magnitude, 0 where it is not kept.

        Args:
            values: Any shape.
            kept: The same shape; false for zeros and for what is not finite.

        Returns:
            The same shape.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            place = (np.log10(np.abs(values)) - self.low) / (self.high - self.low)
        codes = np.clip(np.rint(np.where(kept, place, 0.0) * (CODES - 1)), 0, CODES - 1) + 1
        return np.where(kept, codes, 0).astype(np.uint8)

    def decode(self, codes: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return the magnitudes that codes stand for; 0 for code 0."""
        place = (codes.astype(np.float64) - 1) / (CODES - 1)
        magnitude = 10 ** (self.low + place * (self.high - self.low))
        return np.where(codes == 0, 0.0, magnitude)


def bits(flags: NDArray[np.bool_]) -> bytes:
    """Pack flags of any shape, in C order, eight to a byte, the first in the lowest bit."""
    return np.packbits(flags.reshape(-1), bitorder="little").tobytes()


def nibbles(labels: NDArray[np.integer[Any]]) -> bytes:
    """Pack numbers from 0 to 15 of any shape, in C order, two to a byte, the first in the lower half.

    Raises:
        ArrayError: One is outside this range.
    """
    flat = labels.reshape(-1)
    if flat.size and not (flat.min() >= 0 and flat.max() <= 15):
        raise ArrayError(f"expected numbers from 0 to 15, got {flat.min()} to {flat.max()}")
    even = np.append(flat, np.zeros(flat.size % 2, dtype=flat.dtype)).astype(np.uint8)
    return (even[::2] | (even[1::2] << 4)).tobytes()


def encoded(data: bytes) -> str:
    """Return bytes as base64 text."""
    return base64.b64encode(data).decode("ascii")
