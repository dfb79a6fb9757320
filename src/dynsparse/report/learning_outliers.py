"""Learning outliers: where a loss predicts far worse, or far better, than ``state`` does in a single environment.

A mean over environments that leaves out the outer runs, as the interquartile mean does, shows nothing of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dynsparse.report.episode_statistics import EpisodeMean, mean_over_episodes
from dynsparse.report.learning_table import LearningTable
from dynsparse.report.loss_looks import BASELINE
from dynsparse.report.prediction_error import ERROR

__all__ = ["FACTOR", "Outlier", "learning_outliers"]

FACTOR = 2.0
"""How many times the error of ``state``, or its inverse, a loss must have in an environment to be named."""


_LARGEST = 700.0
"""Logarithm of about the largest number: an interval over few seeds may reach beyond."""


@dataclass(frozen=True)
class Outlier:
    """One loss in one environment.

    Attributes:
        environment: Name of the environment.
        loss: Name of the loss.
        ratio: Its error over that of ``state``, seed by seed: geometric mean, with Student's interval of the mean of
            the logarithms; its ``episodes`` are the pairs of seeds.
        diverged: Runs whose error is beyond all numbers; they have no ratio.
        left_out: Runs with a value that the interquartile mean over all environments leaves out.
        runs: Runs with a value.
        pairs_left_out: Pairs of seeds whose ratio the interquartile mean over all environments leaves out.
    """

    environment: str
    loss: str
    ratio: EpisodeMean
    diverged: int
    left_out: int
    runs: int
    pairs_left_out: int

    @property
    def is_hidden(self) -> bool:
        """Whether the mean error over all environments holds none of its runs."""
        return 0 < self.runs == self.left_out

    @property
    def is_hidden_in_ratio(self) -> bool:
        """Whether the mean ratio over all environments holds none of its pairs."""
        return 0 < self.ratio.episodes == self.pairs_left_out

    @property
    def size(self) -> float:
        """How far it is from ``state``: absolute value of the logarithm of the ratio; infinite where runs diverged."""
        return math.inf if self.diverged or not self.ratio.value else abs(math.log(self.ratio.value))


def learning_outliers(table: LearningTable, split: str, metric: str = ERROR) -> tuple[Outlier, ...]:
    """Find every loss that is off by more than ``FACTOR`` in an environment, or diverged there.

    Args:
        table: The runs.
        split: Test set.
        metric: Dotted name of an error.

    Returns:
        The outliers, the farthest first; none without ``state``.
    """
    if BASELINE not in table.losses:
        return ()
    state = table.values(metric, split, BASELINE)
    found = []
    for loss in (loss for loss in table.losses if loss != BASELINE):
        values = table.values(metric, split, loss)
        logs = {name: _log_ratios(values.by_seed[name], state.by_seed[name]) for name in table.environments}
        outer, outer_pairs = _outer(values.by_seed), _outer(logs)
        for environment in table.environments:
            own = values.by_seed[environment]
            one = Outlier(
                environment,
                loss,
                _ratio(logs[environment].values()),
                values.diverged[environment],
                sum((environment, seed) in outer for seed in own),
                len(own),
                sum((environment, seed) in outer_pairs for seed in logs[environment]),
            )
            if one.diverged or (one.ratio.value and one.size > math.log(FACTOR)):
                found.append(one)
    return tuple(sorted(found, key=lambda one: -one.size))


def _log_ratios(own: Mapping[int, float], other: Mapping[int, float]) -> dict[int, float]:
    """Return seed -> logarithm of the ratio, of the seeds that both have."""
    pairs = {seed: (value, other[seed]) for seed, value in own.items() if seed in other}
    # Not of the quotient, which may be beyond all numbers.
    return {seed: math.log(a) - math.log(b) for seed, (a, b) in pairs.items() if a > 0.0 and b > 0.0}


def _ratio(logs: Iterable[float]) -> EpisodeMean:
    """Average ratios through their logarithms."""
    mean = mean_over_episodes(list(logs))
    ends = (mean.value, mean.low, mean.high)
    value, low, high = (None if end is None else math.exp(max(-_LARGEST, min(end, _LARGEST))) for end in ends)
    return EpisodeMean(value, low, high, mean.episodes)


def _outer(by_environment: Mapping[str, Mapping[int, float]]) -> set[tuple[str, int]]:
    """Return environment and seed of what the interquartile mean over all environments leaves out."""
    runs = [(value, name, seed) for name, by_seed in by_environment.items() for seed, value in by_seed.items()]
    ranked = [(name, seed) for _, name, seed in sorted(runs)]
    cut = len(ranked) // 4
    return {*ranked[:cut], *ranked[len(ranked) - cut :]}
