"""Change sentences: how shares of zeros, and of switches, change from one way of measuring to another."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dynsparse.report.cause_switches import joined
from dynsparse.report.compared_numbers import MARGIN, Compared
from dynsparse.report.difference_words import points, share_mean
from dynsparse.report.quantities import number

__all__ = ["SWITCHES", "ZEROS", "ChangeWords", "change_sentences"]

_OWN_SENTENCES = 3
"""Environments that have a sentence each; more are listed."""


@dataclass(frozen=True)
class ChangeWords:
    """How one quantity is told.

    Attributes:
        field: Of ``EpisodeSparsity``.
        one: Of one environment; holds ``{size}``, ``{side}`` and ``{environment}``.
        several: Of a list; holds ``{side}``.
        noun: What is compared.
        question: After "whether".
        sides: Words for above and below in a list.
    """

    field: str
    one: str
    several: str
    noun: str
    question: str
    sides: tuple[str, str] = ("more", "fewer")


ZEROS = ChangeWords(
    "combined",
    "{size} {side} of {environment}'s elements read as zero",
    "{side} elements read as zero",
    "the share of zeros",
    "more or fewer elements read as zero",
)

SWITCHES = ChangeWords(
    "switch_rate",
    "the pattern of {environment} switches at {size} {side} of its control steps",
    "the pattern switches {side} often",
    "the share of control steps at which the pattern switches",
    "the pattern switches more or less often",
    ("more", "less"),
)


def change_sentences(
    subject: str, rows: Iterable[Compared], words: ChangeWords, reference: str, *, same: str = ""
) -> tuple[str, ...]:
    """Say in which environments a share grows, shrinks, stays, or can not be told to.

    Args:
        subject: What the sentences are about, ``"With plain autodiff"``.
        rows: Numbers of many environments and quantities; those of the words' field are used.
        words: How it is told.
        reference: What they are compared with, ``"the exact derivative"``.
        same: Put before the number of episodes, ``"same "`` where they are paired.

    Returns:
        Sentences; none without such numbers.
    """
    by_verdict: dict[str, list[Compared]] = {}
    for row in rows:
        if row.quantity.field == words.field and row.change is not None and row.change.value is not None:
            by_verdict.setdefault(row.verdict, []).append(row)
    sentences: list[str] = []
    for verdict, side in zip(("more", "less"), words.sides, strict=True):
        found = by_verdict.get(verdict, [])
        if len(found) <= _OWN_SENTENCES:
            sentences += [_own(subject, row, words, same, reference) for row in found]
        else:
            listed = "; ".join(_listed(row, same, reference) for row in found)
            sentences.append(f"{subject} {words.several.format(side=side)}: {listed}.")
    for verdict, said in (
        ("equal", f"{words.noun} is exactly that of {reference} in every episode"),
        ("within", f"{words.noun} is that of {reference} to {100 * MARGIN:g} percentage points"),
    ):
        found = by_verdict.get(verdict, [])
        if found:
            sentences.append(f"{subject} {said}: {joined([row.environment for row in found])}.")
    unknown = by_verdict.get("unknown", [])
    if unknown:
        few = len(unknown) <= _OWN_SENTENCES
        names = [row.environment for row in unknown]
        listed = "; ".join(_listed(row, same, reference, signed=True) for row in unknown) if few else joined(names)
        begin = subject[0].lower() + subject[1:]
        sentences.append(f"Not enough data to tell whether {begin} {words.question}: {listed}.")
    return tuple(sentences)


def _own(subject: str, row: Compared, words: ChangeWords, same: str, reference: str) -> str:
    side = "more" if row.verdict == "more" else "fewer"
    said = words.one.format(size=_size(row), side=side, environment=row.environment)
    return f"{subject} {said} ({_against(row, same, reference)})."


def _listed(row: Compared, same: str, reference: str, *, signed: bool = False) -> str:
    return f"{row.environment} {_size(row, signed=signed)} ({_against(row, same, reference)})"


def _size(row: Compared, *, signed: bool = False) -> str:
    return "" if row.change is None else points(row.change, signed=signed)


def _against(row: Compared, same: str, reference: str) -> str:
    if row.reference is None:
        return share_mean(row.mean)
    own, other = row.mean.episodes, row.reference.episodes
    episodes = f"{own:,} and {other:,} episodes" if own != other else f"{same}{number(own, 'episode')}"
    if own == other and not same:
        episodes += " each"
    return f"{share_mean(row.mean)} against {share_mean(row.reference)} of {reference}, {episodes}"
