"""Gallery: the figures of sparsity, of each environment and of all, with titles and sentences on what they show."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from matplotlib.figure import Figure

from dynsparse.analysis import SparsityReport
from dynsparse.report import sentences
from dynsparse.report.counted_numbers import Counted
from dynsparse.report.durations import draw_all_durations, draw_durations
from dynsparse.report.figure import drawn_once
from dynsparse.report.heatmap import draw_heatmap
from dynsparse.report.histograms import draw_all_histograms, draw_histograms
from dynsparse.report.item import FigureItem
from dynsparse.report.threshold_sentences import about_drawn
from dynsparse.report.thresholds import draw_thresholds
from dynsparse.report.timelines import FIRST_STEPS, draw_first_steps, draw_pair, draw_timelines

__all__ = [
    "FIGURE_3",
    "FIGURE_6",
    "GALLERY",
    "QUESTIONS",
    "Drawing",
    "drawings_of",
    "environment_item",
    "figure_3",
    "shared_items",
]

FIGURE_3 = ("ReacherHard", "FingerTurnEasy")
"""Environments of the paper's Figure 3."""

FIGURE_6 = ("BallInCup", "CheetahRun")
"""Environments of the paper's Figure 6."""


@dataclass(frozen=True)
class Drawing:
    """One figure that every environment has, if its analysis holds what it needs.

    Attributes:
        name: Beginning of the file name; the environment follows.
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
    say: Callable[[Counted], str]
    draw: Callable[[SparsityReport], Figure]
    can_draw: Callable[[SparsityReport], bool]


_OWN_AXES = "Vertical axes differ and need not begin at 0: each shows the range in which its share moves."


def _say_timeline(counted: Counted) -> str:
    said = sentences.about_timeline(counted)
    return said if counted.report.temporal is None else f"{said} {_OWN_AXES}"


def _has_time(report: SparsityReport) -> bool:
    return report.temporal is not None


GALLERY = (
    Drawing(
        "figure-a3-1",
        "q1",
        "Zeros of each element",
        "Figure A3.1",
        "heat map of the share of rows in which each element of the transition Jacobian is zero",
        lambda counted: sentences.about_heatmap(counted.report),
        draw_heatmap,
        lambda _: True,
    ),
    Drawing(
        "figure-a3-2",
        "q2",
        "Sparsity over rows",
        "Figure A3.2",
        "histograms of the share of zero elements in a row, for both blocks and the two together, the mean marked",
        sentences.about_histograms,
        draw_histograms,
        lambda _: True,
    ),
    Drawing(
        "timeline",
        "q3",
        "Sparsity over time",
        "",
        "the share of zero elements at each control step of the first episode",
        _say_timeline,
        draw_timelines,
        _has_time,
    ),
    Drawing(
        "durations",
        "q3",
        "Durations",
        "",
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
        lambda counted: sentences.about_thresholds(counted.report),
        draw_thresholds,
        lambda report: bool(report.global_sparsity.threshold_sweep),
    ),
)
"""The figures that every environment has, in the order in which a report shows them."""

QUESTIONS = ("q1", "q2", "q3", "q4")
"""The paper's questions that a report answers."""


def drawings_of(questions: Sequence[str]) -> tuple[Drawing, ...]:
    """Return the figures that answer some of the paper's questions, in their order."""
    return tuple(drawing for drawing in GALLERY if drawing.question in questions)


def environment_item(drawing: Drawing, counted: Counted) -> FigureItem:
    """Return one environment's figure as an item of a report.

    Args:
        drawing: Which figure.
        counted: The environment's numbers, with its analysis.

    Returns:
        The item, ``figure-a3-1-CheetahRun`` and the like.
    """
    report, name = counted.report, counted.environment
    drawn = about_drawn([counted]) if drawing.question in ("q2", "q3") else ()
    return FigureItem(
        name=f"{drawing.name}-{name}",
        title=f"{drawing.title}: {name}",
        source=drawing.source,
        content=f"{name}: {drawing.content}",
        sentences=(drawing.say(counted), *drawn),
        draw=drawn_once(partial(drawing.draw, report)),
        environment=name,
    )


def figure_3(counted: Sequence[Counted]) -> tuple[FigureItem, ...]:
    """Return the paper's Figure 3, a figure for each of its environments that was analysed."""
    items = []
    for name in FIGURE_3:
        for one in counted:
            if one.environment == name:
                drawing = replace(GALLERY[0], name="figure-3", source="Figures 3 and A3.1")
                items.append(environment_item(drawing, one))
    return tuple(items)


def shared_items(counted: Sequence[Counted], questions: Sequence[str] = QUESTIONS) -> tuple[FigureItem, ...]:
    """Return the figures that set environments side by side: the paper's Figures 5, 6, A3.3 and 7.

    Args:
        counted: Numbers with their analyses, one an environment.
        questions: Which of the paper's questions to draw the answers to.

    Returns:
        Those that there are numbers for.
    """
    reports = [one.report for one in counted]
    timed_numbers = [one for one in counted if one.report.temporal is not None]
    timed = [one.report for one in timed_numbers]
    pair_numbers = [one for name in FIGURE_6 for one in timed_numbers if one.environment == name]
    pair = [one.report for one in pair_numbers]
    items: list[FigureItem] = []
    if "q2" in questions and reports:
        items.append(
            FigureItem(
                "figure-5",
                "Sparsity of both blocks together",
                "Figure 5",
                "histograms of the share of zero elements in a row, a panel an environment, the mean marked",
                ("A bar for every share that occurs; the triangle: the mean.", *about_drawn(counted)),
                drawn_once(partial(draw_all_histograms, reports)),
            )
        )
    if "q3" in questions and pair:
        items.append(
            FigureItem(
                "figure-6",
                "Sparsity over the first episode",
                "Figure 6",
                "the share of zero elements at each control step of the first episode, side by side",
                (
                    *(f"{one.environment}: {sentences.about_timeline(one)}" for one in pair_numbers),
                    "Vertical axes differ, and begin at 0.",
                    *about_drawn(pair_numbers),
                ),
                drawn_once(partial(draw_pair, pair)),
            )
        )
    if "q3" in questions and timed:
        items += [
            FigureItem(
                "figure-a3-3",
                f"The first {FIRST_STEPS} control steps",
                "Figure A3.3",
                f"the share of zero elements at each of the first {FIRST_STEPS} control steps, a panel an environment",
                (
                    f"One episode of each environment. {_OWN_AXES}",
                    *about_drawn(timed_numbers),
                ),
                drawn_once(partial(draw_first_steps, timed)),
            ),
            FigureItem(
                "figure-7",
                "How long an element stays zero, and non-zero",
                "Figure 7",
                "histograms of the lengths of zero and of non-zero stretches, logarithmic axes, the means marked",
                (
                    "Zero stretches that last a whole episode are left out, as in the paper; none: there is no other.",
                    *about_drawn(timed_numbers),
                ),
                drawn_once(partial(draw_all_durations, timed)),
            ),
        ]
    return tuple(items)
