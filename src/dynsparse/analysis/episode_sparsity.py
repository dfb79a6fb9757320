"""Episode sparsity: the numbers of Q1 to Q3, each of Q2 and Q3 once an episode, so that intervals can be given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynsparse.analysis.episode_sums import share, sum_episodes
from dynsparse.analysis.pattern_count import PatternCount, hash_patterns
from dynsparse.analysis.rows import RowBlock
from dynsparse.errors import ArrayError

__all__ = ["EPISODE_NUMBERS", "EpisodeSparsity", "EpisodeSparsityCount"]

EPISODE_NUMBERS = ("state", "action", "combined", "patterns", "zero_duration", "nonzero_duration", "switch_rate")
"""Fields of ``EpisodeSparsity`` that hold one number an episode."""

_COUNTS = ("rows", "finite")


@dataclass(frozen=True, eq=False)
class EpisodeSparsity:
    """What is zero in some rows, element by element and episode by episode; rows that are not finite are left out.

    Attributes:
        zeros: (dt, dt + da) finite rows in which each element is zero; row = output, column = input, states first.
        rows: (e,) rows of each episode.
        finite: (e,) how many of them are finite.
        state: (e,) mean sparsity of ∂s'/∂s over the episode's finite rows; NaN where none is.
        action: (e,) the same of ∂s'/∂a.
        combined: (e,) the same of both side by side.
        patterns: (e,) different patterns of both side by side; NaN where none is finite.
        zero_duration: (e,) mean control steps of the stretches in which an element stays zero, those of the whole
            episode left out as in the paper; NaN where there is none, or time means nothing.
        nonzero_duration: (e,) the same of those in which it stays non-zero, those of the whole episode included.
        switch_rate: (e,) share of consecutive finite rows whose patterns differ; NaN as above.
        distinct_patterns: Different patterns in all finite rows.
    """

    zeros: NDArray[np.int64]
    rows: NDArray[np.int64]
    finite: NDArray[np.int64]
    state: NDArray[np.float64]
    action: NDArray[np.float64]
    combined: NDArray[np.float64]
    patterns: NDArray[np.float64]
    zero_duration: NDArray[np.float64]
    nonzero_duration: NDArray[np.float64]
    switch_rate: NDArray[np.float64]
    distinct_patterns: int

    def __post_init__(self) -> None:
        """Check that the arrays belong together.

        Raises:
            ArrayError: They do not; says what does not.
        """
        if self.zeros.ndim != 2 or self.zeros.shape[1] < self.zeros.shape[0]:
            raise ArrayError(f"zeros must have shape (dt, dt + da), got {self.zeros.shape}")
        lengths = {name: getattr(self, name).shape for name in (*_COUNTS, *EPISODE_NUMBERS)}
        if set(lengths.values()) != {(self.episodes,)}:
            raise ArrayError(f"expected one number an episode in each of {', '.join(lengths)}, got shapes {lengths}")
        counted = ((self.finite < 0) | (self.finite > self.rows)).any()
        if counted or self.zeros.min(initial=0) < 0 or self.zeros.max(initial=0) > self.finite_rows:
            raise ArrayError(f"expected counts of at most {self.finite_rows} finite rows, got others")

    @property
    def episodes(self) -> int:
        """Number of episodes."""
        return int(self.rows.shape[0]) if self.rows.ndim == 1 else -1

    @property
    def all_rows(self) -> int:
        """Rows, those that are not finite included."""
        return int(self.rows.sum())

    @property
    def finite_rows(self) -> int:
        """Rows that are finite."""
        return int(self.finite.sum())

    @property
    def state_dim(self) -> int:
        """Outputs, as many as state inputs."""
        return int(self.zeros.shape[0])

    @property
    def always_zero(self) -> NDArray[np.bool_]:
        """(dt, dt + da) true where an element is zero in every finite row; nowhere if there is none."""
        return np.asarray((self.zeros == self.finite_rows) & (self.finite_rows > 0))

    @property
    def always_zero_state(self) -> int:
        """Always-zero elements of ∂s'/∂s: Table 1."""
        return int(self.always_zero[:, : self.state_dim].sum())

    @property
    def always_zero_action(self) -> int:
        """Always-zero elements of ∂s'/∂a."""
        return int(self.always_zero[:, self.state_dim :].sum())

    def to_dict(self) -> dict[str, Any]:
        """Return what a reader of the JSON file wants to see; all of it follows from the arrays."""
        return {
            "rows": self.all_rows,
            "finite_rows": self.finite_rows,
            "episodes": self.episodes,
            "always_zero_state": self.always_zero_state,
            "always_zero_action": self.always_zero_action,
            "distinct_patterns": self.distinct_patterns,
        } | {f"{name}_mean": _mean(getattr(self, name)) for name in EPISODE_NUMBERS}

    def to_arrays(self, prefix: str) -> dict[str, NDArray[Any]]:
        """Return the arrays by names that begin with a prefix."""
        names = ("zeros", *_COUNTS, *EPISODE_NUMBERS)
        numbers = {f"{prefix}{name}": getattr(self, name) for name in names}
        return numbers | {f"{prefix}distinct_patterns": np.array([self.distinct_patterns], dtype=np.int64)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], prefix: str) -> EpisodeSparsity:
        """Read what ``to_arrays`` gave.

        Raises:
            KeyError: An array is missing.
            ArrayError: They do not belong together.
        """
        names = ("zeros", *_COUNTS, *EPISODE_NUMBERS)
        numbers = {name: arrays[f"{prefix}{name}"] for name in names}
        return cls(**numbers, distinct_patterns=int(arrays[f"{prefix}distinct_patterns"][0]))


