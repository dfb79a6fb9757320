"""Data answer: what was looked at, and how good whoever acted was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dynsparse.analysis import EpisodeRecord, SparsityReport
from dynsparse.report.answer import Answer, environments_of, said_by_side
from dynsparse.report.cause_switches import joined
from dynsparse.report.data_returns import DataReturn, about_returns, data_returns
from dynsparse.report.paper_numbers import paper_claim, paper_returns
from dynsparse.report.quantities import with_interval

__all__ = ["about_data"]

_WORDS: Mapping[int | None, str] = {
    0: "The mean return can not be told from that of the paper's agents in {}.",
    1: "The mean return is above that of the paper's agents in {}.",
    -1: "The mean return is below that of the paper's agents in {}.",
    None: "The mean return can not be held against the paper's in {}.",
}


def about_data(reports: Sequence[SparsityReport], episodes: Mapping[str, EpisodeRecord]) -> Answer:
    """Say what was looked at, and how good whoever acted was beside the paper's agents.

    Args:
        reports: Analyses, one an environment.
        episodes: What each episode is like.

    Returns:
        The answer.
    """
    rows = sum(report.rows for report in reports)
    policies = {report.policy.removeprefix(f"{report.environment}-") for report in reports}
    derivatives = joined(sorted({report.derivative for report in reports}))
    policy = joined(sorted(policies))
    short = f"{rows:,} rows of {environments_of(len(reports))}, {policy} policy, {derivatives} derivative."
    if not set(paper_returns()) & {report.environment for report in reports}:
        return Answer(short)
    names = [report.environment for report in reports if report.environment in paper_returns()]
    found = data_returns({name: episodes[name] for name in names if name in episodes and episodes[name].has_time})
    sides: dict[int | None, list[str]] = {}
    for name, one in found.items():
        sides.setdefault(one.side, []).append(f"{name} ({_against(one)})")
    paper = f"The paper has {paper_claim('rows'):,.0f} rows of each environment."
    return Answer(short, (paper, *said_by_side(sides, _WORDS), *about_returns(found.values())))


def _against(found: DataReturn) -> str:
    """Write the mean with its interval against the paper's, or why it is not held against it."""
    if found.side is None:
        return found.why_not
    return f"{with_interval(found.mean, lambda value: f'{value:,.2f}')} against {found.paper:,.2f}"
