"""Time span: when something was done and for how long, so that what overlaps is not added up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

__all__ = ["TimeSpan", "covered_seconds"]


@dataclass(frozen=True)
class TimeSpan:
    """From a moment on for some seconds.

    Attributes:
        began: Seconds since 1970, UTC.
        seconds: How long, by a clock that nobody sets.
    """

    began: float
    seconds: float

    @property
    def ended(self) -> float:
        """Seconds since 1970, UTC."""
        return self.began + self.seconds

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values: the beginning as a date in UTC, and the seconds."""
        return {
            "began": datetime.fromtimestamp(self.began, UTC).isoformat("T", "milliseconds"),
            "seconds": self.seconds,
        }

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> Self:
        """Make it again of what ``to_dict`` gave.

        Raises:
            KeyError: Something is missing.
            ValueError: The date is none.
        """
        return cls(datetime.fromisoformat(found["began"]).timestamp(), float(found["seconds"]))


def covered_seconds(spans: Iterable[TimeSpan]) -> float:
    """Return for how many seconds at least one of some spans lasted: time in which several did counts once."""
    total, end = 0.0, float("-inf")
    for span in sorted(spans, key=lambda one: one.began):
        total += max(0.0, span.ended - max(span.began, end))
        end = max(end, span.ended)
    return total
