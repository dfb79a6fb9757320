"""Temporal sparsity: whether the pattern changes rarely along time (Q3)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dynsparse.analysis.durations import DurationCount, Durations
from dynsparse.analysis.rows import RowBlock
from dynsparse.analysis.zeros import row_sparsity

__all__ = ["TemporalCount", "TemporalSparsity"]


@dataclass(frozen=True, eq=False)
class TemporalSparsity:
    """The answer to Q3 for one set of episodes.

    Attributes:
        zero: Durations of stretches in which an element stays zero.
        nonzero: Durations of stretches in which an element stays non-zero.
        pattern_switch_rate: Share of pairs of consecutive control steps (same episode, both finite) whose patterns of
            the combined Jacobian differ; None where there is no such pair.
        pattern_duration_mean: Mean length in control steps of the maximal stretches in which the combined pattern
            stays the same, those at the ends of episodes and at non-finite rows included.
        timeline_state: (T,) sparsity of the state block at each control step of the first episode; NaN for a
            non-finite row.
        timeline_action: (T,) the same of the action block.
        timeline_combined: (T,) the same of both blocks together.
        broken_rows: Non-finite rows; they break a stretch and are never counted as zeros.
    """

    zero: Durations
    nonzero: Durations
    pattern_switch_rate: float | None
    pattern_duration_mean: float
    timeline_state: NDArray[np.float64]
    timeline_action: NDArray[np.float64]
    timeline_combined: NDArray[np.float64]
    broken_rows: int


class TemporalCount:
    """Follows the elements and the pattern along time, block by block."""

    def __init__(self, episode_steps: int) -> None:
        """Start at zero rows.

        Args:
            episode_steps: Control steps of an episode.
        """
        self._durations = DurationCount(episode_steps)
        self._finite = 0
        self._broken = 0
        self._pairs = 0
        self._switches = 0
        self._timelines: list[NDArray[np.float64]] = [np.zeros(0)] * 3

    def update(self, block: RowBlock) -> None:
        """Follow one block of rows.

        Args:
            block: Whole episodes.
        """
        if not block.rows:
            return
        if not self._finite + self._broken:
            self._timelines = _first_episode(block)
        self._durations.update(block)
        finite = int(np.count_nonzero(block.finite))
        self._finite += finite
        self._broken += block.rows - finite
        pairs = ~block.starts[1:] & block.finite[1:] & block.finite[:-1]
        self._pairs += int(np.count_nonzero(pairs))
        # The patterns themselves and not their hashes: this costs no memory, and is exact.
        switches = (block.zero[1:] != block.zero[:-1]).any(axis=1) & pairs
        self._switches += int(np.count_nonzero(switches))

    def result(self) -> TemporalSparsity:
        """Return durations, switches and the first episode's timeline of the rows so far.

        Returns:
            The answer to Q3.
        """
        zero, nonzero = self._durations.result()
        # Each finite row begins a stretch of its pattern unless it continues that of the row before.
        stretches = self._finite - (self._pairs - self._switches)
        return TemporalSparsity(
            zero=zero,
            nonzero=nonzero,
            pattern_switch_rate=self._switches / self._pairs if self._pairs else None,
            pattern_duration_mean=self._finite / stretches,
            timeline_state=self._timelines[0],
            timeline_action=self._timelines[1],
            timeline_combined=self._timelines[2],
            broken_rows=self._broken,
        )


def _first_episode(block: RowBlock) -> list[NDArray[np.float64]]:
    """Return (T,) sparsity of state, action and combined along the first episode; NaN for non-finite rows."""
    later = np.flatnonzero(block.starts[1:])
    steps = int(later[0]) + 1 if later.size else block.rows
    timelines = [row_sparsity(zero[:steps]) for zero in (block.zero_state, block.zero_action, block.zero)]
    for timeline in timelines:
        timeline[~block.finite[:steps]] = np.nan
    return timelines
