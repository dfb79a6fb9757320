"""Rules of primitives that work element by element."""

from __future__ import annotations

from functools import reduce
from typing import Any

import jax
import numpy as np

from dynsparse.physics.native.tracing import RULES, Nodes, Rule, Tracer, UntraceableError, rule

_UNARY = (
    "neg", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan", "tanh", "exp", "log", "abs", "sign", "floor", "ceil",
)  # fmt: skip
_BINARY = {
    "add": "add",
    "add_any": "add",
    "sub": "sub",
    "mul": "mul",
    "max": "max",
    "min": "min",
    "atan2": "atan2",
}


def _one(name: str) -> Rule:
    def apply(tracer: Tracer, _equation: Any, a: Nodes) -> Nodes:
        return tracer.unary(name, a)

    return apply


def _two(name: str, *, swapped: bool = False) -> Rule:
    def apply(tracer: Tracer, _equation: Any, a: Nodes, b: Nodes) -> Nodes:
        return tracer.binary(name, *((b, a) if swapped else (a, b)))

    return apply


RULES.update((name, _one(name)) for name in _UNARY)
RULES.update((name, _two(operation)) for name, operation in _BINARY.items())
RULES.update(lt=_two("lt"), le=_two("le"), gt=_two("lt", swapped=True), ge=_two("le", swapped=True), pow=_two("pow"))
RULES["is_finite"] = _one("isfinite")


@rule("eq", "ne")
def _equality(tracer: Tracer, equation: Any, a: Nodes, b: Nodes) -> Nodes:
    name = equation.primitive.name
    return tracer.binary(name, *(_as_numbers(tracer, x, y) for x, y in ((a, b), (b, a))))


def _as_numbers(tracer: Tracer, a: Nodes, other: Nodes) -> Nodes:
    """Return truth values as numbers, unless they meet constants, which folds."""
    return a if tracer.known(other) is not None else tracer.numbers(a)


@rule("div")
def _div(tracer: Tracer, equation: Any, a: Nodes, b: Nodes) -> Nodes:
    quotient = tracer.binary("div", a, b)
    if equation.outvars[0].aval.dtype.kind not in "iu":
        return quotient
    # XLA's integers divided by zero are -1.
    zero = tracer.binary("eq", b, tracer.constants(0))
    return tracer.select(zero, tracer.unary("trunc", quotient), tracer.constants(-1))


@rule("rem")
def _rem(tracer: Tracer, equation: Any, a: Nodes, b: Nodes) -> Nodes:
    rest = tracer.binary("rem", a, b)
    if equation.outvars[0].aval.dtype.kind not in "iu":
        return rest
    return tracer.select(tracer.binary("eq", b, tracer.constants(0)), rest, a)


@rule("round")
def _round(tracer: Tracer, equation: Any, a: Nodes) -> Nodes:
    if equation.params["rounding_method"] != jax.lax.RoundingMethod.TO_NEAREST_EVEN:
        raise UntraceableError("rounding of halves away from zero")
    return tracer.unary("round", a)


@rule("square")
def _square(tracer: Tracer, _equation: Any, a: Nodes) -> Nodes:
    return tracer.binary("mul", a, a)


@rule("rsqrt")
def _rsqrt(tracer: Tracer, _equation: Any, a: Nodes) -> Nodes:
    return tracer.binary("div", tracer.constants(1.0), tracer.unary("sqrt", a))


@rule("log1p")
def _log1p(tracer: Tracer, _equation: Any, a: Nodes) -> Nodes:
    """Return log(1 + a) by Kahan's correction: what is lost in 1 + a is lost in its logarithm too."""
    one = tracer.constants(1.0)
    above = tracer.binary("add", one, a)
    kept = tracer.binary("sub", above, one)
    corrected = tracer.binary("mul", a, tracer.binary("div", tracer.unary("log", above), kept))
    # Nothing was lost of it, or all.
    simple = tracer.select(tracer.binary("eq", above, one), tracer.unary("log", above), a)
    return tracer.select(tracer.unary("isfinite", corrected), simple, corrected)


@rule("integer_pow")
def _integer_pow(tracer: Tracer, equation: Any, a: Nodes) -> Nodes:
    exponent = int(equation.params["y"])
    found = np.broadcast_to(tracer.constants(1.0), a.shape)
    squared = a
    for bit in reversed(bin(abs(exponent))[2:]):
        if bit == "1":
            found = tracer.binary("mul", found, squared)
        squared = tracer.binary("mul", squared, squared)
    return found if exponent >= 0 else tracer.binary("div", tracer.constants(1.0), found)


@rule("clamp")
def _clamp(tracer: Tracer, _equation: Any, low: Nodes, a: Nodes, high: Nodes) -> Nodes:
    return tracer.binary("min", tracer.binary("max", a, low), high)


