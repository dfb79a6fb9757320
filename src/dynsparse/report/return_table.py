"""Return table: how well whoever acted did, beside the paper's agents (Table A1.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dynsparse.analysis.episode_record import EpisodeRecord
from dynsparse.report.data_returns import DataReturn, about_returns, data_returns
from dynsparse.report.episode_statistics import FEWEST_EPISODES
from dynsparse.report.item import TableItem
from dynsparse.report.paper_numbers import paper_claim, paper_returns
from dynsparse.report.quantities import with_interval

__all__ = ["return_table"]

_NONE = "-"
_COLUMNS = ("environment", "policy", "mean return, 95 % interval", "full episodes", "paper", "against the paper")
_FIELDS = (
    *("environment", "policy", "mean_return", "mean_return_low", "mean_return_high", "full_episodes"),
    *("paper_mean_return", "chance_holm", "against_paper"),
)
_SIDES = {1: "higher", -1: "lower", 0: "can not be told from it"}


def return_table(expected: Sequence[str], episodes: Mapping[str, EpisodeRecord]) -> TableItem:
    """Set the mean return of each data set beside the paper's.

    Args:
        expected: Environments that there should be, in the order of the lines.
        episodes: What each episode is like, by environment; a line without says that it is missing.

    Returns:
        Table A1.1.
    """
    found = data_returns({name: episodes[name] for name in expected if name in episodes})
    lines = [_line(name, episodes.get(name), found.get(name)) for name in expected]
    return TableItem(
        name="table-a1-1",
        title="Mean return of the data over full episodes",
        source="Table A1.1",
        columns=_COLUMNS,
        cells=tuple(cells for cells, _ in lines),
        values=tuple(values for _, values in lines),
        notes=_notes(expected, episodes, found),
        fields=_FIELDS,
        keys=2,
    )


def _line(
    name: str, record: EpisodeRecord | None, found: DataReturn | None
) -> tuple[tuple[str, ...], tuple[object, ...]]:
    printed = paper_returns().get(name)
    paper = _NONE if printed is None else f"{printed:,.2f}"
    if record is None or found is None:
        return (name, "missing", _NONE, _NONE, paper, _NONE), (name, None, None, None, None, 0, printed, None, None)
    mean = found.mean
    against = None if printed is None else found.why_not if found.side is None else _SIDES[found.side]
    shown = with_interval(mean, lambda value: f"{value:,.2f}", reason=False)
    count, policy = f"{mean.episodes:,}", record.policy.removeprefix(f"{name}-")
    cells = (name, policy, shown, count, paper, against or _NONE)
    ends = mean.ends or (None, None)
    return cells, (name, record.policy, mean.value, *ends, mean.episodes, printed, found.chance, against)


def _notes(
    expected: Sequence[str], episodes: Mapping[str, EpisodeRecord], found: Mapping[str, DataReturn]
) -> tuple[str, ...]:
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
    if any(one.mean.value is not None and one.mean.ends is None for one in found.values()):
        notes.append(f"Without an interval: fewer than {FEWEST_EPISODES} full episodes, or all of the same return.")
    return (*notes, *about_returns(found.values()))
