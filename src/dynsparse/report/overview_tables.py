"""Overview tables: what is compared across environments over rows and over time, with intervals over episodes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dynsparse.analysis.durations import SHORT
from dynsparse.analysis.zeros import ABOVE_ROUND_OFF
from dynsparse.report.counted_numbers import Counted, CountedNumbers
from dynsparse.report.episode_statistics import FEWEST_EPISODES, EpisodeMean
from dynsparse.report.item import TableItem
from dynsparse.report.quantities import percent, share_with_interval, steps_with_interval
from dynsparse.report.table1 import MISSING
from dynsparse.report.threshold_sentences import chosen_threshold
from dynsparse.report.verdict import verdict

__all__ = ["sparsity_table", "time_table"]

_NONE = "-"
_MEANS = (
    "Means are over all rows, steps or stretches, with 95 % intervals over episodes; without one, there are fewer than "
    f"{FEWEST_EPISODES} episodes, or the number is the same in all of them."
)
_Cell = Callable[[Counted], str]
_Value = Callable[[Counted], tuple[object, ...]]


@dataclass(frozen=True)
class _Column:
    """One heading of the table, the cells below it, and what the CSV holds of it."""

    title: str
    fields: tuple[str, ...]
    cell: _Cell
    value: _Value


def sparsity_table(counted: Sequence[Counted], missing: Sequence[str]) -> TableItem:
    """Set means over rows side by side.

    Args:
        counted: Numbers of the environments that there are.
        missing: Names of the environments without any.

    Returns:
        The table ``sparsity``; its CSV has shares as fractions.
    """
    columns = (
        *_twice(counted, "zeros", "sparsity", lambda found: found.sparsity, share_with_interval),
        _plain("episodes", "episodes", lambda one: one.report.episodes),
        _mean("of ∂s'/∂s", "sparsity_state", lambda one: one.lead.state, share_with_interval),
        _mean("of ∂s'/∂a", "sparsity_action", lambda one: one.lead.action, share_with_interval),
        *_twice_counted(counted, "patterns", "patterns", lambda found: found.patterns),
        _Column(
            f"most frequent{_at_chosen(counted)}",
            ("most_frequent_pattern",),
            lambda one: percent(one.report.local.pattern_shares[0]),
            lambda one: (one.report.local.pattern_shares[0],),
        ),
        _word("audit", "audit", lambda one: verdict(one.report.audit, one.report.derivative)),
    )
    notes = (
        f"Zeros over elements of both blocks, and of each. {_MEANS}",
        "Patterns: how many different ones occur, and the share of rows with the most frequent one; more rows can only "
        "add to the former, and the latter was chosen by these rows: neither has an interval.",
        *_about_thresholds(counted),
    )
    return _table("sparsity", "Sparsity over rows", columns, counted, missing, notes)


def time_table(counted: Sequence[Counted], missing: Sequence[str]) -> TableItem:
    """Set durations and switches side by side.

    Args:
        counted: Numbers of the environments that there are.
        missing: Names of the environments without any.

    Returns:
        The table ``time``; its CSV has shares as fractions, durations in control steps.
    """
    steps = steps_with_interval
    columns = (
        *_twice(counted, "switches", "switch_rate", lambda found: found.switch_rate, share_with_interval),
        *_twice(counted, "zero for", "zero_duration", lambda found: found.zero_duration, steps),
        *_twice(counted, f"below {SHORT} steps", "short_share", lambda found: found.short_share, share_with_interval),
        _plain("zero stretches", "stretches", lambda one: one.lead.stretches if one.report.temporal else None),
        _plain("censored", "censored_stretches", lambda one: one.lead.censored if one.report.temporal else None),
        _mean(
            f"below {SHORT} without", "uncensored_short_share", lambda one: one.lead.uncensored_short_share,
            share_with_interval,
        ),
        _mean("non-zero for", "nonzero_duration", lambda one: one.lead.nonzero_duration, steps),
        _mean("shorter than the episode", "nonzero_duration_shorter", lambda one: one.lead.nonzero_shorter, steps),
    )  # fmt: skip
    notes = (
        "Switches: share of consecutive steps between which the pattern differs. Zero for, non-zero for: how many "
        "control steps an element stays so, mean over stretches; zero stretches that last a whole episode are left "
        f"out, as in the paper. {_MEANS}",
        "Censored: zero stretches that touch an end of their episode or a row that is not finite, and may be longer "
        f"than what was seen; below {SHORT} without: the share shorter than {SHORT} steps of the others.",
        *_about_thresholds(counted),
    )
    return _table("time", "Sparsity over time", columns, counted, missing, notes)


def _table(
    name: str,
    title: str,
    columns: Sequence[_Column],
    counted: Sequence[Counted],
    missing: Sequence[str],
    notes: tuple[str, ...],
) -> TableItem:
    both = _has_both(counted)
    atols = ("atol", "chosen_atol") if both else ("atol",)
    fields = ("environment", *atols, *(field for column in columns for field in column.fields))
    cells = [(one.environment, *(column.cell(one) for column in columns)) for one in counted]
    cells += [(name, MISSING, *[_NONE] * (len(columns) - 1)) for name in missing]
    values = []
    for one in counted:
        at = (one.lead.atol, one.chosen.atol) if both else (one.lead.atol,)
        values.append((one.environment, *at, *(value for column in columns for value in column.value(one))))
    values += [(name, *[None] * (len(fields) - 1)) for name in missing]
    titles = ("environment", *(column.title for column in columns))
    return TableItem(name, title, "", titles, tuple(cells), tuple(values), notes, fields)


def _twice(
    counted: Sequence[Counted],
    title: str,
    field: str,
    number: Callable[[CountedNumbers], EpisodeMean],
    write: Callable[..., str],
) -> list[_Column]:
    """Return the column above round-off and that of the chosen threshold; one where they are the same."""
    columns = [_mean(f"{title}{_at_lead(counted)}", field, lambda one: number(one.lead), write)]
    chosen = _mean(f"{title}{_at_chosen(counted)}", f"{field}_chosen_atol", lambda one: number(one.chosen), write)
    return [*columns, chosen] if _has_both(counted) else columns


def _twice_counted(
    counted: Sequence[Counted], title: str, field: str, number: Callable[[CountedNumbers], int]
) -> list[_Column]:
    columns = [_plain(f"{title}{_at_lead(counted)}", field, lambda one: number(one.lead))]
    chosen = _plain(f"{title}{_at_chosen(counted)}", f"{field}_chosen_atol", lambda one: number(one.chosen))
    return [*columns, chosen] if _has_both(counted) else columns


def _mean(title: str, field: str, number: Callable[[Counted], EpisodeMean], write: Callable[..., str]) -> _Column:
    return _Column(
        title,
        (field, f"{field}_low", f"{field}_high"),
        lambda one: write(number(one), reason=False),
        lambda one: (number(one).value, *(number(one).ends or (None, None))),
    )


def _plain(title: str, field: str, number: Callable[[Counted], int | None]) -> _Column:
    def cell(one: Counted) -> str:
        count = number(one)
        return _NONE if count is None else f"{count:,}"

    return _Column(title, (field,), cell, lambda one: (number(one),))


def _word(title: str, field: str, word: Callable[[Counted], str]) -> _Column:
    return _Column(title, (field,), word, lambda one: (word(one),))


def _has_both(counted: Sequence[Counted]) -> bool:
    return any(one.above is not None for one in counted)


def _at_lead(counted: Sequence[Counted]) -> str:
    return f", {ABOVE_ROUND_OFF:g}" if _has_both(counted) else ""


def _at_chosen(counted: Sequence[Counted]) -> str:
    """Name the threshold of the analyses, where the other one is beside it."""
    atols = {one.chosen.atol for one in counted}
    return "" if not _has_both(counted) else f", {atols.pop():g}" if len(atols) == 1 else ", chosen atol"


def _about_thresholds(counted: Sequence[Counted]) -> tuple[str, ...]:
    if not _has_both(counted):
        return ()
    lacking = [one.environment for one in counted if one.above is None]
    said = (
        f"Numbers without a threshold in their heading are at {ABOVE_ROUND_OFF:g}, above round-off; beside some stands "
        f"what {chosen_threshold(counted)} gives."
    )
    return (said, f"Counted at the chosen threshold only: {', '.join(lacking)}.") if lacking else (said,)
