"""Said once: what holds of several environments is told once, with their names."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["by_what_is_said"]


def by_what_is_said(said: Iterable[tuple[str, str]]) -> list[tuple[str, list[str]]]:
    """Collect the environments of which the same is said, in the order of the first of each.

    Args:
        said: Pairs of environment and words.

    Returns:
        Pairs of words and environments.
    """
    found: dict[str, list[str]] = {}
    for environment, words in said:
        found.setdefault(words, []).append(environment)
    return list(found.items())
