"""Learning drawing: one figure of learned world models on one test set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.figure import Figure

from dynsparse.report.item import FigureItem
from dynsparse.report.panel_grid import about_split

__all__ = ["LearningDrawing"]


@dataclass(frozen=True)
class LearningDrawing:
    """One figure on one test set.

    Attributes:
        name: Name of its files without suffix: the paper's figure where it is one; the test set where there are two.
        section: Which part of the page it belongs to: ``"prediction"``, ``"sparsity"``, ``"zeros"`` or ``"ahead"``.
        title: Short title.
        source: The paper's figure of this kind; empty for one that the paper lacks.
        content: What the figure holds, for a reader who can not see it.
        sentences: What it shows.
        draw: Draws it.
        environment: Whose it is; None for all.
        split: The test set.
    """

    name: str
    section: str
    title: str
    source: str
    content: str
    sentences: str
    draw: Callable[[], Figure]
    environment: str | None = None
    split: str = ""

    @property
    def is_papers(self) -> bool:
        """Whether it is one of the paper's figures, and not only of its kind."""
        return self.name.startswith("figure-")

    def item(self) -> FigureItem:
        """Return it as an item of a report."""
        said = (self.sentences,) if self.sentences else ()
        title = f"{self.title}, {about_split(self.split)}"
        return FigureItem(self.name, title, self.source, self.content, said, self.draw, self.environment)
