"""Compared sentences: patterns and durations beside those of a reference, one line a quantity, of every comparison."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dynsparse.report.cause_switches import joined
from dynsparse.report.compared_numbers import NOT_ENOUGH, Compared
from dynsparse.report.difference_words import plain_number, size_of
from dynsparse.report.quantities import number

__all__ = ["about_lengths_and_patterns"]

_MEAN, _SIDES = "(mean over episodes of an episode's mean)", ("longer", "for a shorter time")
_WORDS = {
    "patterns": ("An episode has", "more patterns", "fewer patterns", "The number of patterns an episode"),
    "zero_duration": (f"Elements stay zero {_MEAN}", *_SIDES, f"How long elements stay zero {_MEAN}"),
    "nonzero_duration": (f"Elements stay non-zero {_MEAN}", *_SIDES, f"How long elements stay non-zero {_MEAN}"),
}
"""By field: what is told, above and below, and what it is told of."""

_OTHERS = {
    "equal": "the two are exactly the same in",
    "within": "they are the same to three digits in",
    "not told": "they can not be told apart in",
    NOT_ENOUGH: f"there is {NOT_ENOUGH} in",
}


def about_lengths_and_patterns(rows: Iterable[Compared], reference: str, *, paired: bool) -> tuple[str, ...]:
    """Say of each quantity that is no share which way of measuring has another, and how the others came out.

    Args:
        rows: Numbers of every environment and way of measuring, corrected.
        reference: What they are compared with, ``"the exact derivative"``.
        paired: Whether both are of the same episodes.

    Returns:
        A sentence a quantity; none of one that nothing was compared of.
    """
    every = list(rows)
    found = (
        _about([row for row in every if row.quantity.field == field and row.is_told], field, reference, paired)
        for field in _WORDS
    )
    return tuple(filter(None, found))


def _about(rows: Sequence[Compared], field: str, reference: str, paired: bool) -> str:
    if not rows:
        return ""
    begin, more, less, noun = _WORDS[field]
    told = {verdict: [row for row in rows if row.verdict == verdict] for verdict in ("more", "less", *_OTHERS)}
    parts = [
        f"{side} than by {reference} in {_listed(told[verdict], paired)}"
        for verdict, side in (("more", more), ("less", less))
        if told[verdict]
    ]
    others = [f"{words} {len(told[verdict]):,}" for verdict, words in _OTHERS.items() if told[verdict]]
    if not parts:
        return f"{noun} is told to differ from that by {reference} nowhere: {_tail(rows, others)}."
    return f"{begin} {'; '.join([*parts, *([_tail(rows, others)] if others else [])])}."


def _tail(rows: Sequence[Compared], others: Sequence[str]) -> str:
    return f"of {number(len(rows), 'comparison')} {joined(others)}"


def _listed(rows: Sequence[Compared], paired: bool) -> str:
    """List environments, each with its ways of measuring and how much they differ."""
    by_environment: dict[str, list[str]] = {}
    for row in rows:
        size = "" if row.change is None else size_of(row.change, row.quantity.unit, paired=paired)
        own, other = (0.0 if mean is None else mean.value or 0.0 for mean in (row.mean, row.reference))
        said = f"{row.name}: by {size}, {plain_number(own)} against {plain_number(other)}"
        by_environment.setdefault(row.environment, []).append(said)
    return joined([f"{name} ({'; '.join(said)})" for name, said in by_environment.items()])
