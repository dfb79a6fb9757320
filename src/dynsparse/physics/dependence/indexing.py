"""Rules of primitives that pick or place elements at an index that was computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from dynsparse.physics.dependence.elementwise import extreme, product
from dynsparse.physics.dependence.interpreter import RULES, Interpreter, Rule, refused, rule
from dynsparse.physics.dependence.sets import Traced, each_word, kept, union, zeros_of


def _starts(interpreter: Interpreter, a: Traced, sizes: Sequence[int], starts: Sequence[Traced]) -> tuple[slice, ...]:
    found = []
    for start, have, size in zip(starts, a.values.shape, sizes, strict=True):
        first = min(max(int(start.values), 0), have - size)
        found.append(slice(first, first + size))
    return tuple(found)


@rule("dynamic_slice")
def _dynamic_slice(interpreter: Interpreter, equation: Any, a: Traced, *starts: Traced) -> Traced:
    window = _starts(interpreter, a, equation.params["slice_sizes"], starts)
    return Traced(a.values[window], each_word(lambda word: word[window], a.sets))


@rule("dynamic_update_slice")
def _dynamic_update_slice(
    interpreter: Interpreter, _equation: Any, a: Traced, update: Traced, *starts: Traced
) -> Traced:
    window = _starts(interpreter, a, update.values.shape, starts)
    values = np.array(a.values)
    values[window] = update.values
    if a.sets is None and update.sets is None:
        return Traced(values)
    sets = np.array(zeros_of(a, interpreter.words))
    sets[(slice(None), *window)] = zeros_of(update, interpreter.words)
    return Traced(values, sets)


def _places(
    shape: tuple[int, ...],
    indices: np.ndarray,
    mapped: Sequence[int],
    batching: Sequence[tuple[int, int]],
    sizes: Sequence[int],
    mode: str,
) -> tuple[np.ndarray, np.ndarray]:
    """Find where windows lie in an array.

    Args:
        shape: of the array.
        indices: (*batch, m) where each window starts, along ``mapped``.
        mapped: (m,) axes of the array.
        batching: pairs of an axis of the array and the axis of the batch that walks along it.
        sizes: of a window, along every axis of the array.
        mode: JAX's, what an index outside means.

    Returns:
        (*batch, *sizes) flat places, and (*batch,) whether the window lies inside.
    """
    batch = indices.shape[:-1]
    starts = [np.zeros(batch, dtype=np.int64) for _ in shape]
    for axis, along in batching:
        counted = np.arange(batch[along]).reshape([-1 if k == along else 1 for k in range(len(batch))])
        starts[axis] = np.broadcast_to(counted, batch)
    inside = np.ones(batch, dtype=bool)
    for k, axis in enumerate(mapped):
        index, last = indices[..., k].astype(np.int64), shape[axis] - sizes[axis]
        clipped = np.clip(index, 0, last)
        if "CLIP" not in mode:
            inside &= index == clipped
        starts[axis] = clipped
    places: np.ndarray = np.zeros((*batch, *(1,) * len(shape)), dtype=np.int64)
    stride = 1
    for axis in range(len(shape) - 1, -1, -1):
        window = np.arange(sizes[axis]).reshape([-1 if k == axis else 1 for k in range(len(shape))])
        places = places + stride * (starts[axis].reshape(*batch, *(1,) * len(shape)) + window)
        stride *= shape[axis]
    return places, inside


@rule("gather")
def _gather(_interpreter: Interpreter, equation: Any, a: Traced, indices: Traced) -> Traced:
    numbers, sizes, mode = (equation.params[name] for name in ("dimension_numbers", "slice_sizes", "mode"))
    batching = list(zip(numbers.operand_batching_dims, numbers.start_indices_batching_dims, strict=True))
    places, inside = _places(a.values.shape, indices.values, numbers.start_index_map, batching, sizes, str(mode))
    batch, dimensions = inside.ndim, len(equation.outvars[0].aval.shape)
    left_out = (*numbers.collapsed_slice_dims, *numbers.operand_batching_dims)
    kept_sizes = [size for axis, size in enumerate(sizes) if axis not in left_out]
    places = places.reshape(*inside.shape, *kept_sizes)
    waiting_batch, waiting_window = iter(range(batch)), iter(range(batch, dimensions))
    order = [next(waiting_window if k in numbers.offset_dims else waiting_batch) for k in range(dimensions)]
    places = places.transpose(order)
    values = a.values.reshape(-1)[places]
    sets = each_word(lambda word: word.reshape(-1)[places], a.sets)
    if "FILL" in str(mode) and not inside.all():
        inside = np.broadcast_to(inside.reshape(*inside.shape, *(1,) * len(kept_sizes)), (*inside.shape, *kept_sizes))
        inside = inside.transpose(order)
        filling = equation.params["fill_value"]
        values = np.where(inside, values, _usual_filling(values.dtype) if filling is None else filling)
        sets = kept(sets, inside)
    return Traced(values, sets)


def _usual_filling(dtype: Any) -> float:
    """Return what JAX puts in place of what lies outside."""
    if jnp.issubdtype(dtype, jnp.inexact):
        return np.nan
    if dtype.kind not in "iu":
        return True
    return np.iinfo(dtype).min if dtype.kind == "i" else np.iinfo(dtype).max


_Combine = Callable[[Interpreter, Traced, Traced], Traced]


def _add(_interpreter: Interpreter, a: Traced, b: Traced) -> Traced:
    return Traced(a.values + b.values, union(a.sets, b.sets))


def _scatter(combine: _Combine | None) -> Rule:
    """Return the rule of placing updates: combined with what is there, or in its place."""

    def place(interpreter: Interpreter, equation: Any, a: Traced, indices: Traced, updates: Traced) -> Traced:
        if combine is None and not _replaces(equation.params["update_jaxpr"]):
            raise refused(equation, "scatter with a function of its own")
        places, inside, order = _targets(equation, a, indices, updates)
        new = updates.values.transpose(order).reshape(-1)
        new_sets = each_word(lambda word: word.transpose(order).reshape(-1), updates.sets)
        valid = np.flatnonzero(inside)
        places, update = places[valid], Traced(new[valid], each_word(lambda word: word[valid], new_sets))
        values = np.array(a.values).reshape(-1)
        sets = None
        if a.sets is not None or updates.sets is not None:
            sets = np.array(zeros_of(a, interpreter.words)).reshape(interpreter.words, -1)
        for these in _distinct(places) if combine else [slice(None)]:
            at = places[these]
            one = Traced(update.values[these], None if update.sets is None else update.sets[:, these])
            if combine:
                one = combine(interpreter, Traced(values[at], None if sets is None else sets[:, at]), one)
            values[at] = one.values
            if sets is not None:
                sets[:, at] = 0 if one.sets is None else one.sets
        return Traced(
            values.reshape(a.values.shape), None if sets is None else sets.reshape(len(sets), *a.values.shape)
        )

    return place


def _targets(equation: Any, a: Traced, indices: Traced, updates: Traced) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Return flat places of the updates' elements, whether each is inside, and the updates' axes in that order."""
    numbers, shape = equation.params["dimension_numbers"], a.values.shape
    window = [int(axis) for axis in numbers.update_window_dims]
    order = [*(axis for axis in range(updates.values.ndim) if axis not in window), *window]
    left_out = (*numbers.inserted_window_dims, *numbers.operand_batching_dims)
    sizes = [1] * len(shape)
    for axis, of_update in zip((k for k in range(len(shape)) if k not in left_out), window, strict=True):
        sizes[axis] = updates.values.shape[of_update]
    batching = list(zip(numbers.operand_batching_dims, numbers.scatter_indices_batching_dims, strict=True))
    places, inside = _places(
        shape, indices.values, numbers.scatter_dims_to_operand_dims, batching, sizes, str(equation.params["mode"])
    )
    # What lies outside is dropped, also where the caller promised that nothing does.
    inside = np.broadcast_to(inside.reshape(*inside.shape, *(1,) * len(shape)), places.shape)
    return places.reshape(-1), inside.reshape(-1), order


