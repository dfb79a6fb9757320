"""Answers: each question of the paper answered in sentences, with numbers and intervals, all of them computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dynsparse.analysis import SparsityReport
from dynsparse.analysis.episode_record import SHORT, EpisodeRecord
from dynsparse.report.answer_sentences import about_answer, about_training
from dynsparse.report.cause_switches import joined
from dynsparse.report.episode_statistics import FEWEST_EPISODES, EpisodeMean, mean_over_episodes
from dynsparse.report.learning_results import LearningResults
from dynsparse.report.loss_looks import look_of
from dynsparse.report.panel_grid import about_split
from dynsparse.report.paper_numbers import paper_claim, paper_claims, paper_returns
from dynsparse.report.phrases import with_interval
from dynsparse.report.quantities import number, percent
from dynsparse.report.table1 import paper_table1

__all__ = ["Answer", "about_data", "answer_q1", "answer_q2", "answer_q3", "answer_q4"]

Episodes = Mapping[str, EpisodeRecord]

NOT_ENOUGH = "not enough data"


@dataclass(frozen=True)
class Answer:
    """An answer.

    Attributes:
        short: In one sentence, for the summary.
        sentences: What else there is to say.
    """

    short: str
    sentences: tuple[str, ...] = ()


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
    short = (
        f"{rows:,} rows of {_environments(len(reports))}, {joined(sorted(policies))} policy, {derivatives} derivative."
    )
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


def answer_q1(reports: Sequence[SparsityReport]) -> Answer:
    """Say in how many environments elements are always zero, beside what the paper says.

    Args:
        reports: Analyses, one an environment.

    Returns:
        The answer to Q1.
    """
    found = {
        report.environment: 100 * report.global_sparsity.state.fraction
        for report in reports
        if report.global_sparsity.state.always_zero_count
    }
    some = f"{len(found)} of {len(reports)} environments have"
    if len(reports) == 1:
        some = f"{reports[0].environment} has"
    if found:
        least, most = min(found.values()), max(found.values())
        share = f"{most:.2f} %" if f"{least:.2f}" == f"{most:.2f}" else f"{least:.2f} to {most:.2f} %"
        short = f"{some} elements of ∂s'/∂s that are zero in every row, {share} of the block"
    else:
        short = f"No element of ∂s'/∂s is zero in every row of {_named(reports)}"
    compared = [report for report in reports if report.environment in paper_table1()]
    short += f"; the paper says {_papers_range()}." if compared else "."
    return Answer(short, (*_against_paper(compared), *_about_actions(reports), _BOUND))


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
        depends = f"Which elements are zero does not depend on the state in {_named(reports)}"
    patterns = _span(counts, lambda count: f"{count:,}")
    plural = "pattern" if set(counts) == {1} else "patterns"
    short = f"{depends}; in the mean a row has {means} zeros, in {patterns} {plural}."
    return Answer(short, (*_beyond_global(reports, episodes), _values(reports)))


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
        lasts = f"; an element that is not zero all along stays zero for {_span(means, lambda m: f'{m:,.1f}')} steps"
    short = f"The pattern switches in {rates} of the control steps{lasts}."
    return Answer(short, tuple(_about_short(timed, episodes)))


def answer_q4(results: Sequence[LearningResults]) -> Answer:
    """Say whether trained models recover the sparsity.

    Args:
        results: What was computed, one a test set.

    Returns:
        The answer to Q4; the short one is of the last test set, the most honest.
    """
    if not results:
        return Answer("Nothing was trained.")
    told = []
    for found in results:
        training = about_training(found)
        told += [f"Tested on {about_split(found.split)}: {' '.join(filter(None, [training, about_answer(found)]))}"]
    return Answer(_recovered(results[-1]), tuple(told))


def _recovered(results: LearningResults) -> str:
    """Say how much of the true sparsity the best loss has, and whether the models are worth asking."""
    relative = {loss: results.sparsity.relative.score(loss).estimate for loss in results.losses}
    known = {loss: found.value for loss, found in relative.items() if found.value is not None}
    if not known:
        return "There is no number yet: no run has a result."
    best = max(known, key=lambda loss: known[loss])
    side = relative[best].side_of(1.0)
    verdicts = {
        1: "and that is more than it",
        0: "which can not be told from it",
        -1: "and that is less than it",
        None: f"{NOT_ENOUGH} to hold that against it",
    }
    doubt = "; these models are hardly trained, see there" if about_training(results) else ""
    return (
        f"Trained models have at most {with_interval(relative[best])} times the true sparsity "
        f"({look_of(best).label}, {about_split(results.split)}), {verdicts[side]}{doubt}."
    )


_BOUND = (
    "These counts bound from above how many elements are zero at every state: a row more can only lower them, so there "
    "is no interval."
)


def _environments(count: int) -> str:
    return number(count, "environment")


def _named(reports: Sequence[SparsityReport]) -> str:
    return reports[0].environment if len(reports) == 1 else _environments(len(reports))


def _papers_range() -> str:
    least, most = paper_claim("global-least"), paper_claim("global-most")
    count, all_ = paper_claim("global-environments"), len(paper_table1())
    return f"{count:.0f} of {all_}, {least:.2f} to {most:.2f} %"


def _against_paper(compared: Sequence[SparsityReport]) -> list[str]:
    """Say where both counts are the paper's and where they are not."""
    if not compared:
        return []
    different = []
    for report in compared:
        printed = paper_table1()[report.environment]
        blocks = report.global_sparsity
        counts = (blocks.state.always_zero_count, blocks.action.always_zero_count)
        if counts != (printed.always_zero_state, printed.always_zero_action):
            theirs = f"{printed.always_zero_state} and {printed.always_zero_action}"
            different.append(f"{report.environment} ({counts[0]} and {counts[1]}, the paper {theirs})")
    same = len(compared) - len(different)
    said = f"Both counts are the paper's in {same} of {len(compared)} of its environments"
    if not different:
        return [f"{said}."]
    return [f"{said}; not in {joined(different)}, of ∂s'/∂s and ∂s'/∂a: the reason stands below Table 1."]


