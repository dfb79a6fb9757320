"""Count of patterns: how many different ones there are, and how often each occurs, in 16 bytes a pattern."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["PatternCount", "hash_patterns"]

_SEED = 20_250_402
_MERGE_AT = 65_536
_BLOCKS_AT = 256
_HALF = np.uint64(32)


def hash_patterns(zero: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Give each pattern a number of 64 bits that other patterns do not have.

    The pattern is packed into words x_1 .. x_m of 32 bits, and each half of the hash is the upper half of
    ``c_0 + c_1 x_1 + .. + c_m x_m`` modulo 2^64 with multipliers c of its own.  Over the choice of the multipliers two
    different patterns share such a half with a probability of at most 2^-32 (Lemire and Kaser, "Strongly universal
    string hashing is fast", 2014), so both with 2^-64: among a million different patterns any two are taken for one
    with a probability below 3e-8.  The multipliers are fixed (PCG64 with a seed of ours), so that a hash is the same
    on every machine.

    Args:
        zero: (n, elements) true where an element is zero.

    Returns:
        (n,) hashes.
    """
    bits = np.packbits(zero, axis=1)
    words = np.zeros((len(zero), max(-(-bits.shape[1] // 4), 1) * 4), dtype=np.uint8)
    words[:, : bits.shape[1]] = bits
    values = words.view("<u4").astype(np.uint64)
    raw = np.random.PCG64(_SEED).random_raw(2 * (values.shape[1] + 1))
    offsets, multipliers = raw[:2], raw[2:].reshape(values.shape[1], 2)
    # Unsigned arithmetic wraps around, which is the modulo.
    halves = (values @ multipliers + offsets) >> _HALF
    return np.asarray((halves[:, 0] << _HALF) | halves[:, 1])


class PatternCount:
    """Counts patterns, block by block; keeps their hashes, sorted, and how often each occurred."""

    def __init__(self) -> None:
        """Start at zero rows."""
        self._rows = 0
        self._hashes = np.zeros(0, dtype=np.uint64)
        self._counts = np.zeros(0, dtype=np.int64)
        self._waiting: list[tuple[NDArray[np.uint64], NDArray[np.int64]]] = []

    def update(self, zero: NDArray[np.bool_]) -> None:
        """Count one block of patterns.

        Args:
            zero: (n, elements) true where an element is zero.
        """
        self.update_hashed(hash_patterns(zero))

    def update_hashed(self, hashes: NDArray[np.uint64]) -> None:
        """Count one block of patterns that ``hash_patterns`` has seen already.

        Args:
            hashes: (n,) a number for each.
        """
        self._rows += len(hashes)
        hashes, counts = np.unique(hashes, return_counts=True)
        self._waiting.append((hashes, counts))
        # Merging whenever a block arrives would take a time that grows with the square of the rows.
        waiting = sum(len(hashes) for hashes, _ in self._waiting)
        if waiting > max(_MERGE_AT, len(self._hashes)) or len(self._waiting) >= _BLOCKS_AT:
            self._merge()

    @property
    def distinct(self) -> int:
        """Number of different patterns so far."""
        self._merge()
        return len(self._hashes)

    def shares(self, most: int = 10) -> tuple[float, ...]:
        """Return the shares of the rows that have the most frequent patterns.

        Args:
            most: How many patterns at most.

        Returns:
            Shares in falling order.
        """
        self._merge()
        largest = np.sort(self._counts)[::-1][:most]
        return tuple(int(count) / self._rows for count in largest)

    def _merge(self) -> None:
        if not self._waiting:
            return
        hashes = np.concatenate([self._hashes, *(hashes for hashes, _ in self._waiting)])
        counts = np.concatenate([self._counts, *(counts for _, counts in self._waiting)])
        order = np.argsort(hashes, kind="stable")
        hashes, counts = hashes[order], counts[order]
        first = np.flatnonzero(np.concatenate([[True], hashes[1:] != hashes[:-1]])) if len(hashes) else order
        self._hashes = hashes[first]
        self._counts = np.add.reduceat(counts, first) if len(hashes) else counts
        self._waiting = []
