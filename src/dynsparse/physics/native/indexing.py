"""Rules of primitives that pick or place elements at an index, which the row may decide."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np

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
        filling = (np.nan if aval.dtype.kind == "f" else 0) if filling is None else filling
        if filling == 0 and aval.dtype.kind == "i":
            filling = np.iinfo(aval.dtype).min  # JAX's own choice
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


Combine = Callable[[Tracer, Nodes, Nodes], Nodes]


def _scatter(combine: Combine) -> Callable[..., Nodes]:
    def place(tracer: Tracer, equation: Any, a: Nodes, indices: Nodes, updates: Nodes) -> Nodes:
        numbers, graph = equation.params["dimension_numbers"], tracer.graph
        if "CLIP" in str(equation.params["mode"]):
            raise UntraceableError("a scatter that clips its indices")
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


RULES["scatter"] = _scatter(lambda _tracer, _old, new: new)
RULES["scatter-add"] = RULES["scatter_add"] = _scatter(lambda tracer, old, new: tracer.binary("add", old, new))
RULES["scatter-mul"] = RULES["scatter_mul"] = _scatter(lambda tracer, old, new: tracer.binary("mul", old, new))


@rule("sort")
def _sort(tracer: Tracer, equation: Any, *operands: Nodes) -> Sequence[Nodes]:
    """Sort by insertion: stable, and short for the handful of candidates that collision routines sort."""
    graph, axis, keys = tracer.graph, equation.params["dimension"], equation.params["num_keys"]
    found = [np.moveaxis(x, axis, -1).copy() for x in operands]
    for where in np.ndindex(found[0].shape[:-1]):
        rows = [x[where].tolist() for x in found]
        for i in range(1, len(rows[0])):
            for j in range(i, 0, -1):
                less, equal = graph.constant(False), graph.constant(True)
                for row in rows[:keys]:
                    less = graph.binary("or", less, graph.binary("and", equal, graph.binary("lt", row[j], row[j - 1])))
                    equal = graph.binary("and", equal, graph.binary("eq", row[j], row[j - 1]))
                _swap(tracer, rows, j, less)
        for x, row in zip(found, rows, strict=True):
            x[where] = row
    return [np.moveaxis(x, -1, axis) for x in found]


@rule("top_k")
def _top_k(tracer: Tracer, equation: Any, a: Nodes) -> Sequence[Nodes]:
    graph, count = tracer.graph, equation.params["k"]
    values = np.empty((*a.shape[:-1], count), dtype=np.int64)
    places = values.copy()
    for where in np.ndindex(a.shape[:-1]):
        rows = [a[where].tolist(), [graph.constant(k) for k in range(a.shape[-1])]]
        for place in range(count):  # the largest of the rest moves to its place; of equal ones the first
            for j in range(a.shape[-1] - 1, place, -1):
                _swap(tracer, rows, j, graph.binary("lt", rows[0][j - 1], rows[0][j]))
        values[where], places[where] = rows[0][:count], rows[1][:count]
    return [values, places]


def _swap(tracer: Tracer, rows: list[list[int]], j: int, condition: int) -> None:
    """Exchange two neighbours of every row where a condition holds."""
    for row in rows:
        before, after = row[j - 1], row[j]
        row[j - 1] = tracer.graph.select(condition, before, after)
        row[j] = tracer.graph.select(condition, after, before)
