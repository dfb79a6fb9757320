"""Statistics over seeds: interquartile mean and stratified bootstrap intervals (Agarwal et al. 2021)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynsparse.config import check_count
from dynsparse.errors import ArrayError

__all__ = [
    "CONFIDENCE",
    "FEWEST",
    "RESAMPLES",
    "Estimate",
    "bootstrap_estimate",
    "coverage",
    "interquartile_mean",
    "interval_ends",
    "narrowness",
    "resample_means",
]

RESAMPLES = 2000
"""How often the seeds are drawn again; the ends of an interval then move by a few percent of its width."""

CONFIDENCE = 0.95

FEWEST = 6
"""Fewest pairs on which a difference is called one: if there was none, five of five would fall to the same side in 1 of
16 cases, more often than the 1 in 20 that a 95 % interval allows; six of six do so in 1 of 32."""

# Share of differences that are none and are called one all the same, of normally distributed runs: what a 95 % interval
# promises; the most of three seeds an environment or more (0.11 in two of three, 0.07 in eight of three); the most of
# two (0.15 in four of two).  Simulated, 400 times at least.
_PROMISED, _OF_THREE, _OF_TWO = 0.05, 0.11, 0.15

# Share of 95 % intervals of one environment that hold the truth, by number of normally distributed runs; simulated
# 2000 times at least, and rounded.
_COVERAGE = {2: 0.50, 3: 0.75, 4: 0.87, 5: 0.90, 6: 0.90, 7: 0.91, 8: 0.93, 12: 0.94}

# Numbers held at a time while resampling, 64 MiB of them.
_AT_ONCE = 2**23


@dataclass(frozen=True)
class Estimate:
    """An interquartile mean with its interval.

    Attributes:
        value: The interquartile mean; None without runs.
        low: Lower end of the interval; None where there is none: one run says nothing about seeds.
        high: Upper end of the interval.
        runs: How many runs it rests on.
        strata: How many environments these come from.
    """

    value: float | None
    low: float | None
    high: float | None
    runs: int
    strata: int

    @property
    def is_certain(self) -> bool:
        """Whether there are enough runs, and an interval, to say on which side of a number it lies."""
        return self.low is not None and self.runs >= FEWEST

    @property
    def by_chance(self) -> tuple[float, float]:
        """Least and greatest share of estimates such as this that ``side_of`` puts on a side where there is none."""
        return _PROMISED, _OF_THREE if self.runs >= 3 * self.strata else _OF_TWO

    def side_of(self, number: float, *, log: bool = False) -> int | None:
        """Say on which side of a number the mean lies, as far as seeds tell.

        The interval is first made as wide as one of unbiased variance would be.  With three seeds in each of eight
        environments, normally distributed, a difference that is none is then called one in 7 % of all cases, and in
        13 % without; with other numbers of runs in more (``by_chance``).

        Args:
            number: What it is held against.
            log: Whether it is an estimate of ratios, whose logarithms are what is averaged.

        Returns:
            1 above the number, -1 below it, 0 where the interval holds it; None where nothing can be said.
        """
        if not self.is_certain or self.value is None or self.low is None or self.high is None:
            return None
        scale = np.log if log else float
        value, low, high, place = (float(scale(x)) for x in (self.value, self.low, self.high, number))
        wider = 1.0 / narrowness(self.runs / self.strata)
        return int(value - wider * (value - low) > place) - int(value + wider * (high - value) < place)


def interquartile_mean(values: NDArray[np.floating], axis: int = 0) -> NDArray[np.float64]:
    """Return the mean of what is left when a quarter of the values, rounded down, is cut off at each end.

    With fewer than four values nothing is cut off: it is their mean.  The same as ``scipy.stats.trim_mean`` with 0.25,
    which rliable takes.

    Args:
        values: (..., n, ...) finite numbers, at least one.
        axis: Where the n are.

    Returns:
        (..., ...) the means.

    Raises:
        ArrayError: If there is no value, or one is NaN: which rank it would have is unknown.
    """
    array = np.asarray(values, dtype=np.float64)
    count = array.shape[axis] if array.ndim else 0
    if not count or np.isnan(array).any():
        raise ArrayError(
            f"expected numbers to average, got {'NaN among them' if count else f'shape {array.shape}'}; "
            "leave runs without a value out, and count them"
        )
    cut = count // 4
    if cut:
        array = np.partition(array, [cut, count - cut - 1], axis=axis)
    return np.asarray(array.take(range(cut, count - cut), axis=axis).mean(axis=axis))


def resample_means(
    strata: Sequence[NDArray[np.floating]], *, resamples: int = RESAMPLES, seed: int = 0
) -> NDArray[np.float64]:
    """Draw seeds again, with replacement and inside each stratum, and average all of them.

    Args:
        strata: (n_i, ...) values of the runs of each environment; the same shape but for n_i.
        resamples: How often.
        seed: What the draws are made from.

    Returns:
        (resamples, ...) interquartile means over the runs of all strata.

    Raises:
        ArrayError: If there is no run, a NaN, or shapes differ.
        SettingError: If ``resamples`` or ``seed`` is not a number that it can be.
    """
    check_count("resamples", resamples, 1, f"try {RESAMPLES}")
    check_count("seed", seed, 0, "try 0")
    arrays = [np.asarray(stratum, dtype=np.float64) for stratum in strata if len(stratum)]
    if not arrays or len({array.shape[1:] for array in arrays}) > 1:
        shapes = ", ".join(str(array.shape) for array in arrays) or "none"
        raise ArrayError(f"expected runs with values of one shape in each environment, got {shapes}; leave out others")
    values = np.concatenate(arrays)
    draws = _draws(tuple(len(array) for array in arrays), resamples, seed)
    step = max(1, _AT_ONCE // max(values.size, 1))
    parts = [interquartile_mean(values[draws[start : start + step]], axis=1) for start in range(0, resamples, step)]
    return np.concatenate(parts)


def bootstrap_estimate(
    strata: Sequence[NDArray[np.floating]],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    confidence: float = CONFIDENCE,
) -> Estimate:
    """Return the interquartile mean over all runs, with a stratified bootstrap percentile interval.

    Args:
        strata: (n_i,) values of the runs of each environment; environments without any count for nothing.
        resamples: How often seeds are drawn again.
        seed: What the draws are made from.
        confidence: Share of the resampled means inside the interval.

    Returns:
        The estimate.  An environment of one run counts as certain: drawn again it is always itself.  Where half of
        them or more have one only, there is no interval: it would be too narrow by what nobody knows.

    Raises:
        ArrayError: If a value is NaN.
    """
    filled = [stratum for stratum in strata if len(stratum)]
    runs = sum(len(stratum) for stratum in filled)
    if not filled:
        return Estimate(None, None, None, 0, 0)
    value = float(interquartile_mean(np.concatenate(filled)))
    if 2 * sum(len(stratum) == 1 for stratum in filled) >= len(filled):
        return Estimate(value, None, None, runs, len(filled))
    means = resample_means(filled, resamples=resamples, seed=seed)
    low, high = interval_ends(means, confidence)
    return Estimate(value, float(low), float(high), runs, len(filled))


def interval_ends(means: NDArray[np.float64], confidence: float = CONFIDENCE) -> tuple[Any, Any]:
    """Return the percentiles of (resamples, ...) means between which a share of them lies, equally cut at both ends."""
    outside = 50.0 * (1.0 - confidence)
    low, high = np.percentile(means, [outside, 100.0 - outside], axis=0)
    return low, high


def narrowness(runs: float) -> float:
    """Return the width of a bootstrap interval of a mean over that of an unbiased one.

    n values drawn again have the variance of these n about their own mean, (n - 1) / n of the unbiased estimate.

    Args:
        runs: Seeds in each environment, n, above 1; a mean where they differ.

    Returns:
        A number in [0, 1): 0.82 for 3 seeds, 0.97 for 15.
    """
    return float(np.sqrt((runs - 1) / runs))


def coverage(runs: int) -> float:
    """Return how often the 95 % interval of one environment holds the mean that it is about.

    Few values drawn again do not show how far apart others would be, and percentiles of them are as if the variance
    were known: of three seeds three intervals in four hold the truth.

    Args:
        runs: Seeds, above 1; normally distributed ones.

    Returns:
        A share: 0.75 for 3 seeds, 0.94 for 15.
    """
    return _COVERAGE[max(known for known in _COVERAGE if known <= runs)]


# Every metric of a table has the same runs: the same draws serve them all.
@lru_cache(maxsize=64)
def _draws(sizes: tuple[int, ...], resamples: int, seed: int) -> NDArray[np.int64]:
    """Return (resamples, sum of sizes) indices: of each stratum as many as it has, among its own."""
    generator = np.random.default_rng(seed)
    starts = np.cumsum((0, *sizes[:-1]))
    parts = [start + generator.integers(0, size, (resamples, size)) for start, size in zip(starts, sizes, strict=True)]
    draws = np.concatenate(parts, axis=1)
    draws.flags.writeable = False
    return draws
