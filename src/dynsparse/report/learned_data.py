"""Learned data: what models were trained and tested on, and where that is too little to tell episodes apart."""

from __future__ import annotations

from dynsparse.report.learning_table import LearningTable
from dynsparse.report.panel_grid import about_split
from dynsparse.report.quantities import number
from dynsparse.report.score_tables import ScoreTable

__all__ = ["about_few_episodes", "data_table"]

_UNSEEN = "episode"
_FEW = 5
"""Below so many unseen episodes the error is that of these episodes rather than of the model."""


def data_table(table: LearningTable) -> ScoreTable:
    """Return policy, rows and episodes of each environment's data.

    Args:
        table: The runs.

    Returns:
        The table; a dash where nothing is known.
    """
    parts = ("train", *table.splits)
    rows = (
        (name, table.policies.get(name, "-"), *(_amount(table, name, part) for part in parts))
        for name in table.environments
    )
    columns = ("environment", "policy", "train", *map(about_split, table.splits))
    return ScoreTable("Data: rows, and the episodes that they are of", columns, tuple(rows))


def about_few_episodes(table: LearningTable) -> str:
    """Say where models are tested on fewer than five unseen episodes.

    Args:
        table: The runs.

    Returns:
        A sentence or two; empty where there are enough, or where the records do not tell.
    """
    counts = {name: found[_UNSEEN] for name, found in table.episodes.items() if found.get(_UNSEEN, _FEW) < _FEW}
    if not counts:
        return ""
    fewest = min(counts.values())
    told = ", ".join(f"{name} ({count:,})" for name, count in counts.items())
    return (
        f"Few unseen episodes: fewer than {_FEW} in {told}. Scores on {number(fewest, 'episode')} say little of other "
        "ones, and differ much from seed to seed, each of which draws its own; record more episodes, or take a larger "
        "share of them for testing."
    )


def _amount(table: LearningTable, environment: str, part: str) -> str:
    rows, episodes = (counts.get(environment, {}).get(part) for counts in (table.sizes, table.episodes))
    if rows is None:
        return "-"
    return f"{rows:,}" if episodes is None else f"{rows:,} ({number(episodes, 'episode')})"