def _distinct(places: np.ndarray) -> list[np.ndarray]:
    """Split elements into rounds in which no place comes twice."""
    rounds, left = [], np.arange(len(places))
    while len(left):
        first = np.unique(places[left], return_index=True)[1]
        rounds.append(left[np.sort(first)])
        left = np.delete(left, first)
    return rounds


def _replaces(update: Any) -> bool:
    """Whether a scatter's update is the new number."""
    return update is None or (not update.eqns and update.outvars == update.invars[1:])


RULES["scatter"] = _scatter(None)
RULES["scatter-add"] = RULES["scatter_add"] = _scatter(_add)
RULES["scatter-mul"] = RULES["scatter_mul"] = _scatter(lambda _interpreter, a, b: product(a, b))
RULES["scatter-max"] = RULES["scatter_max"] = _scatter(lambda interpreter, a, b: extreme(interpreter, "max", a, b))
RULES["scatter-min"] = RULES["scatter_min"] = _scatter(lambda interpreter, a, b: extreme(interpreter, "min", a, b))


@rule("sort")
def _sort(_interpreter: Interpreter, equation: Any, *operands: Traced) -> list[Traced]:
    axis, keys = int(equation.params["dimension"]), int(equation.params["num_keys"])
    # The last key of lexsort is its first; a NaN is the largest number for both.
    order = np.lexsort([operand.values for operand in operands[:keys]][::-1], axis=axis)
    found = [_taken(operand, order, axis) for operand in operands]
    tied = _tied([one.values for one in found[:keys]], axis)
    return [_shared(one, tied, axis) for one in found]


