"""Study sections: everything that was measured, in the order of the paper, and then what goes beyond it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dynsparse.analysis import CauseRecord, SparsityReport
from dynsparse.report import sentences
from dynsparse.report.cause_looks import LOOKS
from dynsparse.report.cause_section import cause_items, cause_section
from dynsparse.report.data_answer import about_data
from dynsparse.report.gallery import GALLERY, drawings_of, environment_item, figure_3, shared_items
from dynsparse.report.global_answer import answer_q1
from dynsparse.report.interaction_diagram import interaction_item
from dynsparse.report.item import FigureItem, TableItem
from dynsparse.report.learned_answer import answer_q4
from dynsparse.report.learned_data import about_few_episodes
from dynsparse.report.learning_page import learning_section
from dynsparse.report.local_answer import answer_q2
from dynsparse.report.markup import details, element, flatten, make_table, prose
from dynsparse.report.missing_runs import about_missing, uneven_means
from dynsparse.report.overview_tables import sparsity_table, time_table
from dynsparse.report.quantities import number, percent
from dynsparse.report.return_table import return_table
from dynsparse.report.search_study import search_items
from dynsparse.report.settings_table import settings_table
from dynsparse.report.study import StudyResults
from dynsparse.report.study_parts import PARTS
from dynsparse.report.study_section import Missing, Section, of_part
from dynsparse.report.table1 import table1_item
from dynsparse.report.time_answer import answer_q3
from dynsparse.report.verdict import about_audit, is_clean

__all__ = ["sections_of"]

_TITLES = {
    "setting": "What was measured",
    "q1": "Q1: Do the true dynamics exhibit sparsity in their causal structure?",
    "causes": "Why is it zero?",
    "q2": "Q2: Is such sparsity dependent on the current state?",
    "q3": "Q3: Do the dynamics undergo temporally sparse transitions?",
    "q4": "Q4: Does naive MLP training recover the ground-truth dynamics' sparsity?",
    "searches": "Hyperparameter searches",
}
_WITH = {"setting": ("pictures",), "q2": ("embedding",)}
"""Parts that stand inside a section of the paper's; the rest are sections of their own."""

_EPISODES = "dynsparse analyze DATASET --out DIR --overwrite"


def sections_of(results: StudyResults, on_section: Callable[[str], None] | None = None) -> tuple[Section, ...]:
    """Return the sections of the page.

    Args:
        results: What there is.
        on_section: Told what is made next.

    Returns:
        The sections in their order.
    """
    tell = on_section or (lambda name: None)
    asked = results.questions
    makers: list[tuple[str, Callable[[StudyResults], list[Section]]]] = [("setting", _setting)]
    makers += [(name, maker) for name, maker in (("q1", _q1), ("q2", _q2), ("q3", _q3)) if name in asked]
    if "q4" in asked and (results.learning or results.whole):
        makers += [("q4", _q4), ("searches", _searches)]
    makers += [("beyond", _beyond), ("environments", _environments)]
    sections: list[Section] = []
    for name, maker in makers:
        tell(name)
        sections += maker(results)
    return tuple(sections)


def _setting(results: StudyResults) -> list[Section]:
    reports = results.reports
    answer = about_data(reports, results.episodes)
    tangents = [report.environment for report in reports if report.coordinates == "tangent"]
    said = [
        "The transition Jacobian says how the next state s' of a simulator depends on the state s (∂s'/∂s) and on the "
        "action a (∂s'/∂a) over one control step. An element of it is zero in a row when its absolute value is below "
        "the threshold; the sparsity of a row is its share of zeros. Rows that hold a number that is not finite are "
        "counted, left out, and never taken for zeros."
    ]
    if tangents:
        said.append(
            f"The states of {', '.join(tangents)} hold quaternions: their rows and columns (ds of them) are tangent "
            f"coordinates; {sentences.TANGENT}."
        )
    if results.missing:
        said.append(f"Missing: {', '.join(results.missing)}.")
    lacking = _lacking_episodes(results)
    shown = bool(results.episodes) and any(record.has_time for record in results.episodes.values())
    table = [return_table(results.expected, results.episodes)] if shown or results.whole else []
    items, missing, told = _others(results, "setting")
    return [
        Section(
            "setting", _TITLES["setting"], answer.short, (*answer.sentences, *told, *said), (*items, *table),
            (*missing, *lacking),
        )
    ]  # fmt: skip


def _q1(results: StudyResults) -> list[Section]:
    answer = answer_q1(results.reports)
    rows, reasons = results.table1
    maps = [environment_item(GALLERY[0], report) for report in results.reports]
    once = figure_3(results.reports)
    shown = {item.environment for item in once}
    # Those of Figure 3 stand in Figure A3.1 too: as files under both names, on the page once.
    again = tuple(item for item in maps if item.environment in shown)
    items: tuple[FigureItem | TableItem, ...] = (
        table1_item(rows, reasons, results.missing),
        *once,
        *(item for item in maps if item not in again),
    )
    records = [results.causes[name] for name in _names(results) if name in results.causes]
    return [
        Section("q1", _TITLES["q1"], answer.short, answer.sentences, items, files=again),
        Section(
            "causes", _TITLES["causes"], _reasons(records), after=cause_section(results.reports, results.causes),
            files=cause_items(records),
        ),
    ]  # fmt: skip


def _q2(results: StudyResults) -> list[Section]:
    answer = answer_q2(results.reports, results.episodes)
    others, missing, told = _others(results, "q2")
    drawings = [environment_item(GALLERY[1], report) for report in results.reports]
    table = sparsity_table(results.reports, results.episodes, results.missing)
    items: tuple[FigureItem | TableItem, ...] = (*others, *shared_items(results.reports, ("q2",)), table, *drawings)
    return [Section("q2", _TITLES["q2"], answer.short, (*answer.sentences, *told), items, missing)]


