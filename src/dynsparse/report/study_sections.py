"""Study sections: everything that was measured, in the order of the paper, and then what goes beyond it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dynsparse.analysis.zeros import ABOVE_ROUND_OFF
from dynsparse.report import sentences
from dynsparse.report.cause_answer import answer_causes
from dynsparse.report.cause_section import cause_items, cause_section
from dynsparse.report.counted_numbers import Counted
from dynsparse.report.data_answer import about_data
from dynsparse.report.environment_sections import environment_sections
from dynsparse.report.gallery import GALLERY, environment_item, figure_3, shared_items
from dynsparse.report.global_answer import answer_q1
from dynsparse.report.interaction_diagram import interaction_item
from dynsparse.report.item import FigureItem, TableItem
from dynsparse.report.learned_sections import learned_sections, search_sections
from dynsparse.report.local_answer import answer_q2
from dynsparse.report.overview_tables import sparsity_table, time_table
from dynsparse.report.return_table import return_table
from dynsparse.report.study import StudyResults
from dynsparse.report.study_parts import PARTS
from dynsparse.report.study_section import Missing, Section, of_part
from dynsparse.report.table1_item import table1_item
from dynsparse.report.time_answer import answer_q3

__all__ = ["sections_of"]

_TITLES = {
    "setting": "What was measured",
    "q1": "Q1: Do the true dynamics exhibit sparsity in their causal structure?",
    "causes": "Why is it zero?",
    "q2": "Q2: Is such sparsity dependent on the current state?",
    "q3": "Q3: Do the dynamics undergo temporally sparse transitions?",
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
        makers += [("q4", learned_sections), ("searches", search_sections)]
    makers += [("beyond", _beyond), ("environments", environment_sections)]
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
    rows, reasons = results.table1
    answer = answer_q1(results.reports, reasons)
    maps = [environment_item(GALLERY[0], one) for one in results.counted]
    once = figure_3(results.counted)
    shown = {item.environment for item in once}
    # Those of Figure 3 stand in Figure A3.1 too: as files under both names, on the page once.
    again = tuple(item for item in maps if item.environment in shown)
    items: tuple[FigureItem | TableItem, ...] = (
        table1_item(rows, reasons, results.missing),
        *once,
        *(item for item in maps if item not in again),
    )
    records = [results.causes[name] for name in _names(results) if name in results.causes]
    why = answer_causes(records)
    return [
        Section("q1", _TITLES["q1"], answer.short, answer.sentences, items, files=again),
        Section(
            "causes", _TITLES["causes"], why.short, why.sentences, after=cause_section(results.reports, results.causes),
            files=cause_items(records),
        ),
    ]  # fmt: skip


def _q2(results: StudyResults) -> list[Section]:
    counted = results.counted
    answer = answer_q2(counted)
    others, missing, told = _others(results, "q2")
    drawings = [environment_item(GALLERY[1], one) for one in counted]
    table = sparsity_table(counted, results.missing)
    items: tuple[FigureItem | TableItem, ...] = (*others, *shared_items(counted, ("q2",)), table, *drawings)
    return [
        Section(
            "q2", _TITLES["q2"], answer.short, (*answer.sentences, *told), items, (*missing, *_lacking_above(counted))
        )
    ]  # fmt: skip


def _q3(results: StudyResults) -> list[Section]:
    counted = results.counted
    answer = answer_q3(counted)
    table = time_table(counted, results.missing)
    items: tuple[FigureItem | TableItem, ...] = (*shared_items(counted, ("q3",)), table)
    return [Section("q3", _TITLES["q3"], answer.short, answer.sentences, items, _lacking_above(counted))]


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
            missing = Missing(source.items, "there is no record of it", results.command.to_make(source.options))
            found.append(Section(source.name, source.title, missing=(missing,)))
    return found


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
            missing.append(Missing(source.items, "there is no record of it", results.command.to_make(source.options)))
    if section == "setting" and results.whole and "pictures" not in results.parts:
        items.append(interaction_item())
    return tuple(items), tuple(missing), tuple(told)


def _lacking_episodes(results: StudyResults) -> list[Missing]:
    names = [name for name in _names(results) if name not in results.episodes]
    if not names:
        return []
    what = f"Returns and intervals of {', '.join(names)}"
    return [Missing(what, "there is no episodes.json beside the analysis", _EPISODES)]


def _lacking_above(counted: Sequence[Counted]) -> tuple[Missing, ...]:
    names = [one.environment for one in counted if one.lacks_above]
    if not names:
        return ()
    what = f"The numbers of {', '.join(names)} above round-off ({ABOVE_ROUND_OFF:g})"
    return (Missing(what, "there is no above_round_off.json beside the analysis", _EPISODES),)


def _names(results: StudyResults) -> list[str]:
    return [report.environment for report in results.reports]
