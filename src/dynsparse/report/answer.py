"""Answer: what a question is answered with, and the words that several answers share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from dynsparse.analysis import SparsityReport
from dynsparse.report.cause_switches import joined
from dynsparse.report.episode_statistics import CONFIDENCE, EpisodeMean
from dynsparse.report.quantities import number, share_with_interval, steps_with_interval

__all__ = [
    "NOT_ENOUGH",
    "Answer",
    "about_family",
    "about_same",
    "environments_of",
    "extremes_of",
    "named_of",
    "said_by_side",
    "share_of",
    "span_of",
    "steps_of",
]

NOT_ENOUGH = "not enough data"

_Side = TypeVar("_Side")


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


def share_of(mean: EpisodeMean) -> str:
    """Write a share in a list: why one that did not vary has no interval, ``about_same`` says once."""
    return share_with_interval(mean, reason=mean.low is None)


def steps_of(mean: EpisodeMean) -> str:
    """Write a duration in a list of several, as ``share_of`` writes a share."""
    return steps_with_interval(mean, reason=mean.low is None)


def about_same(means: Iterable[EpisodeMean]) -> list[str]:
    """Say why some numbers have no interval where they were the same in every episode; nothing where none was."""
    if not any(mean.low is not None and not mean.varies for mean in means):
        return []
    return [
        "A number without an interval, or reason why it has none, is the same in every episode that has such a number."
    ]


def span_of(values: Sequence[float], write: Callable[[float], str]) -> str:
    """Write the smallest and the largest value, once where both read the same."""
    return " to ".join(dict.fromkeys((write(min(values)), write(max(values)))))


def extremes_of(means: Mapping[str, EpisodeMean], write: Callable[[EpisodeMean], str]) -> str:
    """Write the smallest and the largest mean with their intervals, and whose they are; one mean once.

    Args:
        means: By environment, one at least that has a value.
        write: Writes one with its interval.

    Returns:
        For example ``"5.2 % [4.9, 5.5] (BallInCup) to 60.1 % [58.0, 62.2] (CheetahRun)"``.
    """
    known = sorted((mean.value, name) for name, mean in means.items() if mean.value is not None)
    ends = dict.fromkeys((known[0][1], known[-1][1]))
    return " to ".join(f"{write(means[name])} ({name})" for name in ends)


def said_by_side(sides: Mapping[_Side, Sequence[str]], words: Mapping[_Side, str]) -> list[str]:
    """Say of whom what is the case, in the order of the words.

    Args:
        sides: Who is on which side.
        words: What is said of each side; ``{}`` is where they are named.

    Returns:
        A sentence for each side that somebody is on.
    """
    return [said.format(joined(sides[side])) for side, said in words.items() if sides.get(side)]


def about_family(comparisons: int) -> list[str]:
    """Say how many comparisons were made, and what chance makes of so many; nothing of a single one."""
    if comparisons < 2:
        return []
    chance = (1.0 - CONFIDENCE) * comparisons
    return [
        f"These are {comparisons:,} comparisons, none adjusted for the others: were there no difference anywhere, "
        f"{chance:.1f} of them would come out as one by chance."
    ]
