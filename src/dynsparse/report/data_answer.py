"""Data answer: what was looked at, and how good whoever acted was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dynsparse.analysis import EpisodeRecord, SparsityReport
from dynsparse.report.answer import Answer, about_family, environments_of, said_by_side
from dynsparse.report.cause_switches import joined
from dynsparse.report.data_returns import data_return
from dynsparse.report.paper_numbers import paper_claim, paper_returns

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
    sides: dict[int | None, list[str]] = {}
    for report in reports:
        record = episodes.get(report.environment)
        if record is None or not record.has_time or report.environment not in paper_returns():
            continue
        found = data_return(record)
        why = "" if found.side is not None else f" ({found.why_not})"
        sides.setdefault(found.side, []).append(f"{report.environment}{why}")
    compared = sum(len(names) for side, names in sides.items() if side is not None)
    paper = f"The paper has {paper_claim('rows'):,.0f} rows of each environment."
    return Answer(short, (paper, *said_by_side(sides, _WORDS), *about_family(compared)))
