"""Predictions: everything that a model says about the scored rows, as arrays, whatever the model is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynsparse.errors import ModelError
from dynsparse.learning.foreign_value import real_numbers, told_error
from dynsparse.learning.model import MODEL_DERIVATIVES, Model
from dynsparse.learning.model_file import ModelArrays
from dynsparse.learning.scored_rows import ScoredRows
from dynsparse.learning.windows import HORIZON

__all__ = ["Predictions", "predict"]

Array = NDArray[np.float64]
Ask = Callable[[Array, Array], Any]

_ROWS = 1_000
"""Rows that are projected at a time: of Humanoid, some 100 MB."""

_SHORTEST = float(np.finfo(np.float64).tiny)
"""Square of a quaternion's length below which its direction is lost."""


@dataclass(frozen=True, eq=False)
class Predictions:
    """What is scored, in the units of the data set.

    A model maps a state's numbers to numbers, also those of a quaternion.  Its Jacobian is projected to tangents: from
    the right with the derivative of turning the state by a small rotation, from the left with that of the rotation to
    what is near the next state that the model itself predicts.  Its quaternion may have any length but 0 there: what
    counts is its direction.

    Attributes:
        derivative: Where the Jacobians come from: ``"jax"``, ``"finite-difference"`` or ``"given"``; ``"dependency"``
            where they are sizes of dependence.
        jacobian: (m, dt, dt + da), row = next state, column = state, then action; dt is the length of a tangent, which
            is ds where the state holds no quaternion.
        next_state: (m, ds) one step ahead; None where the model says nothing about it.
        trajectory: (w, steps, ds) along the windows of the rows, each step from the prediction before it, not finite
            where it has diverged (or raised after the first step); None where the model can not be rolled forward.
    """

    derivative: str
    jacobian: Array
    next_state: Array | None = None
    trajectory: Array | None = None


def predict(model: Model | ModelArrays, rows: ScoredRows) -> Predictions:
    """Ask a model about every scored row.

    Whatever a model raises at a scored row is a ``ModelError``.  Rolled forward, it may come to states far outside the
    data, at which nobody meant it to be asked: what it raises there ends the window as diverged, and the others go on.

    Args:
        model: What is asked.
        rows: About which rows.

    Returns:
        What it says, of the right shapes and, but for the trajectory, finite.

    Raises:
        ModelError: If a model does not say where its Jacobians come from, it raises, or gives what does not fit or is
            not finite; names the row by its place in the data set.
    """
    if isinstance(model, ModelArrays):
        given, following = model.at(rows.index)
        return _checked(model.derivative, given, following, rows, at_truth=True)
    kind = model.derivative
    if not isinstance(kind, str) or kind not in MODEL_DERIVATIVES:
        raise ModelError(f"expected a model's derivative to be one of {', '.join(MODEL_DERIVATIVES)}, got {kind!r}")
    scored = rows.state, rows.action
    with np.errstate(all="ignore"):  # a model may diverge; what is not finite is found below
        predicted = _asked("next states", model.predict, *scored, rows.index)
        jacobian = _asked("Jacobians", model.jacobians, *scored, rows.index)
        found = _checked(kind, jacobian, predicted, rows)
        return found if predicted is None else replace(found, trajectory=_trajectory(model, rows))


def _asked(what: str, ask: Ask, state: Array, action: Array, index: NDArray[np.int64]) -> Any:
    """Ask about rows with these places in the data set; where the model raises, look for the first that makes it."""
    try:
        return ask(state.copy(), action.copy())
    except Exception as error:  # anything: the model is the user's
        first, end = 0, len(state)
        while end - first > 1:
            half = (first + end) // 2
            if _raises(ask, state[first:half], action[first:half]):
                end = half
            else:
                first = half
        where = f"row {index[first]} of the data set"
        if not _raises(ask, state[first:end], action[first:end]):
            where = f"rows {index[0]} to {index[-1]} of the data set together, but not at one alone"
        raise ModelError(f"the model fails when asked for {what} at {where}: {told_error(error)}") from error


def _raises(ask: Ask, state: Array, action: Array) -> bool:
    try:
        ask(state.copy(), action.copy())
    except Exception:  # anything: the model is the user's
        return True
    return False


