"""Learned claims: what the paper says of its trained models, in its words, and what these runs say to it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from dynsparse.report.answer import NOT_ENOUGH
from dynsparse.report.learning_ratios import beyond_numbers
from dynsparse.report.learning_results import LearningResults
from dynsparse.report.loss_looks import BASELINE
from dynsparse.report.panel_grid import about_split
from dynsparse.report.paper_numbers import paper_claims
from dynsparse.report.phrases import labels_of, verb
from dynsparse.report.prediction_error import ERROR
from dynsparse.report.score_metrics import figures

__all__ = ["about_claims", "about_target"]

_SPARSITY = "normalized.sparsity"
_SQUARED, _ABSOLUTE, _SMALL, _ZERO = (
    *("state-jacobian", "state-jacobian-l1"),
    *("state-jacobian-l1-regularizer", "state-jacobian-l1-sparse-only"),
)
_TOLD_THE_TRUTH = (_SQUARED, _ABSOLUTE, _ZERO)
"""Losses that know the true Jacobian, or where it is zero."""

_FAR = 0.1
"""Share of the true sparsity up to which a distance is told in orders of magnitude."""

_MORE_ZEROS = {1: ("has more zeros", "have more zeros"), -1: ("has fewer zeros", "have fewer zeros")}
_WORSE = {1: ("predicts worse", "predict worse"), -1: ("predicts better", "predict better")}


def about_target(results: LearningResults) -> str:
    """Hold against these runs what the paper says of the distance from the true sparsity.

    Args:
        results: What was computed on the paper's test set, where there is one.

    Returns:
        A sentence; empty where no run has a sparsity.
    """
    values = {loss: results.sparsity.relative.score(loss).estimate.value for loss in results.losses}
    known = {loss: value for loss, value in values.items() if value is not None}
    if not known:
        return ""
    distance = _distance(known, results.sparsity.with_zeros, whole=len(known) == len(values))
    more = _sided(results, _SPARSITY, _TOLD_THE_TRUTH, _MORE_ZEROS)
    told = f"; {more}" if more else ""
    return f"{_quoted('below-target')} Here, tested on {about_split(results.split)}: {distance}{told}."


def about_claims(results: LearningResults) -> tuple[str, ...]:
    """Hold against these runs what the paper says of single losses.

    Args:
        results: What was computed on the paper's test set, where there is one.

    Returns:
        A sentence a claim, those left out whose losses were not trained beside ``state``.
    """
    claims: tuple[tuple[str, tuple[str, ...]], ...] = (
        ("error-losses", (_sided(results, ERROR, (_SQUARED, _ABSOLUTE), _WORSE),)),
        ("sparse-only", _both(results, _ZERO)),
        ("regularizer", _both(results, _SMALL)),
    )
    return tuple(f"{_quoted(name)} Here: {'; '.join(filter(None, told))}." for name, told in claims if any(told))


def _distance(known: Mapping[str, float], with_zeros: Mapping[str, int], *, whole: bool) -> str:
    """Say how far losses are from the true sparsity; which are, where not all are as far or some have no number."""
    zero = [loss for loss, value in known.items() if value <= 0.0]
    groups = (
        ([loss for loss, value in known.items() if 0.0 < value < 1.0], None),
        ([loss for loss in zero if with_zeros[loss]], "0 in the interquartile mean, though some runs have zeros"),
        ([loss for loss in zero if not with_zeros[loss]], "no zero at all"),
        ([loss for loss, value in known.items() if value >= 1.0], None),
    )
    told = [(own, said or _span([known[loss] for loss in own])) for own, said in groups if own]
    if len(told) == 1 and whole:
        return told[0][1]
    return ", ".join(f"{said} ({labels_of(own)})" for own, said in told)


def _span(values: Sequence[float]) -> str:
    """Write the least and the greatest distance from the true sparsity, all on the same side of it."""
    if max(values) > _FAR:
        ends = dict.fromkeys(figures(value) for value in (min(values), max(values)))
        return f"{' to '.join(ends)} times it, {'not ' if min(values) >= 1.0 else ''}below it"
    orders = dict.fromkeys(f"{-math.log10(value):.1f}" for value in (max(values), min(values)))
    return f"{' to '.join(orders)} orders of magnitude below it"


def _both(results: LearningResults, loss: str) -> tuple[str, ...]:
    """Say how a loss compares with ``state`` in zeros and in error."""
    return _sided(results, _SPARSITY, (loss,), _MORE_ZEROS), _sided(results, ERROR, (loss,), _WORSE)


def _sided(results: LearningResults, metric: str, losses: Sequence[str], words: dict[int, tuple[str, str]]) -> str:
    """Say on which side of ``state`` losses are in a metric; nothing where none was trained beside it."""
    found = {loss: results.difference(metric, loss, BASELINE) for loss in losses if loss in results.losses}
    pairs = {loss: pair for loss, pair in found.items() if pair is not None}
    what, those = ("zeros", "those") if words is _MORE_ZEROS else ("error", "that")
    # First of all: the pairs that are left, none perhaps, favour whoever diverged.
    lost = [loss for loss, pair in pairs.items() if pair.diverged]
    parts = (
        [f"no verdict on the {what} of {labels_of(lost)}, as {beyond_numbers(results, metric, lost)}"] if lost else []
    )
    for side in (1, -1, 0, None):
        own = [loss for loss, pair in pairs.items() if not pair.diverged and pair.side == side]
        if not own:
            continue
        if side in words:
            parts.append(f"{labels_of(own)} {verb(own, *words[side])} than {BASELINE}")
        elif side == 0:
            parts.append(f"{labels_of(own)} can not be told from {BASELINE} in {what}")
        else:
            parts.append(f"{NOT_ENOUGH} to compare the {what} of {labels_of(own)} with {those} of {BASELINE}")
    return ", ".join(parts)


def _quoted(name: str) -> str:
    claim = paper_claims()[name]
    return f'The paper (section {claim.section}): "{claim.quotation}."'
