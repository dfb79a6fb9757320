"""Markup: pieces of HTML in which whatever comes from outside is text, never code."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

__all__ = ["box", "details", "element", "flatten", "make_table", "prose", "text"]

# Not allowed in HTML, not even as references.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff]")
# In escaped text: 1e-15, 5.2 %, <0.1 %, ∂s'/∂s.
_UNBROKEN = re.compile(r"(?:&[lg]t;)?\d[\d.,]*(?:e-\d+| %)|∂s&#x27;/∂[sa]")
_VOID = ("img", "br")


def text(value: object) -> str:
    """Return text as HTML that shows it, in an element as well as inside quotes.

    Args:
        value: Anything; its ``str`` is shown.

    Returns:
        Escaped text, what HTML can not hold replaced by a mark.
    """
    plain = str(value).encode("utf-8", "replace").decode("utf-8")
    return html.escape(_CONTROL.sub("\N{REPLACEMENT CHARACTER}", plain))


def prose(sentence: str) -> str:
    """Return running text as HTML in which no line breaks inside a number, a percentage or a derivative.

    Args:
        sentence: The text.

    Returns:
        HTML.
    """
    return _UNBROKEN.sub(r'<span class="unbroken">\g<0></span>', text(sentence))


def element(name: str, *inner: str, **attributes: object) -> str:
    """Return an element.

    Args:
        name: Its name.
        *inner: Its content: HTML, already escaped.
        **attributes: Its attributes, escaped here; an underscore at the end is dropped (``class_``), one inside
            becomes a hyphen.

    Returns:
        HTML.
    """
    written = "".join(f' {key.rstrip("_").replace("_", "-")}="{text(value)}"' for key, value in attributes.items())
    return f"<{name}{written}>" if name in _VOID else f"<{name}{written}>{''.join(inner)}</{name}>"


def box(content: str, label: str) -> str:
    """Return a box in which wide content scrolls by itself, with the keyboard too.

    Args:
        content: HTML.
        label: What is in it, for a reader who can not see it.

    Returns:
        HTML.
    """
    return element("div", content, class_="scroll", role="region", tabindex=0, aria_label=label)


def make_table(
    caption: str, columns: Sequence[str], rows: Iterable[Sequence[object]], *, words: Collection[str] = ()
) -> str:
    """Return a table in a box of its own, the first cell of a row as its heading.

    Args:
        caption: What it holds; text.
        columns: Headings; text.
        rows: Cells; text.  A row that is too short has its last cell spread over the rest.
        words: Columns of words rather than numbers: at the left, where numbers are at the right.

    Returns:
        HTML.
    """
    head = element("tr", *(element("th", text(column), scope="col", **_aligned(column, words)) for column in columns))
    lines = []
    for first, *cells in rows:
        own = [_aligned(column, words) for column in columns[1 : len(cells) + 1]]
        parts = [element("th", text(first), scope="row")]
        parts += [element("td", text(cell), **aligned) for cell, aligned in zip(cells[:-1], own, strict=False)]
        missing = len(columns) - 1 - len(cells)
        spread: dict[str, object] = {"colspan": missing + 1, "class_": "missing"} if missing else dict(*own[-1:])
        parts += [element("td", text(cell), **spread) for cell in cells[-1:]]
        lines.append(element("tr", *parts))
    inner = element("thead", head) + element("tbody", *lines)
    # Not a <caption>: that would be as wide as the table, and scroll with it.
    return element("p", text(caption), class_="caption") + box(element("table", inner, aria_label=caption), caption)


def _aligned(column: str, words: Collection[str]) -> dict[str, object]:
    return {"class_": "words"} if column in words else {}


def details(summary: str, content: str) -> str:
    """Return content that is folded away until asked for.

    Args:
        summary: What stays visible; text.
        content: HTML.

    Returns:
        HTML.
    """
    return element("details", element("summary", text(summary)), content)


def flatten(record: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """List the entries of nested records under dotted names.

    Args:
        record: Plain JSON values under string keys.
        prefix: What the names begin with.

    Returns:
        Name and value of each entry, in order; lists as JSON.
    """
    listed: list[tuple[str, str]] = []
    for key, value in record.items():
        if isinstance(value, Mapping):
            listed += flatten(value, f"{prefix}{key}.")
        else:
            listed.append((f"{prefix}{key}", value if isinstance(value, str) else json.dumps(value)))
    return listed
