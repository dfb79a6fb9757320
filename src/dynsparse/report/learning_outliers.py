"""Learning outliers: where a loss predicts far worse, or far better, than ``state`` does in a single environment.

A mean over environments that leaves out the outer runs, as the interquartile mean does, shows nothing of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from dynsparse.report.episode_statistics import EpisodeMean, mean_over_episodes
from dynsparse.report.learning_table import LearningTable, Values
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
    """

    environment: str
    loss: str
    ratio: EpisodeMean
    diverged: int
    left_out: int
    runs: int

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
        outer = _outer(values)
        for environment in table.environments:
            own = values.by_seed[environment]
            one = Outlier(
                environment,
                loss,
                _ratio(own, state.by_seed[environment]),
                values.diverged[environment],
                sum((environment, seed) in outer for seed in own),
                len(own),
            )
            if one.diverged or (one.ratio.value and one.size > math.log(FACTOR)):
                found.append(one)
    return tuple(sorted(found, key=lambda one: -one.size))


def _ratio(own: Mapping[int, float], other: Mapping[int, float]) -> EpisodeMean:
    """Average the ratios of the seeds that both have, through their logarithms."""
    pairs = [(value, other[seed]) for seed, value in own.items() if seed in other]
    logs = [math.log(value / reference) for value, reference in pairs if value > 0.0 and reference > 0.0]
    mean = mean_over_episodes(logs)
    ends = (mean.value, mean.low, mean.high)
    value, low, high = (None if end is None else math.exp(min(end, _LARGEST)) for end in ends)
    return EpisodeMean(value, low, high, mean.episodes)


def _outer(values: Values) -> set[tuple[str, int]]:
    """Return environment and seed of the runs that the interquartile mean over all environments leaves out."""
    runs = [(value, name, seed) for name, by_seed in values.by_seed.items() for seed, value in by_seed.items()]
    ranked = [(name, seed) for _, name, seed in sorted(runs)]
    cut = len(ranked) // 4
    return {*ranked[:cut], *ranked[len(ranked) - cut :]}
