"""Model: what follows a state and an action and how it depends on them, asked of a function in JAX or in NumPy."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dynsparse.errors import ModelError, SettingError
from dynsparse.learning.foreign_value import real_numbers, told_error

__all__ = ["DERIVATIVES", "MODEL_DERIVATIVES", "JaxModel", "Model", "NumpyModel", "as_model"]

Array = NDArray[np.float64]
OneRow = Callable[[Any, Any], Any]

DERIVATIVES = ("jax", "finite-difference")
"""How a function can be differentiated."""

MODEL_DERIVATIVES = (*DERIVATIVES, "given")
"""Where a model's Jacobians can come from."""

_ROWS = 256
"""Rows of one call of compiled code: bounds memory, and is compiled once."""

_ANSWER = "the model's next state"


@runtime_checkable
class Model(Protocol):
    """A world model, in the units of the data set."""

    @property
    def derivative(self) -> str:
        """``"jax"``, ``"finite-difference"``, or ``"given"`` for a derivative of the model's own."""

    def predict(self, state: Array, action: Array, /) -> NDArray[np.floating] | None:
        """Return (n, ds) next states of (n, ds) states and (n, da) actions; None where there are Jacobians only."""

    def jacobians(self, state: Array, action: Array, /) -> NDArray[np.floating]:
        """Return (n, ds, ds + da), row = next state, column = state, then action.

        Where the state holds quaternions, either of its ds numbers, or of tangents, whose length then stands for ds.
        """


class JaxModel:
    """A JAX function of one row, differentiated forward (in reverse where forward is not possible).

    It computes in the user's precision: float64 where JAX's 64-bit values are enabled, else float32.

    Args:
        function: (ds,) state, (da,) action -> (ds,) next state.
        state_dim: ds.
        action_dim: da.

    Raises:
        ModelError: If its result has another shape than a state, or is complex.  What else tracing raises is passed on.
    """

    derivative = "jax"

    def __init__(self, function: OneRow, state_dim: int, action_dim: int) -> None:
        import jax
        import jax.numpy as jnp

        sizes = state_dim, action_dim
        found = jax.eval_shape(function, *(jnp.zeros(size) for size in sizes))
        _check_shape(getattr(found, "shape", f"a {type(found).__name__}"), state_dim)
        if jnp.issubdtype(found.dtype, jnp.complexfloating):  # NumPy would drop the imaginary part
            raise ModelError(f"expected {_ANSWER} to hold real numbers, got {found.dtype}; convert it")
        many = [jnp.zeros((_ROWS, size)) for size in sizes]
        for differentiate in (jax.jacfwd, jax.jacrev):
            self._jacobians = jax.jit(jax.vmap(functools.partial(_side_by_side, differentiate(function, (0, 1)))))
            try:
                jax.eval_shape(self._jacobians, *many)
                break
            except TypeError:  # a function with a reverse rule of its own
                if differentiate is jax.jacrev:
                    raise
        self._predict = jax.jit(jax.vmap(function))

    def predict(self, state: Array, action: Array) -> Array:
        """Return (n, ds) next states of (n, ds) states and (n, da) actions."""
        return _in_batches(self._predict, state, action)

    def jacobians(self, state: Array, action: Array) -> Array:
        """Return (n, ds, ds + da) of (n, ds) states and (n, da) actions."""
        return _in_batches(self._jacobians, state, action)


class NumpyModel:
    """A NumPy function of one row, by central differences.

    A row at which it overflows or divides by zero with an ``ArithmeticError`` is NaN; what else it raises is passed on.

    Args:
        function: (ds,) state, (da,) action -> (ds,) next state.
        steps: (ds + da,) how far each state variable and action is moved to either side, in its own unit.
    """

    derivative = "finite-difference"

    def __init__(self, function: OneRow, steps: ArrayLike) -> None:
        self._function = function
        self._steps = np.asarray(steps, dtype=np.float64)
        if self._steps.ndim != 1 or not (np.isfinite(self._steps).all() and (self._steps > 0).all()):
            raise ModelError(f"expected finite steps above 0, one a state variable and action, got {self._steps}")

    def predict(self, state: Array, action: Array) -> Array:
        """Return (n, ds) next states of (n, ds) states and (n, da) actions."""
        size = state.shape[1]
        return np.array([self._one(x, size) for x in np.concatenate([state, action], axis=1)]).reshape(-1, size)

    def jacobians(self, state: Array, action: Array) -> Array:
        """Return (n, ds, ds + da) of (n, ds) states and (n, da) actions."""
        size, given = state.shape[1], np.concatenate([state, action], axis=1)
        found = np.empty((len(given), size, given.shape[1]))
        for row, x in enumerate(given):
            for column, step in enumerate(self._steps):
                up, down = x.copy(), x.copy()
                up[column] += step
                down[column] -= step
                # Divided by the distance that the two points really have after rounding.
                found[row, :, column] = (self._one(up, size) - self._one(down, size)) / (up[column] - down[column])
        return found

    def _one(self, given: Array, size: int) -> Array:
        try:
            result = self._function(given[:size].copy(), given[size:].copy())
        except ArithmeticError:
            return np.full(size, np.nan)
        return _checked(result, size)


