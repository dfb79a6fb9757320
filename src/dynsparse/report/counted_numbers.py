"""Counted numbers: what Q2 and Q3 are answered with in one environment, at the chosen threshold and above round-off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from dynsparse.analysis import AboveRoundOff, Durations, EpisodeRecord, SparsityReport
from dynsparse.analysis.durations import SHORT
from dynsparse.analysis.zeros import ABOVE_ROUND_OFF
from dynsparse.report.episode_statistics import SHARE, STEPS_LONG, Bounds, EpisodeMean, ratio_over_episodes

__all__ = ["Counted", "CountedNumbers", "count_all", "count_numbers"]

_NOTHING = EpisodeMean(None, None, None, 0)


@dataclass(frozen=True)
class CountedNumbers:
    """Numbers at one threshold; means are over all rows, pairs of rows or stretches, with intervals over episodes.

    Attributes:
        atol: An element is zero when ``abs(x) < atol``.
        patterns: Different patterns in all finite rows.
        first_patterns: Those that no other row than an episode's first has; None where that is not known.
        always: Share of elements that are zero in every row; None where that is not known.
        state: Share of zeros in ∂s'/∂s.
        action: Share of zeros in ∂s'/∂a.
        sparsity: Share of zeros in both.
        switch_rate: Share of steps in which the pattern switches.
        pattern_duration: Control steps for which the pattern stays the same.
        zero_duration: Control steps for which an element stays zero, whole episodes left out.
        nonzero_duration: Control steps for which one stays non-zero.
        nonzero_shorter: The same without whole episodes.
        short_share: Share of the stretches of zeros shorter than ``SHORT`` steps.
        uncensored_short_share: The same of those seen from end to end.
        stretches: How many stretches of zeros there are.
        censored: Those that touch an end of their episode or a row that is not finite; None where not known.
    """

    atol: float
    patterns: int
    first_patterns: int | None
    always: float | None
    state: EpisodeMean
    action: EpisodeMean
    sparsity: EpisodeMean
    switch_rate: EpisodeMean
    pattern_duration: EpisodeMean
    zero_duration: EpisodeMean
    nonzero_duration: EpisodeMean
    nonzero_shorter: EpisodeMean
    short_share: EpisodeMean
    uncensored_short_share: EpisodeMean
    stretches: int
    censored: int | None


@dataclass(frozen=True)
class Counted:
    """The numbers of one environment.

    Attributes:
        report: Its analysis.
        chosen: Its numbers at the threshold of the analysis, which all figures are drawn at.
        above: Its numbers above round-off; None where the analysis itself is, or nobody counted them.
    """

    report: SparsityReport
    chosen: CountedNumbers
    above: CountedNumbers | None

    @property
    def environment(self) -> str:
        """Name of the environment."""
        return self.report.environment

    @property
    def lead(self) -> CountedNumbers:
        """The numbers that an answer leads with: above round-off, where there are any."""
        return self.above or self.chosen

    @property
    def lacks_above(self) -> bool:
        """Whether the analysis is at a threshold that feels round-off, and nobody counted above it."""
        return self.above is None and self.chosen.atol < ABOVE_ROUND_OFF

    @property
    def other_patterns(self) -> bool:
        """Whether the two thresholds find another number of patterns."""
        return self.above is not None and self.above.patterns != self.chosen.patterns

    @property
    def other_switches(self) -> bool:
        """Whether the intervals of both switch rates are apart."""
        if self.above is None:
            return False
        one, other = self.chosen.switch_rate, self.above.switch_rate
        if one.low is None or one.high is None or other.low is None or other.high is None:
            return False
        return one.low > other.high or one.high < other.low


def count_all(
    reports: tuple[SparsityReport, ...],
    episodes: Mapping[str, EpisodeRecord],
    above: Mapping[str, AboveRoundOff],
) -> tuple[Counted, ...]:
    """Gather the numbers of every environment, in the order of the analyses."""
    names = [report.environment for report in reports]
    return tuple(
        count_numbers(report, episodes.get(name), above.get(name)) for name, report in zip(names, reports, strict=True)
    )


def count_numbers(
    report: SparsityReport, record: EpisodeRecord | None = None, above: AboveRoundOff | None = None
) -> Counted:
    """Gather the numbers of one environment.

    Args:
        report: Its analysis.
        record: What each episode is like: without, there are no intervals.
        above: The same above round-off.

    Returns:
        Its numbers.
    """
    blocks = report.global_sparsity
    elements = blocks.state.elements + blocks.action.elements
    always = (blocks.state.always_zero_count + blocks.action.always_zero_count) / elements
    patterns = report.local.distinct_patterns
    chosen = _of_report(report, always) if record is None else _of_record(record, report, patterns, always)
    if above is None or above.distinct_patterns is None:
        return Counted(report, chosen, None)
    swept = {point.atol: point for point in blocks.threshold_sweep}.get(ABOVE_ROUND_OFF)
    share = None if swept is None else (swept.always_zero_state + swept.always_zero_action) / elements
    return Counted(report, chosen, _of_record(above, None, above.distinct_patterns, share))


def _of_record(
    record: EpisodeRecord, report: SparsityReport | None, patterns: int, always: float | None
) -> CountedNumbers:
    """Gather numbers with intervals; what an earlier version did not count is the report's, without."""
    old = None if report is None else _of_report(report, always)

    def ratio(part: ArrayLike | None, whole: ArrayLike | None, bounds: Bounds, name: str) -> EpisodeMean:
        if part is None or whole is None:
            found: EpisodeMean = getattr(old, name) if old is not None else _NOTHING
            return found
        return ratio_over_episodes(part, whole, bounds)

    states, actions = record.state_elements, record.action_elements
    zeros = record.zeros_state + record.zeros_action
    shorts, censored = record.short_censored_stretches, record.censored_stretches
    return CountedNumbers(
        atol=record.atol,
        patterns=patterns,
        first_patterns=None if record.later_patterns is None else patterns - record.later_patterns,
        always=always,
        state=ratio_over_episodes(record.zeros_state, record.finite * states, SHARE),
        action=ratio_over_episodes(record.zeros_action, record.finite * actions, SHARE),
        sparsity=ratio_over_episodes(zeros, record.finite * (states + actions), SHARE),
        switch_rate=ratio_over_episodes(record.switches, record.pairs, SHARE),
        # Each finite row begins a stretch of its pattern unless it continues that of the row before.
        pattern_duration=ratio_over_episodes(record.finite, record.finite - record.pairs + record.switches, STEPS_LONG),
        zero_duration=ratio_over_episodes(record.stretch_steps, record.stretches, STEPS_LONG),
        nonzero_duration=ratio(record.nonzero_stretch_steps, record.nonzero_stretches, STEPS_LONG, "nonzero_duration"),
        nonzero_shorter=ratio(
            record.shorter_nonzero_stretch_steps, record.shorter_nonzero_stretches, STEPS_LONG, "nonzero_shorter"
        ),
        short_share=ratio_over_episodes(record.short_stretches, record.stretches, SHARE),
        uncensored_short_share=ratio(
            None if shorts is None else record.short_stretches - shorts,
            None if censored is None else record.stretches - censored,
            SHARE,
            "uncensored_short_share",
        ),
        stretches=int(record.stretches.sum()),
        censored=old.censored if censored is None and old is not None else _total(censored),
    )


