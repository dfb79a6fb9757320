"""Return table: how well whoever acted did, beside the paper's agents (Table A1.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dynsparse.analysis.episode_record import EpisodeRecord
from dynsparse.report.episode_statistics import mean_over_episodes
from dynsparse.report.item import TableItem
from dynsparse.report.paper_numbers import paper_claim, paper_returns

__all__ = ["return_table"]

_NONE = "-"
_COLUMNS = (
    *("environment", "policy", "mean return", "95 % low", "95 % high", "full episodes", "paper", "against the paper"),
)
_SIDES = {1: "higher", -1: "lower", 0: "not told apart", None: "not enough data"}


def return_table(expected: Sequence[str], episodes: Mapping[str, EpisodeRecord]) -> TableItem:
    """Set the mean return of each data set beside the paper's.

    Args:
        expected: Environments that there should be, in the order of the lines.
        episodes: What each episode is like, by environment; a line without says that it is missing.

    Returns:
        Table A1.1.
    """
    paper = paper_returns()
    lines = [_line(name, episodes.get(name), paper.get(name)) for name in expected]
    return TableItem(
        name="table-a1-1",
        title="Mean return of the data over full episodes",
        source="Table A1.1",
        columns=_COLUMNS,
        cells=tuple(cells for cells, _ in lines),
        values=tuple(values for _, values in lines),
        notes=_notes(expected, episodes),
    )


def _line(name: str, record: EpisodeRecord | None, printed: float | None) -> tuple[tuple[str, ...], tuple[object, ...]]:
    paper = _NONE if printed is None else f"{printed:,.2f}"
    if record is None:
        return (name, "missing", *[_NONE] * 4, paper, _NONE), (name, None, None, None, None, 0, printed, None)
    found = mean_over_episodes(record.full_returns)
    against = _NONE if printed is None or found.value is None else _SIDES[found.side_of(printed)]
    numbers = (found.value, found.low, found.high)
    shown = (_NONE if number is None else f"{number:,.2f}" for number in numbers)
    cells = (name, record.policy.removeprefix(f"{name}-"), *shown, f"{found.episodes:,}", paper, against)
    return cells, (name, record.policy, *numbers, found.episodes, printed, against)


def _notes(expected: Sequence[str], episodes: Mapping[str, EpisodeRecord]) -> tuple[str, ...]:
    notes = []
    if any(name in paper_returns() for name in expected):
        notes.append(
            f"The paper's means are of {paper_claim('rows'):,.0f} control steps of its own agents, which are not "
            'published. The policies here were trained anew; "paper" is a checkpoint about as good as the paper\'s.'
        )
    parts = [record for record in episodes.values() if record.has_time and not record.full.all()]
    if parts:
        names = ", ".join(f"{record.environment} ({int((~record.full).sum()):,})" for record in parts)
        notes.append(f"Episodes that the data set's end cuts short have no return: {names}.")
    return tuple(notes)
