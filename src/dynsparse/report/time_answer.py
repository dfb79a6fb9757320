"""Time answer: how often the pattern switches, and how long an element stays zero (Q3)."""

from __future__ import annotations

from collections.abc import Sequence

from dynsparse.analysis import SparsityReport
from dynsparse.analysis.durations import SHORT
from dynsparse.analysis.episode_record import EpisodeRecord
from dynsparse.report.answer import NOT_ENOUGH, Answer, Episodes, interval_of, share_of, span_of
from dynsparse.report.cause_switches import joined
from dynsparse.report.episode_statistics import mean_over_episodes
from dynsparse.report.paper_numbers import paper_claims
from dynsparse.report.quantities import percent
from dynsparse.report.table1 import paper_table1

__all__ = ["answer_q3"]


def answer_q3(reports: Sequence[SparsityReport], episodes: Episodes) -> Answer:
    """Say how often the pattern switches and how long an element stays zero, beside what the paper says.

    Args:
        reports: Analyses, one an environment.
        episodes: What each episode is like: without, there is no interval.

    Returns:
        The answer to Q3.
    """
    timed = [r for r in reports if r.temporal is not None and r.temporal.pattern_switch_rate is not None]
    if not timed:
        return Answer("Nothing can be said about time: no two rows follow each other.")
    by_rate = sorted(timed, key=_switch_rate)
    ends = (by_rate[0], by_rate[-1])
    rates = " to ".join(dict.fromkeys(_rate_of(report, episodes.get(report.environment)) for report in ends))
    means = [r.temporal.zero.mean for r in timed if r.temporal is not None and r.temporal.zero.mean is not None]
    lasts = "; no element that is zero at times stays so for less than an episode"
    if means:
        lasts = f"; an element that is not zero all along stays zero for {span_of(means, lambda m: f'{m:,.1f}')} steps"
    short = f"The pattern switches in {rates} of the control steps{lasts}."
    return Answer(short, tuple(_about_short(timed, episodes)))


def _switch_rate(report: SparsityReport) -> float:
    rate = None if report.temporal is None else report.temporal.pattern_switch_rate
    return -1.0 if rate is None else rate


def _rate_of(report: SparsityReport, record: EpisodeRecord | None) -> str:
    interval = "" if record is None else interval_of(mean_over_episodes(record.switch_rate), share_of)
    return f"{percent(_switch_rate(report))} ({report.environment}{interval})"


def _about_short(timed: Sequence[SparsityReport], episodes: Episodes) -> list[str]:
    """Hold the paper's "fewer than 50 time steps" against the share of zero stretches that are shorter."""
    sides: dict[int | None, list[str]] = {}
    without = []
    for report in timed:
        record = episodes.get(report.environment)
        if record is None:
            continue
        if not record.stretches.any():
            without.append(report.environment)
            continue
        found = mean_over_episodes(record.short_share)
        shown = "" if found.value is None else f" ({percent(found.value)}{interval_of(found, share_of)})"
        sides.setdefault(found.side_of(0.5), []).append(f"{report.environment}{shown}")
    claim = paper_claims()["short-zeros"].quotation
    words = {
        1: f"Most zero stretches are shorter than {SHORT} steps in {{}}.",
        -1: f"Most zero stretches last {SHORT} steps or longer in {{}}.",
        0: f"Whether most are shorter than {SHORT} steps can not be told in {{}}.",
        None: f"Whether most are shorter than {SHORT} steps: {NOT_ENOUGH} in {{}}.",
    }
    told = [words[side].format(joined(sides[side])) for side in words if side in sides]
    if told and any(report.environment in paper_table1() for report in timed):
        told.insert(0, f"The paper says: “{claim}”")
    if without:
        told.append(f"No element changes within an episode in {joined(without)}: there is no such stretch.")
    return told
