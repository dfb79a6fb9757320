"""Cause: one sentence on a column of Table 1 that is always zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Cause"]


@dataclass(frozen=True)
class Cause:
    """One sentence about one always-zero column, or about a count that is not the paper's.

    Attributes:
        environment: Name of the environment.
        column: Name of the input, e.g. ``"qpos rootx"``; empty for a sentence about the count.
        elements: Always-zero elements that it stands for.
        kind: ``"measured"``, ``"cause"`` (on record), ``"unexplained"``, ``"not seen"`` (expected to be always zero,
            but was not) or ``"departure"`` (a count that is not the paper's).
        sentence: The sentence.
    """

    environment: str
    column: str
    elements: int
    kind: str
    sentence: str

    @property
    def text(self) -> str:
        """What a reader is told: whose column, how many elements, and why."""
        subject = f"{self.environment}, {self.column}" if self.column else self.environment
        counted = f"{self.elements:,} element{'' if self.elements == 1 else 's'}"
        count = f" ({counted})" if self.kind in {"measured", "cause", "unexplained"} else ""
        return f"{subject}{count}: {self.sentence}."

    def to_dict(self) -> dict[str, Any]:
        """Return the cause as plain values."""
        return dict(self.__dict__)
