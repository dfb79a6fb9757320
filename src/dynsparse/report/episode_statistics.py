"""Statistics over episodes: a mean with its interval, and whether two of them can be told apart.

Rows of one episode follow each other and are not independent; episodes are.  So a number of a data set is the mean of
what it is in each episode, and its interval is Student's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from dynsparse.errors import ArrayError

__all__ = ["FEWEST_EPISODES", "EpisodeMean", "difference", "mean_over_episodes", "paired_difference"]

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
        episodes: How many it rests on: the fewer of the two, for a difference.
    """

    value: float | None
    low: float | None
    high: float | None
    episodes: int

    def side_of(self, number: float) -> int | None:
        """Return 1 above the number, -1 below it, 0 where the interval holds it, None without an interval."""
        if self.low is None or self.high is None:
            return None
        return int(self.low > number) - int(self.high < number)


def mean_over_episodes(values: ArrayLike) -> EpisodeMean:
    """Average a number over episodes.

    Args:
        values: (e,) one an episode; NaN where it has no meaning there, which is left out.

    Returns:
        The mean with Student's interval.

    Raises:
        ArrayError: If it is no list of numbers, or one is infinite.
    """
    return _student(_checked(values))


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
    return _student(_checked(own - other))


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
    value = float(own.mean() - other.mean())
    if fewest < FEWEST_EPISODES:
        return EpisodeMean(value, None, None, fewest)
    # By hand, as SciPy warns of groups that do not vary: an environment at rest has the same share in every episode.
    own_part, other_part = (_variance(group) / len(group) for group in (own, other))
    if own_part + other_part == 0.0:
        return EpisodeMean(value, value, value, fewest)
    freedom = (own_part + other_part) ** 2 / (own_part**2 / (len(own) - 1) + other_part**2 / (len(other) - 1))
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, freedom) * np.sqrt(own_part + other_part))
    return EpisodeMean(value, value - half, value + half, fewest)


def _student(values: NDArray[np.float64]) -> EpisodeMean:
    count = len(values)
    if not count:
        return EpisodeMean(None, None, None, 0)
    value = float(values.mean())
    if count < FEWEST_EPISODES:
        return EpisodeMean(value, None, None, count)
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, count - 1) * np.sqrt(_variance(values) / count))
    return EpisodeMean(value, value - half, value + half, count)


def _variance(values: NDArray[np.float64]) -> float:
    """Return the variance; 0 of equal values, whatever rounding makes of their mean."""
    return float(values.var(ddof=1)) if np.ptp(values) > 0.0 else 0.0


def _numbers(values: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or np.isinf(array).any():
        raise ArrayError(f"expected one finite number (or NaN) an episode, got an array of shape {array.shape}")
    return array


def _checked(values: ArrayLike) -> NDArray[np.float64]:
    array = _numbers(values)
    finite: NDArray[np.float64] = array[~np.isnan(array)]
    return finite
