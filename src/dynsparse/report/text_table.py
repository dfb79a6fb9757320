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
_MOST_COLUMNS, _MOST_ROWS, _MOST_LETTERS = 8, 40, 36
"""What fits on a page: more columns are cut, more rows go on on the next page, more letters are broken into lines."""

_Part = tuple[str, Sequence[str]]
"""How its columns are set, and its lines: the headings first."""

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
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    caption: str,
    label: str,
    notes: Sequence[str] = (),
    *,
    keys: int = 1,
) -> str:
    r"""Write rows of cells as a table that fits on a page.

    One of more than eight columns is cut into several below each other, each with the columns that say what a row is
    of; one of more rows than a page holds goes on on the next (``longtable``).  Cells of many words are broken.

    Args:
        columns: (c,) headings.
        rows: Rows of c cells each.
        caption: Written below the table.
        label: What ``\ref`` calls it.
        notes: Sentences in small print after the caption.
        keys: How many of the first columns say what a row is of.

    Returns:
        The text of a file; its first line names the packages that it needs.
    """
    lines = [tuple(columns), *map(tuple, rows)]
    long = len(lines) - 1 > _MOST_ROWS
    wide = [any(len(line[place]) > _MOST_LETTERS for line in lines) for place in range(len(columns))]
    parts = [
        (_sides(places, keys, wide), [_latex_row([line[place] for place in places]) for line in lines])
        for places in _cut(len(columns), keys)
    ]
    needs = ["booktabs", *(["array"] if any(wide) else []), *(["longtable"] if long else [])]
    title = rf"\caption{{{_escaped(caption)}}}"
    small = [rf"{{\footnotesize {' '.join(map(_escaped, notes))}\par}}"] if notes else []
    write = _on_pages if long else _floating
    written = write(parts, title, rf"\label{{{label}}}", small)
    head = " ".join(rf"\usepackage{{{name}}}" for name in needs)
    return "\n".join([f"% needs {head}", *written]) + "\n"


def _cut(columns: int, keys: int) -> list[list[int]]:
    """Return the columns of each part: all, or the keys with about as many of the others in each."""
    others = range(keys, columns)
    parts = 1 if columns <= _MOST_COLUMNS else -(-len(others) // (_MOST_COLUMNS - keys))
    size = -(-len(others) // parts) if len(others) else 0
    return [[*range(keys), *others[start * size : (start + 1) * size]] for start in range(parts)]


def _sides(places: Sequence[int], keys: int, wide: Sequence[bool]) -> str:
    """Say how each column is set: keys at the left, others at the right, words broken at the end of a line."""
    share = 0.8 / max(1, sum(wide[place] for place in places))
    words = rf">{{\raggedright\arraybackslash}}p{{{min(share, 0.5):.2f}\linewidth}}"
    return "".join(words if wide[place] else "l" if place < keys else "r" for place in places)


def _floating(parts: Sequence[_Part], title: str, label: str, notes: Sequence[str]) -> list[str]:
    lines = [r"\begin{table}", r"\centering", *([r"\small"] if len(parts) > 1 else [])]
    for index, (sides, (head, *rows)) in enumerate(parts):
        lines += [r"\par\medskip"] if index else []
        lines += [rf"\begin{{tabular}}{{{sides}}}", r"\toprule", head, r"\midrule", *rows, r"\bottomrule"]
        lines.append(r"\end{tabular}")
    return [*lines, title, label, *notes, r"\end{table}"]


def _on_pages(parts: Sequence[_Part], title: str, label: str, notes: Sequence[str]) -> list[str]:
    lines = [r"{\small"]
    for index, (sides, (head, *rows)) in enumerate(parts):
        heading = [r"\toprule", head, r"\midrule"]
        # Each part would count as a table: one number and one label belong to all of them.
        lines += [r"\addtocounter{table}{-1}"] if index else []
        lines.append(rf"\begin{{longtable}}{{{sides}}}")
        lines += [] if index else [rf"{title}{label}\\", *heading, r"\endfirsthead"]
        lines += [*heading, r"\endhead", r"\bottomrule", r"\endfoot", *rows, r"\end{longtable}"]
    return [*lines, *notes, "}"]


def _latex_row(cells: Sequence[str]) -> str:
    # A row that begins with a bracket would be read as an option of the line before.
    escaped = [_escaped(cell) for cell in cells]
    escaped[0] = f"{{}}{escaped[0]}" if escaped[0].startswith(("[", "*")) else escaped[0]
    return " & ".join(escaped) + r" \\"


def _escaped(text: str) -> str:
    return _SPECIAL.sub(lambda found: _ESCAPED[found.group()], text)
