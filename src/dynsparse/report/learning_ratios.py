"""Learning ratios: what an error over that of ``state`` is over all environments, and which runs it says nothing of."""

from __future__ import annotations

from collections.abc import Sequence

from dynsparse.report.cause_switches import joined
from dynsparse.report.learning_results import LearningResults
from dynsparse.report.loss_looks import BASELINE, look_of
from dynsparse.report.prediction_error import ERROR
from dynsparse.report.quantities import number

__all__ = ["about_ratio", "about_ratios", "beyond_numbers", "left_out_of_means"]


def about_ratio(results: LearningResults) -> str:
    """Say what a ratio of one-step errors is, to whoever divides the means beside it and gets another number.

    Args:
        results: What was computed.

    Returns:
        A sentence; empty where there is no ratio.
    """
    pairs = [results.difference(ERROR, loss, BASELINE) for loss in results.losses]
    runs = [pair.estimate.runs for pair in pairs if pair is not None and pair.estimate.value is not None]
    if not runs:
        return ""
    # Of fewer than four nothing is cut off.
    kind = "geometric interquartile mean" if max(runs) >= 4 else "geometric mean"
    where, apart = "", ""
    if len(results.environments) > 1:
        where, apart = " over all environments", ": these lie apart where one environment goes wrong"
    return f"A ratio of errors{where} is the {kind} of the ratios of paired runs, not the ratio of the means{apart}."


def about_ratios(results: LearningResults) -> str:
    """Say what a ratio of one-step errors over all environments is, and what it leaves out.

    Args:
        results: What was computed.

    Returns:
        A sentence or two; empty where there is no ratio.
    """
    hidden = [f"{look_of(one.loss).label} in {one.environment}" for one in results.outliers if one.is_hidden_in_ratio]
    left = f"It leaves out every pair of {joined(hidden)}." if hidden else ""
    return " ".join(filter(None, (about_ratio(results), left)))


def left_out_of_means(results: LearningResults) -> list[str]:
    """List the outliers of whose errors the means over all environments hold none.

    Args:
        results: What was computed.

    Returns:
        For example ``"+ MSE(J) in FingerSpin"``.
    """
    return [f"{look_of(one.loss).label} in {one.environment}" for one in results.outliers if one.is_hidden]


def beyond_numbers(results: LearningResults, metric: str, losses: Sequence[str]) -> str:
    """Say of which losses, ``state`` among them, runs are beyond all numbers, and how many.

    Args:
        results: What was computed.
        metric: Dotted name of an error.
        losses: Names of losses that are paired with ``state``; one of each pair diverged.

    Returns:
        For example ``"1 run of + MSE(J) is beyond all numbers"``.
    """
    counts = {loss: results.scores[metric].score(loss).diverged for loss in dict.fromkeys((*losses, BASELINE))}
    parts = [f"{number(count, 'run')} of {look_of(loss).label}" for loss, count in counts.items() if count]
    return f"{joined(parts)} {'is' if sum(counts.values()) == 1 else 'are'} beyond all numbers"
