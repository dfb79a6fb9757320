"""Horizon roll-outs: how their derivatives differ from products of one-step Jacobians, in sentences."""

from __future__ import annotations

from collections.abc import Sequence

from dynsparse.analysis.horizon_count import SAME
from dynsparse.analysis.horizon_record import HorizonRecord
from dynsparse.report.cause_switches import joined
from dynsparse.report.horizon_sentences import JACOBIANS, is_or_are
from dynsparse.report.quantities import number, percent
from dynsparse.report.zero_axis import tick_name

__all__ = ["SAME_IN_WORDS", "about_roll_out", "about_roll_outs", "lost_and_gained", "size"]

SAME_IN_WORDS = tick_name(SAME)


def about_roll_outs(records: Sequence[HorizonRecord]) -> tuple[str, ...]:
    """Say how derivatives of roll-outs differ from products, and once of all that do not.

    Args:
        records: One an environment, each with roll-outs.

    Returns:
        Whole sentences.
    """
    same = [record for record in records if record.rollout is not None and not record.rollout.relative.any()]
    said = [about_roll_out(record) for record in records if record not in same]
    if same:
        names = joined([record.environment for record in same])
        warm = sum(record.rollout.warm_rows for record in same if record.rollout is not None)
        rows = sum(record.rollout.rows for record in same if record.rollout is not None)
        said.append(
            f"{names}: carrying the warm start changes nothing, not by a bit; {warm:,} of {number(rows, 'row')} have a "
            "slope by the warm start."
        )
    return tuple(said)


def about_roll_out(record: HorizonRecord) -> str:
    """Say how the derivative of one environment's roll-outs differs from the product, block by block as it is drawn."""
    found = record.rollout
    if found is None:
        return f"{record.environment}: no roll-out was differentiated, because {record.why_not}."
    starts = int(found.starts.sum())
    begun = f"{record.environment}: in {number(starts, 'roll-out')} of {number(record.horizon, 'control step')}"
    blocks = [
        f"{percent(float(found.differing[block].sum()) / (starts * record.horizon))} of {JACOBIANS[block]}, at most by "
        f"{size(float(found.relative[block].max()))} of it"
        for block in (0, 1)
        if record.elements(block)
    ]
    return (
        f"{begun} carrying the warm start changes by more than {SAME_IN_WORDS} of the largest element "
        f"{joined(blocks)}; {_moved_zeros(record)}; {found.warm_rows:,} of {number(found.rows, 'row')} have a slope by "
        "the warm start."
    )


def lost_and_gained(record: HorizonRecord) -> tuple[int, int]:
    """Return how many zeros the product alone has, and the roll-out alone."""
    found = record.rollout
    return (0, 0) if found is None else (int(found.lost.sum()), int(found.gained.sum()))


def _moved_zeros(record: HorizonRecord) -> str:
    lost, gained = lost_and_gained(record)
    if not lost and not gained:
        return "no element of either is below the threshold in one and not in the other"
    return (
        f"of the elements of both, over all starts and lengths, {lost:,} {is_or_are(lost)} below the threshold in the "
        f"product alone and {gained:,} in the roll-out alone"
    )


def size(value: float) -> str:
    """Write a relative difference."""
    return f"{value:.2g}"
