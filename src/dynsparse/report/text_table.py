"""Text table: one table as CSV, as Markdown and as LaTeX."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

__all__ = ["csv_table", "latex_table", "markdown_table"]

_ESCAPED = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "∂": r"$\partial$",
    "²": r"\textsuperscript{2}",
    "±": r"$\pm$",
    "→": r"$\rightarrow$",
}
"""What means something else to pdfLaTeX, or nothing."""
_SPECIAL = re.compile("|".join(re.escape(character) for character in _ESCAPED))


def csv_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Write rows of values: None becomes an empty cell, and numbers keep all their digits.

    Args:
        columns: (c,) headings.
        rows: Rows of c values each.

    Returns:
        The text of a file.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write rows of cells, the first on the left and the others on the right.

    Args:
        columns: (c,) headings.
        rows: Rows of c cells each.

    Returns:
        Lines without an end.
    """
    sides = ["---", *["---:"] * (len(columns) - 1)]
    lines = [columns, sides, *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def latex_table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], caption: str, label: str, notes: Sequence[str] = ()
) -> str:
    r"""Write rows of cells as a floating table that needs the package booktabs.

    Args:
        columns: (c,) headings.
        rows: Rows of c cells each.
        caption: Written below.
        label: What ``\ref`` calls it.
        notes: Sentences in small print after the caption.

    Returns:
        The text of a file.
    """
    lines = [
        r"% needs \usepackage{booktabs}",
        r"\begin{table}",
        r"\centering",
        rf"\begin{{tabular}}{{l{'r' * (len(columns) - 1)}}}",
        r"\toprule",
        _latex_row(columns),
        r"\midrule",
        *(_latex_row(row) for row in rows),
        r"\bottomrule",
        r"\end{tabular}",
        rf"\caption{{{_escaped(caption)}}}",
        rf"\label{{{label}}}",
        *([rf"{{\footnotesize {' '.join(map(_escaped, notes))}\par}}"] if notes else ()),
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _latex_row(cells: Sequence[str]) -> str:
    # A row that begins with a bracket would be read as an option of the line before.
    escaped = [_escaped(cell) for cell in cells]
    escaped[0] = f"{{}}{escaped[0]}" if escaped[0].startswith(("[", "*")) else escaped[0]
    return " & ".join(escaped) + r" \\"


def _escaped(text: str) -> str:
    return _SPECIAL.sub(lambda found: _ESCAPED[found.group()], text)
