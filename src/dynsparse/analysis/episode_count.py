"""Episode count: sums up each episode while an analysis passes over the rows, above round-off too."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from dynsparse.analysis import files
from dynsparse.analysis.episode_record import AboveRoundOff, EpisodeRecord
from dynsparse.analysis.episode_sums import EpisodeSums, sum_episodes
from dynsparse.analysis.pattern_count import PatternCount, hash_patterns
from dynsparse.analysis.rows import RowBlock
from dynsparse.analysis.source import RowArrays, RowSource
from dynsparse.analysis.sparsity_report import SparsityReport
from dynsparse.analysis.zeros import ABOVE_ROUND_OFF
from dynsparse.errors import ArrayError

__all__ = ["EpisodeCount"]

_Record = TypeVar("_Record", bound=EpisodeRecord)

_KEPT = (
    *("zeros_state", "zeros_action", "pairs", "switches", "stretches", "stretch_steps", "short_stretches"),
    *("censored_stretches", "short_censored_stretches", "nonzero_stretches", "nonzero_stretch_steps"),
    *("shorter_nonzero_stretches", "shorter_nonzero_stretch_steps"),
)


class EpisodeCount:
    """Sums of each episode; ``dynsparse.analysis.analyze(episodes=...)`` feeds it, and it then makes the records."""

    FIELDS = ("reward", "terminated")
    """Fields that it needs besides those of an analysis."""

    def __init__(self, dataset: RowSource) -> None:
        """Start at no episode.

        Args:
            dataset: What will be passed over.
        """
        self._steps = dataset.description.episode_steps
        self._has_time = dataset.description.states != "coverage"
        self._episodes: list[dict[str, NDArray[Any]]] = []
        self._chosen, self._above = _Threshold(), _Threshold()

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
        sums = sum_episodes(block, temporal=self._has_time)
        steps, first = sums["steps"], np.flatnonzero(block.starts)
        complete = (steps == self._steps) | terminated[first + steps - 1].astype(bool)
        self._episodes.append(
            {
                "returns": np.add.reduceat(reward.astype(np.float64), first),
                "full": complete & self._has_time,
                "steps": steps,
                "finite": sums["finite"],
            }
        )
        self._chosen.add(block, sums)
        above = block.at(ABOVE_ROUND_OFF)
        same = np.array_equal(above.zero, block.zero)
        self._above.add(above, sums if same else sum_episodes(above, temporal=self._has_time))

    def record(self, report: SparsityReport) -> EpisodeRecord:
        """Return the record of all rows so far.

        Args:
            report: The analysis that was made in the same pass.

        Returns:
            The record, to be kept beside it.

        Raises:
            ArrayError: If the analysis is of other rows.
        """
        return self._record(EpisodeRecord, report, report.atol, self._chosen)

    def above_round_off(self, report: SparsityReport) -> AboveRoundOff | None:
        """Return the record of the same rows at 1e-12, above what sums that cancel leave.

        Args:
            report: The analysis that was made in the same pass.

        Returns:
            The record, to be kept beside it; None where the analysis itself has no smaller threshold.

        Raises:
            ArrayError: If the analysis is of other rows.
        """
        if report.atol >= ABOVE_ROUND_OFF:
            return None
        return self._record(AboveRoundOff, report, ABOVE_ROUND_OFF, self._above)

    def _record(self, kind: type[_Record], report: SparsityReport, atol: float, threshold: _Threshold) -> _Record:
        parts = _joined(self._episodes)
        if len(parts["steps"]) != report.episodes or int(parts["steps"].sum()) != report.rows:
            raise ArrayError(
                f"expected the analysis of {int(parts['steps'].sum())} rows of {len(parts['steps'])} episodes, "
                f"got that of {report.rows} rows of {report.episodes}"
            )
        states, actions = len(report.state_names), len(report.action_names)
        return kind(
            environment=report.environment,
            policy=report.policy,
            atol=atol,
            state_elements=states**2,
            action_elements=states * actions,
            has_time=self._has_time,
            analysis_sha256=files.hash_arrays(report.to_arrays()),
            provenance=dict(report.provenance),
            **parts,
            **_joined(threshold.sums),
            distinct_patterns=threshold.patterns.distinct,
            later_patterns=threshold.later.distinct if self._has_time else None,
        )


class _Threshold:
    """What hangs on the threshold."""

    def __init__(self) -> None:
        self.sums: list[EpisodeSums] = []
        self.patterns, self.later = PatternCount(), PatternCount()

    def add(self, block: RowBlock, sums: EpisodeSums) -> None:
        """Add one block of rows and the sums of its episodes."""
        self.sums.append({name: sums[name] for name in _KEPT})
        hashes = hash_patterns(block.zero[block.finite])
        self.patterns.update_hashed(hashes)
        self.later.update_hashed(hashes[~block.starts[block.finite]])


def _joined(parts: list[dict[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
