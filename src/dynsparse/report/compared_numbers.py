"""Compared numbers: sparsity, patterns, durations and switches of one way of measuring beside those of another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dynsparse.analysis.episode_sparsity import EpisodeSparsity
from dynsparse.report.difference_words import plain_number
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

__all__ = [
    "MARGIN",
    "NOT_ENOUGH",
    "OTHER_LENGTHS",
    "PRINTED",
    "QUANTITIES",
    "Compared",
    "Quantity",
    "about_verdicts",
    "compare_numbers",
    "corrected",
    "has_rows",
]

MARGIN = 0.001
"""Two shares whose difference lies in an interval around zero that is no wider to either side are called the same."""

PRINTED = 0.0005
"""Least difference of two shares that can be seen where they are printed, to a tenth of a percent."""

NOT_ENOUGH, OTHER_LENGTHS = "not enough data", "other lengths"

_LEAST_FINITE = 0.5


@dataclass(frozen=True)
class Quantity:
    """One number an episode.

    Attributes:
        field: Of ``EpisodeSparsity``.
        title: In tables.
        unit: In tables.
        is_share: Whether it is a share, told in percent.
        by_length: Whether it grows with the steps of an episode, so that those of other lengths have another.
    """

    field: str
    title: str
    unit: str
    is_share: bool
    by_length: bool

    def mean(self, values: NDArray[np.float64]) -> EpisodeMean:
        """Average it over (e,) episodes."""
        return mean_over_episodes(values, SHARE if self.is_share else STEPS_LONG)

    def change(self, values: NDArray[np.float64], reference: NDArray[np.float64], *, paired: bool) -> EpisodeMean:
        """Return how two means of it over episodes differ; a difference of shares is -1 to 1."""
        found = (paired_difference if paired else difference)(values, reference)
        return found.within((-1.0, 1.0)) if self.is_share else found


QUANTITIES = (
    Quantity("combined", "sparsity", "%", True, False),
    Quantity("patterns", "patterns an episode", "patterns", False, True),
    Quantity("zero_duration", "stays zero for", "control steps", False, True),
    Quantity("nonzero_duration", "stays non-zero for", "control steps", False, True),
    Quantity("switch_rate", "pattern switches at", "% of control steps", True, False),
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
        change: How it differs from the reference, with its interval; None of the reference itself, and where the two
            are not compared.
        is_equal: Whether it is the reference's in every episode, to the last bit.
        chance: How likely such a difference is where there is none; None where that can not be told, or is not asked.
        corrected: The same, corrected for how many are asked (``corrected``).
        withheld: The verdict where the two are not compared: ``NOT_ENOUGH`` of data of which fewer than half of the
            rows are finite, ``OTHER_LENGTHS`` of what grows with the length of an episode; empty where they are.
        steps: Control steps of its longest episode.
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
    withheld: str = ""
    steps: int = 0

    @property
    def is_told(self) -> bool:
        """Whether there is something to say of it: a number of both, and a verdict of more than that it has none."""
        known = self.mean.value is not None and self.reference is not None and self.reference.value is not None
        return known and self.verdict != OTHER_LENGTHS

    @property
    def verdict(self) -> str:
        """What may be said of it.

        ``"equal"``, ``"more"``, ``"less"``, ``"within"`` the margin, ``"not told"`` where there is an interval and it
        does not separate the two, ``"not enough data"`` where there is none, or it is too wide to tell anything, or
        rests on too few finite rows, or ``"other lengths"``; ``""`` of a reference.
        """
        change = self.change
        if self.withheld or change is None:
            return self.withheld
        if self.is_equal:
            return "equal"
        if change.value is None or change.low is None or change.high is None or self.corrected is None:
            return NOT_ENOUGH
        if self.corrected < LEVEL:
            return ("more" if change.value > 0 else "less") if self._is_seen else "within"
        if not change.varies and change.value:
            return NOT_ENOUGH
        if self.quantity.is_share and change.low >= -MARGIN and change.high <= MARGIN:
            return "within"
        return NOT_ENOUGH if change.is_wide else "not told"

    @property
    def _is_seen(self) -> bool:
        """Whether a difference can be seen in what is printed."""
        size = 0.0 if self.change is None else self.change.value or 0.0
        if self.quantity.is_share:
            return abs(size) >= PRINTED
        ends = (0.0 if mean is None else mean.value or 0.0 for mean in (self.mean, self.reference))
        return len({plain_number(end) for end in ends}) > 1


def has_rows(found: EpisodeSparsity) -> bool:
    """Whether at least half of the rows are finite; what is left of fewer may be nothing like the whole."""
    return found.finite_rows >= _LEAST_FINITE * found.all_rows


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
    steps = int(found.rows.max(initial=0))
    compared = []
    for quantity in QUANTITIES:
        own = getattr(found, quantity.field)
        mean = quantity.mean(own)
        if reference is None:
            compared.append(Compared(environment, name, quantity, mean, steps=steps))
            continue
        other = getattr(reference, quantity.field)
        row = Compared(environment, name, quantity, mean, quantity.mean(other), steps=steps)
        withheld = _withheld(quantity, found, reference)
        if withheld:
            compared.append(replace(row, withheld=withheld))
            continue
        change, is_equal = quantity.change(own, other, paired=paired), _are_equal(own, other, paired=paired)
        asked = None if is_equal else chance(own, other, paired=paired)
        compared.append(replace(row, change=change, is_equal=is_equal, chance=asked))
    return tuple(compared)


def _withheld(quantity: Quantity, found: EpisodeSparsity, reference: EpisodeSparsity) -> str:
    """Say why a quantity of two data sets is not compared; empty where it is."""
    if quantity.by_length and set(found.rows.tolist()) != set(reference.rows.tolist()):
        return OTHER_LENGTHS
    return "" if has_rows(found) and has_rows(reference) else NOT_ENOUGH


def _are_equal(own: NDArray[np.float64], other: NDArray[np.float64], *, paired: bool) -> bool:
    """Whether a number is the same in every episode of both; of pairs, the same in each of them."""
    there = [numbers[~np.isnan(numbers)] for numbers in (own, other)]
    if not all(map(len, there)):
        return False
    if paired:
        return bool(np.array_equal(own, other, equal_nan=True))
    return all(np.ptp(numbers) == 0.0 for numbers in there) and bool(there[0][0] == there[1][0])


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
        f"{told:,} of {number(len(asked), 'tested comparison')} of Q2 and Q3 tell a difference (what is exactly the "
        f"same, or of too few episodes, is not tested): verdicts are corrected for their number (Holm, "
        f"{100 * LEVEL:g} %), intervals are of each comparison by itself."
    )
