"""Study section: one section of the report's page, and what of it becomes files."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from dynsparse.report.item import FigureItem, Part, TableItem
from dynsparse.report.markup import details, element, make_table, prose, text
from dynsparse.report.picture import picture

__all__ = ["Missing", "Section", "anchor_of", "of_part"]

_WORDS = ("policy", "audit", "against the paper", "here", "paper ", "hyperparameter", "parameter")
"""Columns that no number stands in."""

_SHOWN = 5
_REST = "In each environment, and in detail"
"""Of a part, the first sentences are the weightiest; the others are found below this."""


@dataclass(frozen=True)
class Missing:
    """An item that there is not.

    Attributes:
        what: Its name, such as ``"Figure 4"``.
        why: What is not there.
        command: What makes it.
    """

    what: str
    why: str
    command: str


@dataclass(frozen=True)
class Section:
    """One section.

    Attributes:
        anchor: Its place in the page.
        title: Heading.
        short: Its answer in one sentence, for the summary; empty for none.
        sentences: What else it answers.
        items: Figures and tables.
        missing: Items that there are not.
        after: What follows, HTML.
        files: Figures that the HTML shows already; they only become files.
        ready: The whole ``<section>`` as HTML, in place of all that; empty to make it.
        folded: Summary and sentences of what only some readers want, folded away below the other sentences.
    """

    anchor: str
    title: str
    short: str = ""
    sentences: tuple[str, ...] = ()
    items: tuple[FigureItem | TableItem, ...] = ()
    missing: tuple[Missing, ...] = ()
    after: str = ""
    files: tuple[FigureItem, ...] = ()
    ready: str = ""
    folded: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def html(self) -> str:
        """Return the ``<section>``."""
        if self.ready:
            return self.ready
        parts = [element("h2", text(self.title), id=f"{self.anchor}-title")]
        if self.short:
            parts.append(element("p", prose(self.short), class_="answer"))
        parts += [element("p", prose(sentence)) for sentence in self.sentences if sentence]
        parts += [details(title, "".join(element("p", prose(one)) for one in said)) for title, said in self.folded]
        parts += [_absent(one) for one in self.missing]
        parts += items_html(self.items)
        return element("section", *parts, self.after, id=self.anchor, aria_labelledby=f"{self.anchor}-title")


def of_part(part: Part, missing: Sequence[Missing] = ()) -> Section:
    """Return the section of a part; its first sentence is its answer, and few more are not folded away."""
    short, *others = part.sentences or ("",)
    shown, rest = tuple(others[: _SHOWN - 1]), tuple(others[_SHOWN - 1 :])
    folded = ((_REST, rest),) if rest else ()
    return Section(part.anchor, part.title, short, shown, part.items, tuple(missing), folded=folded)


def anchor_of(name: str) -> str:
    """Return an item's place in the page: an environment may have any name, a place no space in it."""
    plain = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in name)
    return f"item-{plain}"


def items_html(items: Sequence[FigureItem | TableItem]) -> list[str]:
    """Return items in their order, figures that follow each other in one grid."""
    parts: list[str] = []
    figures: list[str] = []
    # A file of a table has all of its notes; on a page one that several tables share stands below the first.
    said: set[str] = set()
    for item in items:
        if isinstance(item, FigureItem):
            figures.append(_figure(item))
            continue
        parts += _grid(figures)
        figures = []
        parts.append(_table(item, said))
        said |= set(item.notes)
    return [*parts, *_grid(figures)]


def _grid(figures: Sequence[str]) -> list[str]:
    return [element("div", *figures, class_="figures")] if figures else []


def _figure(item: FigureItem) -> str:
    kind = item.name.removesuffix(f"-{item.environment}") if item.environment else item.name
    return picture(
        item.draw,
        name=kind,
        label=item.content,
        title=item.title,
        sentences=" ".join(filter(None, item.sentences)),
        source=item.source,
        anchor=anchor_of(item.name),
    )


def _table(item: TableItem, said: Collection[str]) -> str:
    source = f" (the paper's {item.source})" if item.source else ""
    shown = make_table(f"{item.title}{source}", item.columns, item.cells, words=_WORDS)
    notes = [element("li", prose(note)) for note in item.notes if note not in said]
    return element(
        "div", shown, element("ul", *notes, class_="notes") if notes else "", id=anchor_of(item.name), class_="table"
    )


def _absent(one: Missing) -> str:
    said = prose(f"{one.what}: missing, {one.why}. Make it: ")
    return element("p", said, element("code", text(one.command)), class_="audit warned")