def _q3(results: StudyResults) -> list[Section]:
    answer = answer_q3(results.reports, results.episodes)
    table = time_table(results.reports, results.episodes, results.missing)
    items: tuple[FigureItem | TableItem, ...] = (*shared_items(results.reports, ("q3",)), table)
    return [Section("q3", _TITLES["q3"], answer.short, answer.sentences, items)]


def _q4(results: StudyResults) -> list[Section]:
    found = results.learning
    if found is None:
        command = "dynsparse reproduce --only q4 --out DIR"
        missing = Missing("Figures 8, A2.1 and A2.2", "no trained models are on record", command)
        return [Section("q4", _TITLES["q4"], items=(settings_table(None),), missing=(missing,))]
    answer = answer_q4(found.results)
    papers = tuple(one.item() for drawn in found.drawings for one in drawn if one.is_papers)
    table = found.table
    doubts = [*uneven_means(found.results), about_few_episodes(table), about_missing(table)]
    told = (*answer.sentences, *doubts)
    first = Section("q4", _TITLES["q4"], answer.short, told, (*papers, settings_table(table)))
    others = [[one for one in drawn if not one.is_papers] for drawn in found.drawings]
    more = [
        Section(anchor, f"Q4: {title[0].lower()}{title[1:]}", ready=html)
        for anchor, title, html in learning_section(found.table, found.results, others)
        if anchor != "learning-summary"  # it stands above
    ]
    return [first, *more]


def _searches(results: StudyResults) -> list[Section]:
    if results.search is None and not results.whole:
        return []
    items = search_items(results.search)
    missing: tuple[Missing, ...] = ()
    if results.search is None:
        missing = (Missing("Tables A2.2 to A2.13", "no search is on record", "dynsparse search --out DIR/search"),)
    said = () if results.search is None else results.search.sentences
    return [Section("searches", _TITLES["searches"], "", said, items, missing)]


def _beyond(results: StudyResults) -> list[Section]:
    inside = {name for names in _WITH.values() for name in names}
    found: list[Section] = []
    for source in PARTS:
        part = results.parts.get(source.name)
        if source.name in inside:
            continue
        if part is not None:
            found.append(of_part(part))
        elif results.whole:
            missing = Missing(source.items, "there is no record of it", source.made_by)
            found.append(Section(source.name, source.title, missing=(missing,)))
    return found


def _environments(results: StudyResults) -> list[Section]:
    found: list[Section] = []
    for index, report in enumerate(results.reports, start=1):
        found.append(_environment(report, f"environment-{index}", results))
    for index, name in enumerate(results.missing, start=1):
        said = Missing(name, "there is no analysis of it", "the same command again, or collect and analyze")
        found.append(Section(f"missing-{index}", name, missing=(said,)))
    return found


def _environment(report: SparsityReport, anchor: str, results: StudyResults) -> Section:
    items: list[FigureItem | TableItem] = []
    told = []
    for drawing in drawings_of(results.questions):
        if drawing.source:  # it stands in its question's section
            continue
        if drawing.can_draw(report):
            items.append(environment_item(drawing, report))
        else:
            told.append(f"{drawing.title}: {drawing.say(report)}")
    clean = is_clean(report.audit, report.derivative)
    audit = prose(about_audit(report.audit, report.derivative))
    after = element("p", audit, class_="audit" if clean else "audit warned")
    after += details("Provenance", _record(f"Provenance of {report.environment}", report.provenance))
    if report.audit is not None:
        after += details("Audit record", _record(f"Audit of {report.environment}", report.audit))
    return Section(anchor, report.environment, "", (sentences.about_rows(report), *told), tuple(items), (), after)


def _others(
    results: StudyResults, section: str
) -> tuple[tuple[FigureItem | TableItem, ...], tuple[Missing, ...], tuple[str, ...]]:
    """Return items, missing items and sentences of the parts that stand inside a section."""
    items: list[FigureItem | TableItem] = []
    missing: list[Missing] = []
    told: list[str] = []
    for source in PARTS:
        if source.name not in _WITH[section]:
            continue
        part = results.parts.get(source.name)
        if part is not None:
            items += part.items
            told += part.sentences
        elif results.whole:
            missing.append(Missing(source.items, "there is no record of it", source.made_by))
    if section == "setting" and results.whole and "pictures" not in results.parts:
        items.append(interaction_item())
    return tuple(items), tuple(missing), tuple(told)


def _reasons(records: Sequence[CauseRecord]) -> str:
    """Say in one sentence what most zeros come from."""
    counts = {look.name: sum(record.by_label[look.name] for record in records) for look in LOOKS}
    zeros = sum(counts.values())
    if not zeros:
        return ""
    listed = [f"{look.title} {percent(counts[look.name] / zeros)}" for look in LOOKS if counts[look.name]]
    return f"Of the zeros in the rows explained of {number(len(records), 'environment')}: {', '.join(listed)}."


def _lacking_episodes(results: StudyResults) -> list[Missing]:
    names = [name for name in _names(results) if name not in results.episodes]
    if not names:
        return []
    what = f"Returns and intervals of {', '.join(names)}"
    return [Missing(what, "there is no episodes.json beside the analysis", _EPISODES)]


def _names(results: StudyResults) -> list[str]:
    return [report.environment for report in results.reports]


def _record(caption: str, record: Mapping[str, Any]) -> str:
    return make_table(caption, ("entry", "value"), flatten(record))
