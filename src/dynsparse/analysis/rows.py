"""Block of rows: transition Jacobians as an accumulator takes them, checked, with the zeros in them found once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynsparse.analysis.zeros import is_zero
from dynsparse.errors import ArrayError

__all__ = ["RowBlock"]


@dataclass(frozen=True, eq=False)
class RowBlock:
    """Rows of data that follow each other: a whole number of episodes.

    Where the state holds quaternions, ds stands for the length of a tangent throughout the analysis.

    Attributes:
        jac_state: (n, ds, ds) row = next state, column = state.
        jac_action: (n, ds, da) row = next state, column = action.
        finite: (n,) false for a row that holds a NaN or an infinity, or was flagged so.
        starts: (n,) true for the first row of an episode.
        zero: (n, ds * ds + ds * da) true where an element is zero, of the state block first and then of the action
            block, each row by row; false all along a row that is not finite.
    """

    jac_state: NDArray[np.float64]
    jac_action: NDArray[np.float64]
    finite: NDArray[np.bool_]
    starts: NDArray[np.bool_]
    zero: NDArray[np.bool_]

    @classmethod
    def from_arrays(
        cls,
        jac_state: NDArray[Any],
        jac_action: NDArray[Any],
        atol: float,
        *,
        finite: NDArray[Any] | None = None,
        episode: NDArray[Any] | None = None,
        t: NDArray[Any] | None = None,
        first_row: int = 0,
    ) -> RowBlock:
        """Check that the arrays belong together, and find the zeros.

        Args:
            jac_state: (n, ds, ds) row = next state, column = state.
            jac_action: (n, ds, da) row = next state, column = action.
            atol: Zero threshold, ``abs(x) < atol``.
            finite: (n,) false for rows to leave out; rows that hold a NaN or an infinity are left out in any case.
            episode: (n,) number of the episode; without it every row is an episode of its own.
            t: (n,) control step inside the episode, from 0.
            first_row: Number of the first row in the whole data, for messages.

        Returns:
            The block.

        Raises:
            SettingError: If the threshold is not a finite number above zero.
            ArrayError: If the shapes do not belong together, or the rows are not whole episodes in order.
        """
        _check_shapes(jac_state, jac_action)
        kept = np.isfinite(jac_state).all(axis=(1, 2)) & np.isfinite(jac_action).all(axis=(1, 2))
        if finite is not None:
            _check_length("finite", finite, len(kept))
            kept &= finite.astype(bool)
        if episode is None or t is None:
            starts = np.ones(len(kept), dtype=bool)
        else:
            starts = _episode_starts(episode, t, len(kept), first_row)
        # Float32 data are widened, which is exact, so that one threshold means one number.
        state, action = (np.asarray(block, dtype=np.float64) for block in (jac_state, jac_action))
        return cls(state, action, np.asarray(kept), starts, _zeros(state, action, np.asarray(kept), atol))

    def at(self, atol: float) -> RowBlock:
        """Return the same rows with their zeros at another threshold.

        Args:
            atol: Zero threshold, ``abs(x) < atol``.

        Raises:
            SettingError: If the threshold is not a finite number above zero.
        """
        return replace(self, zero=_zeros(self.jac_state, self.jac_action, self.finite, atol))

    @property
    def rows(self) -> int:
        """Number of rows, the non-finite ones included."""
        return len(self.finite)

    @property
    def state_dim(self) -> int:
        """Number of state variables."""
        return int(self.jac_state.shape[1])

    @property
    def action_dim(self) -> int:
        """Number of actions."""
        return int(self.jac_action.shape[2])

    @property
    def zero_state(self) -> NDArray[np.bool_]:
        """(n, ds * ds) the state block's part of ``zero``."""
        return self.zero[:, : self.state_dim**2]

    @property
    def zero_action(self) -> NDArray[np.bool_]:
        """(n, ds * da) the action block's part of ``zero``."""
        return self.zero[:, self.state_dim**2 :]


def _zeros(
    state: NDArray[np.float64], action: NDArray[np.float64], finite: NDArray[np.bool_], atol: float
) -> NDArray[np.bool_]:
    """Return ``RowBlock.zero``."""
    flat = [block.reshape(len(finite), block.shape[1] * block.shape[2]) for block in (state, action)]
    zero = np.concatenate([is_zero(block, atol) for block in flat], axis=1)
    zero[~finite] = False
    return zero


def _check_shapes(jac_state: NDArray[Any], jac_action: NDArray[Any]) -> None:
    outputs = jac_state.shape[1] if jac_state.ndim == 3 else -1
    if jac_state.ndim != 3 or jac_state.shape[2] != outputs or jac_action.ndim != 3:
        raise ArrayError(
            "jac_state must have shape (n, ds, ds) and jac_action (n, ds, da), "
            f"got {jac_state.shape} and {jac_action.shape}"
        )
    if jac_action.shape[:2] != jac_state.shape[:2]:
        raise ArrayError(f"jac_action must have shape ({len(jac_state)}, {outputs}, da), got {jac_action.shape}")


def _check_length(name: str, array: NDArray[Any], rows: int) -> None:
    if array.shape != (rows,):
        raise ArrayError(f"{name} must have shape {(rows,)}, one entry a row, got {array.shape}")


def _episode_starts(episode: NDArray[Any], t: NDArray[Any], rows: int, first_row: int) -> NDArray[np.bool_]:
    """Return (n,) true where an episode begins; refuse a part of an episode, whose first step is not step 0."""
    _check_length("episode", episode, rows)
    _check_length("t", t, rows)
    starts = np.ones(rows, dtype=bool)
    starts[1:] = episode[1:] != episode[:-1]
    expected = np.zeros(rows, dtype=np.int64)
    expected[1:] = np.where(starts[1:], 0, t[:-1] + 1)
    wrong = np.flatnonzero(t != expected)
    if wrong.size:
        row = int(wrong[0])
        raise ArrayError(
            f"t must count 0, 1, 2, .. in each episode, got {t[row]} in row {first_row + row} (episode "
            f"{episode[row]}) where {expected[row]} was expected; give whole episodes, their rows in order"
        )
    return starts