def _about_actions(reports: Sequence[SparsityReport]) -> list[str]:
    found = [
        f"{report.environment} ({count:,})"
        for report in reports
        if (count := report.global_sparsity.action.always_zero_count)
    ]
    if not found:
        return ["No element of ∂s'/∂a is zero in every row."]
    return [f"Elements of ∂s'/∂a that are zero in every row: {joined(found)}."]


def _interval(found: EpisodeMean, write: Callable[[float], str]) -> str:
    if found.low is None or found.high is None:
        return ""
    return f", [{write(found.low)}, {write(found.high)}]"


def _share(value: float) -> str:
    """Write an end of an interval of a share, which can be no less than none and no more than all."""
    return percent(min(max(value, 0.0), 1.0))


def _mean_of(report: SparsityReport, record: EpisodeRecord | None) -> str:
    interval = "" if record is None else _interval(mean_over_episodes(record.sparsity), _share)
    return f"{percent(report.local.combined.sparsity_mean)} ({report.environment}{interval})"


def _switch_rate(report: SparsityReport) -> float:
    rate = None if report.temporal is None else report.temporal.pattern_switch_rate
    return -1.0 if rate is None else rate


def _rate_of(report: SparsityReport, record: EpisodeRecord | None) -> str:
    interval = "" if record is None else _interval(mean_over_episodes(record.switch_rate), _share)
    return f"{percent(_switch_rate(report))} ({report.environment}{interval})"


def _span(values: Sequence[float], write: Callable[[float], str]) -> str:
    return " to ".join(dict.fromkeys((write(min(values)), write(max(values)))))


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
    said = f"The three most frequent shares of zeros make up {_span(shares, percent)} of the rows"
    if not any(report.environment in paper_table1() for report in reports):
        return f"{said}."
    return f"{said} (the paper: “{claimed}”)."


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
        shown = "" if found.value is None else f" ({percent(found.value)}{_interval(found, _share)})"
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
