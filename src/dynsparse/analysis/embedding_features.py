"""Embedding features: transitions (s, a, s') as points of a space in which a distance means something."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dynsparse.errors import ArrayError

__all__ = ["TransitionSpace", "turning_hinges"]

_LEAST_SPREAD = 1e-12
"""Standard deviation below which a variable is taken for a constant: what is left of it is round-off."""


def turning_hinges(
    state_names: Sequence[str], state_units: Sequence[str], constraint_names: Sequence[str]
) -> tuple[int, ...]:
    """Return where in a state the angles are that have no end: hinges without a limit.

    Args:
        state_names: (ds,) names of the state variables, ``"qpos <joint>"`` those of positions.
        state_units: (ds,) their units; an angle's is rad.
        constraint_names: Names of the constraints, ``"joint limit <joint>"`` where a joint is limited.

    Returns:
        Places in rising order.
    """
    limited = {name.removeprefix("joint limit ") for name in constraint_names if name.startswith("joint limit ")}
    return tuple(
        place
        for place, (name, unit) in enumerate(zip(state_names, state_units, strict=True))
        if unit == "rad" and name.startswith("qpos ") and name.removeprefix("qpos ") not in limited
    )


@dataclass(frozen=True)
class TransitionSpace:
    """The space in which transitions are compared, one column or some for each variable of s, a and s'.

    Every variable is centred, and scaled so that it adds 1 to the mean square distance from the centre; one that never
    changes adds nothing.  An angle without limits becomes cosine and sine, scaled together, so that a turn more or less
    is no distance; a unit quaternion q the matrix of its rotation, so that q and -q are one place, and counts as three
    variables.  An angle with limits is kept as it is, and so is a position along a track without end: it is part of s.

    Attributes:
        turning: Places in the state of angles without limits.
        quaternions: Places in the state where a unit quaternion (w first) starts.
    """

    turning: tuple[int, ...] = ()
    quaternions: tuple[int, ...] = ()

    def points(
        self, state: NDArray[np.floating], action: NDArray[np.floating], next_state: NDArray[np.floating]
    ) -> NDArray[np.float64]:
        """Place transitions.

        Args:
            state: (n, ds).
            action: (n, da).
            next_state: (n, ds).

        Returns:
            (n, d) points.

        Raises:
            ArrayError: If the arrays are not n finite rows each, or there is none.
        """
        arrays = [np.asarray(array, dtype=np.float64) for array in (state, action, next_state)]
        rows = len(arrays[0])
        fits = all(array.ndim == 2 and len(array) == rows for array in arrays)
        if not rows or not fits or arrays[0].shape != arrays[2].shape or not all(np.isfinite(a).all() for a in arrays):
            raise ArrayError(
                "expected states (n, ds), actions (n, da) and next states (n, ds) of n > 0 finite rows, got shapes "
                f"{', '.join(str(array.shape) for array in arrays)}; leave rows out that are not finite"
            )
        actions = ((arrays[1][:, [place]], 1) for place in range(arrays[1].shape[1]))
        groups = [*self._variables(arrays[0]), *actions, *self._variables(arrays[2])]
        return np.concatenate([_scaled(columns, count) for columns, count in groups], axis=1)

    def _variables(self, states: NDArray[np.float64]) -> Iterator[tuple[NDArray[np.float64], int]]:
        """Yield the columns of each variable, and for how many variables they stand."""
        place = 0
        while place < states.shape[1]:
            if place in self.quaternions:
                yield _rotation(states[:, place : place + 4]), 3
                place += 4
                continue
            column = states[:, [place]]
            yield (np.concatenate([np.cos(column), np.sin(column)], axis=1) if place in self.turning else column), 1
            place += 1


def _scaled(columns: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Centre the columns of a variable and scale them together."""
    centred = columns - columns.mean(axis=0)
    spread = float(np.sqrt((centred**2).mean(axis=0).sum()))
    largest = float(np.abs(columns).max())
    if spread <= _LEAST_SPREAD * max(largest, 1.0):
        return np.zeros_like(centred)
    return np.asarray(centred * (np.sqrt(count) / spread))


def _rotation(quaternion: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (n, 9): the matrices of rotation of (n, 4) unit quaternions."""
    w, x, y, z = (quaternion / np.linalg.norm(quaternion, axis=1, keepdims=True)).T
    return np.stack(
        [
            1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
            2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
            2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y),
        ],
        axis=1,
    )  # fmt: skip
