"""Queue of units: who takes which next, and what happens to those that were lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence

from dynsparse.executor.unit import Unit

__all__ = ["UnitQueue"]


class UnitQueue:
    """Units that wait, and units in hands; a hand is whatever identifies a process that runs one at a time."""

    def __init__(self, units: Sequence[Unit], attempts: int) -> None:
        """Begin with all units waiting.

        Args:
            units: In the order in which they are to be taken.
            attempts: How often one is begun at most, where the hands that hold it get lost.
        """
        self._waiting = list(units)
        self._attempts = attempts
        self._begun: Counter[str] = Counter()
        self._held: dict[Hashable, Unit] = {}
        self._last: dict[Hashable, str] = {}

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiting)

    @property
    def unfinished(self) -> int:
        """How many wait or are in a hand."""
        return len(self._waiting) + len(self._held)

    def held(self, hand: Hashable) -> Unit | None:
        """Return what a hand holds."""
        return self._held.get(hand)

    def take(self, hand: Hashable) -> Unit | None:
        """Give a free hand the next unit; None where none waits.

        Next is the first of the group that the hand had last, whose code it has compiled; else the first of a group
        that no other hand is at; else the first.
        """
        if not self._waiting:
            return None
        elsewhere = {unit.group for unit in self._held.values() if unit.group}
        last = self._last.get(hand, "")
        index = next((i for i, unit in enumerate(self._waiting) if last and unit.group == last), None)
        if index is None:
            index = next((i for i, unit in enumerate(self._waiting) if unit.group not in elsewhere), 0)
        unit = self._waiting.pop(index)
        self._held[hand], self._last[hand] = unit, unit.group
        self._begun[unit.key] += 1
        return unit

    def finish(self, hand: Hashable) -> Unit:
        """Take note that a hand's unit has an answer, and that the hand is free."""
        return self._held.pop(hand)

    def lose(self, hand: Hashable) -> tuple[Unit | None, bool]:
        """Take note that a hand is gone.

        Returns:
            The unit that it held, if any, and whether that waits again, as the first; otherwise it was begun as often
            as it may be, and is finished.
        """
        self._last.pop(hand, None)
        unit = self._held.pop(hand, None)
        again = unit is not None and self._begun[unit.key] < self._attempts
        if unit is not None and again:
            self._waiting.insert(0, unit)
        return unit, again
