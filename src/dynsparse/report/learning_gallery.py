"""Learning gallery: the figures of learned world models, each with its title and the sentences on what it shows."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from dynsparse.report import judgement_sentences, learning_sentences
from dynsparse.report.contact_split import draw_contact, draw_contact_by_environment
from dynsparse.report.figure import drawn_once, write_pair
from dynsparse.report.learning_drawing import LearningDrawing
from dynsparse.report.learning_results import LearningResults
from dynsparse.report.model_thresholds import draw_model_thresholds
from dynsparse.report.open_loop import draw_open_loop, draw_open_loop_by_contact
from dynsparse.report.prediction_error import ERROR, draw_curves, draw_errors_by_environment
from dynsparse.report.recovered_sparsity import draw_figure8, draw_relative_sparsity, draw_sparsity_by_environment
from dynsparse.report.recovery_scores import RECOVERY, draw_recovery

_MARKS = (
    "Large marks are interquartile means over runs with their 95 % intervals, small ones single environments; one far "
    "above all others is named."
)

__all__ = ["all_drawings", "learning_drawings", "write_learning_figures"]


def learning_drawings(
    results: LearningResults, *, singly: bool = True, only_one: bool = False
) -> tuple[LearningDrawing, ...]:
    """Return the figures that there are numbers for, in the order in which a page shows them.

    Args:
        results: What was computed on one test set.
        singly: Whether scores are drawn for every single environment too, a figure each.
        only_one: Whether there is no other test set, so that names need not say which.

    Returns:
        The figures; none where no run has a result.
    """
    if results.is_empty:
        return ()
    drawings = (*_of_prediction(results), *_of_sparsity(results), *_of_zeros(results, singly), *_ahead(results))
    tail = "" if only_one else f"-{results.split}"
    return tuple(
        replace(drawing, name=f"{drawing.name}{tail}", draw=drawn_once(drawing.draw), split=results.split)
        for drawing in drawings
    )


def all_drawings(results: Sequence[LearningResults]) -> tuple[tuple[LearningDrawing, ...], ...]:
    """Return the figures on each test set; those of single environments on the last one only, the most honest."""
    return tuple(learning_drawings(found, singly=found is results[-1], only_one=len(results) == 1) for found in results)


def write_learning_figures(drawings: Iterable[LearningDrawing], folder: str | os.PathLike[str]) -> tuple[Path, ...]:
    """Write figures as PNG and as PDF; the same results give the same bytes.

    Args:
        drawings: The figures.
        folder: Folder to write into; made where it is missing.

    Returns:
        Paths of the files, PNG and PDF of one figure side by side.

    Raises:
        InputError: If an environment's name is no name for a file.
        OutputError: If the folder can not be written.
    """
    return tuple(path for drawing in drawings for path in write_pair(drawing.draw, folder, drawing.name))


def _of_prediction(results: LearningResults) -> list[LearningDrawing]:
    split, errors = results.split, results.scores[ERROR]
    return [
        LearningDrawing(
            "figure-8",
            "prediction",
            "Prediction error and sparsity over all environments",
            "Figure 8, both halves",
            "left the one-step test error of each loss, right the sparsity of its Jacobian, that of untrained networks "
            "and a line at the true one; small marks are single environments",
            f"{_MARKS} {learning_sentences.about_errors(results)}",
            partial(draw_figure8, errors, results.sparsity),
        ),
        LearningDrawing(
            "learning-error",
            "prediction",
            "Prediction error in each environment",
            "Figure 8, left half",
            "the one-step test error of each loss, and of the prediction that nothing changes, in each environment",
            "One panel an environment; its few seeds rarely separate losses there.",
            partial(draw_errors_by_environment, errors),
        ),
        LearningDrawing(
            "figure-a2-1",
            "prediction",
            "Prediction error over training",
            "Figure A2.1",
            "the one-step test error of each loss against the epoch, one panel an environment",
            learning_sentences.about_curves(results),
            partial(draw_curves, results.curves, results.environments, results.losses, split),
        ),
    ]


def _of_sparsity(results: LearningResults) -> list[LearningDrawing]:
    found = results.sparsity
    drawings = [
        LearningDrawing(
            "learning-sparsity",
            "sparsity",
            "Sparsity in each environment",
            "Figure 8, right half",
            "the sparsity of each loss's Jacobian and of untrained networks, with a line at the true one",
            learning_sentences.about_sparsity(results),
            partial(draw_sparsity_by_environment, found),
        ),
        LearningDrawing(
            "figure-a2-2",
            "sparsity",
            "Initial and final sparsity over the true one",
            "Figure A2.2",
            "the initial and the final sparsity of each loss, divided by the true one, one panel an environment",
            "Divided by the true sparsity, run by run; 1 is as many zeros as the simulator has, wherever they are.",
            partial(draw_relative_sparsity, found),
        ),
    ]
    if results.thresholds.atols:
        drawings.append(
            LearningDrawing(
                "learning-thresholds",
                "sparsity",
                "Zero threshold of the model",
                "",
                "the sparsity of each loss's Jacobian against the zero threshold, with a line at the true one",
                learning_sentences.about_thresholds(results),
                partial(draw_model_thresholds, results.thresholds),
            )
        )
    return drawings


def _of_zeros(results: LearningResults, singly: bool) -> list[LearningDrawing]:
    scores = {name: results.score(name) for name in RECOVERY if f"normalized.{name}" in results.scores}
    ranking = [judgement_sentences.about_ranking(results, name) for name in ("auprc", "auprc_changing")]
    others = (judgement_sentences.about_within(results), judgement_sentences.about_leak(results))
    sentences = " ".join(filter(None, (*ranking, *others)))
    content = "AUPRC and AUROC over all and over changing elements, leak and miss of each loss, above those of referees"
    title = "Whether zeros are in their place"
    places: list[tuple[str | None, str, str, str]] = [(None, "learning-recovery", title, sentences)]
    if singly and len(results.environments) > 1:
        places += [(name, f"learning-recovery-{name}", f"{title}: {name}", "") for name in results.environments]
    return [
        LearningDrawing(
            stem,
            "zeros",
            title,
            "",
            content,
            said,
            partial(draw_recovery, scores, place),
            place,
        )
        for place, stem, title, said in places
    ]


def _ahead(results: LearningResults) -> list[LearningDrawing]:
    drawings: list[LearningDrawing] = []
    if results.open_loop:
        drawings.append(
            LearningDrawing(
                "learning-open-loop",
                "ahead",
                "Error without correction",
                "",
                "the error of each loss after 1 to 50 control steps of its own predictions",
                judgement_sentences.about_open_loop(results),
                partial(draw_open_loop, results.open_loop),
            )
        )
    pairs = results.open_loop_contact
    if pairs and not next(iter(pairs.values())).active.is_empty():
        drawings.append(
            LearningDrawing(
                "learning-open-loop-contact",
                "ahead",
                "Error without correction, with and without an active constraint",
                "",
                "the error of each loss after 1 to 50 control steps, from rows with and without an active constraint",
                "Over the environments that have both kinds of rows; a window counts by the row with which it starts.",
                partial(draw_open_loop_by_contact, pairs),
            )
        )
    if not results.contact[ERROR].active.is_empty():
        drawings += [
            LearningDrawing(
                "learning-contact",
                "ahead",
                "With and without an active constraint",
                "",
                "one-step error, AUPRC and leak of each loss, and chance, where a constraint acts and elsewhere",
                judgement_sentences.about_contact(results),
                partial(draw_contact, results.contact),
            ),
            LearningDrawing(
                "learning-contact-error",
                "ahead",
                "Prediction error with and without an active constraint, in each environment",
                "",
                "one-step error of each loss in rows in which a constraint exerts force and in others",
                "Filled: a constraint exerts force; hollow: none does.",
                partial(draw_contact_by_environment, results.contact),
            ),
        ]
    return drawings
