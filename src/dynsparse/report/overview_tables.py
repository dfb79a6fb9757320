"""Overview tables: what is compared across environments over rows and over time, with intervals over episodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dynsparse.analysis import SparsityReport
from dynsparse.analysis.durations import SHORT
from dynsparse.analysis.episode_record import EpisodeRecord
from dynsparse.report.episode_statistics import EpisodeMean, mean_over_episodes
from dynsparse.report.item import TableItem
from dynsparse.report.quantities import percent
from dynsparse.report.table1 import MISSING
from dynsparse.report.verdict import verdict

__all__ = ["sparsity_table", "time_table"]

_NONE = "-"
_SPARSITY = (
    *("environment", "sparsity", "95 % low", "95 % high", "episodes", "of ∂s'/∂s", "of ∂s'/∂a", "patterns"),
    *("most frequent", "audit"),
)
_TIME = (
    *(
        "environment",
        "switches",
        "95 % low",
        "95 % high",
        "zero for",
        "95 % low ",
        "95 % high ",
        f"below {SHORT} steps",
    ),
    *("non-zero for", "shorter than the episode"),
)
_Line = tuple[tuple[str, ...], tuple[object, ...]]


def sparsity_table(
    reports: Sequence[SparsityReport], episodes: Mapping[str, EpisodeRecord], missing: Sequence[str]
) -> TableItem:
    """Set means over rows side by side.

    Args:
        reports: The analyses that there are.
        episodes: What each episode is like, by environment: without, there is no interval.
        missing: Names of the environments without one.

    Returns:
        The table ``sparsity``.
    """
    lines = [_of_rows(report, episodes.get(report.environment)) for report in reports]
    notes = (
        "Sparsity: zeros over elements of both blocks, mean over rows; its interval is over episodes. Patterns: how "
        "many different ones occur, and the share of rows with the most frequent one.",
    )
    return _table("sparsity", "Sparsity over rows", _SPARSITY, lines, missing, notes)


def time_table(
    reports: Sequence[SparsityReport], episodes: Mapping[str, EpisodeRecord], missing: Sequence[str]
) -> TableItem:
    """Set durations and switches side by side.

    Args:
        reports: The analyses that there are.
        episodes: What each episode is like, by environment: without, there is no interval.
        missing: Names of the environments without one.

    Returns:
        The table ``time``.
    """
    lines = [_of_time(report, episodes.get(report.environment)) for report in reports]
    notes = (
        "Switches: share of consecutive steps between which the pattern differs. Zero for, non-zero for: how many "
        "control steps an element stays so, mean over stretches; zero stretches that last a whole episode are left "
        "out, as in the paper. Intervals are over episodes, of the mean in each; they need not hold the mean over all "
        "rows.",
    )
    return _table("time", "Sparsity over time", _TIME, lines, missing, notes)


def _table(
    name: str,
    title: str,
    columns: tuple[str, ...],
    lines: Sequence[_Line],
    missing: Sequence[str],
    notes: tuple[str, ...],
) -> TableItem:
    rest = len(columns) - 2
    lines = [*lines, *(((one, MISSING, *[_NONE] * rest), (one, *[None] * (rest + 1))) for one in missing)]
    cells, values = tuple(cells for cells, _ in lines), tuple(values for _, values in lines)
    return TableItem(name, title, "", columns, cells, values, notes)


def _of_rows(report: SparsityReport, record: EpisodeRecord | None) -> _Line:
    local = report.local
    found = _mean(record and record.sparsity)
    first = local.pattern_shares[0] if local.pattern_shares else None
    judged = verdict(report.audit, report.derivative)
    means = (local.combined.sparsity_mean, local.state.sparsity_mean, local.action.sparsity_mean)
    return (
        (
            *(report.environment, percent(means[0]), _share(found.low), _share(found.high), f"{report.episodes:,}"),
            *(percent(means[1]), percent(means[2]), f"{local.distinct_patterns:,}", _share(first), judged),
        ),
        (
            *(report.environment, means[0], found.low, found.high, report.episodes),
            *(means[1], means[2], local.distinct_patterns, first, judged),
        ),
    )


def _of_time(report: SparsityReport, record: EpisodeRecord | None) -> _Line:
    temporal = report.temporal
    if temporal is None:
        return (report.environment, *[_NONE] * 9), (report.environment, *[None] * 9)
    switches, duration = _mean(record and record.switch_rate), _mean(record and record.zero_duration)
    counts = temporal.zero.counts
    short = float(counts[:SHORT].sum() / counts.sum()) if counts.sum() else None
    steps = (temporal.zero.mean, duration.low, duration.high)
    others = (temporal.nonzero.mean, temporal.nonzero.mean_shorter)
    shares = (temporal.pattern_switch_rate, switches.low, switches.high)
    return (
        (report.environment, *map(_share, shares), *map(_steps, steps), _share(short), *map(_steps, others)),
        (report.environment, *shares, *steps, short, *others),
    )


def _mean(values: object) -> EpisodeMean:
    return EpisodeMean(None, None, None, 0) if values is None else mean_over_episodes(values)  # type: ignore[arg-type] # an array


def _share(value: float | None) -> str:
    # An interval of a share may reach beyond what a share can be.
    return _NONE if value is None else percent(min(max(value, 0.0), 1.0))


def _steps(mean: float | None) -> str:
    # Nor may that of a duration begin below none.
    return _NONE if mean is None else f"{max(mean, 0.0):,.1f}"