def _of_report(report: SparsityReport, always: float | None) -> CountedNumbers:
    """Gather numbers that are known without episodes: none has an interval."""
    local, temporal = report.local, report.temporal
    shorts = uncensored = None
    if temporal is not None:
        shorts, uncensored = _short(temporal.zero, "counts"), _short(temporal.zero, "uncensored_counts")
    return CountedNumbers(
        atol=report.atol,
        patterns=local.distinct_patterns,
        first_patterns=None,
        always=always,
        state=_alone(local.state.sparsity_mean),
        action=_alone(local.action.sparsity_mean),
        sparsity=_alone(local.combined.sparsity_mean),
        switch_rate=_alone(None if temporal is None else temporal.pattern_switch_rate),
        pattern_duration=_alone(None if temporal is None else temporal.pattern_duration_mean),
        zero_duration=_alone(None if temporal is None else temporal.zero.mean),
        nonzero_duration=_alone(None if temporal is None else temporal.nonzero.mean),
        nonzero_shorter=_alone(None if temporal is None else temporal.nonzero.mean_shorter),
        short_share=_alone(shorts),
        uncensored_short_share=_alone(uncensored),
        stretches=0 if temporal is None else int(temporal.zero.counts.sum()),
        censored=None if temporal is None else temporal.zero.censored,
    )


def _short(durations: Durations, name: str) -> float | None:
    counts: np.ndarray = getattr(durations, name)
    return float(counts[:SHORT].sum() / counts.sum()) if counts.any() else None


def _alone(value: float | None) -> EpisodeMean:
    return EpisodeMean(value, None, None, 0)


def _total(counts: np.ndarray | None) -> int | None:
    return None if counts is None else int(counts.sum())
