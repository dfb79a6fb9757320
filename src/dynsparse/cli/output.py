"""Output: consoles and tables as all verbs print them."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table

__all__ = ["print_table", "table", "wide_console"]


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


def print_table(
    console: Console, columns: Sequence[str], rows: Sequence[Sequence[str]], title: str | None = None
) -> None:
    """Print a table; on a terminal that is too narrow, as several tables below each other, each with the first column.

    A number that is cut off would be worse than none.

    Args:
        console: Where to.
        columns: (c,) headings.
        rows: Rows of c cells each.
        title: Line above it.
    """
    first = 1
    while first < len(columns):
        last = len(columns)
        while last > first + 1 and _width(columns, rows, first, last) > console.width:
            last -= 1
        chosen = [0, *range(first, last)]
        part = table([columns[i] for i in chosen], [[row[i] for i in chosen] for row in rows])
        if title and first == 1:
            console.print(title, soft_wrap=True)
        console.print(part, width=max(console.width, _width(columns, rows, first, last)), no_wrap=True, crop=False)
        first = last


def _width(columns: Sequence[str], rows: Sequence[Sequence[str]], first: int, last: int) -> int:
    """Return how many characters the first column and those from ``first`` to before ``last`` need."""
    chosen = [0, *range(first, last)]
    longest = [max(len(columns[i]), *(len(row[i]) for row in rows)) if rows else len(columns[i]) for i in chosen]
    # Two spaces between columns, and one on either side.
    return sum(longest) + 3 * len(chosen)
