"""Many comparisons: how likely a difference is without a cause, and what is left of that where many are looked at.

Of a hundred differences that there are not, five have an interval of 95 % without zero.  So a verdict holds where its
number by Holm is below 5 %: then the chance that any one of all verdicts is wrong is below 5 % (Holm 1979, "A simple
sequentially rejective multiple test procedure").
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from dynsparse.report.alike_numbers import differences_of, mean_of, variance_of
from dynsparse.report.episode_statistics import FEWEST_EPISODES

__all__ = ["LEVEL", "by_holm", "chance"]

LEVEL = 0.05
"""A verdict holds below this."""


def chance(values: ArrayLike, reference: ArrayLike, *, paired: bool) -> float | None:
    """Return how likely a mean difference at least as large is where there is none: Student's t, or Welch's.

    Numbers that do not vary have no t.  Three that are all alike and three others that are all alike are no certainty:
    of all ways to deal six numbers to two groups, 2 in 20 set them apart so.  So it is that of the permutation test,
    twice that of one side: ``2 / C(e + f, e)``, or ``2 / 2 ** e`` of the signs of pairs.

    Args:
        values: (e,) one an episode; NaN where it has no meaning, which is left out.
        reference: (f,) one an episode, of the same episodes where they are paired.
        paired: Whether they are.

    Returns:
        A number in [0, 1]; None where there are too few episodes to tell.
    """
    own, other = (np.asarray(numbers, dtype=np.float64) for numbers in (values, reference))
    groups = [differences_of(own, other)] if paired else [own, other]
    groups = [group[~np.isnan(group)] for group in groups]
    if min(map(len, groups)) < FEWEST_EPISODES:
        return None
    difference = mean_of(groups[0]) - (0.0 if paired else mean_of(groups[1]))
    # By hand, as SciPy warns of groups that do not vary, or hardly, and has no number of them.
    parts = [variance_of(group) / len(group) for group in groups]
    variance = sum(parts)
    if variance == 0.0:
        return _alike(groups) if difference else 1.0
    freedom = variance**2 / sum(part**2 / (len(group) - 1) for part, group in zip(parts, groups, strict=True))
    return float(2.0 * stats.t.sf(abs(difference) / math.sqrt(variance), freedom))


def _alike(groups: Sequence[NDArray[np.float64]]) -> float:
    """Return the chance that numbers all alike, or in two groups that are each, fall apart as they do."""
    sizes = [len(group) for group in groups]
    return 2.0 ** (1 - sizes[0]) if len(sizes) == 1 else 2 / math.comb(sum(sizes), sizes[0])


def by_holm(chances: Sequence[float | None]) -> tuple[float | None, ...]:
    """Correct for how many there are.

    Args:
        chances: One a comparison; None of one that could not be made, which does not count.

    Returns:
        The corrected ones, in the same order, each at least as large as it was.
    """
    made = sorted((value, place) for place, value in enumerate(chances) if value is not None)
    corrected: list[float | None] = [None] * len(chances)
    largest = 0.0
    for before, (value, place) in enumerate(made):
        largest = max(largest, min(1.0, (len(made) - before) * value))
        corrected[place] = largest
    return tuple(corrected)
