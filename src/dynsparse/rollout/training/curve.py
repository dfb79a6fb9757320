"""Curve: how the return of a policy grew while it was trained."""

from __future__ import annotations

import csv
import dataclasses
import io
from dataclasses import dataclass

import numpy as np
from scipy import stats

__all__ = ["COLUMNS", "Point", "curve_csv", "mean_interval"]


@dataclass(frozen=True)
class Point:
    """A point of the curve.

    Attributes:
        steps: Control steps that the policy has learned from, over all episodes.
        seconds: Time of the training until there, evaluations included, starting and compiling left out, s.
        mean_return: Of the evaluation's episodes, each run from start to end with the stochastic policy.
        return_low: Lower end of the 95 % interval of that mean (Student's t over episodes).
        return_high: Upper end.
        episodes: How many episodes these are.
        training_return: Mean return of the episodes that ended since the point before, run by policies on the way;
            NaN where none did.
        steps_per_s: Control steps a second since the point before, the evaluation left out.
    """

    steps: int
    seconds: float
    mean_return: float
    return_low: float
    return_high: float
    episodes: int
    training_return: float
    steps_per_s: float


COLUMNS = tuple(field.name for field in dataclasses.fields(Point))


def mean_interval(returns: np.ndarray) -> tuple[float, float, float]:
    """Return the mean of some episodes' returns and its 95 % interval by Student's t.

    Args:
        returns: (n,); with one episode there is no interval.

    Returns:
        Mean, lower and upper end; NaN for the ends of one episode.
    """
    mean = float(np.mean(returns))
    if len(returns) < 2:
        return mean, float("nan"), float("nan")
    half = float(stats.t.ppf(0.975, len(returns) - 1) * np.std(returns, ddof=1) / np.sqrt(len(returns)))
    return mean, mean - half, mean + half


def curve_csv(points: list[Point]) -> bytes:
    """Return a curve as CSV, one line a point under a line of names."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for point in points:
        writer.writerow([_text(value) for value in dataclasses.astuple(point)])
    return text.getvalue().encode()


def _text(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.3f}"
