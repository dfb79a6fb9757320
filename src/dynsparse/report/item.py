"""Item: one figure or table of a report, named after the paper's where there is one, and the parts that hold them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from dynsparse.errors import ArrayError
from dynsparse.report.figure import write_pair
from dynsparse.report.files import write_file
from dynsparse.report.text_table import csv_table, latex_table, markdown_table

__all__ = ["FIGURES", "TABLES", "FigureItem", "Part", "TableItem", "write_items"]

FIGURES, TABLES = "figures", "tables"
"""Folders of a report's files."""


@dataclass(frozen=True)
class FigureItem:
    """One figure.

    Attributes:
        name: Name of its files without suffix: ``figure-3-FingerTurnEasy`` for one of the paper's, a plain word for
            others, such as ``horizon-CheetahRun``.
        title: Short title.
        source: The paper's figure of this kind; empty for one that the paper lacks.
        content: What the figure holds, for a reader who can not see it.
        sentences: What it shows, made from the numbers.
        draw: Draws it.
        environment: Whose it is; None for several.
    """

    name: str
    title: str
    source: str
    content: str
    sentences: tuple[str, ...]
    draw: Callable[[], Figure]
    environment: str | None = None


@dataclass(frozen=True)
class TableItem:
    """One table.

    Attributes:
        name: Name of its files without suffix: ``table-a1-1`` for one of the paper's, a plain word for others.
        title: Short title, the caption.
        source: The paper's table of this kind; empty for one that the paper lacks.
        columns: (c,) headings.
        cells: (r, c) what a reader sees; an empty cell says "-".
        values: (r, f) what the CSV holds: numbers with all their digits, shares as fractions, None where there is none.
        notes: Sentences below: where it differs from the paper's, and why.
        fields: (f,) headings of the CSV, words joined by ``_``, an interval's ends ``name_low`` and ``name_high``;
            those of the table where there are none.
        keys: How many of the first columns say what a row is of: the parts of a wide table in LaTeX all have them.
    """

    name: str
    title: str
    source: str
    columns: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    values: tuple[tuple[object, ...], ...]
    notes: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    keys: int = 1

    def __post_init__(self) -> None:
        """Check that every row has a cell for each heading and a value for each of the CSV's, which all differ.

        Raises:
            ArrayError: If one has not, or two are the same.
        """
        cells, values = len(self.columns), len(self.csv_fields)
        whole = all(len(row) == cells for row in self.cells) and all(len(row) == values for row in self.values)
        if len(self.cells) != len(self.values) or not whole:
            raise ArrayError(
                f"expected rows of {cells} cells and {values} values in {self.name}, as many of both; they are not"
            )
        if len(set(self.csv_fields)) != len(self.csv_fields):
            raise ArrayError(f"expected headings that differ in {self.name}, got {', '.join(self.csv_fields)}")

    @property
    def csv_fields(self) -> tuple[str, ...]:
        """Headings of the CSV."""
        return self.fields or self.columns


@dataclass(frozen=True)
class Part:
    """One part of a report: a question, its answer in sentences, and the figures and tables that show it.

    Attributes:
        anchor: Its place in the page, ``#anchor``.
        title: Heading.
        sentences: The answer, computed from the results.
        items: Figures and tables, in the order in which they are shown.
    """

    anchor: str
    title: str
    sentences: tuple[str, ...]
    items: tuple[FigureItem | TableItem, ...] = ()


def write_items(items: Iterable[FigureItem | TableItem], out: str | os.PathLike[str]) -> tuple[Path, ...]:
    """Write figures as PNG and PDF, tables as CSV, Markdown and LaTeX; the same items give the same bytes.

    Args:
        items: What to write.
        out: Folder; ``figures`` and ``tables`` in it are made where they are missing.

    Returns:
        Paths of the files.

    Raises:
        InputError: If a name is no name for a file.
        OutputError: If the folder can not be written.
    """
    paths: list[Path] = []
    for item in items:
        if isinstance(item, FigureItem):
            paths += write_pair(item.draw, Path(out) / FIGURES, item.name)
        else:
            paths += _write_table(item, Path(out) / TABLES)
    return tuple(paths)


def _write_table(item: TableItem, folder: Path) -> Sequence[Path]:
    notes = "".join(f"\n{note}\n" for note in item.notes)
    caption = f"{item.title} ({item.source} of the paper)" if item.source else item.title
    contents = {
        "csv": csv_table(item.csv_fields, item.values),
        "md": f"**{caption}**\n\n{markdown_table(item.columns, item.cells)}\n{notes}",
        "tex": latex_table(item.columns, item.cells, caption, f"tab:{item.name}", item.notes, keys=item.keys),
    }
    return [write_file(folder / f"{item.name}.{suffix}", content) for suffix, content in contents.items()]
