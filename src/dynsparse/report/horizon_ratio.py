"""Horizon ratio: one mean over episodes as a share of another one of the same episodes, with its interval."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from dynsparse.report.alike_numbers import mean_of, variance_of
from dynsparse.report.episode_statistics import CONFIDENCE, FEWEST_EPISODES, EpisodeMean

__all__ = ["ratio_of_means"]


def ratio_of_means(part: NDArray[np.float64], whole: NDArray[np.float64]) -> EpisodeMean:
    """Divide a mean over episodes by another, whose mean is above 0.

    The interval is Fieller's: it holds the ratios r at which Student's interval of ``part - r * whole`` holds 0, so
    that whoever asks on which side of a half the ratio is gets the answer that the paired difference gives.  A
    linearised one would not where they are close.

    Args:
        part: (e,) one an episode, from 0 up.
        whole: (e,) the same episodes.

    Returns:
        The ratio; without an interval below three episodes, and where the whole can not be told from 0.

    Source:
        Fieller, "Some problems in interval estimation" (1954).
    """
    count, above, below = len(part), mean_of(part), mean_of(whole)
    ratio = above / below
    none = EpisodeMean(ratio, None, None, count)
    if count < FEWEST_EPISODES:
        return none
    scale = float(stats.t.ppf((1 + CONFIDENCE) / 2, count - 1)) ** 2 / count
    together = float(np.cov(part, whole)[0, 1]) if variance_of(part) and variance_of(whole) else 0.0
    # Of (above - r * below)^2 <= scale * variance(part - r * whole), which is a r^2 - 2 b r + c <= 0.
    a = below**2 - scale * variance_of(whole)
    b = above * below - scale * together
    c = above**2 - scale * variance_of(part)
    if a <= 0.0:
        return none
    half = math.sqrt(max(b**2 - a * c, 0.0))
    return EpisodeMean(ratio, (b - half) / a, (b + half) / a, count).within((0.0, math.inf))
