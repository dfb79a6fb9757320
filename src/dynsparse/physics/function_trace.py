"""What a user's own function does, written down by JAX once: everything later is computed from that alone."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import jax.extend.core
import jax.numpy as jnp
import numpy as np

from dynsparse.errors import FunctionError
from dynsparse.physics.function_precision import check_precision

__all__ = ["Traced", "blank", "differentiable", "raised", "trace_array", "trace_step"]

Array = jax.Array
Traced = Callable[..., Array]
"""A function of arrays of one row that does what the user's did when it was traced, and nothing else."""

_LIBRARIES = tuple(str(Path(module.__file__ or "").parent) for module in (jax, np))
_OWN = str(Path(__file__).parent)

_ON_VALUES = (jax.errors.TracerArrayConversionError, jax.errors.ConcretizationTypeError, jax.errors.JAXTypeError)


def trace_step(name: str, step: Callable[..., Any], state_dim: int, action_dim: int) -> Traced:
    """Trace ``(state, action) -> next_state`` and check that it can be stepped, stored and differentiated.

    Called where values are float64.

    Args:
        name: how messages call the environment.
        step: the user's function of one row.
        state_dim: ds.
        action_dim: da.

    Returns:
        The traced function, (ds,) and (da,) to (ds,).

    Raises:
        FunctionError: it can not be traced or has no forward derivative, returns anything but (ds,) float64 or
            computes in less on the way, calls back to Python, or does something else each time it is traced.
    """
    row = blank(state_dim), blank(action_dim)
    found = trace_array(name, "step", step, (state_dim,), *row)
    if _text(found, row) != _text(trace_array(name, "step", step, (state_dim,), *row), row):
        raise FunctionError(
            f"{name}: step does something else each time it is traced, so that what is analysed would be decided by "
            "chance; take random numbers and other changing values out of it, or make them part of the state"
        )
    differentiable(name, found, row)
    return found


def trace_array(
    name: str, what: str, function: Callable[..., Any], shape: tuple[int, ...], *row: Any, exact: bool = True
) -> Traced:
    """Trace a function that returns one array.

    Args:
        name: how messages call the environment.
        what: how messages call the function.
        function: the user's function of one row.
        shape: what it has to return.
        row: shapes and types of its arguments.
        exact: whether it has to return float64; else any real number, which becomes one.

    Returns:
        The traced function.

    Raises:
        FunctionError: it can not be traced, returns something else, calls back to Python, or, where it has to be
            exact, computes in less than float64.
    """
    if not callable(function):
        raise FunctionError(f"{name}: {what} must be a function, got {function!r} of type {type(function).__name__}")
    try:
        # A function of its own each time: JAX remembers what it traced, and would not look again.
        closed, out = jax.make_jaxpr(lambda *given: function(*given), return_shape=True)(*row)
    except Exception as error:  # the user's code may raise anything, and what it was is told
        raise raised(name, what, error) from error
    _check_output(name, what, out, shape, exact)
    _check_effects(name, what, closed)
    if exact:
        check_precision(name, what, closed.jaxpr)
    run = jax.extend.core.jaxpr_as_fun(closed)

    def traced(*arguments: Array) -> Array:
        result: Array = run(*arguments)[0]
        return result.astype(np.float64)

    return traced


def differentiable(name: str, traced: Traced, row: tuple[Any, ...]) -> None:
    """Ask JAX for the forward derivative of a traced step.

    Raises:
        FunctionError: there is none.
    """
    try:
        jax.make_jaxpr(jax.jacfwd(traced, argnums=(0, 1)))(*row)
    except Exception as error:  # whatever a rule of the user's own raises, there is no derivative then
        told = _first_line(error)
        raise FunctionError(
            f"{name}: step has no forward-mode derivative in JAX: {told}. "
            "Use operations that jax.jacfwd can differentiate (jax.custom_jvp in place of jax.custom_vjp)"
        ) from error


def raised(name: str, what: str, error: Exception) -> FunctionError:
    """Say what a user's function raised, where, and what to try."""
    where = _where(error)
    if isinstance(error, _ON_VALUES):
        return FunctionError(
            f"{name}: JAX can not trace {what}{where}: it uses the values of its arguments in Python or NumPy "
            f"({_first_line(error)}). Use jax.numpy for numpy and math, jnp.where or jax.lax.cond for if, "
            "jax.lax.fori_loop or scan for loops that depend on values"
        )
    return FunctionError(f"{name}: {what} raised {type(error).__name__}{where}: {_first_line(error)}")


def blank(*shape: int, dtype: type[np.generic] = np.float64) -> jax.ShapeDtypeStruct:
    """Return the shape and type of an array without numbers."""
    return jax.ShapeDtypeStruct(shape, dtype)  # type: ignore[no-untyped-call] # JAX leaves this one untyped


def _text(traced: Traced, row: tuple[Any, ...]) -> str:
    """Return the program, constants included."""
    return str(jax.jit(traced).trace(*row).lower(lowering_platforms=("cpu",)).as_text())


def _check_output(name: str, what: str, out: Any, shape: tuple[int, ...], exact: bool) -> None:
    wanted = f"one array of shape {shape}" + (" and type float64" if exact else " of real numbers")
    if not isinstance(out, jax.ShapeDtypeStruct):
        raise FunctionError(
            f"{name}: {what} must return {wanted}, got {type(out).__name__}; stack what it returns with jnp.stack or "
            "jnp.concatenate"
        )
    real = jnp.issubdtype(out.dtype, jnp.floating) or jnp.issubdtype(out.dtype, jnp.integer)
    if out.shape != shape or not real or (exact and out.dtype != np.float64):
        float32 = out.dtype == np.float32
        raise FunctionError(
            f"{name}: {what} must return {wanted}, got shape {out.shape} and type {out.dtype}"
            + ("; leave out what converts to float32: exact derivatives exist in float64 only" if float32 else "")
        )


def _check_effects(name: str, what: str, closed: Any) -> None:
    """Refuse what calls back to Python: it could not run in a worker process, and its slope is not known."""
    for primitive in _primitives(closed.jaxpr):
        if "callback" in primitive or primitive in ("debug_print", "infeed", "outfeed", "ffi_call"):
            raise FunctionError(
                f"{name}: {what} uses {primitive}, which leaves JAX; worker processes can not run it and it has no "
                "slope. Write it in jax.numpy, and take jax.debug.print and callbacks out"
            )
    if closed.effects:
        told = ", ".join(sorted(type(effect).__name__ for effect in closed.effects))
        raise FunctionError(f"{name}: {what} has side effects ({told}), which can not be differentiated; take them out")


def _primitives(jaxpr: Any) -> Iterator[str]:
    """Yield the name of every primitive, those inside branches, loops and inner functions included."""
    for equation in jaxpr.eqns:
        yield str(equation.primitive.name)
        for inner in jax.extend.core.jaxprs_in_params(equation.params):
            yield from _primitives(inner)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__


def _where(error: Exception) -> str:
    """Return the last line of the user's own code that an error passed through."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not frame.filename.startswith((*_LIBRARIES, _OWN))]
    return f" in {own[-1].filename}, line {own[-1].lineno}" if own else ""
