"""Episode count: sums up each episode while an analysis passes over the rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynsparse.analysis import files
from dynsparse.analysis.durations import WHOLE_EPISODE, find_stretches
from dynsparse.analysis.episode_record import SHORT, EpisodeRecord
from dynsparse.analysis.rows import RowBlock
from dynsparse.analysis.source import RowArrays, RowSource
from dynsparse.analysis.sparsity_report import SparsityReport
from dynsparse.errors import ArrayError

__all__ = ["EpisodeCount"]


class EpisodeCount:
    """Sums of each episode; ``dynsparse.analysis.analyze(episodes=...)`` feeds it, and it then makes a record."""

    FIELDS = ("reward", "terminated")
    """Fields that it needs besides those of an analysis."""

    def __init__(self, dataset: RowSource) -> None:
        """Start at no episode.

        Args:
            dataset: What will be passed over.
        """
        self._steps = dataset.description.episode_steps
        self._has_time = dataset.description.states != "coverage"
        self._parts: list[dict[str, NDArray[Any]]] = []

    def update(self, block: RowBlock, arrays: RowArrays) -> None:
        """Add one block of rows.

        Args:
            block: Whole episodes.
            arrays: The same rows' fields.

        Raises:
            ArrayError: If there are no rewards in them.
        """
        if not block.rows:
            return
        missing = [name for name in self.FIELDS if name not in arrays.arrays]
        if missing:
            raise ArrayError(f"expected the field {missing[0]} beside the Jacobians, to count episodes; it is missing")
        reward, terminated = (np.asarray(arrays.arrays[name]) for name in self.FIELDS)
        first = np.flatnonzero(block.starts)

        def total(values: NDArray[Any]) -> NDArray[np.int64]:
            summed: NDArray[np.int64] = np.add.reduceat(values.astype(np.int64), first)
            return summed

        steps = np.diff(first, append=block.rows)
        pairs = np.zeros(block.rows, dtype=bool)
        pairs[1:] = ~block.starts[1:] & block.finite[1:] & block.finite[:-1]
        switches = np.zeros(block.rows, dtype=bool)
        switches[1:] = (block.zero[1:] != block.zero[:-1]).any(axis=1) & pairs[1:]
        complete = (steps == self._steps) | terminated[first + steps - 1].astype(bool)
        self._parts.append(
            {
                "returns": np.add.reduceat(reward.astype(np.float64), first),
                "full": complete & self._has_time,
                "steps": steps.astype(np.int64),
                "finite": total(block.finite),
                "zeros_state": total(block.zero_state.sum(axis=1)),
                "zeros_action": total(block.zero_action.sum(axis=1)),
                "pairs": total(pairs),
                "switches": total(switches),
                **self._stretches(block, len(first)),
            }
        )

    def record(self, report: SparsityReport) -> EpisodeRecord:
        """Return the record of all rows so far.

        Args:
            report: The analysis that was made in the same pass.

        Returns:
            The record, to be kept beside it.

        Raises:
            ArrayError: If the analysis is of other rows.
        """
        parts = {name: np.concatenate([part[name] for part in self._parts]) for name in self._parts[0]}
        if len(parts["steps"]) != report.episodes or int(parts["steps"].sum()) != report.rows:
            raise ArrayError(
                f"expected the analysis of {int(parts['steps'].sum())} rows of {len(parts['steps'])} episodes, "
                f"got that of {report.rows} rows of {report.episodes}"
            )
        states, actions = len(report.state_names), len(report.action_names)
        return EpisodeRecord(
            environment=report.environment,
            policy=report.policy,
            atol=report.atol,
            state_elements=states**2,
            action_elements=states * actions,
            has_time=self._has_time,
            analysis_sha256=files.hash_arrays(report.to_arrays()),
            provenance=dict(report.provenance),
            **parts,
        )

    def _stretches(self, block: RowBlock, episodes: int) -> dict[str, NDArray[np.int64]]:
        """Sum up stretches of zeros, those of a whole episode left out."""
        if not self._has_time or not block.zero.shape[1]:
            return {name: np.zeros(episodes, dtype=np.int64) for name in _STRETCHES}
        length, zero, end, episode = find_stretches(block)
        kept = (zero == 1) & (end != WHOLE_EPISODE)
        length, episode = length[kept], episode[kept]

        def total(weights: NDArray[np.int64]) -> NDArray[np.int64]:
            # Sums of whole numbers far below 2**53 are exact in floating point.
            return np.bincount(episode, weights=weights, minlength=episodes).astype(np.int64)

        counts = (np.ones_like(length), length, (length < SHORT).astype(np.int64))
        return {name: total(weights) for name, weights in zip(_STRETCHES, counts, strict=True)}


_STRETCHES = ("stretches", "stretch_steps", "short_stretches")