def as_model(model: Any, state: Array, action: Array, scales: Array, derivative: str | None = None) -> Model:
    """Find out how a function is differentiated.

    By JAX if JAX can trace its derivative; else it is taken for a NumPy function and called with a row of the data.  A
    JAX function that branches on values can not be traced, and a NumPy function that uses operators alone can.

    Args:
        model: (ds,) state, (da,) action -> (ds,) next state; or an object with the methods of ``Model``.
        state: (n, ds) states of the data, of which the first is tried.
        action: (n, da) actions.
        scales: (ds + da,) standard deviation of each state variable and action.  Central differences go to either side
            by this times the cube root of the result's round-off (6e-6 in float64, 5e-3 in float32); 0 counts as 1.
        derivative: One of ``DERIVATIVES`` to decide it; None to find out.

    Returns:
        The model.

    Raises:
        ModelError: If it is no function, its result does not fit, or it can be called in neither way.
        SettingError: If there is no such derivative.
    """
    if derivative is not None and derivative not in DERIVATIVES:
        raise SettingError(f"derivative must be one of {', '.join(DERIVATIVES)}, got {derivative!r}; leave it out")
    if isinstance(model, Model):
        if derivative is not None:
            raise ModelError(f"expected a function to differentiate, got {type(model).__name__} with its own jacobians")
        return model
    if not callable(model):
        raise ModelError(
            "expected a function (state, action) -> next_state of one row, or a mapping of arrays, got "
            f"{type(model).__name__}"
        )
    why = ""
    if derivative != "finite-difference":
        try:
            return JaxModel(model, state.shape[1], action.shape[1])
        except ModelError:
            raise
        except Exception as error:  # anything: it depends on what the function does with a tracer
            why = f"JAX can not trace the model: {told_error(error)}"
            if derivative == "jax":
                raise ModelError(f"{why}; leave derivative out to take differences") from error
    try:
        result = model(state[0].copy(), action[0].copy())
    except ArithmeticError:
        result = np.full(state.shape[1], np.nan)
    except Exception as error:  # anything: the model is the user's
        told = f"; {why}" if why else ""
        raise ModelError(f"the model fails at the first row that is scored: {told_error(error)}{told}") from error
    _checked(result, state.shape[1])
    kind = np.asarray(result).dtype
    round_off = np.finfo(kind if kind.kind == "f" else np.float64).eps
    return NumpyModel(model, np.cbrt(float(round_off)) * np.where(scales > 0, scales, 1.0))


def _side_by_side(jacobians: OneRow, state: Any, action: Any) -> Any:
    import jax.numpy as jnp

    return jnp.concatenate(jacobians(state, action), axis=1)


def _in_batches(function: Any, state: Array, action: Array) -> Array:
    """Call compiled code with batches of one size; the last is filled up with its own last row."""
    import jax.numpy as jnp

    parts = []
    for first in range(0, len(state), _ROWS):
        given = [x[first : first + _ROWS] for x in (state, action)]
        count = len(given[0])
        filled = [jnp.asarray(np.pad(x, ((0, _ROWS - count), (0, 0)), mode="edge")) for x in given]
        parts.append(np.asarray(function(*filled), dtype=np.float64)[:count])
    return np.concatenate(parts)


def _checked(result: Any, size: int) -> Array:
    found = real_numbers(_ANSWER, result)
    _check_shape(found.shape, size)
    return found.astype(np.float64)


def _check_shape(shape: Any, size: int) -> None:
    if shape != (size,):
        raise ModelError(
            f"expected a next state of shape ({size},) from one state and one action, got {shape}; "
            "the model is called with one row"
        )
