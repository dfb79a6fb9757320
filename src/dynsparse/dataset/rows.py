"""Rows: what must hold for the numbers of a block, whoever made them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dynsparse.dataset.description import DatasetDescription
from dynsparse.dataset.fields import FieldSpec

__all__ = ["array_problems", "finite_rows", "row_problems"]

Arrays: TypeAlias = Mapping[str, NDArray[Any]]

_LENGTH_ERROR = 1e-6
"""How far from 1 a quaternion's length may be: ten times what rounding to float32 comes to."""


def finite_rows(arrays: Arrays) -> NDArray[np.bool_]:
    """Say which rows hold no NaN and no infinity: what the field ``finite`` must be.

    Args:
        arrays: Name to (n, ...) as they will be stored (in float32 a large number becomes infinite).

    Returns:
        (n,) true where every floating-point number of the row is finite.
    """
    floats = [array for array in map(np.asarray, arrays.values()) if array.dtype.kind == "f"]
    rows = len(next(iter(arrays.values())))
    finite = np.ones(rows, dtype=bool)
    for array in floats:
        there = np.isfinite(array)
        if not there.all():  # which rows takes far longer where they are short
            finite &= there.reshape(rows, -1).all(axis=1)
    return finite


def array_problems(fields: Mapping[str, FieldSpec], rows: int, arrays: Arrays) -> list[str]:
    """Say which arrays have not the shape or type that is stored.

    Args:
        fields: What there must be.
        rows: Rows of the block.
        arrays: Name to array; one that is missing is not looked at.

    Returns:
        One sentence for each.
    """
    problems = []
    for name, spec in fields.items():
        if name in arrays:
            array, shape = arrays[name], (rows, *spec.shape)
            if array.shape != shape or array.dtype != spec.dtype:
                problems.append(f"{name} must be {spec.dtype} {shape}, got {array.dtype} {array.shape}")
    return problems


def row_problems(description: DatasetDescription, block: int, arrays: Arrays) -> list[str]:
    """Say what does not hold in a block's rows; what needs a field that is missing is not looked at.

    Args:
        description: What the data set holds.
        block: Number of the block.
        arrays: Name to (rows of the block, ...) in the stored shapes and types.

    Returns:
        One sentence a rule that is broken, with the first row and how many there are.
    """
    return [
        f"row {first} of all: {text}" + (f" (and {count - 1} more row{'' if count == 2 else 's'})" if count > 1 else "")
        for wrong, text in _rules(description, block, arrays)
        if (count := int(wrong.sum()))
        for first in (description.block_rows(block).start + int(np.argmax(wrong)),)
    ]


def _rules(description: DatasetDescription, block: int, arrays: Arrays) -> Iterable[tuple[Any, str]]:
    """Yield (rows that break a rule, the rule)."""
    place = description.block_rows(block)
    rows = np.arange(place.start, place.stop)
    episode, t = np.divmod(rows, description.episode_steps)
    last = (t == description.episode_steps - 1) | (rows == description.rows - 1)
    has = arrays.__contains__
    if has("episode"):
        yield arrays["episode"] != episode, f"episode must be the row divided by {description.episode_steps}"
    if has("t"):
        yield arrays["t"] != t, f"t must count from 0 to {description.episode_steps - 1} in every episode"
    for name in ("terminated", "truncated"):
        if has(name):
            yield arrays[name] & ~last, f"{name} must be false before the episode's last step"
    if has("state") and has("next_state"):
        follows = np.zeros(len(rows), dtype=bool)
        follows[:-1] = (_bits(arrays["next_state"][:-1]) != _bits(arrays["state"][1:])).any(axis=1)
        yield follows & ~last, "next_state must be bitwise the state of the next row"
    for name in ("state", "next_state"):
        if has(name):
            for start in description.quaternions:
                length = np.linalg.norm(arrays[name][:, start : start + 4].astype(np.float64), axis=1)
                # One that is not finite is told by ``finite``.
                wrong = np.isfinite(length) & ~(np.abs(length - 1) <= _LENGTH_ERROR)
                yield wrong, f"the quaternion of {name} at {start} must have length 1, to {_LENGTH_ERROR:g}"
    for name in ("state", "action", "warmstart"):
        if has(name):
            yield (t == 0) & ~finite_rows({name: arrays[name]}), f"{name} must be finite where an episode begins"
    if has("action"):
        action = arrays["action"]
        low, high = (np.asarray(bound, action.dtype) for bound in (description.action_low, description.action_high))
        yield ((action < low) | (action > high)).any(axis=1), "action must lie inside action_low to action_high"
    if has("constraint_active") and has("constraint_active_start"):
        wrong = (arrays["constraint_active_start"] & ~arrays["constraint_active"]).any(axis=1)
        yield wrong, "a constraint that is active at the first substep must be active"
    if has("finite") and all(map(has, description.fields())):
        yield arrays["finite"] != finite_rows(arrays), "finite must say whether all numbers of the row are finite"


def _bits(array: NDArray[Any]) -> NDArray[Any]:
    """Return floats as whole numbers: a NaN then equals itself, and -0.0 is not 0.0."""
    return np.ascontiguousarray(array).view(f"u{array.dtype.itemsize}")