@rule("top_k")
def _top_k(_interpreter: Interpreter, equation: Any, a: Traced) -> list[Traced]:
    axis, count = int(equation.params.get("axis", -1)) % a.values.ndim, int(equation.params["k"])
    ranks = np.where(a.values != a.values, np.inf, a.values) if a.values.dtype.kind == "f" else a.values
    # Of equal ones the first: a stable sort of what is turned round.
    order = np.flip(a.values.shape[axis] - 1 - np.argsort(np.flip(ranks, axis), axis=axis, kind="stable"), axis)
    found = _taken(a, order, axis)
    found = _shared(found, _tied([found.values], axis), axis)
    first = (*(slice(None),) * axis, slice(count))
    return [
        Traced(found.values[first], each_word(lambda word: word[first], found.sets)),
        Traced(order[first]),
    ]


def _taken(a: Traced, order: np.ndarray, axis: int) -> Traced:
    return Traced(
        np.take_along_axis(a.values, order, axis), each_word(lambda word: np.take_along_axis(word, order, axis), a.sets)
    )


def _tied(keys: Sequence[np.ndarray], axis: int) -> np.ndarray:
    """Tell which elements of sorted keys equal the one before, the axis first, from its second element on."""
    turned = [np.moveaxis(key, axis, 0) for key in keys]
    equal = [(key[1:] == key[:-1]) | ((key[1:] != key[1:]) & (key[:-1] != key[:-1])) for key in turned]
    return np.asarray(np.logical_and.reduce(equal))


def _shared(a: Traced, tied: np.ndarray, axis: int) -> Traced:
    """Give all elements of a tie the sets of each: a small change decides their order."""
    if a.sets is None or not tied.any():
        return a
    sets = np.array(a.sets)
    along = np.moveaxis(sets, axis + 1, 0)
    for k, equal in enumerate(tied):
        along[k + 1] |= np.where(equal, along[k], np.uint64(0))
    for k in range(len(tied) - 1, -1, -1):
        along[k] |= np.where(tied[k], along[k + 1], np.uint64(0))
    return Traced(a.values, sets)
