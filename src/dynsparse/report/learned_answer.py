"""Learned answer: whether trained models recover the sparsity (Q4)."""

from __future__ import annotations

from collections.abc import Sequence

from dynsparse.report.answer import NOT_ENOUGH, Answer
from dynsparse.report.answer_sentences import about_answer, about_training
from dynsparse.report.learning_results import LearningResults
from dynsparse.report.loss_looks import look_of
from dynsparse.report.panel_grid import about_split
from dynsparse.report.phrases import with_interval

__all__ = ["answer_q4"]


def answer_q4(results: Sequence[LearningResults]) -> Answer:
    """Say whether trained models recover the sparsity.

    Args:
        results: What was computed, one a test set.

    Returns:
        The answer to Q4; the short one is of the last test set, the most honest.
    """
    if not results:
        return Answer("Nothing was trained.")
    told = []
    for found in results:
        training = about_training(found)
        told += [f"Tested on {about_split(found.split)}: {' '.join(filter(None, [training, about_answer(found)]))}"]
    return Answer(_recovered(results[-1]), tuple(told))


def _recovered(results: LearningResults) -> str:
    """Say how much of the true sparsity the best loss has, and whether the models are worth asking."""
    relative = {loss: results.sparsity.relative.score(loss).estimate for loss in results.losses}
    known = {loss: found.value for loss, found in relative.items() if found.value is not None}
    if not known:
        return "There is no number yet: no run has a result."
    best = max(known, key=lambda loss: known[loss])
    side = relative[best].side_of(1.0)
    verdicts = {
        1: "and that is more than it",
        0: "which can not be told from it",
        -1: "and that is less than it",
        None: f"{NOT_ENOUGH} to hold that against it",
    }
    doubt = "; these models are hardly trained, see there" if about_training(results) else ""
    return (
        f"Trained models have at most {with_interval(relative[best])} times the true sparsity "
        f"({look_of(best).label}, {about_split(results.split)}), {verdicts[side]}{doubt}."
    )
