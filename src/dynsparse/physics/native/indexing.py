"""Rules of primitives that pick or place elements at an index, which the row may decide."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any

import jax.numpy as jnp
import numpy as np

from dynsparse.physics.native.graph import ScalarGraph
from dynsparse.physics.native.tracing import RULES, Nodes, Tracer, UntraceableError, rule


def _clamped(tracer: Tracer, node: int, last: int) -> int:
    graph = tracer.graph
    return graph.binary("min", graph.binary("max", node, graph.constant(0)), graph.constant(last))


def _picked(tracer: Tracer, table: Sequence[Nodes], index: int) -> Nodes:
    """Return the entry of a table at an index inside it."""
    graph = tracer.graph
    known = graph.constants[index]
    if known is not None:
        return table[int(known)]
    found = table[0]
    for place in range(1, len(table)):
        hit = np.array(graph.binary("eq", index, graph.constant(place)))
        found = tracer.select(hit, found, table[place])
    return found


@rule("dynamic_slice")
def _dynamic_slice(tracer: Tracer, equation: Any, a: Nodes, *starts: Nodes) -> Nodes:
    for axis, (start, size) in enumerate(zip(starts, equation.params["slice_sizes"], strict=True)):
        last = a.shape[axis] - size
        windows = [np.take(a, range(place, place + size), axis=axis) for place in range(last + 1)]
        a = _picked(tracer, windows, _clamped(tracer, int(start), last))
    return a


@rule("dynamic_update_slice")
def _dynamic_update_slice(tracer: Tracer, _equation: Any, a: Nodes, update: Nodes, *starts: Nodes) -> Nodes:
    sizes = [have - new for have, new in zip(a.shape, update.shape, strict=True)]
    starts_inside = [_clamped(tracer, int(start), last) for start, last in zip(starts, sizes, strict=True)]
    found = a.copy()
    for hit, place in _places(tracer, starts_inside, sizes):
        window = tuple(slice(k, k + size) for k, size in zip(place, update.shape, strict=True))
        found[window] = tracer.select(np.array(hit), found[window], update)
    return found


def _places(tracer: Tracer, indices: Sequence[int], last: Sequence[int]) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Yield every place that some indices may name, and whether they do."""
    graph = tracer.graph
    each = []
    for index, end in zip(indices, last, strict=True):
        known = graph.constants[index]
        each.append(range(end + 1) if known is None else [int(known)])
    for place in product(*each):
        hit = graph.constant(True)
        for index, k in zip(indices, place, strict=True):
            hit = graph.binary("and", hit, graph.binary("eq", index, graph.constant(k)))
        yield hit, place


@rule("gather")
def _gather(tracer: Tracer, equation: Any, a: Nodes, indices: Nodes) -> Nodes:
    numbers, sizes = equation.params["dimension_numbers"], equation.params["slice_sizes"]
    fills = "FILL" in str(equation.params["mode"])
    aval, graph = equation.outvars[0].aval, tracer.graph
    if fills:
        filling = equation.params["fill_value"]
        filling = _usual_filling(aval.dtype) if filling is None else filling
    found = np.empty(aval.shape, dtype=np.int64)
    batched = [axis for axis in range(found.ndim) if axis not in numbers.offset_dims]
    left_out = (*numbers.collapsed_slice_dims, *numbers.operand_batching_dims)
    kept = [axis for axis in range(a.ndim) if axis not in left_out]
    for where in np.ndindex(indices.shape[:-1]):
        start = [graph.constant(0)] * a.ndim
        for axis, batch in zip(numbers.operand_batching_dims, numbers.start_indices_batching_dims, strict=True):
            start[axis] = graph.constant(where[batch])
        outside = graph.constant(False)
        for k, axis in enumerate(numbers.start_index_map):
            index, last = int(indices[(*where, k)]), a.shape[axis] - sizes[axis]
            if fills:
                for below, above in ((index, graph.constant(0)), (graph.constant(last), index)):
                    outside = graph.binary("or", outside, graph.binary("lt", below, above))
            start[axis] = _clamped(tracer, index, last)
        window = np.full(sizes, graph.constant(0.0), dtype=np.int64)
        for hit, place in _places(tracer, start, [have - size for have, size in zip(a.shape, sizes, strict=True)]):
            one = a[tuple(slice(k, k + size) for k, size in zip(place, sizes, strict=True))]
            window = tracer.select(np.array(hit), window, one)
        if fills:
            window = tracer.select(np.array(outside), window, np.broadcast_to(tracer.constants(filling), window.shape))
        target: list[Any] = [slice(None)] * found.ndim
        for axis, k in zip(batched, where, strict=True):
            target[axis] = k
        found[tuple(target)] = window.reshape([window.shape[axis] for axis in kept])
    return found


def _usual_filling(dtype: Any) -> float:
    """Return what JAX puts in place of what lies outside."""
    if jnp.issubdtype(dtype, jnp.inexact):
        return np.nan
    if dtype.kind not in "iu":
        return True
    return np.iinfo(dtype).min if dtype.kind == "i" else np.iinfo(dtype).max


Combine = Callable[[Tracer, Nodes, Nodes], Nodes]


