"""Whether a traced function computes in float64 throughout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.extend.core
import jax.numpy as jnp
import numpy as np
from jax._src import source_info_util

from dynsparse.errors import FunctionError

__all__ = ["check_precision"]


def check_precision(name: str, what: str, jaxpr: Any) -> None:
    """Refuse what rounds a number of the state or action on its way, which the type of the result does not show.

    Args:
        name: how messages call the environment.
        what: how messages call the function.
        jaxpr: its equations, with inputs of float64.

    Raises:
        FunctionError: a number that depends on an input becomes narrower than float64.
    """
    equation = _rounded(jaxpr, set(jaxpr.invars))
    if equation is None:
        return
    summarize: Any = source_info_util.summarize
    place = summarize(equation.source_info)
    narrow = str(next((v.aval.dtype for v in equation.outvars if _is_narrow(v)), "float64"))
    if narrow == "float64":
        narrow += f" of {equation.params['mantissa_bits']} bits"
    raise FunctionError(
        f"{name}: {what} must compute in float64 throughout, got {equation.primitive.name} to {narrow}"
        + (f" (from {place})" if place else "")
        + f"; leave out what converts to {narrow}: exact derivatives exist in float64 only, and rounded numbers have "
        "no differences"
    )


def _rounded(jaxpr: Any, moving: set[Any]) -> Any:
    """Return the first equation that makes a narrower float of a float64 that is no constant, or None.

    Args:
        jaxpr: the equations.
        moving: its variables that are no constants; more are added.
    """
    for equation in jaxpr.eqns:
        read = [v for v in equation.invars if not isinstance(v, jax.extend.core.Literal) and v in moving]
        if not read:
            continue
        inner = [getattr(x, "jaxpr", x) for x in jax.extend.core.jaxprs_in_params(equation.params)]
        for place, one in enumerate(inner):
            pairs = zip(one.invars, _sources(equation, place, one, read[0]), strict=True)
            found = _rounded(one, {within for within, source in pairs if source in read and _is_float(within)})
            if found is not None:
                return found
        wide = any(_is_float(v) and v.aval.dtype == np.float64 for v in read)
        if wide and not inner and (any(map(_is_narrow, equation.outvars)) or _drops_bits(equation)):
            return equation
        # An integer or truth value holds no number that could be rounded.
        moving.update(v for v in equation.outvars if _is_float(v))
    return None


def _sources(equation: Any, place: int, inner: Any, moving: Any) -> Sequence[Any]:
    """Return what each argument of an inner jaxpr is given, or ``moving`` where that is not one thing alone."""
    given, parameters = equation.invars, equation.params
    match equation.primitive.name:
        case "cond":
            return tuple(given[1:])
        case "scan":
            first, last = parameters["num_consts"], parameters["num_consts"] + parameters["num_carry"]
            return (*given[:first], *[moving] * parameters["num_carry"], *given[last:])
        case "while":
            first = parameters["cond_nconsts"]
            own = given[:first] if place == 0 else given[first : first + parameters["body_nconsts"]]
            return (*own, *[moving] * (len(inner.invars) - len(own)))
    return tuple(given) if len(inner.invars) == len(given) else (moving,) * len(inner.invars)


def _is_float(variable: Any) -> bool:
    dtype = getattr(variable.aval, "dtype", None)
    return dtype is not None and jnp.issubdtype(dtype, jnp.floating)


def _is_narrow(variable: Any) -> bool:
    return _is_float(variable) and variable.aval.dtype != np.float64


def _drops_bits(equation: Any) -> bool:
    """Whether an equation rounds float64 without changing its type."""
    return equation.primitive.name == "reduce_precision" and equation.params["mantissa_bits"] < 52
