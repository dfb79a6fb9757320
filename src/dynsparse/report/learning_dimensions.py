"""Learning dimensions: errors and explained variance of each state variable, in each environment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from dynsparse.report.comparison import Comparison, compare
from dynsparse.report.learning_row import LearningRow
from dynsparse.report.learning_table import LearningTable

__all__ = ["dimension_scores"]

_GROUPS = ("", "contact.active.", "contact.inactive.")
_METRICS = tuple(
    f"{group}prediction.{name}." for group in _GROUPS for name in ("mse_per_dimension", "r2_per_dimension")
)
"""Beginnings of dotted names that end with the place of a state variable."""


def dimension_scores(table: LearningTable, resamples: int, seed: int) -> list[Comparison]:
    """Average what is known of each state variable over seeds, also of rows with and without contact alone.

    Args:
        table: The runs.
        resamples: Of the bootstrap.
        seed: Of the bootstrap.

    Returns:
        A comparison a test set, metric, state variable and environment, with scores of that environment alone: the
        first variable of one is not that of another.  The metric's name ends with that of the variable; with its place
        where it has no name, or shares it.
    """
    return [
        replace(
            compare(table, f"{metric}{place}", split, environments=(environment,), resamples=resamples, seed=seed),
            metric=f"{metric}{name}",
        )
        for split in table.splits
        for environment in table.environments
        for metric in _METRICS
        for place, name in _variables(table, environment, metric, split)
    ]


def _variables(table: LearningTable, environment: str, metric: str, split: str) -> Iterator[tuple[int, str]]:
    """Yield place and name of each state variable of an environment."""
    names = table.state_names.get(environment, ())
    own = [row for row in table.rows if (row.environment, row.split) == (environment, split)]
    places = set(range(len(names))) or _places(own, metric)
    # An environment without any result: how many variables it has is unknown, that its runs lack must show.
    for place in sorted(places or _places(table.rows, metric)):
        yield place, names[place] if names and names.count(names[place]) == 1 else str(place)


def _places(rows: Iterable[LearningRow], metric: str) -> set[int]:
    keys = (key for row in rows for key in row.metrics if key.startswith(metric))
    return {int(key.removeprefix(metric)) for key in keys}
