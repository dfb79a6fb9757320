"""What a caller passes as rows: checked at the border, copied to float64, the bad row named."""

from __future__ import annotations

from typing import Any

import numpy as np

from dynsparse.errors import ActionRangeError, ArrayError, PrecisionError, SettingError
from dynsparse.physics.environment import Environment
from dynsparse.physics.linearization import DERIVATIVES

__all__ = ["Rows", "check_derivative", "check_row", "check_rows"]

Rows = tuple[np.ndarray, np.ndarray, np.ndarray]


def check_derivative(env: Environment, derivative: object) -> str:
    """Return the derivative's name if there is one of the environment.

    Raises:
        SettingError: if it is none of ``DERIVATIVES``.
        UnsupportedModelError: if the environment has none of that name.
    """
    if not isinstance(derivative, str) or derivative not in DERIVATIVES:
        raise SettingError(f"derivative must be one of {', '.join(map(repr, DERIVATIVES))}, got {derivative!r}")
    env.check_derivative(derivative)
    return derivative


def check_rows(
    env: Environment, states: object, actions: object, warmstarts: object = None, derivative: str = "exact"
) -> Rows:
    """Check many rows.

    Args:
        env: the environment.
        states: (n, ds).
        actions: (n, da), inside the control range.
        warmstarts: (n, nv), or None for zeros.
        derivative: what they are for; ``"exact"`` refuses float32.

    Returns:
        Copies in float64.

    Raises:
        ArrayError: for a wrong shape or type, or a number that is not finite; names the row.
        ActionRangeError: for an action outside its range; names the row and the bounds.
        PrecisionError: for float32 where the derivative exists in float64 only.
    """
    state = _numbers("states", states, derivative, ("rows", "ds"), (None, env.state_dim), env)
    n = len(state)
    if n == 0:
        raise ArrayError(f"states must hold at least one row of {env.name}, got shape {state.shape}")
    action = _numbers("actions", actions, derivative, ("rows", "da"), (n, env.action_dim), env)
    warmstart = np.zeros((n, env.nv))
    if warmstarts is not None:
        warmstart = _numbers("warmstarts", warmstarts, derivative, ("rows", "nv"), (n, env.nv), env)
    for name, array in (("states", state), ("actions", action), ("warmstarts", warmstart)):
        _finite(name, array)
    _in_range(env, action)
    return state, action, warmstart


def check_row(
    env: Environment, state: object, action: object, warmstart: object = None, derivative: str = "exact"
) -> Rows:
    """Check one row: (ds,), (da,) and (nv,) or None; errors as in ``check_rows``.

    Returns:
        Copies in float64 with a leading axis of one row.
    """
    one = _numbers("state", state, derivative, ("ds",), (env.state_dim,), env)[None]
    act = _numbers("action", action, derivative, ("da",), (env.action_dim,), env)[None]
    start = None
    if warmstart is not None:
        start = _numbers("warmstart", warmstart, derivative, ("nv",), (env.nv,), env)[None]
    return check_rows(env, one, act, start, derivative)


def _numbers(
    name: str, value: object, derivative: str, axes: tuple[str, ...], shape: tuple[int | None, ...], env: Environment
) -> np.ndarray:
    wanted = f"({', '.join(axes)}) = ({', '.join('n' if size is None else str(size) for size in shape)})"
    array = _as_array(name, value, wanted, env)
    if array.dtype.kind == "f" and array.dtype.itemsize < 8 and derivative == "exact":
        raise PrecisionError(
            f"{name} is {array.dtype}, and exact derivatives exist in float64 only; pass "
            f'np.asarray({name}, dtype=np.float64), or ask for derivative="autodiff"'
        )
    if array.dtype.kind not in "fiu":
        row = _row_without_numbers(value)
        where = "" if row is None else f" because of row {row}"
        raise ArrayError(
            f"{name} must hold real numbers of shape {wanted} for {env.name}, got type {array.dtype}{where}"
        )
    fits = array.ndim == len(shape) and all(
        want is None or have == want for have, want in zip(array.shape, shape, strict=True)
    )
    if not fits:
        raise ArrayError(f"{name} must have shape {wanted} for {env.name}, got {array.shape}")
    return array.astype(np.float64)


def _as_array(name: str, value: object, wanted: str, env: Environment) -> np.ndarray:
    try:
        return np.asarray(value)
    except (ValueError, TypeError) as error:
        row = _ragged_row(value)
        where = "" if row is None else f"; row {row} has another length than row 0"
        raise ArrayError(f"{name} must be an array of shape {wanted} for {env.name}{where} ({error})") from error


def _ragged_row(value: Any) -> int | None:
    lengths = [np.size(np.asarray(row, dtype=object)) for row in value] if isinstance(value, list | tuple) else []
    return next((i for i, length in enumerate(lengths) if length != lengths[0]), None)


def _row_without_numbers(value: Any) -> int | None:
    """Return the first row that is no numbers by itself, where the others are."""
    kinds = [np.asarray(row).dtype.kind in "fiu" for row in value] if isinstance(value, list | tuple) else []
    return kinds.index(False) if any(kinds) and not all(kinds) else None


def _finite(name: str, array: np.ndarray) -> None:
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        row, column = bad[0]
        raise ArrayError(
            f"{name} must be finite, got {array[row, column]} in row {row}, element {column} "
            f"({len(np.unique(bad[:, 0]))} of {len(array)} rows are affected); leave these rows out"
        )


def _in_range(env: Environment, action: np.ndarray) -> None:
    bad = np.argwhere((action < env.action_low) | (action > env.action_high))
    if len(bad):
        row, column = bad[0]
        raise ActionRangeError(
            f"actions are applied actions inside the control range of {env.name}: row {row} has "
            f"{env.action_names[column]} = {action[row, column]!r} outside [{env.action_low[column]:g}, "
            f"{env.action_high[column]:g}]; clip or squash the sampled action first"
        )
