"""Answer sentences: in a few words what all figures and tables say, and whether the models are worth asking."""

from __future__ import annotations

from dynsparse.report.judgement_sentences import ONE_GRAPH, against_frequency
from dynsparse.report.learning_results import LearningResults
from dynsparse.report.learning_sentences import NOTHING
from dynsparse.report.loss_looks import BASELINE, IDENTITY, look_of
from dynsparse.report.phrases import by_side, labels_of
from dynsparse.report.prediction_error import ERROR
from dynsparse.report.score_metrics import figures

__all__ = ["about_answer", "about_training"]

_WITHIN = "normalized.auroc_within"
_CHANGING = "normalized.auprc_changing"


def about_answer(results: LearningResults) -> str:
    """Answer in a few sentences what the other ones answer with all numbers.

    Args:
        results: What was computed.

    Returns:
        The sentences.
    """
    if results.is_empty:
        return NOTHING
    relative = {loss: results.sparsity.relative.score(loss).estimate for loss in results.losses}
    parts = [
        *by_side(
            {loss: found.side_of(1.0) for loss, found in relative.items() if found.value is not None},
            "the true sparsity",
        ),
        *against_frequency(
            results, "normalized.auprc", "the AUPRC of the training frequencies, which know nothing of the state"
        ),
        *_about_changing(results),
        *_about_errors(results),
    ]
    return " ".join(parts)


def about_training(results: LearningResults) -> str:
    """Say where no loss predicts better than ``identity`` does: what such models recover is no answer.

    Args:
        results: What was computed.

    Returns:
        A sentence or two; empty where some loss does everywhere, and without that referee.
    """
    behind = []
    for environment in results.environments:
        pairs = [results.difference(ERROR, loss, IDENTITY, environment) for loss in results.losses]
        known = [pair for pair in pairs if pair is not None and (pair.diverged or pair.estimate.value is not None)]
        # Of a loss that diverged in some runs only the better ones have a ratio.
        ratios = [pair.estimate.value for pair in known if not pair.diverged and pair.estimate.value is not None]
        if known and min(ratios, default=1.0) >= 1.0:
            best = f"at best {figures(min(ratios))} times its error" if ratios else "runs are beyond all numbers"
            behind.append(f"{environment} ({best})")
    if not behind:
        return ""
    return (
        f"One step ahead no loss beats {look_of(IDENTITY).label}, the prediction that nothing changes, in "
        f"{', '.join(behind)}{_overall(results)}. These models are hardly trained, and no evidence on what trained "
        "ones recover; more epochs or more rows come first."
    )


def _overall(results: LearningResults) -> str:
    """Say whether ``identity`` is ahead in the mean over several environments too."""
    errors = results.scores[ERROR]
    values = [errors.score(loss).estimate.value for loss in results.losses]
    best, other = min((value for value in values if value is not None), default=None), errors.score(IDENTITY)
    reference = other.estimate.value
    if len(results.environments) == 1 or best is None or reference is None or best < reference:
        return ""
    return f"; nor in the mean over all environments, {figures(best)} at best against {figures(reference)}"


def _about_changing(results: LearningResults) -> list[str]:
    """Say which losses know more of the elements that change than a graph of one pattern can."""
    if results.scores[_CHANGING].is_empty():
        return ["No element changes between zero and non-zero in these rows: whether that is known has no answer."]
    parts = against_frequency(results, _CHANGING, "the AUPRC of the training frequencies over changing elements")
    if _WITHIN in results.scores:
        within = {loss: results.scores[_WITHIN].score(loss).estimate for loss in results.losses}
        parts += by_side(
            {loss: found.side_of(ONE_GRAPH) for loss, found in within.items() if found.value is not None},
            f"{ONE_GRAPH}, the AUROC within elements of any graph that is one for all states",
        )
    return parts


def _about_errors(results: LearningResults) -> list[str]:
    pairs = {loss: results.difference(ERROR, loss, BASELINE) for loss in results.losses}
    known = {loss: pair for loss, pair in pairs.items() if pair is not None and pair.estimate.value is not None}
    sides = {loss: pair.side for loss, pair in known.items() if not pair.diverged}
    parts = by_side(sides, f"the prediction error of {BASELINE}", predictor=BASELINE)
    lost = [loss for loss in known if loss not in sides]
    if lost:
        parts.append(
            f"There is no verdict on the prediction error of {labels_of(lost)}: beside {BASELINE}, runs are beyond all "
            "numbers."
        )
    return parts
