"""Horizon sentences: what becomes of one environment's sparsity over control steps and over longer ones, computed."""

from __future__ import annotations

from dynsparse.analysis.horizon_count import SAME
from dynsparse.analysis.horizon_record import HorizonRecord
from dynsparse.report.episode_statistics import EpisodeMean, mean_over_episodes
from dynsparse.report.horizon_numbers import (
    LEAST_LOCAL,
    HalfGone,
    cancelled_share,
    change,
    half_gone,
    left_of_local,
    length_change,
    sparsity_at,
)
from dynsparse.report.quantities import number, percent
from dynsparse.report.zero_axis import tick_name

__all__ = [
    "JACOBIANS",
    "NOT_ENOUGH",
    "SAME_IN_WORDS",
    "about_horizon",
    "about_lengths",
    "about_roll_out",
    "half_in_words",
    "is_or_are",
    "lost_and_gained",
    "size",
    "with_interval",
]

JACOBIANS = ("∂s'/∂s", "∂s'/∂a")
NOT_ENOUGH = "not enough data"

_ROUND_OFF = 1e-12
"""Of means of shares, which are ratios of whole numbers."""

_HORIZON = 10
"""Control steps that sentences speak of: fewer than any planner looks ahead."""

SAME_IN_WORDS = tick_name(SAME)
_VERDICTS = {1: "more", -1: "fewer", 0: "not told apart"}


def about_horizon(record: HorizonRecord, block: int) -> str:
    """Say what becomes of one block's sparsity over control steps.

    Args:
        record: The record.
        block: 0 for ∂s'/∂s, 1 for ∂s'/∂a.

    Returns:
        Whole sentences; empty for a block without elements.
    """
    whose, product = f"{record.environment}'s {JACOBIANS[block]}", record.product
    k, last = min(_HORIZON, record.horizon), record.horizon
    if not record.elements(block):
        return ""
    if not product.sparsity[block].any():
        return f"{whose} has no zero at any start, after one control step and up to {last}."
    one, later = sparsity_at(record, block, 1), sparsity_at(record, block, k)
    said = [
        f"After {number(k, 'control step')} {whose} has {with_interval(later)} zeros against {with_interval(one)} "
        f"after one: {_verdict(change(record, block, k))}."
    ]
    if k == 1:
        said = [f"{whose} has {with_interval(one)} zeros after one control step."]
    gone, left = half_gone(record, block), left_of_local(record, block, last)
    always = _always(record, block)
    if not product.sparsity[block, :, 0].any():
        return " ".join([*said, "No element is zero at any start after one step: there is nothing local to lose."])
    if gone is None or left is None:
        others = "no other element is zero at any start, so"
        if record.local(block)[:, 0].mean() > _ROUND_OFF:
            others = f"all other zeros together are below {percent(LEAST_LOCAL)} of the elements:"
        return " ".join([*said, f"{always}; {others} there is nothing local to lose."])
    said.append(
        f"{always}; of the other zeros, the local ones, half are gone after {half_in_words(gone, last)} and "
        f"{percent(min(max(left, 0.0), 1.0))} are left after {last}."
    )
    return " ".join([*said, *_cancelled(record, block, k)])


def about_roll_out(record: HorizonRecord) -> str:
    """Say how the derivative of the roll-out differs from the product of one-step Jacobians."""
    found = record.rollout
    if found is None:
        return f"{record.environment}: no roll-out was differentiated, because {record.why_not}."
    starts, differing = int(found.starts.sum()), found.differing
    begun = f"{record.environment}: in {number(starts, 'roll-out')} of {number(record.horizon, 'control step')}"
    warm = f"{found.warm_rows:,} of {number(found.rows, 'row')} have a slope by the warm start"
    if not found.relative.max():
        return f"{begun} carrying the warm start changes nothing, not by a bit; {warm}."
    share = percent(float(differing.max(axis=0).sum()) / (starts * record.horizon))
    return (
        f"{begun} carrying the warm start changes {share} of the Jacobians by more than {SAME_IN_WORDS} of their "
        f"largest element, at most by {size(float(found.relative.max()))} of it; {_moved_zeros(record)}; {warm}."
    )


