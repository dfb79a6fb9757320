"""The page of reports alone: its files have tests of their own, and take seconds."""

from __future__ import annotations

from pathlib import Path
from unittest import mock

from dynsparse.report import document
from dynsparse.report.document import write_study
from dynsparse.report.study import StudyResults
from dynsparse.report.table1 import paper_table1


def write_page(reports, page, *, expected=None, provenance=None, title=None, on_section=None, **results):
    """Write the page of reports, the paper's eight expected unless others are; return its path."""
    found = StudyResults(tuple(reports), tuple(paper_table1() if expected is None else expected), **results)
    told = {} if title is None else {"title": title}
    with (
        mock.patch.object(document, "write_items", lambda *_: ()),
        mock.patch.object(document, "write_table1", lambda *_: Path("none")),
    ):
        return write_study(found, Path(page).parent, page, provenance=provenance, on_section=on_section, **told)[-1]
