"""Outlier sentences: which loss predicts far worse, or far better, than ``state`` in which environment."""

from __future__ import annotations

from collections.abc import Sequence

from dynsparse.report.answer import NOT_ENOUGH
from dynsparse.report.difference_words import plain_number
from dynsparse.report.learning_outliers import FACTOR, Outlier
from dynsparse.report.learning_results import LearningResults
from dynsparse.report.loss_looks import BASELINE, look_of
from dynsparse.report.prediction_error import ERROR
from dynsparse.report.quantities import number

__all__ = ["about_looks", "about_outliers"]


def about_outliers(results: LearningResults, among: Sequence[Outlier] | None = None) -> list[str]:
    """Name each environment in which a loss predicts far worse, or far better, than ``state``.

    Args:
        results: What was computed.
        among: Which outliers to name; None for all.

    Returns:
        A sentence an environment, the farthest first; none where there is no outlier, or no ``state``.
    """
    told: dict[str, list[str]] = {}
    for one in results.outliers if among is None else among:
        told.setdefault(one.environment, []).append(_about_outlier(one))
    return [f"In {environment}, {'; '.join(parts)}." for environment, parts in told.items()]


def about_looks(results: LearningResults) -> str:
    """Say how many pairs of loss and environment were looked at for outliers, and of how many seeds say that they are.

    Args:
        results: What was computed.

    Returns:
        A sentence or two; empty where no loss can be held against ``state``.
    """
    errors = results.scores[ERROR]
    pairs = {
        (loss, name): pair
        for loss in results.losses
        for name in results.environments
        if (pair := results.difference(ERROR, loss, BASELINE, name)) is not None
    }
    looked = sum(pair.estimate.value is not None or errors.score(*key).diverged > 0 for key, pair in pairs.items())
    if not looked:
        return ""
    far = [one for one in results.outliers if not one.diverged]
    certain, lost = sum(bool(one.ratio.side_of(1.0)) for one in far), len(results.outliers) - len(far)
    many = f"{len(far):,} {'has' if len(far) == 1 else 'have'}" if far else "none has"
    told = (
        f"Of {number(looked, 'pair')} of loss and environment {many} a mean ratio to the one-step error of {BASELINE} "
        f"above {FACTOR:g} or below {1 / FACTOR:g}"
    )
    if far:
        told += f"; in {f'{certain:,}' if certain else 'none'} of these an interval excludes 1"
    if lost:
        told += f"; in {lost:,} more, runs are beyond all numbers"
    own = errors.score(BASELINE).diverged
    if own:
        told += f"; {number(own, 'run')} of {BASELINE} {'is' if own == 1 else 'are'} beyond all numbers"
    return f"{told}. Nothing is adjusted for so many looks." if looked > 1 else f"{told}."


def _about_outlier(one: Outlier) -> str:
    label = look_of(one.loss).label
    lost = f"{number(one.diverged, 'run')} of {label} {'is' if one.diverged == 1 else 'are'} beyond all numbers"
    if one.ratio.value is None:
        return lost
    told = f"{label} has {_times(one)} times the one-step error of {BASELINE}"
    if one.diverged:
        return f"{lost}; without {'it' if one.diverged == 1 else 'them'} {told}"
    side = one.ratio.side_of(1.0)
    if side is None:
        return f"{told} ({NOT_ENOUGH}: {number(one.ratio.episodes, 'pair')} of seeds)"
    return told if side else f"{told}, which can not be told from 1"


def _times(one: Outlier) -> str:
    value, ends = one.ratio.value, one.ratio.ends
    told = "" if ends is None else f" [{', '.join(map(plain_number, ends))}]"
    return "" if value is None else f"{plain_number(value)}{told}"
