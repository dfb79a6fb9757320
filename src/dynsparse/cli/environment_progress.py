"""Environment progress: how far one environment has got, and what a line says of it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["EnvironmentProgress"]

_RATES = {"collect": "Jacobians/s", "linearize": "Jacobians/s", "train": "steps/s", "learn": "epochs/s"}
"""Phases that tell how much they have done and how fast, and of what."""

_COUNTED = (*_RATES, "analyze", "verify", "trace")
"""Phases that tell how much they have done."""

_COUNTED_THINGS = {"verify": "blocks", "train": "steps", "learn": "epochs"}
"""What is counted, where it is not rows."""


@dataclass
class EnvironmentProgress:
    """How far one environment has got.

    Attributes:
        total: Rows to linearize.
        phase: What is done now.
        since: Clock at the start of the phase, s.
        done: Rows linearized.
        nonfinite: How many of them are not finite.
        first_done: Rows linearized when the first were reported.
        first_at: Clock at that moment, s.
        finished: Whether its results are on disk.
        note: What else there is to tell, such as a return.
    """

    total: int
    phase: str = "wait"
    since: float = 0.0
    done: int = 0
    nonfinite: int = 0
    first_done: int = 0
    first_at: float = 0.0
    finished: bool = False
    note: str = ""

    def describe(self, now: float) -> str:
        """Return phase, rows, Jacobians/s, ETA and non-finite rows in one line.

        Args:
            now: Clock, s.

        Returns:
            The line.
        """
        elapsed = max(now - self.since, 1e-9)
        if self.phase not in _COUNTED:
            return f"{self.phase}, {elapsed:.0f} s so far"
        rows = f"{self.phase}, {self.done:,} of {self.total:,} {_COUNTED_THINGS.get(self.phase, 'rows')}"
        if not self.done:
            return f"{rows}, {elapsed:.0f} s so far"
        rate = self._rate(now)
        eta = (self.total - self.done) / rate
        if self.phase not in _RATES:
            return f"{rows}, ETA {eta:.0f} s"
        more = f", {self.nonfinite:,} non-finite" if _RATES[self.phase] == "Jacobians/s" else ""
        more = f", {self.note}" if self.note else more
        digits = 1 if self.phase == "learn" and rate < 10 else 0
        return f"{rows}, {rate:,.{digits}f} {_RATES[self.phase]}, ETA {eta:.0f} s{more}"

    def count(self, done: int, nonfinite: int, now: float) -> None:
        """Note rows linearized so far.

        Args:
            done: Rows so far.
            nonfinite: How many of them are not finite.
            now: Clock, s.
        """
        if not self.done:
            self.first_done, self.first_at = done, now
        self.done, self.nonfinite = done, nonfinite

    def _rate(self, now: float) -> float:
        # The first rows may have waited for a compilation, which says nothing about the rows to come.
        if self.done > self.first_done:
            return (self.done - self.first_done) / max(now - self.first_at, 1e-9)
        return self.done / max(now - self.since, 1e-9)
