"""Compared table: a line a number of Q2 and Q3, with its difference from a reference and what may be said of it."""

from __future__ import annotations

from collections.abc import Iterable

from dynsparse.report.compared_numbers import MARGIN, PRINTED, Compared
from dynsparse.report.difference_words import plain_cell, plain_number
from dynsparse.report.episode_statistics import EpisodeMean
from dynsparse.report.item import TableItem
from dynsparse.report.many_comparisons import LEVEL

__all__ = ["compared_table"]

_NOTES = (
    "Intervals hold 95 %, over episodes, each by itself; there is none of fewer than three, or of the same number in "
    "every one. Chance: how likely a difference as large is where there is none (Student's t of the same episodes in "
    "pairs, else Welch's; of numbers that do not vary that of the permutation test), corrected by Holm for all "
    "comparisons of this table.",
    f"More, less: the corrected chance is below {100 * LEVEL:g} %. Equal: the same in every episode, nothing is asked. "
    f"Within: the interval of the difference holds zero, and ends within {100 * MARGIN:g} percentage points of it; or "
    f"it does not hold zero, and the difference is below {100 * PRINTED:g} percentage points or, of other numbers, "
    "their first three digits. Not told: there is an interval, and the two can not be told from each other. Not enough "
    "data: there is none, or it is wider than half of what a difference of shares can be, or so few episodes do not "
    "vary, or fewer than half of the rows are finite. Other lengths: the episodes are longer or shorter, so that a "
    "number that grows with their length is not compared.",
)


def compared_table(name: str, title: str, what: str, reference: str, rows: Iterable[Compared]) -> TableItem:
    """Make a long table: a line a number, with its interval and its difference to the reference.

    Args:
        name: Of the files.
        title: Caption.
        what: Heading of the way of measuring.
        reference: What differences are to.
        rows: The numbers; cells show shares in percent and their differences in percentage points, the CSV fractions.

    Returns:
        The table; numbers without a meaning are left out.
    """
    columns = (
        "environment", what, "number", "mean", f"less {reference}", "chance (Holm)", "episodes", "verdict",
    )  # fmt: skip
    fields = (
        "environment", what, "quantity", "unit", "mean", "mean_low", "mean_high", "reference_mean", "reference_low",
        "reference_high", "difference", "difference_low", "difference_high", "chance", "chance_holm", "episodes",
        "reference_episodes", "verdict",
    )  # fmt: skip
    cells: list[tuple[str, ...]] = []
    values: list[tuple[object, ...]] = []
    for row in rows:
        if row.mean.value is None:
            continue
        factor = 100.0 if row.quantity.is_share else 1.0
        episodes = f"{row.mean.episodes:,}"
        if row.reference is not None and row.reference.episodes != row.mean.episodes:
            episodes += f" and {row.reference.episodes:,}"
        cells.append((
            row.environment, row.name, f"{row.quantity.title}, {row.quantity.unit}", _cell(row.mean, factor),
            "-" if row.change is None else _cell(row.change, factor),
            "-" if row.corrected is None else _chance(row.corrected), episodes, row.verdict or "reference",
        ))  # fmt: skip
        values.append((
            row.environment, row.name, row.quantity.field, "share" if row.quantity.is_share else row.quantity.unit,
            *_ends(row.mean), *_ends(row.reference), *_ends(row.change), row.chance, row.corrected, row.mean.episodes,
            None if row.reference is None else row.reference.episodes, row.verdict or "reference",
        ))  # fmt: skip
    return TableItem(name, title, "", columns, tuple(cells), tuple(values), _NOTES, fields=fields, keys=3)


def _ends(mean: EpisodeMean | None) -> tuple[float | None, float | None, float | None]:
    return (None, None, None) if mean is None else (mean.value, mean.low, mean.high)


def _cell(mean: EpisodeMean, factor: float) -> str:
    value, low, high = (None if end is None else factor * end for end in _ends(mean))
    return plain_cell(EpisodeMean(value, low, high, mean.episodes))


def _chance(value: float) -> str:
    return "<0.001" if value < 0.001 else plain_number(value)
