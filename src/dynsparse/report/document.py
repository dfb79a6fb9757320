"""Document: everything that was measured on one HTML page that needs nothing else, the network included."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

from dynsparse.report.files import write_file
from dynsparse.report.item import TABLES, FigureItem, TableItem, write_items
from dynsparse.report.markup import details, element, flatten, make_table, prose, text
from dynsparse.report.rank_tables import write_tables
from dynsparse.report.score_files import score_files
from dynsparse.report.study import StudyResults
from dynsparse.report.study_section import Section, anchor_of
from dynsparse.report.study_sections import sections_of
from dynsparse.report.table1_item import write_table1
from dynsparse.report.timings_table import timings_html

__all__ = ["write_study"]

TITLE = "Where the transition Jacobian is zero"


def write_study(
    results: StudyResults,
    out: str | os.PathLike[str],
    page: str | os.PathLike[str],
    *,
    title: str = TITLE,
    provenance: Mapping[str, Any] | None = None,
    on_section: Callable[[str], None] | None = None,
) -> tuple[Path, ...]:
    """Write every item as files and all of them on one self-contained page; the same results give the same bytes.

    Args:
        results: What there is.
        out: Folder for ``figures`` and ``tables``.
        page: The HTML file; one that is there is replaced.
        title: Title of the page.
        provenance: Where the page itself comes from; its date would make the bytes differ, leave it out for equal ones.
        on_section: Told what is made next.

    Returns:
        Paths of the files, the page last.

    Raises:
        InputError: If an environment's name is no name for a file.
        OutputError: If something can not be written.
    """
    tell = on_section or (lambda name: None)
    sections = sections_of(results, tell)
    tell("files")
    paths = list(write_items(_files(results, sections), out))
    if results.search is not None:
        paths += write_tables(tuple(results.search.tables.values()), Path(out) / TABLES)
    if results.learning is not None:
        contents = score_files(results.learning.table, results.learning.results)
        paths += [write_file(Path(out) / TABLES / f"learning-{name}", content) for name, content in contents.items()]
    if "q1" in results.questions:
        paths.append(write_table1(out, *results.table1, provenance or {}))
    tell("page")
    return (*paths, write_file(page, _page(results, sections, title, provenance)))


def _files(results: StudyResults, sections: Iterable[Section]) -> list[FigureItem | TableItem]:
    """Return what is to be written; tables of ranks that were run are written with more columns by themselves."""
    ranked = set() if results.search is None else {table.name for table in results.search.tables.values()}
    items = [item for section in sections for item in (*section.items, *section.files)]
    return [item for item in items if item.name not in ranked]


def _page(results: StudyResults, sections: Sequence[Section], title: str, provenance: Mapping[str, Any] | None) -> str:
    template = Template(resources.files("dynsparse.report").joinpath("data/report.html").read_text(encoding="utf-8"))
    footer = ""
    if provenance:
        footer += details("How this page was made", _record("This page", provenance))
    if results.timings:
        footer += details("How long it took", timings_html(results.timings))
    return template.substitute(
        title=text(title),
        contents=_contents(results, sections),
        summary=_summary(sections),
        items=_items(sections),
        sections="\n".join(section.html() for section in sections),
        footer=footer,
    )


def _contents(results: StudyResults, sections: Iterable[Section]) -> str:
    """Return the entries of the table of contents."""
    missing = {f"missing-{index}" for index in range(1, len(results.missing) + 1)}
    links = []
    for section in sections:
        name = f"{text(section.title)} (missing)" if section.anchor in missing else text(section.title)
        links.append(element("li", element("a", name, href=f"#{section.anchor}")))
    return "".join(links)


def _summary(sections: Iterable[Section]) -> str:
    """Return each question with its answer in one sentence."""
    lines = [
        element("dt", element("a", text(section.title), href=f"#{section.anchor}"))
        + element("dd", prose(section.short))
        for section in sections
        if section.short
    ]
    return element("dl", *lines, class_="summary")


def _items(sections: Iterable[Section]) -> str:
    """List the figures and tables by the paper's names, each with a link."""
    lines = []
    for section in sections:
        for item in section.items:
            if not item.source:
                continue
            said = text(f"{item.source}: {item.title}")
            lines.append(element("li", element("a", said, href=f"#{anchor_of(item.name)}")))
    return details("Figures and tables of the paper", element("ul", *lines, class_="items")) if lines else ""


def _record(caption: str, record: Mapping[str, Any]) -> str:
    return make_table(caption, ("entry", "value"), flatten(record))
