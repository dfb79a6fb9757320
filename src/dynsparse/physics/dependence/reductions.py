"""Rules of primitives that gather an axis into one number, or into a running one."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from dynsparse.physics.dependence.elementwise import extreme, product
from dynsparse.physics.dependence.interpreter import Interpreter, rule
from dynsparse.physics.dependence.sets import Traced, Words, inert, kept


def _joined(sets: Words | None, axes: tuple[int, ...]) -> Words | None:
    if sets is None:
        return None
    found: np.ndarray = np.bitwise_or.reduce(sets, axis=tuple(axis + 1 for axis in axes))
    return found


def _axes(equation: Any) -> tuple[int, ...]:
    return tuple(int(axis) for axis in equation.params["axes"])


@rule("reduce_sum")
def _reduce_sum(_interpreter: Interpreter, equation: Any, a: Traced) -> Traced:
    axes = _axes(equation)
    return Traced(np.asarray(a.values.sum(axis=axes)), _joined(a.sets, axes))


@rule("reduce_prod")
def _reduce_prod(_interpreter: Interpreter, equation: Any, a: Traced) -> Traced:
    axes = _axes(equation)
    sets = _joined(a.sets, axes)
    if sets is not None:
        sets = kept(sets, ~np.asarray(inert(a).any(axis=axes)))
    return Traced(np.asarray(a.values.prod(axis=axes)), sets)


@rule("reduce_max", "reduce_min")
def _reduce_extreme(interpreter: Interpreter, equation: Any, a: Traced) -> Traced:
    axes = _axes(equation)
    largest = equation.primitive.name == "reduce_max"
    values = (a.values.max if largest else a.values.min)(axis=axes, keepdims=True)
    sets = a.sets
    if sets is not None and not interpreter.open_clamps:
        sets = kept(sets, np.isnan(values) | (a.values == values))
    return Traced(np.squeeze(values, axes), _joined(sets, axes))


@rule("reduce_and", "reduce_or", "reduce_xor")
def _reduce_logic(_interpreter: Interpreter, equation: Any, a: Traced) -> Traced:
    operation = {"reduce_and": np.bitwise_and, "reduce_or": np.bitwise_or, "reduce_xor": np.bitwise_xor}
    return Traced(np.asarray(operation[equation.primitive.name].reduce(a.values, axis=_axes(equation))))


@rule("argmax", "argmin")
def _argument(_interpreter: Interpreter, equation: Any, a: Traced) -> Traced:
    (axis,) = _axes(equation)
    return Traced(np.asarray((np.argmax if equation.primitive.name == "argmax" else np.argmin)(a.values, axis=axis)))


@rule("cumsum", "cumlogsumexp")
def _running_sum(_interpreter: Interpreter, equation: Any, a: Traced) -> Traced:
    axis = int(equation.params["axis"])
    add = np.add if equation.primitive.name == "cumsum" else np.logaddexp
    back = slice(None, None, -1 if equation.params["reverse"] else 1)
    place = (*(slice(None),) * axis, back)
    values = add.accumulate(a.values[place], axis=axis)[place]
    sets = None
    if a.sets is not None:
        place = (slice(None), *place)
        sets = np.bitwise_or.accumulate(a.sets[place], axis=axis + 1)[place]
    return Traced(values, sets)


@rule("cumprod", "cummax", "cummin")
def _running(interpreter: Interpreter, equation: Any, a: Traced) -> Traced:
    """Go along the axis one by one, each time by the rule of the pair."""
    axis, name = int(equation.params["axis"]), equation.primitive.name[3:]
    values = np.array(a.values)
    if a.sets is None:
        found = {"prod": np.multiply, "max": np.maximum, "min": np.minimum}[name]
        back = (*(slice(None),) * axis, slice(None, None, -1 if equation.params["reverse"] else 1))
        return Traced(found.accumulate(values[back], axis=axis)[back])
    sets = np.array(a.sets)
    along, along_sets = np.moveaxis(values, axis, 0), np.moveaxis(sets, axis + 1, 1)
    order = range(len(along))
    order = order[::-1] if equation.params["reverse"] else order
    for before, place in pairwise(order):
        pair = (Traced(np.asarray(along[k]), along_sets[:, k]) for k in (before, place))
        one = product(*pair) if name == "prod" else extreme(interpreter, name, *pair)
        along[place], along_sets[:, place] = one.values, 0 if one.sets is None else one.sets
    return Traced(values, sets)
