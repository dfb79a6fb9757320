"""Data returns: how good whoever acted was, and whether that can be held against the paper's agents.

Several environments are several comparisons: whether a mean is another than the paper's is corrected for their number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from dynsparse.analysis.episode_record import EpisodeRecord
from dynsparse.report.episode_statistics import FEWEST_EPISODES, EpisodeMean, mean_over_episodes
from dynsparse.report.many_comparisons import LEVEL, by_holm, chance
from dynsparse.report.paper_numbers import paper_claim, paper_returns
from dynsparse.report.quantities import number

__all__ = ["DataReturn", "about_returns", "data_returns"]


@dataclass(frozen=True)
class DataReturn:
    """The mean return of one data set.

    Attributes:
        mean: Over its full episodes, of the same weight each.
        steps: Different lengths of these, control steps.
        paper: What the paper prints; None of an environment that it does not have.
        chance: How likely a mean as far from the paper's is where there is no difference, corrected by Holm for all
            environments that are compared; None where it can not be compared.
    """

    mean: EpisodeMean
    steps: tuple[int, ...]
    paper: float | None
    chance: float | None = None

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
        """1 above the paper's, -1 below, 0 where that can not be told from it, None where nothing can be said."""
        if self.chance is None or self.paper is None or self.mean.value is None:
            return None
        if self.chance < LEVEL:
            return 1 if self.mean.value > self.paper else -1
        return None if self.mean.is_wide else 0


def data_returns(records: Mapping[str, EpisodeRecord]) -> Mapping[str, DataReturn]:
    """Average the return of data sets over their full episodes, and hold them against the paper's.

    Args:
        records: What each episode is like, by environment.

    Returns:
        The means with their intervals, in the same order.
    """
    found = {name: _data_return(record) for name, record in records.items()}
    corrected = by_holm([_chance(one, records[name]) for name, one in found.items()])
    return {name: replace(one, chance=value) for (name, one), value in zip(found.items(), corrected, strict=True)}


def about_returns(found: Iterable[DataReturn]) -> list[str]:
    """Say that verdicts count how many comparisons there are; nothing of a single one."""
    made = sum(one.chance is not None for one in found)
    if made < 2:
        return []
    return [
        f"Verdicts on {made:,} returns are corrected for their number (Holm, {100 * LEVEL:g} %), intervals are of each "
        "by itself."
    ]


def _chance(found: DataReturn, record: EpisodeRecord) -> float | None:
    """Return how likely it is by itself; None of returns that are no measure of the paper's."""
    if found.paper is None or found.steps != (int(paper_claim("episode-steps")),):
        return None
    return chance(record.full_returns, np.full(len(record.full_returns), found.paper), paired=True)


def _data_return(record: EpisodeRecord) -> DataReturn:
    steps = tuple(int(count) for count in np.unique(record.steps[record.full]))
    paper = paper_returns().get(record.environment)
    # The paper's tasks reward a step by 0 to 1.
    bounds = None if paper is None or not steps else (0.0, float(steps[-1]))
    return DataReturn(mean_over_episodes(record.full_returns, bounds), steps, paper)
