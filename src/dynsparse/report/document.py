"""Document: everything that was measured on one HTML page that needs nothing else, the network included."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

from dynsparse.analysis import CauseRecord, SparsityReport
from dynsparse.errors import InputError
from dynsparse.report import sentences
from dynsparse.report.cause import Cause
from dynsparse.report.cause_section import cause_section, check_causes
from dynsparse.report.figure import render
from dynsparse.report.files import write_file
from dynsparse.report.gallery import QUESTIONS, Drawing, drawings_of
from dynsparse.report.markup import box, details, element, flatten, make_table, prose, text
from dynsparse.report.overview import about_page, summary_table, table1
from dynsparse.report.table1 import Table1Row, make_table1, paper_table1
from dynsparse.report.verdict import about_audit, is_clean

__all__ = ["write_report"]

TITLE = "Where the transition Jacobian is zero"
_SIZE = re.compile(rb'<svg[^>]* width="([\d.]+)pt"')
# Pixels of a web page: to a point of print, and of a column of the template's grid (23rem).
_POINT = 96 / 72
_COLUMN = 368
# How much an image may be made smaller before its letters are too small.
_SHRINKS = 0.8


def write_report(
    reports: Sequence[SparsityReport],
    out: str | os.PathLike[str],
    *,
    table: Sequence[Table1Row] | None = None,
    causes: Sequence[Cause] | None = None,
    measured: Mapping[str, CauseRecord] | None = None,
    title: str = TITLE,
    expected: Sequence[str] | None = None,
    provenance: Mapping[str, Any] | None = None,
    questions: Sequence[str] = QUESTIONS,
    on_environment: Callable[[str], None] | None = None,
) -> Path:
    """Write one self-contained HTML page; the same reports give the same bytes.

    Args:
        reports: Analyses, one an environment, in the order in which they are to be shown.
        out: The file to write; one that is there is replaced.
        table: Table 1; made from the reports where it is not given.
        causes: Why columns are always zero; made from the reports where they are not given.
        measured: Why elements are zero, by environment, where that was measured (``dynsparse causes``).
        title: Title of the page.
        expected: Names of the environments that there should be, those missing are shown as missing; None for the
            paper's eight.
        provenance: Where the page itself comes from; its date would make the bytes differ, leave it out for equal ones.
        questions: Which of the paper's questions the figures are to answer.
        on_environment: Told the name of each environment as its figures are drawn.

    Returns:
        Path of the file.

    Raises:
        InputError: If there is no report, or two of one environment, or causes that are not of these analyses.
        OutputError: If the file can not be written.
    """
    names = [report.environment for report in reports]
    twice = sorted({name for name in names if names.count(name) > 1})
    if not reports or twice:
        raise InputError(
            f"expected one analysis for each environment, got {f'several of {twice[0]}' if twice else 'none'}; "
            "write one report for each set of analyses"
        )
    measured = measured or {}
    check_causes(reports, measured)
    rows, found = make_table1(reports, measured)
    rows, found = (rows if table is None else tuple(table)), (found if causes is None else tuple(causes))
    missing = [name for name in (paper_table1() if expected is None else expected) if name not in names]
    sections, drawings = [], drawings_of(questions)
    for index, report in enumerate(reports, start=1):
        if on_environment is not None:
            on_environment(report.environment)
        sections.append(_section(report, f"environment-{index}", drawings))
    sections += [_missing_section(name, f"missing-{index}") for index, name in enumerate(missing, start=1)]
    template = Template(resources.files("dynsparse.report").joinpath("data/report.html").read_text(encoding="utf-8"))
    page = template.substitute(
        title=text(title),
        contents=_contents(names, missing),
        introduction=about_page(reports, missing),
        table1=table1(rows, found, missing),
        summary=summary_table(reports, missing),
        causes=cause_section(reports, measured),
        sections="\n".join(sections),
        footer=details("How this page was made", _record("This page", provenance)) if provenance else "",
    )
    return write_file(out, page)


def _contents(names: Sequence[str], missing: Sequence[str]) -> str:
    """Return the entries of the table of contents."""
    links = [element("a", text(name), href=f"#environment-{index}") for index, name in enumerate(names, start=1)]
    links += [
        element("a", f"{text(name)} (missing)", href=f"#missing-{index}") for index, name in enumerate(missing, start=1)
    ]
    return "".join(element("li", link) for link in links)


def _section(report: SparsityReport, anchor: str, drawings: Sequence[Drawing]) -> str:
    """Return everything about one environment."""
    audit = prose(about_audit(report.audit, report.derivative))
    parts = [
        element("h2", text(report.environment), id=f"{anchor}-title"),
        element("p", prose(sentences.about_rows(report))),
        element("p", audit, class_="audit" if is_clean(report.audit, report.derivative) else "audit warned"),
        element("div", *(_figure(drawing, report) for drawing in drawings), class_="figures"),
        details("Provenance", _record(f"Provenance of {report.environment}", report.provenance)),
    ]
    if report.audit is not None:
        parts.append(details("Audit record", _record(f"Audit of {report.environment}", report.audit)))
    return element("section", *parts, id=anchor, aria_labelledby=f"{anchor}-title")


def _missing_section(name: str, anchor: str) -> str:
    said = f"Missing: there is no analysis of {name}. Collect and analyse it, then write the report again."
    inner = element("h2", text(name), id=f"{anchor}-title") + element("p", text(said), class_="audit warned")
    return element("section", inner, id=anchor, aria_labelledby=f"{anchor}-title")


def _figure(drawing: Drawing, report: SparsityReport) -> str:
    """Return one figure with its caption, or the caption alone where there is nothing to draw."""
    image, wide = _image(drawing, report) if drawing.can_draw(report) else ("", False)
    source = f" The paper's {drawing.source}." if drawing.source else ""
    caption = element("strong", text(drawing.title) + ".") + " " + prose(drawing.say(report))
    caption = element("figcaption", caption, element("span", text(source), class_="source"))
    return element("figure", image, caption, class_=f"{drawing.name} wide" if wide else drawing.name)


def _image(drawing: Drawing, report: SparsityReport) -> tuple[str, bool]:
    """Return one image, and whether it needs the whole width of the page."""
    (svg,) = render(lambda: drawing.draw(report), ("svg",))
    label = f"{report.environment}: {drawing.content}"
    source = f"data:image/svg+xml;base64,{base64.b64encode(svg).decode('ascii')}"
    size = _SIZE.search(svg)
    width = _POINT * float(size.group(1)) if size else 0.0
    if _SHRINKS * width <= _COLUMN:
        return element("img", src=source, alt=label), False
    # A matrix of many names is not squeezed into a telephone's screen: it scrolls in its own box.
    style = f"min-width: {_SHRINKS * width:.0f}px; max-width: {1.1 * width:.0f}px"
    return box(element("img", src=source, alt=label, style=style), label), True


def _record(caption: str, record: Mapping[str, Any]) -> str:
    return make_table(caption, ("entry", "value"), flatten(record))
