"""Episode sums: whole numbers that say what each episode of a block of rows is like."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dynsparse.analysis.durations import CENSORED, SHORT, WHOLE_EPISODE, find_stretches
from dynsparse.analysis.rows import RowBlock

__all__ = ["EpisodeSums", "share", "sum_episodes"]

EpisodeSums = dict[str, NDArray[np.int64]]

_ALONG_TIME = (
    *("pairs", "switches", "stretches", "stretch_steps", "short_stretches"),
    *("censored_stretches", "short_censored_stretches", "nonzero_stretches", "nonzero_stretch_steps"),
    *("shorter_nonzero_stretches", "shorter_nonzero_stretch_steps"),
)


def sum_episodes(block: RowBlock, *, temporal: bool) -> EpisodeSums:
    """Sum up each episode.

    Args:
        block: Whole episodes, one row at least.
        temporal: Whether the rows of an episode follow each other in time; else all that is about time is 0.

    Returns:
        Numbers (e,), one an episode: ``steps``, its rows; ``finite``, those that are; ``zeros_state`` and
        ``zeros_action``, zeros of ∂s'/∂s and of ∂s'/∂a in these; ``pairs`` of finite rows that follow each other, and
        ``switches``, those of different patterns; ``stretches`` of zeros, those of a whole episode left out as in the
        paper, ``stretch_steps``, the sum of their lengths, ``short_stretches``, those shorter than ``SHORT``,
        ``censored_stretches``, those that may have gone on unseen, and ``short_censored_stretches``, those that are
        both; ``nonzero_stretches`` and ``nonzero_stretch_steps``, those of non-zeros, whole episodes included, and
        without these ``shorter_nonzero_stretches`` and ``shorter_nonzero_stretch_steps``.
    """
    first = np.flatnonzero(block.starts)

    def total(values: NDArray[np.int64] | NDArray[np.bool_]) -> NDArray[np.int64]:
        summed: NDArray[np.int64] = np.add.reduceat(values.astype(np.int64), first)
        return summed

    found = {
        "steps": np.diff(first, append=block.rows).astype(np.int64),
        "finite": total(block.finite),
        "zeros_state": total(np.count_nonzero(block.zero_state, axis=1)),
        "zeros_action": total(np.count_nonzero(block.zero_action, axis=1)),
    }
    if not temporal or not block.zero.shape[1]:
        return found | {name: np.zeros(len(first), dtype=np.int64) for name in _ALONG_TIME}
    pairs = np.zeros(block.rows, dtype=bool)
    pairs[1:] = ~block.starts[1:] & block.finite[1:] & block.finite[:-1]
    switches = np.zeros(block.rows, dtype=bool)
    switches[1:] = (block.zero[1:] != block.zero[:-1]).any(axis=1) & pairs[1:]
    return found | {"pairs": total(pairs), "switches": total(switches)} | _stretches(block, len(first))


def _stretches(block: RowBlock, episodes: int) -> EpisodeSums:
    """Sum up the stretches of each episode."""
    length, zero, end, episode = find_stretches(block)
    nonzero, shorter = zero == 0, end != WHOLE_EPISODE
    kept, changing = ~nonzero & shorter, nonzero & shorter
    short, censored = length < SHORT, end == CENSORED

    def total(which: NDArray[np.bool_], weights: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
        # Sums of whole numbers far below 2**53 are exact in floating point.
        chosen = None if weights is None else weights[which]
        return np.bincount(episode[which], weights=chosen, minlength=episodes).astype(np.int64)

    return {
        "stretches": total(kept),
        "stretch_steps": total(kept, length),
        "short_stretches": total(kept & short),
        "censored_stretches": total(kept & censored),
        "short_censored_stretches": total(kept & short & censored),
        "nonzero_stretches": total(nonzero),
        "nonzero_stretch_steps": total(nonzero, length),
        "shorter_nonzero_stretches": total(changing),
        "shorter_nonzero_stretch_steps": total(changing, length),
    }


def share(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return (e,) part / whole; NaN where there is no whole."""
    found = np.full(len(whole), np.nan)
    np.divide(part, whole, out=found, where=whole > 0)
    return found