def about_lengths(record: HorizonRecord, block: int = 0) -> str:
    """Say what becomes of sparsity where the control step is shorter or longer."""
    found = record.step_length
    if found is None or not found.sparsity[block].any():
        return ""
    own = int(found.substeps)
    shares = {int(c): mean_over_episodes(found.sparsity[block, :, i]) for i, c in enumerate(found.counts)}
    first, last = int(found.counts[0]), int(found.counts[-1])
    ms = 1e3 * found.timestep
    said = (
        f"A control step of {own * ms:g} ms, {record.environment}'s own, leaves {with_interval(shares[own])} zeros in "
    )
    said += JACOBIANS[block]
    others = [
        f"{count * ms:g} ms {with_interval(shares[count])} ({_verdict(length_change(record, block, count))})"
        for count in (first, last)
        if count != own
    ]
    return f"{said}; one of {', one of '.join(others)}." if others else f"{said}."


def with_interval(mean: EpisodeMean) -> str:
    """Write a share with its interval: ``"3.1 % [2.8, 3.4]"``."""
    if mean.value is None:
        return "-"
    written = percent(min(max(mean.value, 0.0), 1.0))
    if mean.low is None or mean.high is None:
        return written
    # An interval of a share may reach beyond what a share can be.
    low, high = (min(max(end, 0.0), 1.0) for end in (mean.low, mean.high))
    return f"{written} [{100 * low:.1f}, {100 * high:.1f}]"


def half_in_words(gone: HalfGone, horizon: int) -> str:
    """Write a number of steps with its interval: ``"7 steps [6, 9]"``, ``"more than 50 steps"``."""
    said = f"more than {number(horizon, 'step')}" if gone.steps is None else number(gone.steps, "step")
    if not gone.has_interval:
        return f"{said} ({NOT_ENOUGH} for an interval)"
    if gone.low is None:
        return said
    return f"{said} [{gone.low}, {f'>{horizon}' if gone.high is None else gone.high}]"


def _always(record: HorizonRecord, block: int) -> str:
    first, last = (int(record.product.always_zero[block, k]) for k in (0, -1))
    if not first:
        return "No element is zero at every start after one step" + (f", but {last:,} after more" if last else "")
    of = f"{first:,} of its {record.elements(block):,} elements {is_or_are(first)} zero at every start after one step"
    return of if record.horizon == 1 else f"{of}, {'as many' if last == first else f'{last:,}'} after {record.horizon}"


def _cancelled(record: HorizonRecord, block: int, k: int) -> list[str]:
    """Say how many zeros of the products are no structure, where there are any."""
    share, dust = cancelled_share(record, block, k), int(record.product.dust[block, k - 1])
    said = []
    if share:
        said.append(
            f"{percent(share)} of the zeros after {number(k, 'step')} are no structure: a chain of one-step elements "
            "leads there, and its terms cancel or fall below the threshold."
        )
    if dust:
        said.append(
            f"{number(dust, 'element')} after {number(k, 'step')} {is_or_are(dust)} above the threshold by one-step "
            "elements below it alone."
        )
    return said


def lost_and_gained(record: HorizonRecord) -> tuple[int, int]:
    """Return how many zeros the product alone has, and the roll-out alone."""
    found = record.rollout
    return (0, 0) if found is None else (int(found.lost.sum()), int(found.gained.sum()))


def _moved_zeros(record: HorizonRecord) -> str:
    lost, gained = lost_and_gained(record)
    if not lost and not gained:
        return "no zero is there in one and not in the other"
    return (
        f"{number(lost, 'zero')} of the product {is_or_are(lost)} none in the roll-out, {gained:,} the other way round"
    )


def _verdict(difference: EpisodeMean | None) -> str:
    if difference is None or difference.value is None:
        return NOT_ENOUGH
    side = difference.side_of(0.0)
    if side is None:
        return f"{NOT_ENOUGH}, {number(difference.episodes, 'episode')}"
    return "the same" if side == 0 and difference.low == difference.high else _VERDICTS[side]


def is_or_are(count: int) -> str:
    """Choose the form of the verb."""
    return "is" if count == 1 else "are"


def size(value: float) -> str:
    """Write a relative difference."""
    return f"{value:.2g}"
