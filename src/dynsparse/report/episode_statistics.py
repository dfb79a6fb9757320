"""Statistics over episodes: a mean or a ratio with its interval, and whether two of them can be told apart.

Rows of one episode follow each other and are not independent; episodes are.  So an interval is Student's, over what a
number is in each episode; that of a ratio of sums is of what each episode adds to it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from dynsparse.errors import ArrayError
from dynsparse.report.alike_numbers import differences_of, mean_of, variance_of

__all__ = [
    "CONFIDENCE",
    "FEWEST_EPISODES",
    "SHARE",
    "STEPS_LONG",
    "Bounds",
    "EpisodeMean",
    "difference",
    "mean_over_episodes",
    "paired_difference",
    "ratio_over_episodes",
]

Bounds = tuple[float, float]
"""The least and the most that a quantity can be."""

SHARE: Bounds = (0.0, 1.0)
STEPS_LONG: Bounds = (1.0, math.inf)
"""A stretch is one control step long at least."""

FEWEST_EPISODES = 3
"""Fewest episodes that an interval is given for: of two, it reaches thirteen standard errors to either side."""

CONFIDENCE = 0.95


@dataclass(frozen=True)
class EpisodeMean:
    """A mean over episodes, or a difference of two, with its 95 % interval.

    Attributes:
        value: The mean; None without episodes.
        low: Lower end; None where there are too few episodes for an interval.
        high: Upper end.
        episodes: How many it rests on: the fewer of the two, for a difference; 0 where nothing is known of them.
        bounds: What it can be, where that is known: the interval ends there.
    """

    value: float | None
    low: float | None
    high: float | None
    episodes: int
    bounds: Bounds | None = None

    def side_of(self, number: float) -> int | None:
        """Say where the number lies.

        Returns:
            1 above the number, -1 below it, 0 where the interval holds it; None without an interval, where it holds
            the number only because it holds more than half of what there can be, and where so few episodes, all alike,
            fall to one side by chance: in ``2 ** (1 - e)`` of all cases, which is not below 5 % of five.
        """
        if self.low is None or self.high is None:
            return None
        side = int(self.low > number) - int(self.high < number)
        if side and not self.varies and 2.0 ** (1 - self.episodes) >= 1.0 - CONFIDENCE:
            return None
        return None if side == 0 and self.is_wide else side

    @property
    def varies(self) -> bool:
        """Whether it differs between episodes, as far as there are enough to say: else its interval is no width."""
        return self.low is None or self.low != self.high

    @property
    def ends(self) -> Bounds | None:
        """The interval as it may be printed; None where there is none, and where the number happened not to vary."""
        return None if self.low is None or self.high is None or not self.varies else (self.low, self.high)

    @property
    def is_wide(self) -> bool:
        """Whether the interval holds more than half of what there can be, so that it tells nothing."""
        if self.low is None or self.high is None or self.bounds is None:
            return False
        least, most = self.bounds
        return self.high - self.low > (most - least) / 2

    def within(self, bounds: Bounds) -> EpisodeMean:
        """Return the same mean, with an interval that ends where what it is of ends.

        Student's interval knows no bounds: of a share near 0 or 1 it reaches beyond.
        """
        least, most = bounds
        low, high = (None if end is None else min(max(end, least), most) for end in (self.low, self.high))
        return replace(self, low=low, high=high, bounds=bounds)


def mean_over_episodes(values: ArrayLike, bounds: Bounds | None = None) -> EpisodeMean:
    """Average a number over episodes, each of the same weight.

    Args:
        values: (e,) one an episode; NaN where it has no meaning there, which is left out.
        bounds: What it can be.

    Returns:
        The mean with Student's interval.

    Raises:
        ArrayError: If it is no list of numbers, or one is infinite.
    """
    found = _student(_checked(values))
    return found if bounds is None else found.within(bounds)


def ratio_over_episodes(part: ArrayLike, whole: ArrayLike, bounds: Bounds | None = None) -> EpisodeMean:
    """Divide a sum over episodes by another: the share or mean over all rows, or stretches, with its interval.

    Episode i adds ``d_i = part_i - ratio * whole_i`` to the error, so that the variance of the ratio is
    ``n / (n - 1) * sum(d_i ** 2) / sum(whole_i) ** 2``: the linearised, or cluster-robust one.  Where the episodes are
    of the same size it is that of the mean over episodes.

    Args:
        part: (e,) one an episode, such as zeros.
        whole: (e,) what it is part of, such as elements; an episode with none is left out.
        bounds: What the ratio can be.

    Returns:
        The ratio with Student's interval.

    Raises:
        ArrayError: If they are not as many, or no numbers.

    Source:
        Cochran, "Sampling Techniques" (1977), chapter 6.
    """
    parts, wholes = _numbers(part), _numbers(whole)
    if parts.shape != wholes.shape:
        raise ArrayError(f"expected a whole for each of {len(parts)} parts, got {len(wholes)}")
    parts, wholes = parts[wholes > 0], wholes[wholes > 0]
    count = len(wholes)
    if not count:
        return EpisodeMean(None, None, None, 0, bounds)
    total = float(wholes.sum())
    value = float(parts.sum()) / total
    if count < FEWEST_EPISODES:
        return EpisodeMean(value, None, None, count, bounds)
    errors = parts - value * wholes
    # The same ratio in each episode is no error, whatever rounding makes of it.
    spread = float(errors @ errors) if np.ptp(parts / wholes) > 0.0 else 0.0
    half = _quantile(count - 1) * math.sqrt(count / (count - 1) * spread) / total
    found = EpisodeMean(value, value - half, value + half, count)
    return found if bounds is None else found.within(bounds)


def paired_difference(values: ArrayLike, reference: ArrayLike) -> EpisodeMean:
    """Average how a number differs from a reference of the same episode.

    Args:
        values: (e,) one an episode.
        reference: (e,) the reference of the same episodes.

    Returns:
        The mean of ``values - reference`` with Student's interval.

    Raises:
        ArrayError: If they are not as many, or no numbers.
    """
    own, other = _numbers(values), _numbers(reference)
    if own.shape != other.shape:
        raise ArrayError(f"expected a reference for each of {len(own)} episodes, got {len(other)}")
    return _student(_checked(differences_of(own, other)))


def difference(values: ArrayLike, reference: ArrayLike) -> EpisodeMean:
    """Say how the means of two groups of episodes differ.

    Args:
        values: (e,) one an episode.
        reference: (f,) one an episode of the other group.

    Returns:
        Mean of the first less mean of the second, with the interval of Welch.

    Raises:
        ArrayError: If they are no numbers.
    """
    own, other = _checked(values), _checked(reference)
    fewest = min(len(own), len(other))
    if not fewest:
        return EpisodeMean(None, None, None, 0)
    value = mean_of(own) - mean_of(other)
    if fewest < FEWEST_EPISODES:
        return EpisodeMean(value, None, None, fewest)
    # By hand, as SciPy warns of groups that do not vary: an environment at rest has the same share in every episode.
    own_part, other_part = (variance_of(group) / len(group) for group in (own, other))
    if own_part + other_part == 0.0:
        return EpisodeMean(value, value, value, fewest)
    freedom = (own_part + other_part) ** 2 / (own_part**2 / (len(own) - 1) + other_part**2 / (len(other) - 1))
    half = _quantile(freedom) * math.sqrt(own_part + other_part)
    return EpisodeMean(value, value - half, value + half, fewest)


def _student(values: NDArray[np.float64]) -> EpisodeMean:
    count = len(values)
    if not count:
        return EpisodeMean(None, None, None, 0)
    value = mean_of(values)
    if count < FEWEST_EPISODES:
        return EpisodeMean(value, None, None, count)
    half = _quantile(count - 1) * math.sqrt(variance_of(values) / count)
    return EpisodeMean(value, value - half, value + half, count)


def _quantile(freedom: float) -> float:
    """Return Student's quantile for an interval to both sides."""
    return float(stats.t.ppf((1 + CONFIDENCE) / 2, freedom))


def _numbers(values: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or np.isinf(array).any():
        raise ArrayError(f"expected one finite number (or NaN) an episode, got an array of shape {array.shape}")
    return array


def _checked(values: ArrayLike) -> NDArray[np.float64]:
    array = _numbers(values)
    finite: NDArray[np.float64] = array[~np.isnan(array)]
    return finite
