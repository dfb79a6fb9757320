"""Output: consoles and tables as all verbs print them."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table

__all__ = ["table", "wide_console"]


def wide_console() -> Console:
    """Return a console on stdout that folds neither tables nor sentences where there is no terminal to fit."""
    return Console(file=sys.stdout, width=None if sys.stdout.isatty() else 1000, highlight=False)


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], title: str | None = None) -> Table:
    """Make a table with the first column on the left and numbers on the right.

    Args:
        columns: (c,) headings.
        rows: Rows of c cells each.
        title: Line above it.

    Returns:
        What a console prints.
    """
    drawn = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False)
    for index, column in enumerate(columns):
        drawn.add_column(column, justify="right" if index else "left", no_wrap=not index)
    for row in rows:
        drawn.add_row(*row)
    return drawn
