"""State space: what a small change of a state is, where some of its numbers are unit quaternions.

A change is a tangent: one number for each degree of freedom.  For an ordinary number it is a difference; for a
quaternion ``q`` it is a rotation vector ``r`` in the body's own frame, rad, with ``q exp(r / 2)`` the changed one, as
MuJoCo's own derivatives have it (``mj_integratePos``, ``mj_differentiatePos``, ``mjd_transitionFD``).

NumPy only: data sets and models are read with it where there is no JAX.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from dynsparse.errors import SettingError

__all__ = ["StateSpace"]

_PARTS = ("qw", "qx", "qy", "qz")
_TURNS = ("rx", "ry", "rz")

_SMALL = 1e-8
"""Square of a rotation, rad^2, below which the series of sine and arc tangent to second order is exact."""


@dataclass(frozen=True)
class StateSpace:
    """How states change; every method takes and returns rows.

    Attributes:
        state_dim: ds, numbers of a state.
        quaternions: where a unit quaternion (w, x, y, z) starts among them, in rising order.
    """

    state_dim: int
    quaternions: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Refuse quaternions that overlap or do not fit."""
        ends = [0, *(start + 4 for start in self.quaternions), self.state_dim]
        starts = [*self.quaternions, self.state_dim]
        if self.state_dim < 1 or any(start < end for start, end in zip(starts, ends[:-1], strict=True)):
            raise SettingError(
                f"expected quaternions of four numbers each, in rising order, inside a state of {self.state_dim}, "
                f"got them at {list(self.quaternions)}; pass where each begins"
            )

    @property
    def tangent_dim(self) -> int:
        """Numbers of a tangent: three for each quaternion, one for each other number."""
        return self.state_dim - len(self.quaternions)

    @property
    def is_flat(self) -> bool:
        """Whether a tangent is a difference of states throughout."""
        return not self.quaternions

    @property
    def is_rotation(self) -> np.ndarray:
        """(tangent_dim,) bool; which numbers of a tangent turn a quaternion."""
        found = np.ones(self.tangent_dim, dtype=bool)
        found[self._plain_tangent] = False
        return found

    def coordinates(self, states: np.ndarray) -> np.ndarray:
        """Return what a tangent is added to: the (n, ds) states' own numbers, 0 for a rotation: (n, tangent_dim)."""
        found = np.zeros((*states.shape[:-1], self.tangent_dim))
        found[..., self._plain_tangent] = states[..., self._plain]
        return found

    def integrate(self, states: np.ndarray, tangents: np.ndarray) -> np.ndarray:
        """Move states along tangents: the inverse of ``difference``.

        Args:
            states: (n, ds).
            tangents: (n, tangent_dim), rotations in rad.

        Returns:
            (n, ds); quaternions of the length that they had.
        """
        if self.is_flat:
            return states + tangents
        moved = np.empty((*np.broadcast_shapes(states.shape[:-1], tangents.shape[:-1]), self.state_dim))
        moved[..., self._plain] = states[..., self._plain] + tangents[..., self._plain_tangent]
        for start, place in self._places:
            rotation = tangents[..., place : place + 3]
            square = (rotation**2).sum(axis=-1, keepdims=True)
            angle = np.sqrt(square)
            safe = np.where(square < _SMALL, 1.0, angle)
            cosine = np.where(square < _SMALL, 1.0 - square / 8.0, np.cos(angle / 2.0))
            sine = np.where(square < _SMALL, 0.5 - square / 48.0, np.sin(angle / 2.0) / safe)
            turn = np.concatenate([cosine, sine * rotation], axis=-1)
            moved[..., start : start + 4] = _product(states[..., start : start + 4], turn)
        return moved

    def difference(self, start: np.ndarray, end: np.ndarray) -> np.ndarray:
        """Return the tangents that lead from some states to others.

        Args:
            start: (n, ds) from where.
            end: (n, ds) to where.

        Returns:
            (n, tangent_dim); rotations the short way, at most pi rad.
        """
        if self.is_flat:
            return end - start
        found = np.empty((*np.broadcast_shapes(start.shape[:-1], end.shape[:-1]), self.tangent_dim))
        found[..., self._plain_tangent] = end[..., self._plain] - start[..., self._plain]
        for at, place in self._places:
            turn = _product(_conjugate(start[..., at : at + 4]), end[..., at : at + 4])
            turn = np.where(turn[..., :1] < 0, -turn, turn)
            sine = np.sqrt((turn[..., 1:] ** 2).sum(axis=-1, keepdims=True))
            small = sine**2 < _SMALL * turn[..., :1] ** 2
            safe = np.where(sine == 0, 1.0, sine)
            ratio = sine / np.where(small, turn[..., :1], 1.0)
            factor = np.where(small, (1.0 - ratio**2 / 3.0) / np.where(small, turn[..., :1], 1.0),
                              np.arctan2(sine, turn[..., :1]) / safe)  # fmt: skip
            found[..., place : place + 3] = 2.0 * factor * turn[..., 1:]
        return found

    def lift(self, states: np.ndarray) -> np.ndarray:
        """Return the derivative of ``integrate`` at no tangent: from a tangent to a change of the state's numbers.

        Args:
            states: (n, ds).

        Returns:
            (n, ds, tangent_dim).
        """
        found = np.zeros((*states.shape, self.tangent_dim))
        found[..., self._plain, self._plain_tangent] = 1.0
        for start, place in self._places:
            found[..., start : start + 4, place : place + 3] = 0.5 * _basis(states[..., start : start + 4])
        return found

    def project(self, states: np.ndarray) -> np.ndarray:
        """Return the derivative of ``difference`` where both are equal: from a change of the numbers to a tangent.

        A change along a quaternion itself, which turns nothing, becomes zero.

        Args:
            states: (n, ds).

        Returns:
            (n, tangent_dim, ds), a left inverse of ``lift``.
        """
        found = np.zeros((*states.shape[:-1], self.tangent_dim, self.state_dim))
        found[..., self._plain_tangent, self._plain] = 1.0
        for start, place in self._places:
            quaternion = states[..., start : start + 4]
            basis = np.swapaxes(_basis(quaternion), -1, -2)
            square = (quaternion**2).sum(axis=-1)[..., None, None]
            found[..., place : place + 3, start : start + 4] = 2.0 * basis / square
        return found

    def project_jacobian(
        self, jac_state: np.ndarray, jac_action: np.ndarray, states: np.ndarray, next_states: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Turn derivatives of a state's numbers into derivatives of tangents.

        Args:
            jac_state: (n, ds, ds) of a function of states that takes quaternions as four free numbers.
            jac_action: (n, ds, da).
            states: (n, ds) where it was differentiated.
            next_states: (n, ds) what it returned there; quaternions need not be of length 1.

        Returns:
            (n, tangent_dim, tangent_dim) and (n, tangent_dim, da).
        """
        if self.is_flat:
            return jac_state, jac_action
        out = self.project(next_states)
        return out @ jac_state @ self.lift(states), out @ jac_action

    def lift_jacobian(
        self, jac_state: np.ndarray, jac_action: np.ndarray, states: np.ndarray, next_states: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Turn derivatives of tangents into derivatives of a state's numbers.

        They are those of the step that takes a quaternion of any length for its direction, and returns unit ones.

        Args:
            jac_state: (n, tangent_dim, tangent_dim).
            jac_action: (n, tangent_dim, da).
            states: (n, ds).
            next_states: (n, ds).

        Returns:
            (n, ds, ds) and (n, ds, da).
        """
        if self.is_flat:
            return jac_state, jac_action
        out = self.lift(next_states)
        return out @ jac_state @ self.project(states), out @ jac_action

    def tangent_names(self, state_names: Sequence[str]) -> tuple[str, ...]:
        """Name a tangent's numbers: ``"qpos root qw"`` to ``"qpos root qz"`` become ``"qpos root rx"`` to ``rz``."""
        names = list(state_names)
        for start in reversed(self.quaternions):
            stem = names[start].removesuffix(_PARTS[0])
            names[start : start + 4] = [stem + turn for turn in _TURNS]
        return tuple(names)

    def tangent_units(self, state_units: Sequence[str]) -> tuple[str, ...]:
        """Return the units of a tangent's numbers: rad for rotations."""
        units = list(state_units)
        for start in reversed(self.quaternions):
            units[start : start + 4] = ["rad"] * 3
        return tuple(units)

    @cached_property
    def _places(self) -> tuple[tuple[int, int], ...]:
        """Where each quaternion starts in a state, and its rotation in a tangent."""
        return tuple((start, start - before) for before, start in enumerate(self.quaternions))

    @cached_property
    def _plain(self) -> np.ndarray:
        """Places in a state of the numbers that belong to no quaternion."""
        inside = [start + k for start in self.quaternions for k in range(4)]
        return np.setdiff1d(np.arange(self.state_dim), inside)

    @cached_property
    def _plain_tangent(self) -> np.ndarray:
        """Places in a tangent of the same numbers."""
        inside = [place + k for _, place in self._places for k in range(3)]
        return np.setdiff1d(np.arange(self.tangent_dim), inside)


def _product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Multiply quaternions (..., 4)."""
    aw, ax, ay, az = np.moveaxis(a, -1, 0)
    bw, bx, by, bz = np.moveaxis(b, -1, 0)
    return np.stack(
        [
            aw * bw - ax * bx - ay * by - az * bz,
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
        ],
        axis=-1,
    )


def _conjugate(a: np.ndarray) -> np.ndarray:
    return a * np.array([1.0, -1.0, -1.0, -1.0])


def _basis(quaternion: np.ndarray) -> np.ndarray:
    """Return (..., 4, 3): the quaternion times each of i, j and k."""
    w, x, y, z = np.moveaxis(quaternion, -1, 0)
    return np.stack(
        [np.stack([-x, -y, -z], -1), np.stack([w, -z, y], -1), np.stack([z, w, -x], -1), np.stack([-y, x, w], -1)],
        axis=-2,
    )
