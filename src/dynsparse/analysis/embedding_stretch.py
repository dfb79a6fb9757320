"""Embedding stretch: the moments of an episode that are shown as frames beside an embedding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dynsparse.config import check_count
from dynsparse.errors import ArrayError

__all__ = ["POPULATED", "Stretch", "choose_stretch"]

POPULATED = 0.05
"""Share of all rows from which on a sparsity is well populated: its frames show what is usual, no accident."""


@dataclass(frozen=True, eq=False)
class Stretch:
    """Moments of one episode, evenly spaced.

    Attributes:
        places: (f,) their places among the rows.
        every: Control steps from one to the next.
        switches: How many of the f - 1 neighbours in it differ in sparsity; 0 where it is there for want of a better.
        pattern_switches: How many control steps between the first and the last one change the pattern.
    """

    places: NDArray[np.int64]
    every: int
    switches: int
    pattern_switches: int


def choose_stretch(
    zeros: NDArray[np.integer],
    patterns: NDArray[np.uint64],
    finite: NDArray[np.bool_],
    episode: NDArray[np.integer],
    *,
    frames: int = 6,
    every: int = 1,
) -> Stretch | None:
    """Choose the moments between which sparsity changes most.

    Of all stretches of one episode in which every row is finite, and every moment has a well-populated sparsity, the
    one with the largest sum of changes of sparsity from moment to moment; among these the one with most switches of
    the pattern in between, then the first.  Counting changes alone would prefer a limit that flickers, one zero more or
    less, to contacts.  Where none of these changes: the first of them, and if there is none the first of all.

    Args:
        zeros: (n,) number of zeros of each row.
        patterns: (n,) what tells patterns apart.
        finite: (n,) false for rows to leave out.
        episode: (n,) number of the episode, whose rows follow each other.
        frames: Moments, f.
        every: Control steps from one to the next; 1 where no episode is long enough for more.

    Returns:
        The stretch; None where no episode has as many finite rows in a row.

    Raises:
        ArrayError: If the arrays are not of one length.
        SettingError: If ``frames`` is below 2 or ``every`` below 1.
    """
    check_count("frames", frames, 2, "6 fit a page")
    check_count("every", every, 1, "1 takes every control step")
    if not len(zeros) == len(patterns) == len(finite) == len(episode):
        raise ArrayError("expected zeros, patterns, finite and episode of one length")
    span = (frames - 1) * every
    broken = np.concatenate([[0], np.cumsum(~finite)])
    starts = np.arange(max(len(zeros) - span, 0))
    whole = (episode[starts] == episode[starts + span]) & (broken[starts + span + 1] == broken[starts])
    starts = starts[whole]
    if not len(starts):
        return None if every == 1 else choose_stretch(zeros, patterns, finite, episode, frames=frames, every=1)
    shown = zeros.astype(np.int64)[starts[:, None] + every * np.arange(frames)]
    values, counts = np.unique(zeros[finite], return_counts=True)
    usual = np.isin(shown, values[counts >= POPULATED * counts.sum()]).all(axis=1)
    steps = np.abs(np.diff(shown, axis=1))
    change = np.where(usual, steps.sum(axis=1), 0)
    changed = np.concatenate([[0, 0], np.cumsum(patterns[1:] != patterns[:-1])])
    between = changed[starts + span + 1] - changed[starts + 1]
    changes = bool(change.any())
    best = int(np.lexsort((starts, -between, -change))[0] if changes else usual.argmax())
    places = starts[best] + every * np.arange(frames)
    return Stretch(places, every, int(np.count_nonzero(steps[best])) if changes else 0, int(between[best]))
