"""Numbers and the sets of inputs on which they depend: one bit an input, packed into 64-bit words."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

__all__ = [
    "WORD",
    "Traced",
    "depends",
    "each_word",
    "inert",
    "kept",
    "over",
    "packed",
    "through",
    "union",
    "unless_inert",
    "unpacked",
    "where",
    "zeros_of",
]

Words = np.ndarray
"""(words, ...) uint64: the sets of an array's elements, bit k of word w standing for input 64 w + k."""

WORD = 64
NOTHING = np.uint64(0)


class Traced(NamedTuple):
    """An array of the trace.

    Attributes:
        values: its numbers.
        sets: (words, ...) uint64, on what each depends; None where no element depends on anything.
    """

    values: np.ndarray
    sets: Words | None = None


def packed(seeds: np.ndarray, words: int) -> Words:
    """Pack truth values into words.

    Args:
        seeds: (..., k) bool.
        words: how many words a set has.

    Returns:
        (words, ...) uint64.
    """
    *shape, count = seeds.shape
    found = np.zeros((words, *shape), dtype=np.uint64)
    for bit in range(count):
        found[bit // WORD] |= seeds[..., bit].astype(np.uint64) << np.uint64(bit % WORD)
    return found


def unpacked(sets: Words | None, shape: tuple[int, ...], count: int) -> np.ndarray:
    """Unpack words into truth values.

    Args:
        sets: (words, ...) or None.
        shape: of the array.
        count: k, how many inputs there are.

    Returns:
        (..., k) bool.
    """
    found = np.zeros((*shape, count), dtype=bool)
    if sets is not None:
        for bit in range(count):
            found[..., bit] = (sets[bit // WORD] >> np.uint64(bit % WORD)) & np.uint64(1)
    return found


def depends(array: Traced) -> np.ndarray:
    """Tell which elements depend on anything."""
    if array.sets is None:
        return np.zeros(array.values.shape, dtype=bool)
    if len(array.sets) == 1:
        found: np.ndarray = array.sets[0] != 0
        return found
    return np.asarray(array.sets.any(axis=0))


def inert(array: Traced) -> np.ndarray:
    """Tell which elements are zero and depend on nothing: they stay zero nearby."""
    zero = np.asarray(array.values == 0)
    return zero if array.sets is None else zero & ~depends(array)


def over(sets: Words, dimensions: int) -> Words:
    """Give sets leading axes of length one, so that they broadcast as values of so many dimensions do."""
    missing = dimensions + 1 - sets.ndim
    return sets if missing <= 0 else sets.reshape(len(sets), *(1,) * missing, *sets.shape[1:])


def union(*all_sets: Words | None) -> Words | None:
    """Return the union of sets, element by element."""
    some = [sets for sets in all_sets if sets is not None]
    if not some:
        return None
    dimensions = max(sets.ndim for sets in some) - 1
    found = over(some[0], dimensions)
    for sets in some[1:]:
        found = found | over(sets, dimensions)
    return found


def kept(sets: Words | None, condition: np.ndarray) -> Words | None:
    """Return sets where a condition holds, and empty ones elsewhere."""
    if sets is None or condition.all():
        return sets
    return np.where(condition, over(sets, condition.ndim), NOTHING)


def unless_inert(sets: Words | None, other: Traced) -> Words | None:
    """Return what the factor of another number passes on: nothing where the other stays zero."""
    return None if sets is None else kept(sets, ~inert(other))


def where(condition: np.ndarray, yes: Words | None, no: Words | None) -> Words | None:
    """Choose between sets, element by element."""
    if yes is None and no is None:
        return None
    dimensions = max(condition.ndim, *(sets.ndim - 1 for sets in (yes, no) if sets is not None))
    chosen = [NOTHING if sets is None else over(sets, dimensions) for sets in (yes, no)]
    return np.where(condition, *chosen)


def zeros_of(array: Traced, words: int) -> Words:
    """Return an array's sets, as words even where all are empty."""
    return np.zeros((words, *array.values.shape), dtype=np.uint64) if array.sets is None else array.sets


def each_word(function: Any, sets: Words | None) -> Words | None:
    """Apply a function of an array to every word of sets."""
    if sets is None:
        return None
    if len(sets) == 1:
        moved: np.ndarray = function(sets[0])
        return moved[None]
    return np.stack([function(word) for word in sets])


def through(second: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Follow paths: (..., i, j) bool after (..., j, k) bool is (..., i, k) bool, as a product of matrices."""
    return np.asarray(second.astype(np.float32) @ first.astype(np.float32) > 0)
