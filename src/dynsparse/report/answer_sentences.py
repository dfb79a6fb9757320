"""Answer sentences: in a few words what all figures and tables say, and whether the models are worth asking."""

from __future__ import annotations

from collections.abc import Sequence

from dynsparse.report.cause_switches import joined
from dynsparse.report.judgement_sentences import ONE_GRAPH, against_frequency
from dynsparse.report.learning_ratios import about_ratios, beyond_numbers, left_out_of_means
from dynsparse.report.learning_results import LearningResults
from dynsparse.report.learning_sentences import NOTHING
from dynsparse.report.loss_looks import BASELINE, IDENTITY, look_of
from dynsparse.report.outlier_sentences import about_looks, about_outliers
from dynsparse.report.phrases import by_side, labels_of
from dynsparse.report.prediction_error import ERROR
from dynsparse.report.quantities import number
from dynsparse.report.score_metrics import figures
from dynsparse.report.seed_statistics import Estimate

__all__ = [
    "about_answer",
    "about_comparisons",
    "about_mean",
    "about_sparsity_side",
    "about_training",
]

_WITHIN = "normalized.auroc_within"
_CHANGING = "normalized.auprc_changing"


def about_answer(results: LearningResults) -> str:
    """Answer in a few sentences what the other ones answer with all numbers.

    Args:
        results: What was computed.

    Returns:
        The sentences: first what a mean over environments does not show, then what that mean is, then what it shows.
    """
    if results.is_empty:
        return NOTHING
    first = [*about_outliers(results), about_looks(results), about_mean(results)]
    return " ".join(filter(None, [*first, *about_sparsity_side(results), *about_comparisons(results)]))


def about_mean(results: LearningResults) -> str:
    """Say what a number over all environments is, and what it leaves out.

    Args:
        results: What was computed.

    Returns:
        A sentence or two.
    """
    errors, shares = results.scores[ERROR], results.sparsity.final
    estimates = [(shares if errors.is_empty() else errors).score(loss).estimate for loss in results.losses]
    counts = sorted({one.runs for one in estimates if one.runs})
    if not counts:
        return NOTHING
    cuts = sorted({count // 4 for count in counts})
    kind = "interquartile means" if cuts[-1] else "means"
    over = number(counts[-1], "run") if len(counts) == 1 else f"{counts[0]:,} to {number(counts[-1], 'run')}"
    left = ""
    if cuts[-1]:
        each = f"{cuts[-1]:,}" if len(cuts) == 1 else f"{cuts[0]:,} to {cuts[-1]:,}"
        hidden = left_out_of_means(results)
        among = f", in the one-step error every run of {joined(hidden)}" if hidden else ""
        left = f": the {each} lowest and the {each} highest runs of each loss are left out{among}"
    told = f"Numbers over {_places(results)} are {kind} over {over}{_product(results, estimates)}{left}."
    return " ".join(filter(None, (told, _about_intervals(results, estimates), about_ratios(results))))


def about_sparsity_side(results: LearningResults) -> list[str]:
    """Say which losses have as many zeros as the simulator.

    Args:
        results: What was computed.

    Returns:
        The sentences.
    """
    relative = {loss: results.sparsity.relative.score(loss).estimate for loss in results.losses}
    sides = {loss: found.side_of(1.0) for loss, found in relative.items() if found.value is not None}
    return by_side(sides, "the true sparsity")


def about_comparisons(results: LearningResults) -> list[str]:
    """Hold losses against the training frequencies, and against the prediction error of ``state``.

    Args:
        results: What was computed.

    Returns:
        The sentences.
    """
    frequencies = "the AUPRC of the training frequencies, which know nothing of the state"
    ranked = against_frequency(results, "normalized.auprc", frequencies)
    return [*ranked, *_about_changing(results), *_about_errors(results)]


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
        f"{', '.join(behind)}{_overall(results)}. Such models are hardly trained and say nothing about what "
        "trained ones recover: first train for more epochs, or on more rows."
    )


def _about_intervals(results: LearningResults, estimates: Sequence[Estimate]) -> str:
    """Say what the intervals are, where there is one."""
    single = "of a ratio in one environment are Student's"
    singly = any(one.ratio.ends is not None for one in results.outliers)
    if all(one.low is None for one in estimates):
        return f"Intervals {single}." if singly else ""
    return f"Their 95 % intervals are bootstrapped over seeds{f'; those {single}' if singly else ''}."


def _places(results: LearningResults) -> str:
    names = results.environments
    return names[0] if len(names) == 1 else f"all {len(names):,} environments"


def _product(results: LearningResults, estimates: Sequence[Estimate]) -> str:
    """Say how runs share out: environments times seeds, where every loss has as many in each."""
    seeds = {one.runs / one.strata for one in estimates if one.strata}
    whole = len(seeds) == 1 and all(one.strata == len(results.environments) for one in estimates)
    each = seeds.pop()
    if not whole or each != int(each):
        return ""
    return f" ({number(len(results.environments), 'environment')} x {number(int(each), 'seed')})"


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
    known = {loss: pair for loss, pair in pairs.items() if pair is not None}
    # Told apart before any number: of a loss that diverged in every run there is none.
    sides = {loss: pair.side for loss, pair in known.items() if not pair.diverged}
    parts = by_side(sides, f"the prediction error of {BASELINE}", predictor=BASELINE)
    lost = [loss for loss in known if loss not in sides]
    if lost:
        parts.append(
            f"There is no verdict on the prediction error of {labels_of(lost)}: {beyond_numbers(results, ERROR, lost)}."
        )
    return parts
