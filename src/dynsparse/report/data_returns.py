"""Data returns: how good whoever acted was, and whether that can be held against the paper's agents."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dynsparse.analysis.episode_record import EpisodeRecord
from dynsparse.report.episode_statistics import FEWEST_EPISODES, EpisodeMean, mean_over_episodes
from dynsparse.report.paper_numbers import paper_claim, paper_returns
from dynsparse.report.quantities import number

__all__ = ["DataReturn", "data_return"]


@dataclass(frozen=True)
class DataReturn:
    """The mean return of one data set.

    Attributes:
        mean: Over its full episodes, of the same weight each.
        steps: Different lengths of these, control steps.
        paper: What the paper prints; None of an environment that it does not have.
    """

    mean: EpisodeMean
    steps: tuple[int, ...]
    paper: float | None

    @property
    def why_not(self) -> str:
        """Why it can not be held against the paper's; empty where it can."""
        paper_steps = int(paper_claim("episode-steps"))
        if self.paper is None:
            return "the paper has none"
        if not self.steps:
            return "no full episode"
        if self.steps != (paper_steps,):
            listed = " and ".join(f"{count:,}" for count in self.steps)
            return f"episodes of {listed} steps, not of {paper_steps:,}"
        if self.mean.episodes < FEWEST_EPISODES:
            return f"not enough data, {number(self.mean.episodes, 'full episode')}"
        return "not enough data, an interval wider than half of what a return can be" if self.side is None else ""

    @property
    def side(self) -> int | None:
        """1 above the paper's, -1 below, 0 where the interval holds it, None where that can not be said."""
        if self.paper is None or self.steps != (int(paper_claim("episode-steps")),):
            return None
        return self.mean.side_of(self.paper)


def data_return(record: EpisodeRecord) -> DataReturn:
    """Average the return of a data set over its full episodes.

    Args:
        record: What each episode is like.

    Returns:
        The mean with its interval.
    """
    steps = tuple(int(count) for count in np.unique(record.steps[record.full]))
    paper = paper_returns().get(record.environment)
    # The paper's tasks reward a step by 0 to 1.
    bounds = None if paper is None or not steps else (0.0, float(steps[-1]))
    return DataReturn(mean_over_episodes(record.full_returns, bounds), steps, paper)
