"""Learning page: what was learned of the true sparsity, with figures, tables and what is missing, in one HTML file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib import resources
from string import Template
from typing import Any

from dynsparse.report.answer_sentences import about_answer, about_training
from dynsparse.report.learned_data import about_few_episodes, data_table
from dynsparse.report.learning_drawing import LearningDrawing
from dynsparse.report.learning_gallery import all_drawings
from dynsparse.report.learning_ratios import about_ratio
from dynsparse.report.learning_results import LearningResults
from dynsparse.report.learning_sentences import about_chances, about_intervals, about_scores
from dynsparse.report.learning_table import LearningTable
from dynsparse.report.loss_looks import look_of
from dynsparse.report.markup import details, element, flatten, make_table, prose, text
from dynsparse.report.missing_runs import about_missing, missing_lines, uneven_means
from dynsparse.report.panel_grid import about_split, about_test
from dynsparse.report.picture import picture
from dynsparse.report.score_metrics import Metric
from dynsparse.report.score_tables import (
    ScoreTable,
    all_tables,
    column_groups,
    difference_table,
    label_table,
    score_table,
)
from dynsparse.report.seed_statistics import RESAMPLES

__all__ = ["TITLE", "learning_page", "learning_section"]

TITLE = "Do learned world models recover the true sparsity?"

_SECTIONS = (
    ("prediction", "How well they predict"),
    ("sparsity", "How many zeros they have"),
    ("zeros", "Whether these zeros are in their place"),
    ("ahead", "How long they can be followed, and with constraints active"),
)
_WORDS = ("policy", "run", "seeds", "status", "why", "name in csv and options", "what it is")
"""Columns that no number stands in."""

_STYLE = re.compile(r"<style>.*?</style>", re.DOTALL)


def learning_section(
    table: LearningTable,
    results: Sequence[LearningResults],
    drawings: Sequence[Sequence[LearningDrawing]] | None = None,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> tuple[tuple[str, str, str], ...]:
    """Return the parts of the answer, to stand on a page of their own or among others.

    Args:
        table: The runs.
        results: What was computed on each test set.
        drawings: The figures on each test set; None to make them.
        resamples: Of the bootstrap.
        seed: Of the bootstrap.

    Returns:
        Anchor, title, and HTML of each ``<section>``.
    """
    shown = list(zip(results, drawings if drawings is not None else all_drawings(results), strict=True))
    parts = [
        ("summary", "Summary", _summary(table, results)),
        ("runs", "What was trained", _runs(table, resamples, seed)),
    ]
    answers = "".join(_answer(found) for found in results)
    explained = "".join(element("p", prose(said)) for said in (about_scores(table, results), about_chances(results)))
    folded = details("What the columns and marks mean", explained)
    parts.append(("answer", "Over all environments", folded + answers))
    for name, title in _SECTIONS:
        own = [
            element("h3", text(_about_test(found.split))) + _figures(found, [d for d in drawn if d.section == name])
            for found, drawn in shown
            if any(drawing.section == name for drawing in drawn)
        ]
        if own:
            parts.append((name, title, "".join(own)))
    parts.append(("tables", "Tables of each environment", "".join(_tables(found) for found in results)))
    return tuple(
        (f"learning-{name}", title, _section(f"learning-{name}", title, content)) for name, title, content in parts
    )


def learning_page(
    table: LearningTable,
    results: Sequence[LearningResults],
    provenance: Mapping[str, Any] | None,
    drawings: Sequence[Sequence[LearningDrawing]] | None = None,
    *,
    title: str = TITLE,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> str:
    """Return one self-contained HTML page; the same results give the same bytes.

    Args:
        table: The runs.
        results: What was computed on each test set.
        provenance: Where the page comes from; None to leave it out.
        drawings: The figures on each test set; None to make them.
        title: Title of the page.
        resamples: Of the bootstrap.
        seed: Of the bootstrap.

    Returns:
        The content of the file.
    """
    parts = learning_section(table, results, drawings, resamples=resamples, seed=seed)
    links = (element("li", element("a", text(name), href=f"#{anchor}")) for anchor, name, _ in parts)
    made = _record("This page", provenance) if provenance else ""
    return Template(_packaged("learning.html")).substitute(
        title=text(title),
        # The look of the other page: kept in one place.
        style="".join(_STYLE.findall(_packaged("report.html"))),
        contents="".join(links),
        sections="\n".join(section for _, _, section in parts),
        footer=details("How this page was made", made) if made else "",
    )


def _section(anchor: str, title: str, content: str) -> str:
    heading = element("h2", text(title), id=f"{anchor}-title")
    return element("section", heading, content, id=anchor, aria_labelledby=f"{anchor}-title")


def _summary(table: LearningTable, results: Sequence[LearningResults]) -> str:
    """Answer the title, and say what is missing or stands against the answer."""
    answers = []
    for found in results:
        untrained = about_training(found)
        answers += [
            element("h3", text(_about_test(found.split))),
            element("p", prose(untrained), class_="audit warned") if untrained else "",
            element("p", prose(about_answer(found))),
        ]
    audit = element("p", prose(about_missing(table)), class_="audit warned" if table.missing else "audit")
    doubts = [said for said in (*uneven_means(results), about_few_episodes(table)) if said]
    return "".join([*answers, audit, *(element("p", prose(said), class_="audit warned") for said in doubts)])


def _runs(table: LearningTable, resamples: int, seed: int) -> str:
    """Say what was trained, on what, and which runs are missing."""
    missing = missing_lines(table)
    parts = [details("What numbers and intervals are", element("p", prose(about_intervals(table, resamples, seed))))]
    if missing:
        lines = make_table("Missing runs", ("environment", "run", "seeds", "status", "why"), missing, words=_WORDS)
        parts.append(element("details", element("summary", "Missing runs"), lines, open="open"))
    parts.append(_html(data_table(table)))
    parts.append(details("Losses and referees", _html(label_table(table))))
    settings = {**table.settings, **{look_of(name).label: own for name, own in table.loss_settings.items() if own}}
    parts.append(details("Settings of the trainings", _record("Settings of the trainings", settings)))
    if table.datasets:
        parts.append(details("Data sets", _record("Data sets", table.datasets)))
    return "".join(parts)


def _answer(found: LearningResults) -> str:
    """Return the tables over all environments on one test set."""
    tables = [score_table(found, metrics, None, f"{name}") for name, metrics in column_groups("normalized")]
    paired = [
        difference_table(found, metrics, None, _paired(found, name, metrics))
        for name, metrics in column_groups("normalized")
    ]
    raw = [score_table(found, metrics, None, name) for name, metrics in column_groups("raw")]
    return (
        element("h3", text(_about_test(found.split)))
        + "".join(map(_html, tables))
        + "".join(_html(table) for table in paired if table.rows)
        + details("The same in raw coordinates", "".join(map(_html, raw)))
    )


def _paired(found: LearningResults, name: str, metrics: Sequence[Metric]) -> str:
    """Return the caption of a table of differences, which a reader holds against the means above it."""
    ratio = about_ratio(found) if any(metric.log for metric in metrics) else ""
    return f"paired with state: {name}; * is a difference, see above{f'. {ratio}' if ratio else ''}"


def _tables(found: LearningResults) -> str:
    parts = []
    for name in found.environments:
        tables = (_html(table) for table in all_tables(found, name) if table.rows)
        parts.append(details(f"{name}, {about_split(found.split)}", "".join(tables)))
    return "".join(parts)


def _figures(found: LearningResults, drawings: Sequence[LearningDrawing]) -> str:
    """Return figures, those of single environments folded away."""
    own = "".join(_picture(drawing, found) for drawing in drawings if drawing.environment is None)
    single = "".join(_picture(drawing, found) for drawing in drawings if drawing.environment is not None)
    folded = details("The same in each environment", element("div", single, class_="figures")) if single else ""
    return element("div", own, class_="figures") + folded


def _picture(drawing: LearningDrawing, found: LearningResults) -> str:
    return picture(
        drawing.draw,
        name=drawing.name,
        label=f"{about_split(found.split)}: {drawing.content}",
        title=drawing.title,
        sentences=drawing.sentences,
        source=drawing.source,
    )


def _about_test(split: str) -> str:
    return f"Tested on {about_test(split)}"


def _html(table: ScoreTable) -> str:
    return make_table(table.caption, table.columns, table.rows, words=_WORDS)


def _record(caption: str, record: Mapping[str, Any]) -> str:
    return make_table(caption, ("entry", "value"), flatten(record))


def _packaged(name: str) -> str:
    return resources.files("dynsparse.report").joinpath(f"data/{name}").read_text(encoding="utf-8")