class EpisodeSparsityCount:
    """Counts, block by block of whole episodes, what ``EpisodeSparsity`` holds."""

    def __init__(self, state_dim: int, action_dim: int, *, temporal: bool) -> None:
        """Start at zero rows.

        Args:
            state_dim: dt.
            action_dim: da.
            temporal: Whether the rows of an episode follow each other in time.
        """
        self._shape, self._temporal = (state_dim, state_dim + action_dim), temporal
        self._split = state_dim**2
        self._zeros = np.zeros(state_dim * (state_dim + action_dim), dtype=np.int64)
        self._patterns = PatternCount()
        self._parts: list[NDArray[np.float64]] = []

    def update(self, block: RowBlock) -> None:
        """Count one block of rows.

        Args:
            block: Whole episodes.
        """
        if not block.rows:
            return
        self._zeros += np.count_nonzero(block.zero, axis=0)
        hashes = hash_patterns(block.zero[block.finite])
        self._patterns.update_hashed(hashes)
        sums = sum_episodes(block, temporal=self._temporal)
        finite = sums["finite"]
        elements = block.zero_state.shape[1], block.zero_action.shape[1], block.zero.shape[1]
        zeros = (sums["zeros_state"], sums["zeros_action"], sums["zeros_state"] + sums["zeros_action"])
        # A block without elements has none that is zero.
        means = [share(part, finite * max(whole, 1)) for part, whole in zip(zeros, elements, strict=True)]
        # Each episode's different patterns: different pairs of its number and a pattern.
        number = (np.cumsum(block.starts) - 1)[block.finite]
        first_of = np.unique(np.stack([number.astype(np.uint64), hashes]), axis=1)[0].astype(np.int64)
        patterns = np.bincount(first_of, minlength=len(finite)).astype(np.float64)
        patterns[finite == 0] = np.nan
        along = [
            share(sums["stretch_steps"], sums["stretches"]),
            share(sums["nonzero_stretch_steps"], sums["nonzero_stretches"]),
            share(sums["switches"], sums["pairs"]),
        ]
        self._parts.append(np.stack([sums["steps"], finite, *means, patterns, *along]))

    def result(self) -> EpisodeSparsity:
        """Return the numbers of the rows so far."""
        numbers = np.concatenate(self._parts, axis=1) if self._parts else np.empty((9, 0))
        states, width = self._shape
        # The state block comes first in a row's elements, and then the action block.
        blocks = np.split(self._zeros, [self._split])
        zeros = np.concatenate([blocks[0].reshape(states, states), blocks[1].reshape(states, width - states)], axis=1)
        rows, finite = numbers[:2].astype(np.int64)
        named = dict(zip(EPISODE_NUMBERS, numbers[2:], strict=True))
        return EpisodeSparsity(zeros, rows, finite, **named, distinct_patterns=self._patterns.distinct)


def _mean(values: NDArray[np.float64]) -> float | None:
    there = values[~np.isnan(values)]
    return float(there.mean()) if len(there) else None
