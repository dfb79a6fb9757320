"""Predictions: everything that a model says about the scored rows, as arrays, whatever the model is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynsparse.errors import ModelError
from dynsparse.learning.model import Model
from dynsparse.learning.model_file import ModelArrays
from dynsparse.learning.scored_rows import ScoredRows
from dynsparse.learning.windows import HORIZON, Windows

__all__ = ["Predictions", "predict"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Predictions:
    """What is scored, in the units of the data set.

    Attributes:
        derivative: Where the Jacobians come from: ``"jax"``, ``"finite-difference"`` or ``"given"``; ``"dependency"``
            where they are sizes of dependence.
        jacobian: (m, ds, ds + da), row = next state, column = state, then action.
        next_state: (m, ds) one step ahead; None where the model says nothing about it.
        trajectory: (w, steps, ds) along the windows of the rows, each step from the prediction before it, not finite
            where it has diverged; None where the model can not be rolled forward.
    """

    derivative: str
    jacobian: Array
    next_state: Array | None = None
    trajectory: Array | None = None


def predict(model: Model | ModelArrays, rows: ScoredRows) -> Predictions:
    """Ask a model about every scored row.

    Args:
        model: What is asked.
        rows: About which rows.

    Returns:
        What it says, of the right shapes and, but for the trajectory, finite.

    Raises:
        ModelError: If a shape does not fit or a number is not finite; names the row by its place in the data set.
    """
    if isinstance(model, ModelArrays):
        given, following = model.at(rows.index)
        return _checked(model.derivative, given, following, rows)
    with np.errstate(all="ignore"):  # a model may diverge; what is not finite is found below
        predicted = model.predict(rows.state, rows.action)
        found = _checked(model.derivative, model.jacobians(rows.state, rows.action), predicted, rows)
        return found if predicted is None else replace(found, trajectory=_trajectory(model, rows.windows))


def _trajectory(model: Model, windows: Windows) -> Array:
    """Roll a model forward along the actions of each window, until it diverges or the window ends."""
    found = np.full_like(windows.next_state, np.nan)
    state, finite = windows.state.copy(), np.ones(len(windows.state), dtype=bool)
    for step in range(HORIZON):
        going = np.flatnonzero(finite & (windows.length > step))
        if not going.size:
            break
        following = model.predict(state[going], windows.action[going, step])
        if following is None:
            raise ModelError("expected next states from a model that gave some before, got None")
        state[going] = found[going, step] = following
        finite[going] = np.isfinite(state[going]).all(axis=1)
    return found


def _checked(derivative: str, jacobian: Any, following: Any, rows: ScoredRows) -> Predictions:
    return Predictions(
        derivative,
        _finite("Jacobians", jacobian, rows.jacobian.shape, rows),
        None if following is None else _finite("next states", following, rows.next_state.shape, rows),
    )


def _finite(what: str, array: Any, shape: tuple[int, ...], rows: ScoredRows) -> Array:
    found = np.asarray(array, dtype=np.float64)
    if found.shape != shape:
        raise ModelError(f"expected {what} of shape {shape} from the model, got {found.shape}")
    bad = np.flatnonzero(~np.isfinite(found.reshape(len(rows), -1)).all(axis=1))
    if bad.size:
        raise ModelError(
            f"expected finite {what} from the model, got NaN or infinity at row {rows.index[bad[0]]} of the data set "
            f"({bad.size} of {len(rows)} rows)"
        )
    return found
