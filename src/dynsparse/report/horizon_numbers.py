"""Horizon numbers: means over episodes of what a horizon record holds, each with its interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dynsparse.analysis.horizon_record import HorizonRecord
from dynsparse.report.episode_statistics import SHARE, Bounds, EpisodeMean, mean_over_episodes, paired_difference

__all__ = [
    "HALF",
    "LEAST_LOCAL",
    "HalfGone",
    "cancelled_share",
    "change",
    "half_gone",
    "kept",
    "left_of_local",
    "length_change",
    "roll_out_at",
    "shown_steps",
    "sparsity_at",
]

HALF = 0.5
"""Share of the local sparsity of one step that has to be left for it to have survived."""

LEAST_LOCAL = 0.0005
"""Local sparsity of one step below which there is none to speak of: a share that is written as below 0.1 %."""

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


def kept(record: HorizonRecord, block: int, k: int) -> EpisodeMean | None:
    """Return by how much the local sparsity over k control steps is above half of that of one.

    Args:
        record: The record.
        block: 0 for the state's, 1 for the action's.
        k: Control steps.

    Returns:
        The mean difference; None where one step has no local sparsity.
    """
    local = record.local(block)
    return mean_over_episodes(local[:, k - 1] - HALF * local[:, 0], _ABOVE_HALF) if _has_local(local) else None


def left_of_local(record: HorizonRecord, block: int, k: int) -> float | None:
    """Return the share of the local sparsity of one step that is there over k steps; None where there is none."""
    local = record.local(block)
    return float(local[:, k - 1].mean() / local[:, 0].mean()) if _has_local(local) else None


def half_gone(record: HorizonRecord, block: int) -> HalfGone | None:
    """Return when half of the local sparsity is gone; None where one step has none.

    The interval holds the numbers of steps at which the mean over episodes can not be told from one half.
    """
    local = record.local(block)
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
