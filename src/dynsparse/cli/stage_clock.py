"""Stage clock: how long each stage of a study took, over all the runs that it needed, beside its budget."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dynsparse.report.files import write_file

__all__ = ["STAGES", "TIMINGS", "StageClock"]

STAGES = (
    "data",
    "pictures",
    "embedding",
    "causes",
    "derivatives",
    "policies",
    "horizon",
    "q4",
    "search",
    "report",
    "explore",
)
"""In the order in which they are done."""
TIMINGS = "timings.json"
_SCHEMA = 1


class StageClock:
    """Adds up seconds in ``OUT/timings.json``: a stage that was stopped and went on counts both times."""

    def __init__(self, out: Path, preset: str, cores: int, budgets: Mapping[str, float]) -> None:
        """Go on with what a folder says, where it is of the same preset and as many cores.

        Args:
            out: Folder of the study.
            preset: Name of the preset that the budgets are of.
            cores: Processes that worked side by side; 0 for a cluster, of which nothing is promised.
            budgets: Seconds that stages may take on two cores, by name; one that is not there may take any time.
        """
        self._path = out / TIMINGS
        self._about: dict[str, Any] = {"schema": _SCHEMA, "preset": preset, "cores": cores}
        self._budgets = dict(budgets)
        self._seconds: dict[str, float] = self._read()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure what is done inside, also where it fails or is interrupted.

        Args:
            name: One of ``STAGES``.
        """
        began = time.monotonic()
        try:
            yield
        finally:
            self._seconds[name] = self._seconds.get(name, 0.0) + time.monotonic() - began
            self._write()

    def note(self, name: str, seconds: float) -> None:
        """Note how long a stage took that was measured elsewhere, in place of what was known.

        Args:
            name: One of ``STAGES``.
            seconds: Of all runs together, as if it had been alone on these cores.
        """
        self._seconds[name] = seconds
        self._write()

    @property
    def over(self) -> tuple[str, ...]:
        """Stages that took longer than their budget, in words; of fewer than two cores nothing is promised."""
        if self._about["cores"] < 2:
            return ()
        return tuple(
            f"{name} took {self._seconds[name]:.0f} s of {budget:.0f} s"
            for name, budget in self._budgets.items()
            if self._seconds.get(name, 0.0) > budget
        )

    def told(self) -> str:
        """Return all stages and the sum in one line."""
        parts = [f"{name} {self._seconds[name]:.0f} s" for name in STAGES if name in self._seconds]
        return f"{', '.join(parts)}: {sum(self._seconds.values()):.0f} s in all"

    def _read(self) -> dict[str, float]:
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
            if {key: found[key] for key in self._about} != self._about:
                return {}
            return {stage["name"]: float(stage["seconds"]) for stage in found["stages"]}
        except (OSError, ValueError, KeyError, TypeError):
            # A clock is not worth stopping for: where there is none that can be read, it begins anew.
            return {}

    def _write(self) -> None:
        stages = [
            {"name": name, "seconds": round(self._seconds[name], 1), "budget_seconds": self._budgets.get(name)}
            for name in STAGES
            if name in self._seconds
        ]
        write_file(self._path, json.dumps({**self._about, "stages": stages}, indent=1) + "\n")
