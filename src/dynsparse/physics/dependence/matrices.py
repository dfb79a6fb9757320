"""Rules of linear algebra: products, factors and triangular solves of stacks of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg

from dynsparse.physics.dependence.interpreter import Interpreter, rule
from dynsparse.physics.dependence.sets import Traced, Words, inert, zeros_of

__all__ = ["connected"]

ALL, NOTHING = ~np.uint64(0), np.uint64(0)


@rule("dot_general")
def _dot_general(interpreter: Interpreter, equation: Any, a: Traced, b: Traced) -> Traced:
    (summed_a, summed_b), (batch_a, batch_b) = equation.params["dimension_numbers"]
    left, rows = _arranged(a, batch_a, summed_a)
    right, columns = _arranged(b, batch_b, summed_b)
    shape = (*(a.values.shape[axis] for axis in batch_a), *rows, *columns)
    dtype = equation.outvars[0].aval.dtype
    values = np.matmul(left.values.astype(dtype), right.values.swapaxes(-1, -2).astype(dtype)).reshape(shape)
    if left.sets is None and right.sets is None:
        return Traced(values)
    sets = np.zeros((interpreter.words, len(left.values), left.values.shape[1], right.values.shape[1]), np.uint64)
    _add_products(sets, left.sets, ~inert(right))
    _add_products(sets.swapaxes(-1, -2), right.sets, ~inert(left))
    return Traced(values, sets.reshape(interpreter.words, *shape))


def _arranged(x: Traced, batch: Any, summed: Any) -> tuple[Traced, list[int]]:
    """Return (batch, free, summed) and the sizes of the free axes."""
    shape = x.values.shape
    free = [axis for axis in range(len(shape)) if axis not in batch and axis not in summed]
    order = [*batch, *free, *summed]
    counts = [int(np.prod([shape[axis] for axis in axes], dtype=int)) for axes in (batch, free, summed)]
    sets = None
    if x.sets is not None:
        sets = x.sets.transpose([0, *(axis + 1 for axis in order)]).reshape(len(x.sets), *counts)
    return Traced(x.values.transpose(order).reshape(counts), sets), [shape[axis] for axis in free]


def _add_products(total: Words, sets: Words | None, alive: np.ndarray) -> None:
    """Add to (words, batch, i, j) sets what (words, batch, i, k) pass where the (batch, j, k) factor is alive."""
    if sets is None:
        return
    for k in range(sets.shape[-1]):
        one, other = sets[..., k], alive[..., k]
        if not other.any() or not one.any():
            continue
        passed = one[..., None]
        total |= passed if other.all() else passed & np.where(other, ALL, NOTHING)[:, None, :]


def connected(edges: np.ndarray) -> np.ndarray:
    """Return which nodes hang together.

    Args:
        edges: (..., n, n) bool, in either direction.

    Returns:
        (..., n, n) bool: an equivalence relation.
    """
    count = edges.shape[-1]
    reach = edges | edges.swapaxes(-1, -2) | np.eye(count, dtype=bool)
    length = 1
    while length < count:
        numbers = reach.astype(np.float32)
        reach = numbers @ numbers > 0
        length *= 2
    return reach


def _coupled(row_sets: Words, together: np.ndarray) -> Words:
    """Return, for every (batch, i) of a node's sets, the union over its (batch, i, k) component."""
    found: np.ndarray = np.bitwise_or.reduce(np.where(together, row_sets[..., None, :], NOTHING), axis=-1)
    return found


def _flat(x: Traced) -> Traced:
    """Return a stack of matrices with one leading axis."""
    shape = (-1, *x.values.shape[-2:])
    return Traced(x.values.reshape(shape), None if x.sets is None else x.sets.reshape(len(x.sets), *shape))


def _shaped(x: Traced, shape: tuple[int, ...]) -> Traced:
    return Traced(x.values.reshape(shape), None if x.sets is None else x.sets.reshape(len(x.sets), *shape))


@rule("cholesky")
def _cholesky(_interpreter: Interpreter, _equation: Any, a: Traced) -> Traced:
    flat = _flat(a)
    matrix, count = flat.values, a.values.shape[-1]
    factor = np.zeros_like(matrix)
    for j in range(count):
        rest = matrix[:, j:, j] - np.einsum("bik,bk->bi", factor[:, j:, :j], factor[:, j, :j])
        factor[:, j, j] = np.sqrt(rest[:, 0])
        factor[:, j + 1 :, j] = rest[:, 1:] / factor[:, j, j, None]
    # As JAX has it: of a matrix that is not positive definite there is no factor at all.
    factor[~np.isfinite(factor).all(axis=(1, 2)), :, :] = np.nan
    factor = np.tril(factor)
    sets = None
    if flat.sets is not None:
        # The value reads the lower half, the derivative of JAX both.
        together = connected(~inert(flat))
        coupled = _coupled(np.bitwise_or.reduce(flat.sets, -1), together)
        sets = np.where(together & np.tri(count, dtype=bool), coupled[..., None], NOTHING)
    return _shaped(Traced(factor, sets), a.values.shape)


