"""Rules of primitives that move elements to places that the shapes alone decide."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dynsparse.physics.dependence.interpreter import RULES, Interpreter, Rule, rule
from dynsparse.physics.dependence.sets import Traced, each_word, zeros_of

Mover = Callable[[Any, np.ndarray], np.ndarray]


def _broadcast(equation: Any, a: np.ndarray) -> np.ndarray:
    shape = [1] * len(equation.params["shape"])
    for axis, target in enumerate(equation.params["broadcast_dimensions"]):
        shape[target] = a.shape[axis]
    return np.broadcast_to(a.reshape(shape), equation.params["shape"])


def _slice(equation: Any, a: np.ndarray) -> np.ndarray:
    starts, stops = equation.params["start_indices"], equation.params["limit_indices"]
    strides = equation.params["strides"] or (1,) * a.ndim
    found: np.ndarray = a[tuple(slice(*one) for one in zip(starts, stops, strides, strict=True))]
    return found


def _reshape(equation: Any, a: np.ndarray) -> np.ndarray:
    found: np.ndarray = a.reshape(equation.outvars[0].aval.shape)
    return found


_MOVERS: dict[str, Mover] = {
    "broadcast_in_dim": _broadcast,
    "slice": _slice,
    "reshape": _reshape,
    "squeeze": _reshape,
    "expand_dims": _reshape,
    "transpose": lambda equation, a: a.transpose(equation.params["permutation"]),
    "rev": lambda equation, a: np.flip(a, equation.params["dimensions"]),
    "tile": lambda equation, a: np.tile(a, equation.params["reps"]),
    "copy": lambda _equation, a: a,
    "copy_p": lambda _equation, a: a,
    "pvary": lambda _equation, a: a,
}


def _moved(move: Mover) -> Rule:
    def apply(_interpreter: Interpreter, equation: Any, a: Traced) -> Traced:
        return Traced(move(equation, a.values), each_word(lambda word: move(equation, word), a.sets))

    return apply


RULES.update((name, _moved(move)) for name, move in _MOVERS.items())


@rule("optimization_barrier", "device_put")
def _same(_interpreter: Interpreter, _equation: Any, *operands: Traced) -> Sequence[Traced]:
    return operands


def _together(interpreter: Interpreter, operands: Sequence[Traced]) -> list[np.ndarray] | None:
    """Return the sets of all operands, or None where no operand has any."""
    if all(operand.sets is None for operand in operands):
        return None
    return [zeros_of(operand, interpreter.words) for operand in operands]


@rule("concatenate")
def _concatenate(interpreter: Interpreter, equation: Any, *operands: Traced) -> Traced:
    axis, sets = int(equation.params["dimension"]), _together(interpreter, operands)
    values = np.concatenate([operand.values for operand in operands], axis=axis)
    return Traced(values, None if sets is None else np.concatenate(sets, axis=axis + 1))


@rule("stack")
def _stack(interpreter: Interpreter, equation: Any, *operands: Traced) -> Traced:
    axis, sets = int(equation.params["axis"]), _together(interpreter, operands)
    values = np.stack([operand.values for operand in operands], axis=axis)
    return Traced(values, None if sets is None else np.stack(sets, axis=axis + 1))


@rule("split")
def _split(_interpreter: Interpreter, equation: Any, a: Traced) -> list[Traced]:
    axis, ends = int(equation.params["axis"]), np.cumsum(equation.params["sizes"])[:-1]
    values = np.split(a.values, ends, axis=axis)
    sets: Sequence[np.ndarray | None] = [None] * len(values)
    if a.sets is not None:
        sets = np.split(a.sets, ends, axis=axis + 1)
    return [Traced(*pair) for pair in zip(values, sets, strict=True)]


@rule("pad")
def _pad(interpreter: Interpreter, equation: Any, a: Traced, value: Traced) -> Traced:
    shape = equation.outvars[0].aval.shape
    sources, targets = [], []
    for (low, _high, inner), size, wanted in zip(equation.params["padding_config"], a.values.shape, shape, strict=True):
        place = low + np.arange(size) * (inner + 1)
        inside = (place >= 0) & (place < wanted)  # a negative low or high cuts
        sources.append(np.flatnonzero(inside))
        targets.append(place[inside])
    values = np.full(shape, value.values, dtype=a.values.dtype)
    values[np.ix_(*targets)] = a.values[np.ix_(*sources)]
    together = _together(interpreter, [a, value])
    if together is None:
        return Traced(values)
    sets = np.empty((interpreter.words, *shape), dtype=np.uint64)
    for word, of_array, of_value in zip(sets, *together, strict=True):
        word[...] = of_value
        word[np.ix_(*targets)] = of_array[np.ix_(*sources)]
    return Traced(values, sets)


@rule("iota")
def _iota(_interpreter: Interpreter, equation: Any) -> Traced:
    shape, axis = equation.params["shape"], equation.params["dimension"]
    counted = np.arange(shape[axis], dtype=equation.params["dtype"])
    return Traced(np.broadcast_to(counted.reshape([-1 if k == axis else 1 for k in range(len(shape))]), shape))