def _trajectory(model: Model, rows: ScoredRows) -> Array:
    """Roll a model forward along the actions of each window, until it diverges or the window ends."""
    windows = rows.windows
    found = np.full_like(windows.next_state, np.nan)
    state, finite = windows.state.copy(), np.ones(len(windows.state), dtype=bool)
    starts = rows.index[windows.place]
    for step in range(HORIZON):
        going = np.flatnonzero(finite & (windows.length > step))
        if not going.size:
            break
        asked = state[going], windows.action[going, step]
        # Windows start from scored rows, in the data: what raises there is wrong.  Later it may have left the data.
        following = (
            _step(model, *asked, starts[going]) if step else _asked("next states", model.predict, *asked, starts)
        )
        state[going] = found[going, step] = _fitting("next states", following, asked[0].shape)
        finite[going] = np.isfinite(state[going]).all(axis=1)
    return found


def _step(model: Model, state: Array, action: Array, starts: NDArray[np.int64]) -> Any:
    """Return next states; NaN where the model raises when it is asked about a row alone."""
    try:
        return model.predict(state.copy(), action.copy())
    except Exception:  # anything: the model is the user's, and may be far from what it was made for
        found = np.empty_like(state)
        for row, start in enumerate(starts):
            one = slice(row, row + 1)
            try:
                following = model.predict(state[one].copy(), action[one].copy())
            except ModelError as error:  # it does not fit, wherever it is asked
                raise ModelError(f"{error} (rolled forward from row {start} of the data set)") from error
            except Exception:  # as above: this row has diverged
                following = np.full((1, state.shape[1]), np.nan)
            found[one] = _fitting("next states", following, (1, state.shape[1]))
        return found


def _checked(
    derivative: str, jacobian: Any, following: Any, rows: ScoredRows, *, at_truth: bool = False
) -> Predictions:
    """Check what a model says, and project Jacobians of the state's numbers, at what it predicts or at the truth."""
    size = rows.state_dim
    shapes = list(dict.fromkeys([rows.jacobian.shape, (len(rows), size, size + rows.action_dim)]))
    own = _finite("Jacobians", jacobian, shapes, rows)
    predicted = None if following is None else _finite("next states", following, [rows.next_state.shape], rows)
    if own.shape != rows.jacobian.shape:
        own = _projected(own, rows.next_state if predicted is None or at_truth else predicted, rows)
    return Predictions(derivative, own, predicted)


def _projected(jacobian: Array, end: Array, rows: ScoredRows) -> Array:
    """Project (m, ds, ds + da) Jacobians to tangents, a few rows at a time."""
    size, space = rows.state_dim, rows.space
    for start in space.quaternions:
        square = (end[:, start : start + 4] ** 2).sum(axis=1)
        bad = np.flatnonzero(~((square >= _SHORTEST) & np.isfinite(square)))
        if bad.size:
            raise ModelError(
                f"expected quaternions of some direction in the model's next states, at {start}, got "
                f"{end[bad[0], start : start + 4]} at row {rows.index[bad[0]]} of the data set "
                f"({bad.size} of {len(rows)} rows)"
            )
    found = np.empty(rows.jacobian.shape)
    for first in range(0, len(rows), _ROWS):
        part = slice(first, first + _ROWS)
        by_state, by_action = jacobian[part, :, :size], jacobian[part, :, size:]
        projected = space.project_jacobian(by_state, by_action, rows.state[part], end[part])
        found[part] = np.concatenate(projected, axis=2)
    return found


def _finite(what: str, array: Any, shapes: Sequence[tuple[int, ...]], rows: ScoredRows) -> Array:
    found = _fitting(what, array, *shapes)
    bad = np.flatnonzero(~np.isfinite(found.reshape(len(rows), -1)).all(axis=1))
    if bad.size:
        raise ModelError(
            f"expected finite {what} from the model, got NaN or infinity at row {rows.index[bad[0]]} of the data set "
            f"({bad.size} of {len(rows)} rows)"
        )
    return found


def _fitting(what: str, array: Any, *shapes: tuple[int, ...]) -> Array:
    if array is None:  # one of many answers: a model that never predicts was told apart before
        raise ModelError(f"expected {what} from the model, got None")
    found = real_numbers(f"the model's {what}", array)
    if found.shape not in shapes:
        raise ModelError(f"expected {what} of shape {' or '.join(map(str, shapes))} from the model, got {found.shape}")
    return found.astype(np.float64, copy=False)
