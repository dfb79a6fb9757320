"""How a user describes an own system: names, units, bounds and places of quaternions, checked as a whole."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dynsparse.errors import SettingError

__all__ = ["Words", "check_words"]

_PARTS = ("qw", "qx", "qy", "qz")


@dataclass(frozen=True, eq=False)
class Words:
    """What the numbers of state and action are.

    Attributes:
        state_names: (ds,).
        action_names: (da,).
        state_units: (ds,).
        low: (da,) lower bounds of the actions, -inf where there is none.
        high: (da,) upper bounds.
        quaternions: where in the state unit quaternions start.
    """

    state_names: tuple[str, ...]
    action_names: tuple[str, ...]
    state_units: tuple[str, ...]
    low: np.ndarray
    high: np.ndarray
    quaternions: tuple[int, ...]

    def plain(self) -> list[Any]:
        """Return all of it as plain values that a text can hold exactly."""
        names = [list(self.state_names), list(self.action_names), list(self.state_units)]
        return [*names, *([float(x).hex() for x in bound] for bound in (self.low, self.high)), list(self.quaternions)]


def check_words(
    name: str,
    state_names: Sequence[str],
    action_names: Sequence[str],
    state_units: Sequence[str] | None,
    bounds: tuple[Sequence[float] | None, Sequence[float] | None],
    quaternions: Sequence[int],
    state_dim: int | None = None,
) -> Words:
    """Check a description as a whole.

    Args:
        name: how messages call the environment.
        state_names: (ds,), distinct.
        action_names: (da,), distinct, at least one.
        state_units: (ds,), or None for ``"1"``.
        bounds: (da,) lower and upper ones, each None for none.
        quaternions: where in the state unit quaternions start.
        state_dim: ds, where it is known already, for the message.

    Raises:
        SettingError: something does not fit; says what.
    """
    states, actions = _names(name, "state_names", state_names), _names(name, "action_names", action_names)
    units = ("1",) * len(states) if state_units is None else _strings(name, "state_units", state_units)
    if len(units) != len(states):
        raise SettingError(
            f"{name}: expected one of state_names and one of state_units for each number of the state, got "
            f"{len(states)} state_names and {len(units)} state_units"
            + ("" if state_dim is None else f" for the {state_dim} numbers of initial_state")
        )
    low, high = (
        _bound(name, what, bound, len(actions), otherwise)
        for what, bound, otherwise in zip(("action_low", "action_high"), bounds, (-np.inf, np.inf), strict=True)
    )
    for action, lower, upper in zip(actions, low, high, strict=True):
        if not lower < upper:
            raise SettingError(f"{name}: expected action_low below action_high, {action!r} has {lower:g} and {upper:g}")
    return Words(states, actions, units, low, high, _quaternions(name, states, quaternions))


def _names(name: str, what: str, given: Any) -> tuple[str, ...]:
    found = _strings(name, what, given)
    if not found:
        raise SettingError(f"{name}: expected at least one of {what}, got none")
    twice = sorted({entry for entry in found if found.count(entry) > 1})
    if twice:
        raise SettingError(f"{name}: expected distinct {what}, {twice[0]!r} is there {found.count(twice[0])} times")
    return found


def _strings(name: str, what: str, given: Any) -> tuple[str, ...]:
    """Return several strings; one string alone would be taken for its letters."""
    try:
        found = () if isinstance(given, str) else tuple(given)
    except TypeError:
        found = ()
    if isinstance(given, str) or any(not isinstance(entry, str) or not entry.strip() for entry in found):
        raise SettingError(f'{name}: {what} must be several strings such as ("angle", "velocity"), got {given!r}')
    if not found and not isinstance(given, list | tuple):
        raise SettingError(f'{name}: {what} must be several strings such as ("angle", "velocity"), got {given!r}')
    return found


def _bound(name: str, what: str, given: Any, width: int, otherwise: float) -> np.ndarray:
    if given is None:
        return np.full(width, otherwise)
    try:
        bound = np.array(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise SettingError(f"{name}: {what} must be {width} numbers, one for each action, got {given!r}") from error
    if bound.shape != (width,) or np.isnan(bound).any():
        raise SettingError(f"{name}: {what} must be {width} numbers, one for each action, got {given!r}")
    return bound


def _quaternions(name: str, states: tuple[str, ...], given: Any) -> tuple[int, ...]:
    try:
        places = tuple(operator.index(place) for place in given)
    except TypeError as error:
        raise SettingError(
            f"{name}: quaternions must be whole numbers, the places in the state where each starts, got {given!r}"
        ) from error
    for place, free in zip(places, (0, *(place + 4 for place in places)), strict=False):
        if place < free:
            raise SettingError(
                f"{name}: expected quaternions in rising order, four numbers each, from place {free} on, got one at "
                f"place {place}"
            )
        if place + 4 > len(states):
            raise SettingError(
                f"{name}: a quaternion at place {place} takes the numbers {place} to {place + 3} of the state, which "
                f"has {len(states)} ({', '.join(states)}); quaternions are the places where each starts"
            )
    for place in places:
        ends = [entry.split()[-1][-2:] for entry in states[place : place + 4]]
        if ends != list(_PARTS):
            raise SettingError(
                f"{name}: the names of the quaternion at place {place} must end in qw, qx, qy and qz, got "
                f"{', '.join(states[place : place + 4])}"
            )
    return places
