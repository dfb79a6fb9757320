"""Google docstring to Markdown: paragraphs as they are, sections as lists, names of the page as links."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

__all__ = ["Docstring", "Section", "item_list", "linked", "table_cell"]

LISTED = ("Args", "Attributes", "Raises")
TOLD = ("Returns", "Yields", "Source", "Sources", "Note", "Notes", "Example", "Examples")
_HEADER = re.compile(rf"^({'|'.join((*LISTED, *TOLD))}):$")
_ITEM = re.compile(r"^ {4}(\*{0,2}\w[\w, .*`]*?): (.*)$")
_LITERAL = re.compile(r"``(.+?)``|(?<!`)`([^`]+)`(?!`)")


@dataclass(frozen=True)
class Section:
    """One section of a docstring.

    Attributes:
        title: ``Args``, ``Returns`` and so on.
        items: Names and texts of a list, in their order; empty for a section that is told.
        text: Paragraphs of a section that is told.
    """

    title: str
    items: tuple[tuple[str, str], ...]
    text: str


@dataclass(frozen=True)
class Docstring:
    """What a docstring says.

    Attributes:
        summary: Its first line, or sentence.
        text: The paragraphs between that and the first section.
        sections: Its sections, in their order.
    """

    summary: str
    text: str
    sections: tuple[Section, ...]

    @classmethod
    def of(cls, documented: object) -> Docstring:
        """Read the docstring of an object, its own and not an inherited one.

        Raises:
            ValueError: If there is none: a reference without words helps nobody.
        """
        text = documented if isinstance(documented, str) else getattr(documented, "__doc__", None)
        if not text:
            raise ValueError(f"expected a docstring of {documented!r}, found none; write one")
        parts = _parts(inspect.cleandoc(text).splitlines())
        summary, _, rest = parts[0][1].partition("\n\n")
        return cls(
            " ".join(summary.split()),
            rest.strip(),
            tuple(_section(title, body) for title, body in parts[1:]),
        )

    def section(self, title: str) -> tuple[tuple[str, str], ...]:
        """Return the items of a section; none where it is not there."""
        return tuple(item for section in self.sections if section.title == title for item in section.items)

    def markdown(self, links: Mapping[str, str], *, without: tuple[str, ...] = ()) -> str:
        """Return all of it as Markdown.

        Args:
            links: Name to where it is told.
            without: Titles of sections that are told elsewhere.
        """
        parts = [self.summary, self.text]
        for section in self.sections:
            if section.title in without:
                continue
            if section.title in LISTED:
                parts.append(
                    f"**{section.title}**\n\n{item_list(section.items, links, raised=section.title == 'Raises')}"
                )
            else:
                parts.append(linked(f"**{section.title}**: {section.text}", links))
        parts[:2] = [linked(part, links) for part in parts[:2]]
        return "\n\n".join(part for part in parts if part)


def item_list(items: Iterable[tuple[str, str]], links: Mapping[str, str], *, raised: bool = False) -> str:
    """Return names and texts as a list; what is named is a link where it is an error that is raised."""
    return "\n".join(f"- {linked(f'`{name}`', links if raised else {})}: {linked(text, links)}" for name, text in items)


def linked(text: str, links: Mapping[str, str]) -> str:
    """Return a docstring's text with Markdown's literals, each that names something of the page being a link to it."""

    def literal(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        place = links.get(name.removeprefix("dynsparse."))
        return f"[`{name}`]({place})" if place else f"`{name}`"

    return _LITERAL.sub(literal, re.sub(r"(?<=\S)  (?=\S)", " ", text))


def table_cell(text: str) -> str:
    """Return a text as one cell of a Markdown table."""
    return " ".join(text.split()).replace("|", r"\|")


def _parts(lines: list[str]) -> list[tuple[str, str]]:
    """Return titles and bodies of sections, that before the first one under the empty title."""
    parts: list[tuple[str, list[str]]] = [("", [])]
    for line in lines:
        header = _HEADER.match(line)
        if header:
            parts.append((header[1], []))
        elif parts[-1][0] and line and not line.startswith(" "):
            parts.append(("", [line]))  # text after a section
        else:
            parts[-1][1].append(line)
    if any(not title for title, _ in parts[1:]):
        raise ValueError(f"expected nothing after the sections of a docstring, found {parts[-1][1][0]!r}")
    return [(title, "\n".join(body).strip("\n")) for title, body in parts]


def _section(title: str, body: str) -> Section:
    if title not in LISTED:
        return Section(title, (), inspect.cleandoc("\n" + body))
    items: list[tuple[str, list[str]]] = []
    for line in body.splitlines():
        item = _ITEM.match(line)
        if item:
            items.append((item[1].replace("`", ""), [item[2]]))
        elif line.strip() and items:
            items[-1][1].append(line.strip())
        elif line.strip():
            raise ValueError(f"expected 'name: text' below {title}, found {line.strip()!r}")
    return Section(title, tuple((name, " ".join(" ".join(words).split())) for name, words in items), "")