@rule("lu")
def _lu(interpreter: Interpreter, _equation: Any, a: Traced) -> list[Traced]:
    flat = _flat(a)
    count, rows, columns = flat.values.shape
    factor = np.empty_like(flat.values)
    pivots = np.zeros((count, min(rows, columns)), dtype=np.int32)
    order = np.tile(np.arange(rows, dtype=np.int32), (count, 1))
    for k in range(count):
        factor[k], pivots[k] = _factored(flat.values[k])
        for i, other in enumerate(pivots[k]):
            order[k, [i, other]] = order[k, [other, i]]
    batch = a.values.shape[:-2]
    sets = None
    if flat.sets is not None:
        # Nodes are the rows as they stand in the factor, then the columns; a pivot ties its row to its column.
        edges = np.zeros((count, rows + columns, rows + columns), dtype=bool)
        edges[:, :rows, rows:] = np.take_along_axis(~inert(flat), order[..., None], axis=1)
        diagonal = np.arange(min(rows, columns))
        edges[:, diagonal, rows + diagonal] = True
        together = connected(edges)
        permuted = np.take_along_axis(flat.sets, order[None, ..., None], axis=2)
        coupled = _coupled(np.bitwise_or.reduce(permuted, axis=-1), together[:, :rows, :rows])
        sets = np.where(together[:, :rows, rows:], coupled[..., None], NOTHING)
    return [
        _shaped(Traced(factor, sets), a.values.shape),
        Traced(pivots.reshape(*batch, -1)),
        Traced(order.reshape(*batch, rows)),
    ]


def _factored(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if not np.isfinite(matrix).all():
        return np.full_like(matrix, np.nan), np.arange(min(matrix.shape), dtype=np.int32)
    (factor, pivots, _) = scipy.linalg.get_lapack_funcs(("getrf",), (matrix,))[0](matrix)
    return factor, pivots


@rule("triangular_solve")
def _triangular_solve(interpreter: Interpreter, equation: Any, a: Traced, b: Traced) -> Traced:
    """Substitute, column by column of the right-hand side."""
    parameters = equation.params
    lower, left = parameters["lower"], parameters["left_side"]
    matrix, right = _flat(a), _flat(b)
    if not left:  # X A = B is A' X' = B'
        right = _turned(right)
    if parameters["transpose_a"] == left:
        matrix, lower = _turned(matrix), not lower
    values = np.array(right.values)
    sets = np.array(zeros_of(right, interpreter.words))
    has_sets = matrix.sets is not None or right.sets is not None
    factor_alive, dependent = ~inert(matrix), matrix.sets
    count = matrix.values.shape[-1]
    alive = np.zeros(values.shape, dtype=bool)
    for i in range(count) if lower else range(count - 1, -1, -1):
        known = slice(0, i) if lower else slice(i + 1, None)
        row = matrix.values[:, i, known]
        values[:, i] -= np.einsum("bk,bkc->bc", row, values[:, known])
        if not parameters["unit_diagonal"]:
            values[:, i] /= matrix.values[:, i, i, None]
        if has_sets:
            passed = np.where(factor_alive[:, i, known, None], sets[:, :, known], NOTHING)
            if dependent is not None:
                passed = passed | np.where(alive[:, known], dependent[:, :, i, known, None], NOTHING)
            sets[:, :, i] |= np.bitwise_or.reduce(passed, axis=2)
        alive[:, i] = values[:, i] != 0
        alive[:, i] |= sets[:, :, i].any(axis=0)
        if dependent is not None and not parameters["unit_diagonal"]:
            sets[:, :, i] |= np.where(alive[:, i], dependent[:, :, i, i, None], NOTHING)
    found = Traced(values, sets if has_sets else None)
    return _shaped(found if left else _turned(found), b.values.shape)


def _turned(x: Traced) -> Traced:
    return Traced(x.values.swapaxes(-1, -2), None if x.sets is None else x.sets.swapaxes(-1, -2))


@rule("lu_pivots_to_permutation")
def _permutation(_interpreter: Interpreter, equation: Any, pivots: Traced) -> Traced:
    shape = equation.outvars[0].aval.shape
    found = np.broadcast_to(np.arange(shape[-1], dtype=np.int32), shape).copy()
    for where in np.ndindex(pivots.values.shape[:-1]):
        for i, other in enumerate(pivots.values[where]):
            found[where][[i, other]] = found[where][[other, i]]
    return Traced(found)
