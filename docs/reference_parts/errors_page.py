"""The page on errors: the tree, with what each means, as its docstrings say."""

from __future__ import annotations

from collections.abc import Mapping

from reference_parts.docstring import Docstring, linked, table_cell

from dynsparse import errors

__all__ = ["errors_page"]


def errors_page(head: str, foot: str, links: Mapping[str, str]) -> str:
    """Return the page."""
    names = ["DynsparseError", *(name for name in errors.__all__ if name != "DynsparseError")]
    rows = []
    for name in names:
        error = getattr(errors, name)
        told = Docstring.of(error)
        attributes = "".join(f" `{attribute}`: {text}" for attribute, text in told.section("Attributes"))
        meaning = table_cell(linked(f"{told.summary} {told.text}{attributes}", links))
        bases = ", ".join(f"`{base.__name__}`" for base in error.__bases__)
        rows.append(f"| `{name}` | {bases} | {error.exit_code} | {meaning} |")
    table = "\n".join(["| error | is a | exit code | meaning |", "| --- | --- | --- | --- |", *rows])
    return f"{head.strip()}\n\n{table}\n\n{foot.strip()}\n"