@rule("convert_element_type")
def _convert(tracer: Tracer, equation: Any, a: Nodes) -> Nodes:
    old, new = (variable.aval.dtype for variable in (equation.invars[0], equation.outvars[0]))
    if new.kind == "b":
        return tracer.truths(a)
    if old.kind == "b":
        return tracer.numbers(a)
    if old.kind == "f" and new.kind == "i":
        # Beyond the type's range XLA gives its end, and 0 for a NaN.
        ends = np.iinfo(new)
        high = float(ends.max) if float(ends.max) == ends.max else np.nextafter(float(ends.max), 0.0)
        inside = tracer.binary("max", tracer.unary("trunc", a), tracer.constants(float(ends.min)))
        inside = tracer.binary("min", inside, tracer.constants(high))
        return tracer.select(tracer.binary("ne", a, a), inside, tracer.constants(0.0))
    return a


@rule("and", "or", "xor")
def _logic(tracer: Tracer, equation: Any, a: Nodes, b: Nodes) -> Nodes:
    first, second = tracer.truths(a), tracer.truths(b)
    if equation.primitive.name == "xor":
        found = tracer.select(first, second, tracer.unary("not", second))
    else:
        found = tracer.binary(equation.primitive.name, first, second)
    if equation.outvars[0].aval.dtype == bool:
        return found
    if not all(tracer.types.is_flag(x) for x in np.concatenate([a.reshape(-1), b.reshape(-1)]).tolist()):
        raise UntraceableError("bitwise logic of integers")
    return tracer.numbers(found)


@rule("not")
def _not(tracer: Tracer, equation: Any, a: Nodes) -> Nodes:
    if equation.outvars[0].aval.dtype != bool:
        raise UntraceableError("bitwise logic of integers")
    return tracer.unary("not", tracer.truths(a))


@rule("select_n")
def _select_n(tracer: Tracer, _equation: Any, which: Nodes, *cases: Nodes) -> Nodes:
    if len(cases) == 2:
        return tracer.select(which, *cases)
    found = cases[0]
    for place, case in enumerate(cases[1:], 1):
        found = tracer.select(tracer.binary("eq", which, tracer.constants(place)), found, case)
    return found


@rule("reduce_sum", "reduce_max", "reduce_min", "reduce_prod", "reduce_or", "reduce_and")
def _reduce(tracer: Tracer, equation: Any, a: Nodes) -> Nodes:
    operation, start = {
        "reduce_sum": ("add", 0.0),
        "reduce_prod": ("mul", 1.0),
        "reduce_max": ("max", -np.inf),
        "reduce_min": ("min", np.inf),
        "reduce_or": ("or", False),
        "reduce_and": ("and", True),
    }[equation.primitive.name]
    if operation in ("or", "and"):
        if equation.outvars[0].aval.dtype != bool:
            raise UntraceableError("bitwise logic of integers")
        a = tracer.truths(a)
    axes = tuple(equation.params["axes"])
    kept = [axis for axis in range(a.ndim) if axis not in axes]
    count, length = (int(np.prod([a.shape[axis] for axis in some], dtype=int)) for some in (kept, axes))
    rows = a.transpose([*kept, *axes]).reshape(count, length)
    one, empty = tracer.graph.binary, tracer.graph.constant(start)
    found = [reduce(lambda x, y: one(operation, x, y), row) if row else empty for row in rows.tolist()]
    return np.array(found, dtype=np.int64).reshape([a.shape[axis] for axis in kept])


@rule("cumsum")
def _cumsum(tracer: Tracer, equation: Any, a: Nodes) -> Nodes:
    found = np.moveaxis(a, equation.params["axis"], 0).copy()
    if equation.params["reverse"]:
        found = found[::-1]
    for place in range(1, len(found)):
        found[place] = tracer.binary("add", found[place - 1], found[place])
    return np.moveaxis(found[::-1] if equation.params["reverse"] else found, 0, equation.params["axis"])


@rule("argmax", "argmin")
def _argument(tracer: Tracer, equation: Any, a: Nodes) -> Nodes:
    (axis,) = equation.params["axes"]
    graph, rows = tracer.graph, np.moveaxis(a, axis, -1)
    found = np.empty(rows.shape[:-1], dtype=np.int64)
    for where in np.ndindex(found.shape):
        best, place = int(rows[where][0]), graph.constant(0)
        for other, node in enumerate(rows[where][1:].tolist(), 1):
            pair = (node, best) if equation.primitive.name == "argmax" else (best, node)
            stays = graph.binary("le", *pair)
            if equation.invars[0].aval.dtype.kind == "f":  # of NaNs the first stays, and any other number goes
                stays = graph.binary("or", stays, graph.binary("ne", best, best))
            best, place = graph.select(stays, node, best), graph.select(stays, graph.constant(other), place)
        found[where] = place
    return found
