"""Data answer: what was looked at, and how good whoever acted was."""

from __future__ import annotations

from collections.abc import Sequence

from dynsparse.analysis import SparsityReport
from dynsparse.report.answer import NOT_ENOUGH, Answer, Episodes, environments_of
from dynsparse.report.cause_switches import joined
from dynsparse.report.episode_statistics import FEWEST_EPISODES, mean_over_episodes
from dynsparse.report.paper_numbers import paper_claim, paper_returns

__all__ = ["about_data"]


def about_data(reports: Sequence[SparsityReport], episodes: Episodes) -> Answer:
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
        record, printed = episodes.get(report.environment), paper_returns().get(report.environment)
        if record is not None and printed is not None and len(record.full_returns):
            side = mean_over_episodes(record.full_returns).side_of(printed)
            sides.setdefault(side, []).append(report.environment)
    words = {
        0: "can not be told from that of the paper's agents",
        1: "is above that of the paper's agents",
        -1: "is below that of the paper's agents",
        None: f"can not be held against the paper's: {NOT_ENOUGH}, fewer than {FEWEST_EPISODES} full episodes",
    }
    told = [f"The mean return {words[side]} in {joined(sides[side])}." for side in words if side in sides]
    paper = f"The paper has {paper_claim('rows'):,.0f} rows of each environment."
    return Answer(short, (paper, *told))
