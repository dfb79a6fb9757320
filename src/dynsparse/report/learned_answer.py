"""Learned answer: whether trained models recover the sparsity (Q4)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_CEILING, Decimal

from dynsparse.report.answer import NOT_ENOUGH, Answer
from dynsparse.report.answer_sentences import (
    about_comparisons,
    about_mean,
    about_sparsity_side,
    about_training,
)
from dynsparse.report.learned_claims import about_claims, about_target
from dynsparse.report.learning_results import LearningResults
from dynsparse.report.loss_looks import look_of
from dynsparse.report.outlier_sentences import about_looks, about_outliers
from dynsparse.report.panel_grid import about_split
from dynsparse.report.phrases import labels_of, listed
from dynsparse.report.score_metrics import figures

__all__ = ["answer_q4", "more_on_q4"]

_SIDES = {
    1: "Every loss is above the true sparsity",
    0: "No loss can be told from the true sparsity",
    -1: "Every loss is below the true sparsity",
    None: f"{NOT_ENOUGH[0].upper()}{NOT_ENOUGH[1:]} to tell whether any loss reaches the true sparsity",
}


def answer_q4(results: Sequence[LearningResults]) -> Answer:
    """Say whether trained models recover the sparsity, of all losses together: none is chosen by its result.

    Args:
        results: What was computed, one a test set.

    Returns:
        The answer to Q4, of the last test set, the most honest; what the paper says is held against the first, its own.
    """
    if not results:
        return Answer("Nothing was trained.")
    last = results[-1]
    if last.is_empty:
        return Answer("There is no number yet: no run has a result.")
    told = (
        about_training(last),
        " ".join(about_outliers(last, last.outliers[1:])),
        about_mean(last),
        about_target(results[0]),
    )
    short = " ".join(filter(None, (_recovered(last), _farthest(last))))
    return Answer(short, tuple(sentence for sentence in told if sentence))


def more_on_q4(results: Sequence[LearningResults]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Say what else there is to say, to be folded away.

    Args:
        results: What was computed, one a test set.

    Returns:
        Title and sentences of each part: the last test set, then the others, then what the paper says.
    """
    parts = []
    for found in reversed(results):
        told = about_comparisons(found)
        if found is not results[-1]:
            outliers = (*about_outliers(found), about_looks(found))
            told = [about_training(found), *outliers, *about_sparsity_side(found), *told]
        if not found.is_empty:
            parts.append((f"Losses compared, tested on {about_split(found.split)}", tuple(filter(None, told))))
    claims = about_claims(results[0]) if results and not results[0].is_empty else ()
    return (*parts, ("What the paper says of the losses", claims)) if claims else tuple(parts)


def _recovered(results: LearningResults) -> str:
    """Say on which side of the true sparsity all losses are, each with its number."""
    relative = results.sparsity.relative
    estimates = {loss: relative.score(loss).estimate for loss in results.losses}
    known = [loss for loss, found in estimates.items() if found.value is not None]
    if not known:
        return "There is no number yet: no run has a sparsity."
    sides = {estimates[loss].side_of(1.0) for loss in known}
    numbers = f"{listed(known, relative)} times the simulator's, tested on {about_split(results.split)}"
    if len(sides) > 1:
        # Several verdicts: each is one of several, and nothing corrects for that.
        each = " ".join(about_sparsity_side(results))
        return (
            f"Losses differ in sparsity: {numbers}. {each} These are {len(known):,} verdicts, not adjusted for that."
            f"{_without(results, known)}"
        )
    said = _SIDES[sides.pop()]
    if len(known) == 1:
        said = said.replace("Every loss is", f"{look_of(known[0]).label} is")
    elif len(known) < len(results.losses):
        said = said.replace(" loss ", " loss with a number ", 1)
    return f"{said}: {numbers}{_highest(results, known)}.{_without(results, known)}"


def _without(results: LearningResults, known: Sequence[str]) -> str:
    """Name the losses that have no sparsity, so that nothing is said of them."""
    lost = [loss for loss in results.losses if loss not in known]
    return f" There is no number of {labels_of(lost)}." if lost else ""


def _highest(results: LearningResults, losses: Sequence[str]) -> str:
    """Say how high the sparsity is where it is highest, so that no environment is hidden by a mean."""
    if len(results.environments) == 1:
        return ""
    relative = results.sparsity.relative
    found = [relative.score(loss, name).estimate for loss in losses for name in results.environments]
    known = [(one.value, one.runs) for one in found if one.value is not None]
    mean = " in the mean over seeds" if max(runs for _, runs in known) > 1 else ""
    return f"; in no environment above {figures(_rounded_up(max(value for value, _ in known)))}{mean}"


def _rounded_up(value: float) -> float:
    """Round up to three figures: what nothing is above must not be rounded to below what there is."""
    if float(f"{value:.3g}") >= value:
        return value
    exact = Decimal(value)
    return float(exact.quantize(Decimal(1).scaleb(exact.adjusted() - 2), ROUND_CEILING))


def _farthest(results: LearningResults) -> str:
    """Say where a loss predicts farthest from ``state``, before any mean of errors."""
    return " ".join(filter(None, (*about_outliers(results, results.outliers[:1]), about_looks(results))))
