"""Environment sections: what belongs to one environment alone, its audit and its provenance among it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dynsparse.report import sentences
from dynsparse.report.counted_numbers import Counted
from dynsparse.report.gallery import drawings_of, environment_item
from dynsparse.report.item import FigureItem, TableItem
from dynsparse.report.markup import details, element, flatten, make_table, prose
from dynsparse.report.study import StudyResults
from dynsparse.report.study_section import Missing, Section
from dynsparse.report.verdict import about_audit, is_clean

__all__ = ["environment_sections"]


def environment_sections(results: StudyResults) -> list[Section]:
    """Return a section an environment, and one for each that is missing.

    Args:
        results: What there is.

    Returns:
        The sections, in the order of the analyses.
    """
    found: list[Section] = []
    for index, one in enumerate(results.counted, start=1):
        found.append(_environment(one, f"environment-{index}", results))
    for index, name in enumerate(results.missing, start=1):
        said = Missing(name, "there is no analysis of it", results.command.to_make(""))
        found.append(Section(f"missing-{index}", name, missing=(said,)))
    return found


def _environment(counted: Counted, anchor: str, results: StudyResults) -> Section:
    report = counted.report
    items: list[FigureItem | TableItem] = []
    told = []
    for drawing in drawings_of(results.questions):
        if drawing.source:  # it stands in its question's section
            continue
        if drawing.can_draw(report):
            items.append(environment_item(drawing, counted))
        else:
            told.append(f"{drawing.title}: {drawing.say(counted)}")
    clean = is_clean(report.audit, report.derivative)
    audit = prose(about_audit(report.audit, report.derivative))
    after = element("p", audit, class_="audit" if clean else "audit warned")
    after += details("Provenance", _record(f"Provenance of {report.environment}", report.provenance))
    if report.audit is not None:
        after += details("Audit record", _record(f"Audit of {report.environment}", report.audit))
    return Section(anchor, report.environment, "", (sentences.about_rows(report), *told), tuple(items), (), after)


def _record(caption: str, record: Mapping[str, Any]) -> str:
    return make_table(caption, ("entry", "value"), flatten(record))
