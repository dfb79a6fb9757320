"""Durations: for how many control steps an element of the Jacobian stays zero, or stays non-zero (Figure 7)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dynsparse.analysis.rows import RowBlock
from dynsparse.errors import ArrayError

__all__ = ["CENSORED", "SHORT", "WHOLE_EPISODE", "DurationCount", "Durations", "find_stretches"]

SHORT = 50
"""Control steps that most zero stretches do not reach, says the paper of its Figure 7."""

CENSORED = 1
"""End of a stretch that touches an end of its episode or a row that is not finite, so that it may be longer."""

WHOLE_EPISODE = 2
"""End of a stretch whose element is of its kind in all finite rows of the episode."""


@dataclass(frozen=True, eq=False)
class Durations:
    """Lengths of the maximal stretches of one kind, pooled over all elements of both blocks and over all episodes.

    A stretch is a run of control steps of one episode in which an element stays zero (or stays non-zero) and that can
    not be made longer.  It is one *of a whole episode*: its element is of its kind in all finite rows of the episode,
    into however many stretches non-finite rows cut them; or else *censored*: it touches the first or the last step of
    its episode, or a non-finite row, so that it may have gone on unseen; or else it was seen from end to end.

    Attributes:
        counts: (T + 1,) stretches by length in control steps.  Zero stretches of a whole episode are left out, as in
            the paper's Figure 7; non-zero ones are in, about which the paper says nothing.
        uncensored_counts: (T + 1,) those that were seen from end to end.
        whole_episode_counts: (T + 1,) those of a whole episode, each piece by its own length.
        whole_episode_left_out: Whether ``counts`` leaves the latter out.
    """

    counts: NDArray[np.int64]
    uncensored_counts: NDArray[np.int64]
    whole_episode_counts: NDArray[np.int64]
    whole_episode_left_out: bool

    def __post_init__(self) -> None:
        """Check that the three histograms can belong together."""
        parts = (self.counts, self.uncensored_counts, self.whole_episode_counts)
        if any(part.shape != self.counts.shape or part.ndim != 1 or part.dtype != np.int64 for part in parts):
            raise ArrayError(
                "durations must be three histograms (T + 1,) of int64, "
                f"got {', '.join(f'{part.shape} of {part.dtype}' for part in parts)}"
            )
        if any((part < 0).any() for part in parts) or (self._shorter < self.uncensored_counts).any():
            raise ArrayError("durations must be counts, those seen from end to end among the others; they are not")

    @property
    def mean(self) -> float | None:
        """Mean length in control steps of what ``counts`` holds, as in the paper; None where it holds nothing."""
        return _mean_length(self.counts)

    @property
    def mean_all(self) -> float | None:
        """Mean length of all stretches, those of a whole episode included."""
        return _mean_length(self._shorter + self.whole_episode_counts)

    @property
    def mean_shorter(self) -> float | None:
        """Mean length of the stretches that are not of a whole episode."""
        return _mean_length(self._shorter)

    @property
    def mean_uncensored(self) -> float | None:
        """Mean length of the stretches that were seen from end to end."""
        return _mean_length(self.uncensored_counts)

    @property
    def left_out(self) -> int:
        """Stretches that ``counts`` leaves out because they are of a whole episode."""
        return self.whole_episode if self.whole_episode_left_out else 0

    @property
    def whole_episode(self) -> int:
        """Stretches whose element is zero, or non-zero, in all finite rows of its episode."""
        return int(self.whole_episode_counts.sum())

    @property
    def censored(self) -> int:
        """Stretches that touch an end of their episode or a non-finite row; those of a whole episode not counted."""
        return int((self._shorter - self.uncensored_counts).sum())

    @property
    def _shorter(self) -> NDArray[np.int64]:
        return self.counts if self.whole_episode_left_out else self.counts - self.whole_episode_counts


def _mean_length(counts: NDArray[np.int64]) -> float | None:
    stretches = int(counts.sum())
    return int(counts @ np.arange(len(counts))) / stretches if stretches else None


class DurationCount:
    """Counts, block by block, the stretches of zeros and of non-zeros by their length."""

    def __init__(self, episode_steps: int) -> None:
        """Start at zero rows.

        Args:
            episode_steps: Control steps of an episode: T of the histograms, unless an episode turns out longer.
        """
        # Kind (non-zero, zero) by end (seen from end to end, censored, whole episode) by length.
        self._counts = np.zeros((2, 3, episode_steps + 1), dtype=np.int64)

    def update(self, block: RowBlock) -> None:
        """Count one block of rows.

        Args:
            block: Whole episodes.
        """
        if not block.rows or not block.zero.shape[1]:
            return
        length, zero, end, _ = find_stretches(block)
        longest = int(length.max(initial=0))
        missing = longest + 1 - self._counts.shape[2]
        if missing > 0:
            self._counts = np.pad(self._counts, ((0, 0), (0, 0), (0, missing)))
        width = self._counts.shape[2]
        cell = (zero * 3 + end) * width + length
        self._counts += np.bincount(cell, minlength=self._counts.size).reshape(self._counts.shape)

    def result(self) -> tuple[Durations, Durations]:
        """Return the durations so far.

        Returns:
            Those of zero stretches and those of non-zero stretches.
        """
        nonzero, zero = self._counts.copy()
        return (
            Durations(zero[0] + zero[1], zero[0], zero[2], whole_episode_left_out=True),
            Durations(nonzero.sum(axis=0), nonzero[0], nonzero[2], whole_episode_left_out=False),
        )


def find_stretches(block: RowBlock) -> tuple[NDArray[np.int64], ...]:
    """Find the maximal stretches of all elements at once.

    Args:
        block: Whole episodes, one row and one element at least.

    Returns:
        Of each stretch: length; 1 if of zeros, else 0; 0 if seen from end to end, 1 if censored, 2 if of a whole
        episode; the number of its episode in the block.
    """
    rows, finite, starts = block.rows, block.finite, block.starts
    # Element by element along time, so that a stretch is a piece of the flat array.
    zero = np.ascontiguousarray(block.zero.T)
    broken = np.ones(rows, dtype=bool)
    broken[1:] = starts[1:] | (finite[1:] != finite[:-1])
    begins = np.empty(zero.shape, dtype=bool)
    begins[:, 0] = True
    begins[:, 1:] = (zero[:, 1:] != zero[:, :-1]) | broken[1:]
    first = np.flatnonzero(begins)
    length = np.diff(first, append=zero.size)
    row = first % rows
    kept = finite[row]
    first, length, row = first[kept], length[kept], row[kept]
    # After an episode's start or a non-finite row, and before an episode's end or a non-finite row.
    closed = np.append(broken[1:], True)
    end = (broken[row] | closed[row + length - 1]).astype(np.int64)
    # By its rows and not by the stretch's length: a non-finite row must not turn one stretch that is left out into
    # two long ones that count.
    changes = _changes(zero, block)
    episode = np.cumsum(starts) - 1
    end[~changes[first // rows, episode[row]]] = WHOLE_EPISODE
    return length, zero.ravel()[first].astype(np.int64), end, episode[row]


def _changes(zero: NDArray[np.bool_], block: RowBlock) -> NDArray[np.bool_]:
    """Say which elements are zero in some finite row of an episode and non-zero in another one.

    Args:
        zero: (elements, n) where each is zero; false along a non-finite row.
        block: The rows.

    Returns:
        (elements, episodes) true where an element is both.
    """
    begins = np.flatnonzero(block.starts)
    ever_zero = np.logical_or.reduceat(zero, begins, axis=1)
    return ever_zero & np.logical_or.reduceat(~zero & block.finite, begins, axis=1)
