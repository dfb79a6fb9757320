"""Horizon numbers: means over episodes of what a horizon record holds, each with its interval."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dynsparse.analysis.horizon_record import HorizonRecord
from dynsparse.report.episode_statistics import SHARE, Bounds, EpisodeMean, mean_over_episodes, paired_difference
from dynsparse.report.horizon_ratio import ratio_of_means

__all__ = [
    "HALF",
    "LEAST_LOCAL",
    "HalfGone",
    "at_least_half",
    "cancelled_share",
    "change",
    "half_gone",
    "kept",
    "left_of_local",
    "length_change",
    "local_structure",
    "plan_steps",
    "roll_out_at",
    "shown_steps",
    "sparsity_at",
]

HALF = 0.5
"""Share of the local sparsity of one step that has to be left for it to have survived."""

LEAST_LOCAL = 0.0005
"""Local sparsity of one step below which there is none to speak of: 1 in 2,000 elements."""

_PLAN = 25
"""Control steps of a planning horizon."""

_FAR_BELOW = 0.1
"""Of the mean over episodes: one that has less is no draw from a bell around that mean."""

_CHANGE: Bounds = (-1.0, 1.0)
"""Of a share."""
_ABOVE_HALF: Bounds = (-HALF, 1.0)
"""Of a share less half of another."""

_SHOWN = (1, 5, 10, 25, 50)


@dataclass(frozen=True)
class HalfGone:
    """After how many control steps half of the local sparsity is gone.

    Attributes:
        steps: The first number of steps with at most half of it; None where the horizon ends before.
        low: The first number at which an interval allows that; None where none does, or there are too few episodes.
        high: The first number at which an interval leaves no doubt.
        has_interval: Whether there are episodes enough.
    """

    steps: int | None
    low: int | None
    high: int | None
    has_interval: bool


def shown_steps(horizon: int) -> tuple[int, ...]:
    """Return the numbers of control steps that a table shows, none beyond the horizon."""
    return tuple(k for k in _SHOWN if k <= horizon)


def sparsity_at(record: HorizonRecord, block: int, k: int) -> EpisodeMean:
    """Return the mean sparsity of the product over k control steps."""
    return mean_over_episodes(record.product.sparsity[block, :, k - 1], SHARE)


def change(record: HorizonRecord, block: int, k: int) -> EpisodeMean:
    """Return how the sparsity over k control steps differs from that of one, episode by episode."""
    curves = record.product.sparsity[block]
    return paired_difference(curves[:, k - 1], curves[:, 0]).within(_CHANGE)


def plan_steps(records: Iterable[HorizonRecord]) -> int:
    """Return the number of control steps that survival is judged at: no more than any of the records has."""
    return min([_PLAN, *(record.horizon for record in records)])


def local_structure(record: HorizonRecord, block: int) -> NDArray[np.float64]:
    """Return each episode's local sparsity as far as it is structure: what no chain of one-step elements reaches.

    An element that a chain reaches is no zero of the roll-out for having become small, or for terms that cancel: so
    survival is judged by these alone.  After one step they are all of the local sparsity.

    Returns:
        (e, K) shares of all elements, less those that no chain reaches at any start.
    """
    always = record.product.always_structure[block] / max(record.elements(block), 1)
    return np.asarray(record.product.structure[block] - always)


def kept(record: HorizonRecord, block: int, k: int) -> EpisodeMean | None:
    """Return by how much the local sparsity over k control steps is above half of that of one.

    Args:
        record: The record.
        block: 0 for the state's, 1 for the action's.
        k: Control steps.

    Returns:
        The mean difference; None where one step has no local sparsity.
    """
    local = local_structure(record, block)
    return mean_over_episodes(local[:, k - 1] - HALF * local[:, 0], _ABOVE_HALF) if _has_local(local) else None


def left_of_local(record: HorizonRecord, block: int, k: int) -> EpisodeMean | None:
    """Return the share of the local sparsity of one step that is there over k steps; None where there is none.

    Returns:
        A ratio of means over episodes; its interval holds the shares that ``kept`` can not tell it from, were it asked
        of them in place of a half.
    """
    local = local_structure(record, block)
    return ratio_of_means(local[:, k - 1], local[:, 0]) if _has_local(local) else None


def at_least_half(record: HorizonRecord, block: int, k: int) -> tuple[int, int] | None:
    """Count the episodes of which at least half of the local sparsity is left after k steps, and those that had any.

    Returns:
        None where one step has none, and where a mean tells enough: no episode is far below it, or all are on one side
        of a half.
    """
    local = local_structure(record, block)
    had = local[:, 0] > 0.0
    if not _has_local(local):
        return None
    left = local[had, k - 1] / local[had, 0]
    count = int((left >= HALF).sum())
    return (count, len(left)) if left.min() < _FAR_BELOW * left.mean() and 0 < count < len(left) else None


def half_gone(record: HorizonRecord, block: int) -> HalfGone | None:
    """Return when half of the local sparsity is gone; None where one step has none.

    The interval holds the numbers of steps at which the mean over episodes can not be told from one half.
    """
    local = local_structure(record, block)
    if not _has_local(local):
        return None
    means = [mean_over_episodes(local[:, k] - HALF * local[:, 0]) for k in range(record.horizon)]
    value = _first([mean.value is not None and mean.value <= 0 for mean in means])
    low = _first([mean.low is not None and mean.low <= 0 for mean in means])
    high = _first([mean.high is not None and mean.high <= 0 for mean in means])
    return HalfGone(value, low, high, means[0].low is not None)


def cancelled_share(record: HorizonRecord, block: int, k: int) -> float | None:
    """Return the share of the product's zeros over k steps that a chain of one-step elements reaches all the same.

    None where there is no zero.
    """
    shares = record.product.sparsity[block, :, k - 1]
    zeros = round(float(shares @ record.product.starts) * record.elements(block))
    return int(record.product.cancelled[block, k - 1]) / zeros if zeros else None


def roll_out_at(record: HorizonRecord, block: int, k: int) -> float | None:
    """Return the sparsity of roll-outs over k control steps as far as it is known.

    Roll-outs begin at few of the starts: the mean over all of them, moved by the difference at those few.
    """
    if record.rollout is None:
        return None
    moved = record.rollout.sparsity[block, :, k - 1] - record.rollout.product[block, :, k - 1]
    weights = record.rollout.starts / record.rollout.starts.sum()
    return float(record.product.sparsity[block, :, k - 1].mean() + (moved * weights).sum())


def length_change(record: HorizonRecord, block: int, count: int) -> EpisodeMean | None:
    """Return how the sparsity of a control step of so many substeps differs from that of the environment's own."""
    lengths = record.step_length
    if lengths is None:
        return None
    places = {int(c): place for place, c in enumerate(lengths.counts)}
    curves = lengths.sparsity[block]
    return paired_difference(curves[:, places[count]], curves[:, places[lengths.substeps]]).within(_CHANGE)


def _has_local(local: NDArray[np.float64]) -> bool:
    return bool(local[:, 0].mean() >= LEAST_LOCAL)


def _first(found: list[bool]) -> int | None:
    return found.index(True) + 1 if True in found else None
