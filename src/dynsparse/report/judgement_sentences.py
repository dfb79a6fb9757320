"""Judgement sentences: whether models know what depends on what, and how long they can be followed."""

from __future__ import annotations

from dynsparse.report.learning_results import LearningResults
from dynsparse.report.learning_sentences import NOTHING
from dynsparse.report.loss_looks import BASELINE, EVERYTHING, FREQUENCY, look_of
from dynsparse.report.phrases import by_side, listed, times_baseline
from dynsparse.report.prediction_error import ERROR
from dynsparse.report.quantities import number
from dynsparse.report.score_metrics import figures

__all__ = [
    "ONE_GRAPH",
    "about_contact",
    "about_leak",
    "about_open_loop",
    "about_ranking",
    "about_within",
    "against_frequency",
]

ONE_GRAPH = 0.5
"""``auroc_within`` of any graph that is the same in all states."""

_WITHIN = "normalized.auroc_within"


def about_ranking(results: LearningResults, name: str = "auprc") -> str:
    """Say whether sizes of the model's derivatives find the dependencies better than the training frequencies do.

    Args:
        results: What was computed.
        name: ``"auprc"``, ``"auroc"``, or one of them over changing elements.

    Returns:
        The sentences.
    """
    scores = results.score(name)
    which = " over elements that are zero in some rows only" if name.endswith("_changing") else ""
    title = name.removesuffix("_changing").upper()
    if scores.is_empty():
        return f"{title}{which} has no meaning in any run, or no run has a result."
    parts = [f"{title}{which}: {listed(results.losses, results.scores[f'normalized.{name}'])}."]
    if FREQUENCY not in results.referees:
        return " ".join([*parts, "There are no referees to compare it with."])
    reference = scores.score(FREQUENCY).estimate.value
    parts.append(
        "The frequencies with which each element is non-zero in the training rows, whatever the state, have "
        f"{figures(reference)}."
    )
    return " ".join([*parts, *against_frequency(results, f"normalized.{name}", "them")])


def about_within(results: LearningResults) -> str:
    """Say whether models know when an element is zero, which no graph that is one for all states does.

    Args:
        results: What was computed.

    Returns:
        The sentences; empty where no record has this score.
    """
    found = results.scores.get(_WITHIN)
    if found is None:
        return ""
    estimates = {loss: found.score(loss).estimate for loss in results.losses}
    sides = {loss: one.side_of(ONE_GRAPH) for loss, one in estimates.items() if one.value is not None}
    return " ".join(
        [
            f"AUROC within elements: {listed(results.losses, found)}.",
            *by_side(sides, f"{ONE_GRAPH}, that of any graph that is one for all states"),
        ]
    )


def about_leak(results: LearningResults) -> str:
    """Say how much of the model's derivatives lies where there is none, and how many true ones it misses.

    Args:
        results: What was computed.

    Returns:
        The sentences.
    """
    if results.score("leak").is_empty():
        return NOTHING
    leak, miss = (listed(results.losses, results.score(name)) for name in ("leak", "miss"))
    return (
        f"Share of the model's |J| that lies on true zeros (leak): {leak}. "
        f"Share of true non-zeros that it takes for zeros (miss): {miss}."
    )


def about_open_loop(results: LearningResults) -> str:
    """Say by how much errors grow when the model's prediction is its next input.

    Args:
        results: What was computed.

    Returns:
        The sentences.
    """
    if not results.open_loop or next(iter(results.open_loop.values())).is_empty():
        return NOTHING
    last = max(results.open_loop)
    metric = f"prediction.open_loop.{last}"
    errors = listed(results.losses, results.open_loop[last])
    parts = [f"Error after {number(last, 'step')} without correction: {errors}."]
    for loss in results.losses:
        difference = results.difference(metric, loss, BASELINE)
        if difference is not None:
            parts.append(f"{look_of(loss).label} has {times_baseline(difference)}.")
    lost = [(loss, results.diverged[loss, last]) for loss in results.losses if results.diverged[loss, last]]
    if lost:
        counts = ", ".join(f"{number(count, 'run')} of {look_of(loss).label}" for loss, count in lost)
        parts.append(f"Beyond all numbers, and therefore in no mean, which is too low without them: {counts}.")
    return " ".join(parts)


def about_contact(results: LearningResults) -> str:
    """Say how much harder rows with contact are, and that scores by chance differ between them and the others.

    Args:
        results: What was computed.

    Returns:
        The sentences.
    """
    pair = results.contact[ERROR]
    parts = []
    for loss in results.losses:
        # Over all environments both are means over the same runs: those that have both kinds of rows.
        active, inactive = (one.score(loss).estimate.value for one in (pair.active, pair.inactive))
        if active is not None and inactive:
            parts.append(f"{figures(active)} and {figures(inactive)} ({look_of(loss).label})")
    if not parts:
        return "No environment has rows both with and without a constraint that exerts force."
    return (
        "One-step error of rows in which a constraint exerts force, and of the others, in environments that have both: "
        f"{', '.join(parts)}.{_about_chance(results)}"
    )


def _about_chance(results: LearningResults) -> str:
    """Say what a graph of everything scores with contact and without."""
    if EVERYTHING not in results.referees:
        return ""
    pairs = [(title, results.contact[f"normalized.{name}"]) for name, title in (("auprc", "AUPRC"), ("leak", "leak"))]
    told = [
        f"{title} {figures(active)} with and {figures(inactive)} without"
        for title, pair in pairs
        for active, inactive in [[one.score(EVERYTHING).estimate.value for one in (pair.active, pair.inactive)]]
        if active is not None and inactive is not None
    ]
    if not told:
        return ""
    return (
        f" Chance differs ({look_of(EVERYTHING).label}: {'; '.join(told)}): compare the marks of a group with the "
        "chance of that group, not with the other group."
    )


def against_frequency(results: LearningResults, metric: str, goal: str) -> list[str]:
    """Say which losses are on which side of the training frequencies.

    Args:
        results: What was computed.
        metric: Dotted name.
        goal: What the frequencies' score is, as in ``"reaches {goal}"``.

    Returns:
        The sentences; none without that referee.
    """
    pairs = {loss: results.difference(metric, loss, FREQUENCY) for loss in results.losses}
    sides = {loss: pair.side for loss, pair in pairs.items() if pair is not None and pair.estimate.value is not None}
    return by_side(sides, goal)
