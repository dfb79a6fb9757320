"""Number types: what JAX's own types would hold of numbers that are all float64 here."""

from __future__ import annotations

from itertools import product
from typing import Any

import jax.numpy as jnp
import numpy as np

from dynsparse.physics.native.graph import ScalarGraph

__all__ = ["NumberTypes"]

Range = tuple[float, float]


class NumberTypes:
    """Tells which numbers of a graph a type holds as they are.

    Signed integers of 32 and 64 bits count and point: they are taken at their word, exact up to 2**53, and do not wrap
    around.  Whatever else is not float64 has to be proved, since rounding and wrapping around are not mirrored.

    Args:
        graph: the graph.
    """

    def __init__(self, graph: ScalarGraph) -> None:
        self._graph = graph
        self._ranges: dict[int, Range | None] = {}

    def holds(self, dtype: Any, node: int) -> bool:
        """Whether a type certainly holds what a node is."""
        if dtype in (np.float64, np.bool_):
            return True
        known = self._graph.constants[node]
        whole = self.whole(node)
        if jnp.issubdtype(dtype, jnp.integer):
            if known is None and dtype in (np.int32, np.int64):
                return True
            info = jnp.iinfo(dtype)  # type: ignore[no-untyped-call] # JAX leaves these two untyped
            return whole is not None and info.min <= whole[0] and whole[1] <= info.max
        if not jnp.issubdtype(dtype, jnp.floating):
            return False
        if known is not None:
            return known != known or float(np.asarray(known).astype(dtype)) == known
        bits: int = jnp.finfo(dtype).nmant  # type: ignore[no-untyped-call]
        return whole is not None and max(-whole[0], whole[1]) <= 2.0 ** (bits + 1)

    def is_flag(self, node: int) -> bool:
        """Whether a number can only be 0 or 1."""
        whole = self.whole(node)
        return whole is not None and whole[0] >= 0 and whole[1] <= 1

    def whole(self, node: int) -> Range | None:
        """Return between which bounds a whole number lies; None where it may be another number, or any."""
        waiting = [node]  # no recursion: sums are as deep as they have terms
        while waiting:
            one = waiting[-1]
            missing = [x for x in self._parts(one) if x not in self._ranges] if one not in self._ranges else []
            if missing:
                waiting += missing
                continue
            self._ranges.setdefault(waiting.pop(), self._range(one))
        return self._ranges[node]

    def _parts(self, node: int) -> tuple[int, ...]:
        """Return the operands that decide a node's bounds."""
        operation, operands = self._graph.operations[node], self._graph.operands[node]
        if operation == "select":
            return operands[1:]
        return operands if operation in ("add", "sub", "mul", "neg") else ()

    def _range(self, node: int) -> Range | None:
        known, operation = self._graph.constants[node], self._graph.operations[node]
        if known is not None:
            return (known, known) if known == np.floor(known) and abs(known) < np.inf else None
        if self._graph.is_boolean(node):
            return 0.0, 1.0
        ranges = [self._ranges[x] for x in self._parts(node)]
        found = [x for x in ranges if x is not None]
        if not found or len(found) < len(ranges):
            return None
        if operation == "neg":
            return -found[0][1], -found[0][0]
        (low, high), (other_low, other_high) = found
        if operation == "add":
            return low + other_low, high + other_high
        if operation == "sub":
            return low - other_high, high - other_low
        if operation == "mul":
            corners = [x * y for x, y in product(*found)]
            return min(corners), max(corners)
        return min(low, other_low), max(high, other_high)
