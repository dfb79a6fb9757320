"""Change sentences: in which environments a share is another than that of a reference, in words for many at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dynsparse.report.cause_switches import joined
from dynsparse.report.compared_numbers import MARGIN, NOT_ENOUGH, Compared
from dynsparse.report.difference_words import points, share_mean
from dynsparse.report.quantities import number
from dynsparse.report.said_once import by_what_is_said

__all__ = ["SWITCHES", "ZEROS", "ChangeWords", "about_change"]


@dataclass(frozen=True)
class ChangeWords:
    """How one quantity is told.

    Attributes:
        field: Of ``EpisodeSparsity``.
        several: What is told of a list of environments; holds ``{side}``.
        noun: What is compared.
        sides: Words for above and below.
    """

    field: str
    several: str
    noun: str
    sides: tuple[str, str]


ZEROS = ChangeWords("combined", "{side} elements read as zero", "the share of zeros", ("more", "fewer"))

SWITCHES = ChangeWords(
    "switch_rate",
    "the pattern switches {side} often",
    "the share of control steps at which the pattern switches",
    ("more", "less"),
)


def about_change(subject: str, rows: Iterable[Compared], words: ChangeWords, reference: str, *, paired: bool) -> str:
    """Say in which environments a share grows, shrinks, stays, or can not be told to.

    Args:
        subject: What is told about, ``"With plain autodiff"``.
        rows: Numbers of many environments and quantities, corrected; those of the words' field are used.
        words: How it is told.
        reference: What they are compared with, ``"the exact derivative"``.
        paired: Whether both are of the same episodes.

    Returns:
        One sentence, its parts by verdict; empty without such numbers.
    """
    every = [row for row in rows if row.quantity.field == words.field and row.is_told]
    by_verdict: dict[str, list[Compared]] = {}
    for row in every:
        by_verdict.setdefault(row.verdict, []).append(row)
    if not by_verdict:
        return ""
    parts: list[str] = []
    for verdict, side in zip(("more", "less"), words.sides, strict=True):
        found = by_verdict.get(verdict, [])
        if found:
            listed = joined([_by_how_much(row, paired=paired) for row in found])
            parts.append(f"{words.several.format(side=side)} than by {reference} in {listed}")
    for verdict, said in (
        ("equal", f"{words.noun} is exactly that of {reference}{' in every episode' if paired else ''}"),
        ("within", f"{words.noun} is that of {reference} to {100 * MARGIN:g} percentage points"),
        ("not told", f"{words.noun} can not be told from that of {reference}"),
        (NOT_ENOUGH, f"there is {NOT_ENOUGH} to compare {words.noun}"),
    ):
        found = by_verdict.get(verdict, [])
        if found:
            parts.append(f"{said} in {joined([row.environment for row in found])}")
    return f"{subject} {'; '.join(parts)} ({_episodes(every, paired=paired)})."


def _by_how_much(row: Compared, *, paired: bool) -> str:
    size = "" if row.change is None else points(row.change, paired=paired)
    against = "" if row.reference is None else f": {share_mean(row.mean)} against {share_mean(row.reference)}"
    return f"{row.environment} (by {size}{against})"


def _episodes(rows: Sequence[Compared], *, paired: bool) -> str:
    """Say how many episodes numbers rest on, once where it is the same of all, or of most."""
    found = sorted(by_what_is_said((row.environment, _counted(row, paired=paired)) for row in rows),
                   key=lambda group: -len(group[1]))  # fmt: skip
    listed = [f"{words} in {joined(names)}" for words, names in found]
    if len(found[0][1]) > len(rows) / 2:
        listed[0] = found[0][0]
    return "; ".join(listed)


def _counted(row: Compared, *, paired: bool) -> str:
    own, other = row.mean.episodes, 0 if row.reference is None else row.reference.episodes
    if paired and own == other:
        return f"same {number(own, 'episode')}"
    of_one = row.steps == 1
    if own == other and not of_one:
        return f"{number(own, 'episode')} each"
    return f"{number(own, 'one-step episode' if of_one else 'episode')} against {other:,}"
