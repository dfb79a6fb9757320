"""Answer: what a question is answered with, and the words that several answers share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from dynsparse.analysis import SparsityReport
from dynsparse.analysis.episode_record import EpisodeRecord
from dynsparse.report.episode_statistics import EpisodeMean
from dynsparse.report.quantities import number, percent

__all__ = ["NOT_ENOUGH", "Answer", "Episodes", "environments_of", "interval_of", "named_of", "share_of", "span_of"]

Episodes = Mapping[str, EpisodeRecord]

NOT_ENOUGH = "not enough data"


@dataclass(frozen=True)
class Answer:
    """An answer.

    Attributes:
        short: In one sentence, for the summary.
        sentences: What else there is to say.
    """

    short: str
    sentences: tuple[str, ...] = ()


def environments_of(count: int) -> str:
    """Write how many environments there are."""
    return number(count, "environment")


def named_of(reports: Sequence[SparsityReport]) -> str:
    """Name the environment, or say how many there are."""
    return reports[0].environment if len(reports) == 1 else environments_of(len(reports))


def span_of(values: Sequence[float], write: Callable[[float], str]) -> str:
    """Write the smallest and the largest value, once where both read the same."""
    return " to ".join(dict.fromkeys((write(min(values)), write(max(values)))))


def interval_of(found: EpisodeMean, write: Callable[[float], str]) -> str:
    """Write the ends of an interval, to stand behind what it is of; nothing where there is none."""
    if found.low is None or found.high is None:
        return ""
    return f", [{write(found.low)}, {write(found.high)}]"


def share_of(value: float) -> str:
    """Write an end of an interval of a share, which can be no less than none and no more than all."""
    return percent(min(max(value, 0.0), 1.0))
