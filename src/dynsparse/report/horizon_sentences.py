"""Horizon sentences: what becomes of one environment's sparsity over control steps and over longer ones, computed."""

from __future__ import annotations

from collections.abc import Sequence

from dynsparse.analysis.horizon_record import HorizonRecord
from dynsparse.report.answer import share_of
from dynsparse.report.cause_switches import joined
from dynsparse.report.episode_statistics import SHARE, EpisodeMean, mean_over_episodes
from dynsparse.report.horizon_numbers import (
    LEAST_LOCAL,
    HalfGone,
    cancelled_share,
    change,
    half_gone,
    left_of_local,
    length_change,
    plan_steps,
    sparsity_at,
)
from dynsparse.report.quantities import number, percent, with_interval
from dynsparse.report.said_once import by_what_is_said

__all__ = [
    "JACOBIANS",
    "LEAST_IN_WORDS",
    "NOT_ENOUGH",
    "about_horizon",
    "about_horizons",
    "about_lengths",
    "half_in_words",
    "is_or_are",
    "left_in_words",
]

JACOBIANS = ("∂s'/∂s", "∂s'/∂a")
NOT_ENOUGH = "not enough data"
LEAST_IN_WORDS = f"{100 * LEAST_LOCAL:g} %"

_ROUND_OFF = 1e-12
"""Of means of shares, which are ratios of whole numbers."""

_HORIZON = 10
"""Control steps that sentences speak of: fewer than any planner looks ahead."""

_VERDICTS = {1: "larger", -1: "smaller", 0: "can not be told from it"}


def about_horizons(records: Sequence[HorizonRecord], block: int) -> tuple[str, ...]:
    """Say what becomes of one block's sparsity over control steps, and once of all environments without any.

    Args:
        records: One an environment.
        block: 0 for ∂s'/∂s, 1 for ∂s'/∂a.

    Returns:
        Whole sentences.
    """
    none = [record for record in records if record.elements(block) and not record.product.sparsity[block].any()]
    said = [about_horizon(record, block) for record in records if record not in none]
    found = [(record.environment, f"up to {record.horizon}") for record in none]
    if none:
        said.append(
            f"{JACOBIANS[block]} has no zero at any start, after one control step and {_by_environment(found)}."
        )
    return (*filter(None, said), *_about_no_structure(records, block))


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
        f"The share of zeros in {whose} is {share_of(later)} after {number(k, 'control step')} and "
        f"{share_of(one)} after one: {_verdict(change(record, block, k))}."
    ]
    if k == 1:
        said = [f"The share of zeros in {whose} is {share_of(one)} after one control step."]
    gone, left = half_gone(record, block), left_of_local(record, block, last)
    always = _always(record, block)
    if not product.sparsity[block, :, 0].any():
        return " ".join([*said, "No element is zero at any start after one step: there is nothing local to lose."])
    if gone is None or left is None:
        others = "no other element is zero at any start, so"
        if record.local(block)[:, 0].mean() > _ROUND_OFF:
            others = f"all other zeros together are below {LEAST_IN_WORDS} of the elements:"
        return " ".join([*said, f"{always}; {others} there is nothing local to lose."])
    said.append(
        f"{always}; of the other zeros, the local ones, as far as they are structure, half are gone after "
        f"{half_in_words(gone, last)} and {left_in_words(left)} are left after {last}"
        f"{', more than at first' if (left.value or 0.0) > 1.0 else ''}."
    )
    return " ".join(said)


def about_lengths(record: HorizonRecord, block: int = 0) -> str:
    """Say what becomes of sparsity where the control step is shorter or longer."""
    found = record.step_length
    if found is None or not found.sparsity[block].any():
        return ""
    own = int(found.substeps)
    shares = {int(c): mean_over_episodes(found.sparsity[block, :, i], SHARE) for i, c in enumerate(found.counts)}
    first, last = int(found.counts[0]), int(found.counts[-1])
    ms = 1e3 * found.timestep
    said = (
        f"With a control step of {own * ms:g} ms, {record.environment}'s own, the share of zeros in {JACOBIANS[block]} "
        f"is {share_of(shares[own])}"
    )
    others = [
        f"{count * ms:g} ms {share_of(shares[count])} ({_verdict(length_change(record, block, count))})"
        for count in (first, last)
        if count != own
    ]
    return f"{said}; with {', with '.join(others)}." if others else f"{said}."


def left_in_words(left: EpisodeMean) -> str:
    """Write the share that is left of what was there at first, which may be more: ``"103.2 % [98.0, 108.5]"``."""
    return with_interval(left, _percent, lambda end: _percent(end).removesuffix(" %"), reason=left.low is None)


def _percent(share: float) -> str:
    return percent(share) if share <= 1.0 else f"{100.0 * share:,.1f} %"


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


def _about_no_structure(records: Sequence[HorizonRecord], block: int) -> list[str]:
    """Say how many zeros of the products are no structure, and how many are dust, once of all environments."""
    cancelled: list[tuple[str, str]] = []
    dusty: list[tuple[str, str]] = []
    plan = plan_steps(records)
    for record in records:
        told = sorted({min(_HORIZON, record.horizon), plan})
        shares = [(k, cancelled_share(record, block, k)) for k in told]
        counts = [(k, int(record.product.dust[block, k - 1])) for k in told]
        if any(share for _, share in shares):
            said = [f"{percent(share or 0.0)} after {number(k, 'step')}" for k, share in shares]
            cancelled.append((record.environment, joined(said)))
        if any(dust for _, dust in counts):
            dusty.append((record.environment, joined([f"{dust:,} after {number(k, 'step')}" for k, dust in counts])))
    sentences = []
    if cancelled:
        sentences.append(
            "Zeros that are no structure, as a chain of one-step elements leads there whose terms cancel or fall below "
            f"the threshold: {_by_environment(cancelled)}. What is said to be left of local sparsity is without these."
        )
    if dusty:
        sentences.append(
            "Zeros that round-off multiplied by large slopes lifts above the threshold, and that count as zero because "
            f"no chain of one-step elements leads there: {_by_environment(dusty)}."
        )
    return sentences


def _by_environment(said: Sequence[tuple[str, str]]) -> str:
    return "; ".join(f"{words} in {joined(names)}" for words, names in by_what_is_said(said))


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
