"""Referees: predictions whose scores are known beforehand, to read a model's scores against."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from dynsparse.learning.predictions import Predictions
from dynsparse.learning.scored_rows import ScoredRows

__all__ = ["REFEREES"]


def _constant(rows: ScoredRows) -> Predictions:
    """Always the mean next state of the training rows; depends on nothing."""
    mean = rows.normalizer.output_mean
    return Predictions(
        "given",
        np.zeros(rows.jacobian.shape),
        np.broadcast_to(mean, rows.next_state.shape),
        np.broadcast_to(mean, rows.windows.next_state.shape),
    )


def _identity(rows: ScoredRows) -> Predictions:
    """Nothing changes: each state variable depends on itself alone."""
    windows = rows.windows
    return Predictions(
        "given",
        np.broadcast_to(np.eye(*rows.jacobian.shape[1:]), rows.jacobian.shape),
        rows.state,
        np.broadcast_to(windows.state[:, None], windows.next_state.shape),
    )


def _all_ones(rows: ScoredRows) -> Predictions:
    """Everything depends on everything, as in a model without sparsity."""
    return Predictions("dependency", np.ones(rows.jacobian.shape))


def _training_frequency(rows: ScoredRows) -> Predictions:
    """One graph for all states: how often an element is not zero in the training rows."""
    return Predictions("dependency", np.broadcast_to(1 - rows.training_zero_frequency, rows.jacobian.shape))


def _truth(rows: ScoredRows) -> Predictions:
    """The simulator itself: nothing can score better."""
    return Predictions("given", np.where(rows.zero, 0.0, rows.jacobian), rows.next_state, rows.windows.next_state)


REFEREES: Mapping[str, Callable[[ScoredRows], Predictions]] = {
    "constant": _constant,
    "identity": _identity,
    "all-ones": _all_ones,
    "training-frequency": _training_frequency,
    "truth": _truth,
}
"""Name to what it says about scored rows."""
