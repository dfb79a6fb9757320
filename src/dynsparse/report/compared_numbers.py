"""Compared numbers: sparsity, patterns, durations and switches of one way of measuring beside those of another."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from dynsparse.analysis.episode_sparsity import EpisodeSparsity
from dynsparse.report.difference_words import plain_number
from dynsparse.report.episode_statistics import EpisodeMean, difference, mean_over_episodes, paired_difference
from dynsparse.report.item import TableItem

__all__ = ["MARGIN", "QUANTITIES", "Compared", "Quantity", "compare_numbers", "compared_table"]

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
    """

    environment: str
    name: str
    quantity: Quantity
    mean: EpisodeMean
    reference: EpisodeMean | None = None
    change: EpisodeMean | None = None
    is_equal: bool = False

    @property
    def verdict(self) -> str:
        """``"equal"``, ``"more"``, ``"less"``, ``"within"`` the margin, or ``"unknown"``; ``""`` of a reference."""
        change = self.change
        if change is None:
            return ""
        if self.is_equal:
            return "equal"
        side = change.side_of(0.0)
        if side:
            return "more" if side > 0 else "less"
        if side is None or not self.quantity.is_share or change.low is None or change.high is None:
            return "unknown"
        return "within" if change.low >= -MARGIN and change.high <= MARGIN else "unknown"


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
        One for each of ``QUANTITIES``.
    """
    compared = []
    for quantity in QUANTITIES:
        own = getattr(found, quantity.field)
        mean = mean_over_episodes(own)
        if reference is None:
            compared.append(Compared(environment, name, quantity, mean))
            continue
        other = getattr(reference, quantity.field)
        change = paired_difference(own, other) if paired else difference(own, other)
        is_equal = bool(np.array_equal(own, other, equal_nan=True)) and not np.isnan(own).all()
        compared.append(Compared(environment, name, quantity, mean, mean_over_episodes(other), change, is_equal))
    return tuple(compared)


def compared_table(name: str, title: str, what: str, reference: str, rows: Iterable[Compared]) -> TableItem:
    """Make a long table: a line a number, with its interval and its difference to the reference.

    Args:
        name: Of the files.
        title: Caption.
        what: Heading of the way of measuring.
        reference: What differences are to.
        rows: The numbers; shares are told in percent, and their differences in percentage points.

    Returns:
        The table; numbers without a meaning are left out.
    """
    columns = (
        "environment", what, "number", "unit", "mean", "low", "high", f"less {reference}", "low", "high", "episodes",
        "verdict",
    )  # fmt: skip
    cells: list[tuple[str, ...]] = []
    values: list[tuple[object, ...]] = []
    for row in rows:
        if row.mean.value is None:
            continue
        factor = 100.0 if row.quantity.is_share else 1.0
        numbers = [*_ends(row.mean, factor), *_ends(row.change, factor)]
        head = (row.environment, row.name, row.quantity.title, row.quantity.unit)
        last = row.verdict or "reference"
        shown = ("-" if number is None else plain_number(number) for number in numbers)
        cells.append((*head, *shown, f"{row.mean.episodes:,}", last))
        values.append((*head, *numbers, row.mean.episodes, last))
    return TableItem(name, title, "", columns, tuple(cells), tuple(values), (_NOTE,))


_NOTE = (
    f"Intervals hold 95 %, over episodes. Equal: the same in every episode. Within: the interval of the difference "
    f"holds zero, and ends within {100 * MARGIN:g} percentage points of it. Unknown: not enough data to tell."
)


def _ends(mean: EpisodeMean | None, factor: float) -> list[float | None]:
    ends = (None, None, None) if mean is None else (mean.value, mean.low, mean.high)
    return [None if end is None else factor * end for end in ends]
