"""The trace of a function of one row, over many rows at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from dynsparse.errors import ArrayError
from dynsparse.physics.dependence import (  # noqa: F401 # enter their rules
    control,
    elementwise,
    indexing,
    matrices,
    reductions,
    shaping,
    solves,
)
from dynsparse.physics.dependence.interpreter import Interpreter
from dynsparse.physics.dependence.sets import WORD, Traced, packed, unpacked
from dynsparse.physics.environment import float64_on_cpu

__all__ = ["Dependence", "DependenceTrace", "identity_seeds"]


class Dependence(NamedTuple):
    """What one result of a function depends on, in each of n rows.

    Attributes:
        values: (n, ...) the result.
        pattern: (n, ..., k) bool; whether a path leads from input k to the element in that row.
    """

    values: np.ndarray
    pattern: np.ndarray


class DependenceTrace:
    """Traces a function of one row at many rows; the rules are those of the package.

    The function's equations are found once for each number of rows and kept.

    Args:
        function: of one row's arrays, to a pytree of arrays; computed in float64 on the CPU.
        open_clamps: a counterfactual: ``clamp``, ``max`` and ``min`` pass on every operand, whichever was taken.
    """

    def __init__(self, function: Callable[..., Any], *, open_clamps: bool = False) -> None:
        self._function = function
        self._open_clamps = open_clamps
        self._found: dict[tuple[Any, ...], Any] = {}

    def __call__(
        self,
        *columns: np.ndarray,
        varying: Sequence[int] | None = None,
        seeds: Mapping[int, np.ndarray] | None = None,
    ) -> Any:
        """Trace n rows.

        Args:
            columns: the function's arguments, each (n, ...).
            varying: which arguments' elements are the inputs, in order; all where neither this nor ``seeds`` is given.
            seeds: in place of ``varying``, on which of k inputs each element of an argument depends to begin with:
                (n or 1, ..., k) bool.

        Returns:
            The function's pytree, of ``Dependence``.

        Raises:
            ArrayError: the arguments or seeds do not fit each other.
            UnknownPrimitiveError: the function does something that no rule covers; named.
        """
        columns = tuple(np.asarray(column) for column in columns)
        counts = {len(column) if column.ndim else -1 for column in columns}
        if len(counts) != 1 or -1 in counts or 0 in counts:
            shapes = [column.shape for column in columns]
            raise ArrayError(f"expected arguments of one number of rows, one or more, got shapes {shapes}")
        if seeds is None:
            seeds = identity_seeds([column.shape[1:] for column in columns], varying)
        count = _inputs(columns, seeds)
        with float64_on_cpu(), np.errstate(all="ignore"):  # a branch that is not taken may divide by zero
            closed, tree = self._equations(columns)
            words = max(1, -(-count // WORD))
            operands = [_seeded(column, seeds.get(k), words) for k, column in enumerate(columns)]
            interpreter = Interpreter(words, open_clamps=self._open_clamps)
            found = interpreter.run(closed.jaxpr, closed.consts, operands)
        leaves = [Dependence(x.values, unpacked(x.sets, x.values.shape, count)) for x in found]
        return jax.tree.unflatten(tree, leaves)

    def _equations(self, columns: Sequence[np.ndarray]) -> tuple[Any, Any]:
        key = tuple((column.shape, column.dtype.str) for column in columns)
        if key not in self._found:
            closed, shapes = jax.make_jaxpr(jax.vmap(self._function), return_shape=True)(*columns)
            self._found[key] = closed, jax.tree.structure(shapes)
        return self._found[key]


def identity_seeds(shapes: Sequence[tuple[int, ...]], varying: Sequence[int] | None) -> dict[int, np.ndarray]:
    """Let every element of some arguments be an input of its own.

    Args:
        shapes: of one row's arguments.
        varying: which arguments; None for all.

    Returns:
        For each of them (1, *shape, k) bool.
    """
    chosen = range(len(shapes)) if varying is None else varying
    sizes = [int(np.prod(shapes[k], dtype=int)) for k in chosen]
    eye, ends = np.eye(sum(sizes), dtype=bool), np.cumsum(sizes)
    return {
        k: eye[end - size : end].reshape(1, *shapes[k], len(eye))
        for k, size, end in zip(chosen, sizes, ends, strict=True)
    }


def _inputs(columns: Sequence[np.ndarray], seeds: Mapping[int, np.ndarray]) -> int:
    counts = {seed.shape[-1] for seed in seeds.values()}
    for k, seed in seeds.items():
        wanted = columns[k].shape if 0 <= k < len(columns) else None
        if wanted is None or seed.shape[1:-1] != wanted[1:] or seed.shape[0] not in (1, wanted[0]) or len(counts) > 1:
            raise ArrayError(
                f"expected seeds (rows or 1, ..., inputs) with one number of inputs for argument {k} of shape "
                f"{wanted}, got {seed.shape}; numbers of inputs: {sorted(counts)}"
            )
    return counts.pop() if counts else 0


def _seeded(column: np.ndarray, seed: np.ndarray | None, words: int) -> Traced:
    dtype = jax.dtypes.canonicalize_dtype(column.dtype)
    values = column.astype(dtype)
    if seed is None or not seed.any():
        return Traced(values)
    return Traced(values, np.broadcast_to(packed(seed, words), (words, *values.shape)))