def _scatter(combine: Combine) -> Callable[..., Nodes]:
    def place(tracer: Tracer, equation: Any, a: Nodes, indices: Nodes, updates: Nodes) -> Nodes:
        numbers, graph = equation.params["dimension_numbers"], tracer.graph
        if "CLIP" in str(equation.params["mode"]):
            raise UntraceableError("a scatter that clips its indices")
        if equation.primitive.name == "scatter" and not _replaces(equation.params["update_jaxpr"]):
            raise UntraceableError("a scatter with an update of its own")
        found = a.copy()
        window_axes = numbers.update_window_dims
        batched = [axis for axis in range(updates.ndim) if axis not in window_axes]
        inserted = (*numbers.inserted_window_dims, *numbers.operand_batching_dims)
        sizes = [1] * a.ndim
        for axis, of_update in zip((x for x in range(a.ndim) if x not in inserted), window_axes, strict=True):
            sizes[axis] = updates.shape[of_update]
        for where in np.ndindex(indices.shape[:-1]):
            start = [graph.constant(0)] * a.ndim
            for axis, batch in zip(numbers.operand_batching_dims, numbers.scatter_indices_batching_dims, strict=True):
                start[axis] = graph.constant(where[batch])
            for k, axis in enumerate(numbers.scatter_dims_to_operand_dims):
                start[axis] = int(indices[(*where, k)])
            source: list[Any] = [slice(None)] * updates.ndim
            for axis, k in zip(batched, where, strict=True):
                source[axis] = k
            update = updates[tuple(source)]
            last = [have - size for have, size in zip(a.shape, sizes, strict=True)]
            for hit, at in _places(tracer, start, last):
                if any(not 0 <= k <= end for k, end in zip(at, last, strict=True)):
                    continue  # JAX drops what lies outside
                window = tuple(slice(k, k + size) for k, size in zip(at, sizes, strict=True))
                new = combine(tracer, found[window], update.reshape(sizes))
                found[window] = tracer.select(np.array(hit), found[window], new)
        return found

    return place


def _replaces(update: Any) -> bool:
    """Whether a scatter's update is the new number."""
    return update is None or (not update.eqns and update.outvars == update.invars[1:])


RULES["scatter"] = _scatter(lambda _tracer, _old, new: new)
RULES["scatter-add"] = RULES["scatter_add"] = _scatter(lambda tracer, old, new: tracer.binary("add", old, new))
RULES["scatter-mul"] = RULES["scatter_mul"] = _scatter(lambda tracer, old, new: tracer.binary("mul", old, new))


@rule("sort")
def _sort(tracer: Tracer, equation: Any, *operands: Nodes) -> Sequence[Nodes]:
    """Sort by insertion: stable, and short for the handful of candidates that collision routines sort."""
    graph, axis, keys = tracer.graph, equation.params["dimension"], equation.params["num_keys"]
    may_be_nan = [variable.aval.dtype.kind == "f" for variable in equation.invars[:keys]]
    found = [np.moveaxis(x, axis, -1).copy() for x in operands]
    for where in np.ndindex(found[0].shape[:-1]):
        rows = [x[where].tolist() for x in found]
        for i in range(1, len(rows[0])):
            for j in range(i, 0, -1):
                less, equal = graph.constant(False), graph.constant(True)
                for row, nans in zip(rows, may_be_nan, strict=False):
                    before, same = _ordered(graph, row[j], row[j - 1], nans)
                    less = graph.binary("or", less, graph.binary("and", equal, before))
                    equal = graph.binary("and", equal, same)
                _swap(tracer, rows, j, less)
        for x, row in zip(found, rows, strict=True):
            x[where] = row
    return [np.moveaxis(x, -1, axis) for x in found]


def _ordered(graph: ScalarGraph, a: int, b: int, may_be_nan: bool) -> tuple[int, int]:
    """Return whether a number comes before another, and whether they are equal; a NaN is the largest number."""
    if not may_be_nan:
        return graph.binary("lt", a, b), graph.binary("eq", a, b)
    a_is_nan, b_is_nan = graph.binary("ne", a, a), graph.binary("ne", b, b)
    not_before = graph.binary("or", graph.binary("le", b, a), a_is_nan)
    equal = graph.binary("or", graph.binary("eq", a, b), graph.binary("and", a_is_nan, b_is_nan))
    return graph.unary("not", not_before), equal


@rule("top_k")
def _top_k(tracer: Tracer, equation: Any, a: Nodes) -> Sequence[Nodes]:
    graph, count = tracer.graph, equation.params["k"]
    if equation.params.get("axis", -1) not in (-1, a.ndim - 1):
        raise UntraceableError("the largest along an axis that is not the last")
    may_be_nan = equation.invars[0].aval.dtype.kind == "f"
    values = np.empty((*a.shape[:-1], count), dtype=np.int64)
    places = values.copy()
    for where in np.ndindex(a.shape[:-1]):
        rows = [a[where].tolist(), [graph.constant(k) for k in range(a.shape[-1])]]
        for place in range(count):  # the largest of the rest moves to its place; of equal ones the first
            for j in range(a.shape[-1] - 1, place, -1):
                _swap(tracer, rows, j, _ordered(graph, rows[0][j - 1], rows[0][j], may_be_nan)[0])
        values[where], places[where] = rows[0][:count], rows[1][:count]
    return [values, places]


def _swap(tracer: Tracer, rows: list[list[int]], j: int, condition: int) -> None:
    """Exchange two neighbours of every row where a condition holds."""
    for row in rows:
        before, after = row[j - 1], row[j]
        row[j - 1] = tracer.graph.select(condition, before, after)
        row[j] = tracer.graph.select(condition, after, before)
