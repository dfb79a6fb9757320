"""Horizon answer: whether sparsity survives a planning horizon in any environment, and what a roll-out changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dynsparse.analysis.horizon_record import HorizonRecord
from dynsparse.report.answer import about_family
from dynsparse.report.cause_switches import joined
from dynsparse.report.episode_statistics import FEWEST_EPISODES
from dynsparse.report.horizon_numbers import at_least_half, kept, left_of_local, plan_steps
from dynsparse.report.horizon_rollouts import SAME_IN_WORDS, lost_and_gained, size
from dynsparse.report.horizon_sample import about_starts
from dynsparse.report.horizon_sentences import JACOBIANS, LEAST_IN_WORDS, NOT_ENOUGH, left_in_words
from dynsparse.report.quantities import number

__all__ = ["about_all"]


def about_all(records: Sequence[HorizonRecord]) -> tuple[str, ...]:
    """Say in which environments local sparsity survives a planning horizon, and in which a roll-out differs.

    Args:
        records: One an environment.

    Returns:
        Whole sentences; the first is the answer.
    """
    steps = plan_steps(records)
    survivals = (_survival(records, 0, steps), _survival(records, 1, steps))
    judged = [kept(record, block, steps) for record in records for block in (0, 1) if record.elements(block)]
    counted = about_family(sum(found is not None and found.side_of(0.0) is not None for found in judged))
    return (*filter(None, survivals), *_all_roll_outs(records), *counted, about_starts(records))


def _survival(records: Sequence[HorizonRecord], block: int, steps: int) -> str:
    sides: dict[int | str | None, list[str]] = {}
    for record in records:
        if record.elements(block):
            found = kept(record, block, steps)
            name = f"{record.environment}{_left(record, block, steps)}"
            sides.setdefault("none" if found is None else found.side_of(0.0), []).append(name)
    if not sides:
        return ""
    words: Mapping[int | str | None, str] = {
        1: f"it survives {number(steps, 'control step')}, at least half of it is left, in {{}}",
        -1: f"it does not survive {number(steps, 'control step')}, less than half of it is left, in {{}}",
        0: f"what is left after {number(steps, 'control step')} can not be told from half of it in {{}}",
        None: f"there is {NOT_ENOUGH} (fewer than {FEWEST_EPISODES} episodes, or too wide an interval) in {{}}",
        "none": f"there is none to lose (below {LEAST_IN_WORDS} of the elements after one step) in {{}}",
    }
    parts = [words[side].format(joined(sides[side])) for side in words if side in sides]
    return f"Local sparsity of {JACOBIANS[block]}: {'; '.join(parts)}."


def _left(record: HorizonRecord, block: int, steps: int) -> str:
    """Say how much is left, and of how many episodes where their mean says little of them; empty of nothing to lose."""
    left, half = left_of_local(record, block, steps), at_least_half(record, block, steps)
    if left is None:
        return ""
    many = "" if half is None else f", at least half in {half[0]:,} of {number(half[1], 'episode')}"
    return f" ({left_in_words(left)}{many})"


def _all_roll_outs(records: Sequence[HorizonRecord]) -> tuple[str, ...]:
    measured = [record for record in records if record.rollout is not None]
    if not measured:
        return ()
    differ = [r for r in measured if r.rollout is not None and r.rollout.differing.any()]
    same = [r.environment for r in measured if r not in differ]
    said = []
    if same:
        said.append(
            f"In {joined(same)} the derivative of the roll-out with its warm start carried is the product of one-step "
            f"Jacobians, within {SAME_IN_WORDS}."
        )
    if differ:
        listed = [f"{r.environment} ({_worst(r)})" for r in differ]
        said.append(
            f"{'It is' if same else 'The derivative of the roll-out with its warm start carried is'} another than the "
            f"product in {joined(listed)}: largest difference over the largest element. {_moved(differ)}."
        )
    return tuple(said)


def _moved(records: Sequence[HorizonRecord]) -> str:
    """Say whether the zeros differ, where the numbers do."""
    moved = sum(sum(lost_and_gained(record)) for record in records)
    pairs = sum(int(r.rollout.starts.sum()) * r.horizon * (r.elements(0) + r.elements(1)) for r in records if r.rollout)
    if not moved:
        return "Not one zero differs"
    return f"Over all starts and lengths, {moved:,} of {pairs:,} elements there are zero in one and not in the other"


def _worst(record: HorizonRecord) -> str:
    return "-" if record.rollout is None else size(float(record.rollout.relative.max()))
