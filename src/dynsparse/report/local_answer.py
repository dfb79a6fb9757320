"""Local answer: whether sparsity depends on the state (Q2)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dynsparse.analysis import SparsityReport
from dynsparse.analysis.episode_record import EpisodeRecord
from dynsparse.report.answer import NOT_ENOUGH, Answer, Episodes, interval_of, named_of, share_of, span_of
from dynsparse.report.cause_switches import joined
from dynsparse.report.episode_statistics import FEWEST_EPISODES, mean_over_episodes
from dynsparse.report.paper_numbers import paper_claims
from dynsparse.report.quantities import percent
from dynsparse.report.table1 import paper_table1

__all__ = ["answer_q2"]


def answer_q2(reports: Sequence[SparsityReport], episodes: Episodes) -> Answer:
    """Say whether sparsity depends on the state, how much of it there is, and how many patterns.

    Args:
        reports: Analyses, one an environment.
        episodes: What each episode is like: without, there is no interval.

    Returns:
        The answer to Q2.
    """
    several = [report for report in reports if report.local.distinct_patterns > 1]
    counts = [report.local.distinct_patterns for report in reports]
    by_mean = sorted(reports, key=lambda report: report.local.combined.sparsity_mean)
    means = " to ".join(
        dict.fromkeys(_mean_of(report, episodes.get(report.environment)) for report in (by_mean[0], by_mean[-1]))
    )
    which = f"in {len(several)} of {len(reports)} environments" if len(reports) > 1 else f"in {reports[0].environment}"
    depends = f"Which elements are zero depends on the state {which}"
    if not several:
        depends = f"Which elements are zero does not depend on the state in {named_of(reports)}"
    patterns = span_of(counts, lambda count: f"{count:,}")
    plural = "pattern" if set(counts) == {1} else "patterns"
    short = f"{depends}; in the mean a row has {means} zeros, in {patterns} {plural}."
    return Answer(short, (*_beyond_global(reports, episodes), _values(reports)))


def _mean_of(report: SparsityReport, record: EpisodeRecord | None) -> str:
    interval = "" if record is None else interval_of(mean_over_episodes(record.sparsity), share_of)
    return f"{percent(report.local.combined.sparsity_mean)} ({report.environment}{interval})"


def _beyond_global(reports: Sequence[SparsityReport], episodes: Episodes) -> list[str]:
    """Say where a row has more zeros in the mean than those that every row has."""
    sides: dict[int | str | None, list[str]] = {}
    for report in reports:
        record = episodes.get(report.environment)
        if report.local.distinct_patterns == 1:
            sides.setdefault("same", []).append(report.environment)
            continue
        if record is None:
            continue
        blocks = report.global_sparsity
        always = blocks.state.always_zero_count + blocks.action.always_zero_count
        elements = blocks.state.elements + blocks.action.elements
        sides.setdefault(_beyond(record.sparsity, always / elements), []).append(report.environment)
    words: dict[int | str | None, str] = {
        1: "A row has more zeros in the mean than the elements that are always zero in {}.",
        0: "It can not be told to have more than these in {}.",
        "same": "Every row has just the zeros that are always there in {}.",
        None: f"For more than that there is {NOT_ENOUGH} in {{}}: fewer than {FEWEST_EPISODES} episodes.",
    }
    return [words[side].format(joined(sides[side])) for side in words if side in sides]


def _beyond(values: NDArray[np.float64], share: float) -> int | None:
    # It can not be below: what is always zero is zero in each row.  Equal to it is 0, whatever rounding makes of it.
    side = mean_over_episodes(values).side_of(share + 1e-12)
    return side if side is None else max(side, 0)


def _values(reports: Sequence[SparsityReport]) -> str:
    """Say how far the share takes certain values only."""
    shares = []
    for report in reports:
        counts = np.sort(report.local.combined.histogram_counts)[::-1]
        shares.append(float(counts[:3].sum() / counts.sum()))
    claimed = paper_claims()["certain-values"].quotation
    said = f"The three most frequent shares of zeros make up {span_of(shares, percent)} of the rows"
    if not any(report.environment in paper_table1() for report in reports):
        return f"{said}."
    return f"{said} (the paper: “{claimed}”)."
