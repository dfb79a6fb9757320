"""Gallery: the figures of one environment, each with its title and the sentence on what it shows."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from matplotlib.figure import Figure

from dynsparse.analysis import CauseRecord, SparsityReport
from dynsparse.report import sentences
from dynsparse.report.cause_heatmap import draw_cause_heatmap
from dynsparse.report.durations import draw_durations
from dynsparse.report.figure import write_pair
from dynsparse.report.heatmap import draw_heatmap
from dynsparse.report.histograms import draw_histograms
from dynsparse.report.thresholds import draw_thresholds
from dynsparse.report.timelines import FIRST_STEPS, draw_timelines

__all__ = ["GALLERY", "QUESTIONS", "Drawing", "drawings_of", "figure_names", "write_figures"]


@dataclass(frozen=True)
class Drawing:
    """One figure that every environment has, if its analysis holds what it needs.

    Attributes:
        name: Part of the file name.
        question: Which of the paper's questions it answers, ``"q1"`` to ``"q3"``.
        title: Short title.
        source: The paper's figures of this kind; empty for one that the paper lacks.
        content: What the figure holds, for a reader who can not see it.
        say: Says what the figure shows, or why there is none.
        draw: Draws it.
        can_draw: Whether the analysis holds what it needs.
    """

    name: str
    question: str
    title: str
    source: str
    content: str
    say: Callable[[SparsityReport], str]
    draw: Callable[[SparsityReport], Figure]
    can_draw: Callable[[SparsityReport], bool]


def _has_time(report: SparsityReport) -> bool:
    return report.temporal is not None


GALLERY = (
    Drawing(
        "heatmap",
        "q1",
        "Zeros of each element",
        "Figures 3 and A3.1",
        "heat map of the share of rows in which each element of the transition Jacobian is zero",
        sentences.about_heatmap,
        draw_heatmap,
        lambda _: True,
    ),
    Drawing(
        "histograms",
        "q2",
        "Sparsity over rows",
        "Figures 5 and A3.2",
        "histograms of the share of zero elements in a row, for both blocks and the two together, the mean marked",
        sentences.about_histograms,
        draw_histograms,
        lambda _: True,
    ),
    Drawing(
        "timeline",
        "q3",
        "Sparsity over time",
        "Figure 6",
        "the share of zero elements at each control step of the first episode",
        sentences.about_timeline,
        draw_timelines,
        _has_time,
    ),
    Drawing(
        f"timeline-{FIRST_STEPS}",
        "q3",
        f"The first {FIRST_STEPS} control steps",
        "Figure A3.3",
        f"the share of zero elements at each of the first {FIRST_STEPS} control steps",
        lambda report: sentences.about_timeline(report, FIRST_STEPS),
        lambda report: draw_timelines(report, FIRST_STEPS),
        _has_time,
    ),
    Drawing(
        "durations",
        "q3",
        "Durations",
        "Figure 7",
        "histograms of the lengths of zero and of non-zero stretches, logarithmic axes, the mean marked",
        sentences.about_durations,
        draw_durations,
        _has_time,
    ),
    Drawing(
        "thresholds",
        "q1",
        "Zero threshold",
        "",
        "the share of zero elements against the zero threshold, the chosen one marked",
        sentences.about_thresholds,
        draw_thresholds,
        lambda report: bool(report.global_sparsity.threshold_sweep),
    ),
)
"""The figures in the order in which a report shows them."""


_CAUSES = "causes"
"""Part of the file name of the heat map of causes."""

QUESTIONS = ("q1", "q2", "q3")
"""The paper's questions that a report answers."""


def drawings_of(questions: Sequence[str]) -> tuple[Drawing, ...]:
    """Return the figures that answer some of the paper's questions, in their order."""
    return tuple(drawing for drawing in GALLERY if drawing.question in questions)


def figure_names(
    report: SparsityReport, questions: Sequence[str] = QUESTIONS, causes: CauseRecord | None = None
) -> tuple[str, ...]:
    """Return the names of the files that ``write_figures`` writes."""
    drawn = [drawing.name for drawing in drawings_of(questions) if drawing.can_draw(report)]
    drawn += [] if causes is None else [_CAUSES]
    return tuple(f"{report.environment}-{name}{suffix}" for name in drawn for suffix in (".png", ".pdf"))


def write_figures(
    report: SparsityReport,
    folder: str | os.PathLike[str],
    questions: Sequence[str] = QUESTIONS,
    causes: CauseRecord | None = None,
) -> tuple[Path, ...]:
    """Write every figure of one environment as ``<environment>-<figure>.png`` and ``.pdf``.

    The same report gives the same bytes.  A figure that the analysis has no numbers for is left out.

    Args:
        report: The analysis as read from its files.
        folder: Folder to write into; made where it is missing.
        questions: Which of the paper's questions to draw the answers to.
        causes: Why elements are zero, where that was measured: one heat map more.

    Returns:
        Paths of the files, PNG and PDF of one figure side by side.

    Raises:
        InputError: If the environment's name is no name for a file.
        OutputError: If the folder can not be written.
    """
    paths: list[Path] = []
    for drawing in drawings_of(questions):
        if drawing.can_draw(report):
            paths += write_pair(partial(drawing.draw, report), folder, f"{report.environment}-{drawing.name}")
    if causes is not None:
        paths += write_pair(partial(draw_cause_heatmap, causes), folder, f"{report.environment}-{_CAUSES}")
    return tuple(paths)
