"""Compared numbers: sparsity, patterns, durations and switches of one way of measuring beside those of another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dynsparse.analysis.episode_sparsity import EpisodeSparsity
from dynsparse.report.episode_statistics import (
    SHARE,
    STEPS_LONG,
    EpisodeMean,
    difference,
    mean_over_episodes,
    paired_difference,
)
from dynsparse.report.many_comparisons import LEVEL, by_holm, chance
from dynsparse.report.quantities import number

__all__ = ["MARGIN", "QUANTITIES", "Compared", "Quantity", "about_verdicts", "compare_numbers", "corrected"]

MARGIN = 0.001
"""Two shares whose difference lies in an interval around zero that is no wider to either side are called the same."""


@dataclass(frozen=True)
class Quantity:
    """One number an episode.

    Attributes:
        field: Of ``EpisodeSparsity``.
        title: In tables.
        unit: In tables.
        is_share: Whether it is a share, told in percent.
    """

    field: str
    title: str
    unit: str
    is_share: bool

    def mean(self, values: NDArray[np.float64]) -> EpisodeMean:
        """Average it over (e,) episodes."""
        return mean_over_episodes(values, SHARE if self.is_share else STEPS_LONG)

    def change(self, values: NDArray[np.float64], reference: NDArray[np.float64], *, paired: bool) -> EpisodeMean:
        """Return how two means of it over episodes differ; a difference of shares is -1 to 1."""
        found = (paired_difference if paired else difference)(values, reference)
        return found.within((-1.0, 1.0)) if self.is_share else found


QUANTITIES = (
    Quantity("combined", "sparsity", "%", True),
    Quantity("patterns", "patterns an episode", "patterns", False),
    Quantity("zero_duration", "stays zero for", "control steps", False),
    Quantity("nonzero_duration", "stays non-zero for", "control steps", False),
    Quantity("switch_rate", "pattern switches at", "% of control steps", True),
)
"""Q2 and Q3."""


@dataclass(frozen=True)
class Compared:
    """One quantity of one environment, measured in one way, beside a reference.

    Attributes:
        environment: Name of the environment.
        name: The way of measuring.
        quantity: What is measured.
        mean: Its mean over episodes.
        reference: That of the reference; None of the reference itself.
        change: How it differs from the reference, with its interval; None of the reference itself.
        is_equal: Whether it is the reference's in every episode, to the last bit.
        chance: How likely such a difference is where there is none; None where that can not be told, or is not asked.
        corrected: The same, corrected for how many are asked (``corrected``).
    """

    environment: str
    name: str
    quantity: Quantity
    mean: EpisodeMean
    reference: EpisodeMean | None = None
    change: EpisodeMean | None = None
    is_equal: bool = False
    chance: float | None = None
    corrected: float | None = None

    @property
    def verdict(self) -> str:
        """What may be said of it.

        ``"equal"``, ``"more"``, ``"less"``, ``"within"`` the margin, ``"not told"`` where there is an interval and it
        does not separate the two, or ``"not enough data"`` where there is none or it is too wide to tell anything;
        ``""`` of a reference.
        """
        change = self.change
        if change is None:
            return ""
        if self.is_equal:
            return "equal"
        if change.value is None or change.low is None or change.high is None or self.corrected is None:
            return "not enough data"
        if self.corrected < LEVEL:
            return "more" if change.value > 0 else "less"
        if self.quantity.is_share and change.low >= -MARGIN and change.high <= MARGIN:
            return "within"
        return "not enough data" if change.is_wide else "not told"


def compare_numbers(
    environment: str, name: str, found: EpisodeSparsity, reference: EpisodeSparsity | None, *, paired: bool
) -> tuple[Compared, ...]:
    """Compare every quantity with a reference.

    Args:
        environment: Name of the environment.
        name: The way of measuring.
        found: Its numbers.
        reference: Those to compare with; None for the reference itself.
        paired: Whether both are of the same episodes, in the same order.

    Returns:
        One for each of ``QUANTITIES``; no verdict is given before all of a report are corrected together.
    """
    compared = []
    for quantity in QUANTITIES:
        own = getattr(found, quantity.field)
        mean = quantity.mean(own)
        if reference is None:
            compared.append(Compared(environment, name, quantity, mean))
            continue
        other = getattr(reference, quantity.field)
        change = quantity.change(own, other, paired=paired)
        is_equal = bool(np.array_equal(own, other, equal_nan=True)) and not np.isnan(own).all()
        asked = None if is_equal else chance(own, other, paired=paired)
        compared.append(Compared(environment, name, quantity, mean, quantity.mean(other), change, is_equal, asked))
    return tuple(compared)


def corrected(rows: Sequence[Compared]) -> tuple[Compared, ...]:
    """Correct all that are asked for how many they are, by Holm; what is equal in every episode asks nothing."""
    found = by_holm([row.chance for row in rows])
    return tuple(replace(row, corrected=value) for row, value in zip(rows, found, strict=True))


def about_verdicts(rows: Iterable[Compared]) -> str:
    """Say how many comparisons were made, and that verdicts count them; empty where there was none."""
    asked = [row for row in rows if row.chance is not None]
    if not asked:
        return ""
    told = sum(row.verdict in {"more", "less"} for row in asked)
    return (
        f"{told:,} of {number(len(asked), 'comparison')} of Q2 and Q3 tell a difference: verdicts are corrected for "
        f"their number (Holm, {100 * LEVEL:g} %), intervals are of each comparison by itself."
    )
