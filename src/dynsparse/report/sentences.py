"""Sentences: what each figure shows, in plain words and with the numbers of the analysis."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from dynsparse.analysis import BlockSparsity, SparsityReport
from dynsparse.analysis.durations import SHORT
from dynsparse.report.counted_numbers import Counted, CountedNumbers
from dynsparse.report.quantities import number, percent, share_with_interval, steps_long, steps_with_interval

__all__ = [
    "NO_SWEEP",
    "NO_TIME",
    "TANGENT",
    "about_durations",
    "about_heatmap",
    "about_histograms",
    "about_rows",
    "about_thresholds",
    "about_timeline",
]

NO_TIME = (
    "There is no figure: the states were drawn one by one to cover their range and do not follow each other, "
    "so nothing can be said about time."
)
NO_SWEEP = "There is no figure: the analysis was made at one threshold only."

TANGENT = "rotations are rotation vectors in the body's own frame, rad"
"""What the rows of a Jacobian are where the state holds quaternions."""

_share = partial(share_with_interval, reason=False)
_steps = partial(steps_with_interval, reason=False)

# A share that moves by less counts as the same, in the sentence on the threshold.
_SAME_SHARE = 0.01


def about_rows(report: SparsityReport) -> str:
    """Say what was measured.

    Args:
        report: The analysis.

    Returns:
        Rows, policy, derivative, coordinates and threshold.
    """
    left_out = f", {report.nonfinite_rows:,} of them not finite and left out" if report.nonfinite_rows else ""
    return (
        f"{number(report.rows, 'row')} of {number(report.episodes, 'episode')}{left_out}; "
        f"{report.policy} policy, {report.derivative} derivative; "
        f"{_coordinates(report)}, {number(len(report.action_names), 'action')}; "
        f"an element is zero when |x| < {report.atol:g}."
    )


def about_heatmap(report: SparsityReport) -> str:
    """Say how many elements are zero in every row, in some rows and in none.

    Args:
        report: The analysis.

    Returns:
        The sentence.
    """
    state, action = report.global_sparsity.state, report.global_sparsity.action
    always = state.always_zero_count + action.always_zero_count
    never = sum(int(np.count_nonzero(block.zero_frequency == 0.0)) for block in (state, action))
    others = state.elements + action.elements - always
    rest = f"Of the other {others:,}, {others - never:,} are zero in some rows and {never:,} in none."
    return (
        f"{_always_zero(state)} of ∂s'/∂s and {_always_zero(action)} of ∂s'/∂a are zero in all "
        f"{report.rows - report.nonfinite_rows:,} finite rows. {rest}"
    )


def about_histograms(counted: Counted) -> str:
    """Say how sparse a row is on average, and how many values and patterns there are.

    Args:
        counted: The numbers, with the analysis.

    Returns:
        The sentences.
    """
    local, chosen = counted.report.local, counted.chosen
    counts = np.sort(local.combined.histogram_counts[local.combined.histogram_counts > 0])[::-1]
    top = float(counts[:3].sum() / counts.sum())
    if len(counts) == 1:
        values = "Every row has the same number of zeros."
    elif len(counts) <= 3:
        values = f"That share takes {len(counts)} values."
    else:
        values = f"That share takes {len(counts):,} values; the three most frequent make up {percent(top)} of the rows."
    return (
        f"On average {_share(chosen.sparsity)} of the elements are zero in a row "
        f"({_share(chosen.state)} of ∂s'/∂s, {_share(chosen.action)} of ∂s'/∂a); "
        f"the standard deviation is {100 * local.combined.sparsity_std:.1f} percentage points. "
        f"{values} {_patterns(local.distinct_patterns, local.pattern_shares)}"
    )


def about_timeline(counted: Counted, steps: int | None = None) -> str:
    """Say between which values the sparsity of the first episode moves, and how often.

    Args:
        counted: The numbers, with the analysis.
        steps: How many control steps from the episode's start; None for the whole episode.

    Returns:
        The sentences; why there is no figure, where there is none.
    """
    report = counted.report
    if report.temporal is None:
        return NO_TIME
    values = report.temporal.timeline_combined[:steps]
    finite = ~np.isnan(values)
    which = f"the {number(len(values), 'control step')} of the first episode"
    if steps is not None and len(values) == steps:
        which = f"the first {number(steps, 'control step')} of the first episode"
    if not finite.any():
        return f"None of {which} is finite."
    low, high = float(values[finite].min()), float(values[finite].max())
    pairs = finite[1:] & finite[:-1]
    changes = int(np.count_nonzero(values[1:][pairs] != values[:-1][pairs]))
    said = f"Over {which} {percent(low)} of the elements are zero throughout."
    if low != high:
        said = (
            f"Over {which} between {percent(low)} and {percent(high)} of the elements are zero; "
            f"the share changes from one step to the next in {changes:,} of {number(int(pairs.sum()), 'case')}."
        )
    if not finite.all():
        said += f" {number(int((~finite).sum()), 'step is', 'steps are')} not finite and left blank."
    return f"{said} {_switches(counted.chosen)}" if steps is None else said


def about_durations(counted: Counted) -> str:
    """Say for how long an element stays zero or non-zero, and what is left out of that.

    Args:
        counted: The numbers, with the analysis.

    Returns:
        The sentences; why there is no figure, where there is none.
    """
    temporal, chosen = counted.report.temporal, counted.chosen
    if temporal is None:
        return NO_TIME
    zero, nonzero = temporal.zero, temporal.nonzero
    parts = [_stays_zero(chosen), _stays_nonzero(chosen, whole=nonzero.whole_episode)]
    if chosen.short_share.value is not None:
        parts.append(f"{_share(chosen.short_share)} of the zero stretches are shorter than {SHORT} steps.")
    if zero.left_out:
        left = number(zero.left_out, "zero stretch lasts", "zero stretches last")
        parts.append(
            f"{left} a whole episode and {'is' if zero.left_out == 1 else 'are'} left out, as in the paper; "
            f"with {'it' if zero.left_out == 1 else 'them'} the mean of all would be {steps_long(zero.mean_all)}."
        )
    censored = zero.censored + nonzero.censored
    if censored:
        parts.append(
            f"{number(censored, 'stretch touches', 'stretches touch')} an end of the episode or a row that is not "
            f"finite and may be longer; those seen from end to end last {steps_long(zero.mean_uncensored)} (zero) "
            f"and {steps_long(nonzero.mean_uncensored)} (non-zero)."
        )
    return " ".join(parts)


def about_thresholds(report: SparsityReport) -> str:
    """Say how far the threshold can be moved before the share of zeros moves.

    Args:
        report: The analysis.

    Returns:
        The sentences; why there is no figure, where there is none.
    """
    points = sorted(report.global_sparsity.threshold_sweep, key=lambda point: point.atol)
    if not points:
        return NO_SWEEP
    # The mean over rows of zeros / elements is the share of zeros among all elements.
    chosen = report.local.combined.sparsity_mean
    below = [point for point in reversed(points) if point.atol <= report.atol]
    above = [point for point in points if point.atol >= report.atol]
    low, high = (_reach(side, chosen, report.atol) for side in (below, above))
    first = f"At the chosen threshold of {report.atol:g}, {percent(chosen)} of all elements are zero."
    last = f"at {points[-1].atol:g} it is {percent(points[-1].zero_fraction)}"
    if low == high:
        return f"{first} At the next thresholds it differs by a percentage point or more; {last}."
    return f"{first} From {low:g} to {high:g} the share stays within one percentage point of that; {last}."


def _coordinates(report: SparsityReport) -> str:
    """Say what the rows of the Jacobian are."""
    if report.coordinates == "state":
        return f"{len(report.state_names)} state variables"
    return f"{len(report.state_names)} tangent coordinates ({TANGENT})"


def _reach(points: list[Any], share: float, atol: float) -> float:
    """Return how far from the chosen threshold the share stays the same."""
    reached = atol
    for point in points:
        if abs(point.zero_fraction - share) >= _SAME_SHARE:
            break
        reached = point.atol
    return reached


def _always_zero(block: BlockSparsity) -> str:
    count = block.always_zero_count
    share = f" ({percent(block.fraction)})" if count else ""
    return f"{count:,} of the {number(block.elements, 'element')}{share}"


def _patterns(distinct: int, shares: tuple[float, ...]) -> str:
    if distinct == 1:
        return "All rows have the same pattern."
    ten = f", the ten most frequent ones {percent(min(sum(shares), 1.0))}" if distinct > 10 else ""
    return f"There are {distinct:,} distinct patterns; the most frequent one makes up {percent(shares[0])}{ten}."


def _switches(found: CountedNumbers) -> str:
    if found.switch_rate.value is None:
        return "No two rows follow each other."
    return (
        f"In all episodes the pattern switches in {_share(found.switch_rate)} of the steps "
        f"and stays the same for {_steps(found.pattern_duration)} control steps on average."
    )


def _stays_zero(found: CountedNumbers) -> str:
    if found.zero_duration.value is None:
        return "No element stays zero for a while and then changes."
    return f"An element that is zero stays so for {_steps(found.zero_duration)} control steps on average."


def _stays_nonzero(found: CountedNumbers, *, whole: int) -> str:
    if found.nonzero_duration.value is None:
        return "No element is non-zero."
    said = f"An element that is non-zero stays so for {_steps(found.nonzero_duration)} control steps on average"
    # Those of a whole episode are part of the paper's mean, and where there are many they are most of it.
    if whole and found.nonzero_shorter.value is not None:
        said += f", {_steps(found.nonzero_shorter)} control steps without those of a whole episode"
    return f"{said}."
