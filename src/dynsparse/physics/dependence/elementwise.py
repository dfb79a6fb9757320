"""Rules of primitives that work element by element."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dynsparse.physics.dependence.interpreter import RULES, Interpreter, Rule, refused, rule, value_of
from dynsparse.physics.dependence.sets import Traced, depends, inert, kept, over, union, unless_inert, where

__all__ = ["extreme", "product"]

Function = Callable[..., Any]

_SMOOTH: dict[str, Function] = {
    "neg": np.negative,
    "sqrt": np.sqrt,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "cbrt": np.cbrt,
    "exp": np.exp,
    "exp2": np.exp2,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "logistic": lambda x: 1 / (1 + np.exp(-x)),
    "abs": np.abs,
    "real": np.real,
    "stop_gradient": np.asarray,
}
_LEFT_TO_JAX = ("erf", "erfc", "erf_inv", "lgamma", "digamma", "bessel_i0e", "bessel_i1e", "reduce_precision")
_CONSTANT: dict[str, Function] = {
    "sign": np.sign,
    "floor": np.floor,
    "ceil": np.ceil,
    "is_finite": np.isfinite,
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
    "not": np.invert,
}
_SUMS: dict[str, Function] = {"add": np.add, "add_any": np.add, "sub": np.subtract}


def _smooth(function: Function) -> Rule:
    return lambda _interpreter, _equation, a: Traced(np.asarray(function(a.values)), a.sets)


def _smooth_by_jax(_interpreter: Interpreter, equation: Any, a: Traced) -> Traced:
    return Traced(value_of(equation, [a])[0].values, a.sets)


def _constant(function: Function) -> Rule:
    return lambda _interpreter, _equation, *operands: Traced(np.asarray(function(*(x.values for x in operands))))


def _sum(function: Function) -> Rule:
    def apply(_interpreter: Interpreter, _equation: Any, a: Traced, b: Traced) -> Traced:
        found = np.asarray(function(a.values, b.values))
        return _whole(found, union(a.sets, b.sets))

    return apply


RULES.update((name, _smooth(function)) for name, function in _SMOOTH.items())
RULES.update(dict.fromkeys(_LEFT_TO_JAX, _smooth_by_jax))
RULES.update((name, _constant(function)) for name, function in _CONSTANT.items())
RULES.update((name, _sum(function)) for name, function in _SUMS.items())


def _whole(values: np.ndarray, sets: np.ndarray | None) -> Traced:
    """Spread sets over all elements of a result, where only a scalar operand had some."""
    if sets is not None and sets.shape[1:] != values.shape:
        sets = np.broadcast_to(over(sets, values.ndim), (len(sets), *values.shape))
    return Traced(values, sets)


def product(a: Traced, b: Traced) -> Traced:
    """Multiply: what meets an inert zero depends on nothing."""
    return _whole(np.asarray(a.values * b.values), union(unless_inert(a.sets, b), unless_inert(b.sets, a)))


@rule("mul")
def _mul(_interpreter: Interpreter, _equation: Any, a: Traced, b: Traced) -> Traced:
    return product(a, b)


@rule("div")
def _div(_interpreter: Interpreter, _equation: Any, a: Traced, b: Traced) -> Traced:
    if a.values.dtype.kind in "iu":
        # Towards zero; XLA's integers divided by zero are -1.
        safe = np.where(b.values == 0, 1, b.values)
        return Traced(np.where(b.values == 0, -1, (a.values - np.fmod(a.values, safe)) // safe))
    return _whole(np.asarray(a.values / b.values), union(a.sets, unless_inert(b.sets, a)))


@rule("rem")
def _rem(_interpreter: Interpreter, _equation: Any, a: Traced, b: Traced) -> Traced:
    if a.values.dtype.kind in "iu":
        safe = np.where(b.values == 0, 1, b.values)
        return Traced(np.where(b.values == 0, a.values, np.fmod(a.values, safe)))
    # a - b trunc(a / b): where a is the smaller, b does not count.
    of_divisor = None if b.sets is None else kept(b.sets, np.abs(a.values) >= np.abs(b.values))
    return _whole(np.asarray(np.fmod(a.values, b.values)), union(a.sets, of_divisor))


@rule("atan2")
def _atan2(_interpreter: Interpreter, _equation: Any, a: Traced, b: Traced) -> Traced:
    # Along a half-axis, where one of the two stays zero, the angle is constant.
    return _whole(np.asarray(np.arctan2(a.values, b.values)), union(unless_inert(a.sets, b), unless_inert(b.sets, a)))


@rule("round")
def _round(_interpreter: Interpreter, equation: Any, a: Traced) -> Traced:
    return value_of(equation, [a])[0]


@rule("square")
def _square(_interpreter: Interpreter, _equation: Any, a: Traced) -> Traced:
    return Traced(np.square(a.values), kept(a.sets, np.asarray(a.values != 0)))


@rule("integer_pow")
def _integer_pow(_interpreter: Interpreter, equation: Any, a: Traced) -> Traced:
    exponent = int(equation.params["y"])
    values = np.asarray(np.power(a.values, a.values.dtype.type(exponent)))
    if exponent == 0:
        return Traced(values)
    return Traced(values, kept(a.sets, np.asarray(a.values != 0)) if exponent > 1 else a.sets)


@rule("pow")
def _pow(_interpreter: Interpreter, _equation: Any, a: Traced, b: Traced) -> Traced:
    values = np.asarray(np.power(a.values, b.values))
    base, exponent = a.sets, b.sets
    if base is not None:
        flat = (b.values == 0) | ((a.values == 0) & (b.values > 1))
        base = kept(base, ~np.asarray(flat & ~depends(b)))
    if exponent is not None:
        exponent = kept(exponent, ~np.asarray(inert(a) & (b.values > 0)))
    return _whole(values, union(base, exponent))


@rule("convert_element_type")
def _convert(_interpreter: Interpreter, equation: Any, a: Traced) -> Traced:
    new = equation.params["new_dtype"]
    if a.values.dtype.kind == "f" and new.kind in "iu":  # XLA's rule for what is too large, or no number
        return value_of(equation, [a])[0]
    return Traced(a.values.astype(new), a.sets)


@rule("bitcast_convert_type")
def _bitcast(_interpreter: Interpreter, equation: Any, a: Traced) -> Traced:
    # The bits of a number are integers, but hold its slope when they become a number again.
    if a.sets is not None:
        raise refused(equation)
    return value_of(equation, [a])[0]


@rule("select_n")
def _select_n(_interpreter: Interpreter, _equation: Any, which: Traced, *cases: Traced) -> Traced:
    found = cases[0]
    for place, case in enumerate(cases[1:], 1):
        chosen = which.values if which.values.dtype == bool else which.values == place
        found = Traced(np.where(chosen, case.values, found.values), where(chosen, case.sets, found.sets))
    return found


def extreme(interpreter: Interpreter, name: str, a: Traced, b: Traced) -> Traced:
    """Take the larger or the smaller of two numbers, with the set of the one that was taken, or of both at a tie."""
    values = np.asarray((np.maximum if name == "max" else np.minimum)(a.values, b.values))
    if a.sets is None and b.sets is None:
        return Traced(values)
    if interpreter.open_clamps:
        return _whole(values, union(a.sets, b.sets))
    nan = np.isnan(values)
    of_a, of_b = (kept(x.sets, np.asarray(nan | (x.values == values))) for x in (a, b))
    return _whole(values, union(of_a, of_b))


RULES["max"] = lambda interpreter, _equation, a, b: extreme(interpreter, "max", a, b)
RULES["min"] = lambda interpreter, _equation, a, b: extreme(interpreter, "min", a, b)


@rule("clamp")
def _clamp(interpreter: Interpreter, _equation: Any, low: Traced, a: Traced, high: Traced) -> Traced:
    return extreme(interpreter, "min", extreme(interpreter, "max", a, low), high)
