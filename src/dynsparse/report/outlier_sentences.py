"""Outlier sentences: which loss predicts far worse, or far better, than ``state`` in which environment."""

from __future__ import annotations

from collections.abc import Sequence

from dynsparse.report.answer import NOT_ENOUGH
from dynsparse.report.difference_words import plain_number
from dynsparse.report.learning_outliers import FACTOR, Outlier
from dynsparse.report.learning_results import LearningResults
from dynsparse.report.loss_looks import BASELINE, look_of
from dynsparse.report.quantities import number

__all__ = ["about_outliers"]


def about_outliers(results: LearningResults, among: Sequence[Outlier] | None = None) -> list[str]:
    """Name each environment in which a loss predicts far worse, or far better, than ``state``.

    Args:
        results: What was computed.
        among: Which outliers to name; None for all.

    Returns:
        A sentence an environment, the farthest first; one where there is no outlier, none without ``state``.
    """
    if BASELINE not in results.losses or len(results.losses) == 1:
        return []
    if not results.outliers:
        return [
            f"In no environment does the one-step error of a loss differ from that of {BASELINE} by more than a factor "
            f"of {FACTOR:g}."
        ]
    told: dict[str, list[str]] = {}
    for one in results.outliers if among is None else among:
        told.setdefault(one.environment, []).append(_about_outlier(one))
    return [f"In {environment}, {'; '.join(parts)}." for environment, parts in told.items()]


def _about_outlier(one: Outlier) -> str:
    label = look_of(one.loss).label
    lost = f"{number(one.diverged, 'run')} of {label} {'is' if one.diverged == 1 else 'are'} beyond all numbers"
    if one.ratio.value is None:
        return lost
    told = f"{label} has {_times(one)} times the one-step error of {BASELINE}"
    if one.diverged:
        return f"{lost}; without {'it' if one.diverged == 1 else 'them'} {told}"
    if one.ratio.side_of(1.0) == 0:
        return f"{told}, which can not be told from 1"
    few = f"{told} ({NOT_ENOUGH}: {number(one.ratio.episodes, 'pair')} of seeds)"
    return few if one.ratio.low is None else told


def _times(one: Outlier) -> str:
    value, low, high = one.ratio.value, one.ratio.low, one.ratio.high
    ends = "" if low is None or high is None else f" [{plain_number(low)}, {plain_number(high)}]"
    return "" if value is None else f"{plain_number(value)}{ends}"
