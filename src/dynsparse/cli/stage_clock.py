"""Stage clock: when each stage of a study was at work, over all the runs that it needed, beside its budget."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dynsparse.cli.section_run import UnitTime
from dynsparse.cli.time_span import TimeSpan, covered_seconds
from dynsparse.report.files import write_file

__all__ = ["SECTIONS_STAGE", "STAGES", "TIMINGS", "StageClock"]

STAGES = (
    "data",
    "pictures",
    "embedding",
    "causes",
    "derivatives",
    "policies",
    "horizon",
    "sections",
    "q4",
    "relearned",
    "search",
    "report",
    "explore",
)
"""In the order in which they are done; the sections are measured side by side, within the stage of that name."""
_REDONE = ("report", "explore")
"""Done again from the beginning in each run: the last time counts."""
SECTIONS_STAGE = "sections"
TIMINGS = "timings.json"
_SCHEMA = 2


class StageClock:
    """Keeps spans of time in ``OUT/timings.json``: a stage that was stopped and went on has one for each time.

    A stage is timed on the wall.  A section has no wall of its own, since others are measured beside it: for each of
    its environments there is the time that one process was busy, and what a budget is compared with is their sum
    divided by the processes.  What was busy in vain, because it was stopped, is in the stage's wall time alone.
    """

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
        self._spans: dict[str, list[TimeSpan]] = {}
        self._units: dict[tuple[str, str], TimeSpan] = {}
        self._stopped: set[str] = set()
        self._read()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure what is done inside, also where it fails or is interrupted.

        Args:
            name: One of ``STAGES``.
        """
        began, clock = time.time(), time.monotonic()
        whole = False
        try:
            yield
            whole = True
        finally:
            self.note(name, TimeSpan(began, time.monotonic() - clock), whole=whole)

    def note(self, name: str, span: TimeSpan, *, whole: bool = True) -> None:
        """Note when a stage was at work that was measured elsewhere.

        Args:
            name: One of ``STAGES``.
            span: When, and for how long.
            whole: Whether it came to its end.
        """
        before = [] if name in _REDONE else self._spans.get(name, [])
        self._spans[name] = [*before, span]
        (self._stopped.discard if whole else self._stopped.add)(name)
        self._write()

    def note_units(self, times: Iterable[UnitTime]) -> None:
        """Note when sections were measured, each in place of what was known of the same section and environment.

        Args:
            times: Of the units.
        """
        self._units |= {(one.section, one.environment): one.span for one in times}
        self._write()

    @property
    def over(self) -> tuple[str, ...]:
        """Stages that took longer than their budget, in words; of fewer than two cores nothing is promised."""
        return tuple(
            f"{stage['name']} took {stage['measured_seconds']:.0f} s of {stage['budget_seconds']:.0f} s"
            for stage in self.stages
            if stage["within_budget"] is False
        )

    def told(self) -> str:
        """Return all stages in one line, and the time on the wall, in which stages side by side count once."""
        parts = [
            f"{stage['name']} {stage['measured_seconds']:.0f} s"
            for stage in self.stages
            if stage["measured_seconds"] is not None and stage["name"] != SECTIONS_STAGE
        ]
        return f"{', '.join(parts)}: {self.wall_seconds:.0f} s in all"

    @property
    def wall_seconds(self) -> float:
        """Seconds in which any stage was at work, of all runs together."""
        return covered_seconds(span for spans in self._spans.values() for span in spans)

    @property
    def stages(self) -> list[dict[str, Any]]:
        """What is known of each stage, as plain JSON values in the order of ``STAGES``.

        ``wall_seconds`` is the time in which it was at work at all, ``busy_seconds`` that of all its processes together
        (null where nobody counts that), ``measured_seconds`` what its budget is compared with: the former, or for a
        section the latter divided by the processes.  ``whole`` is false where it was stopped and did not go on yet, so
        that no budget is kept so far.
        """
        return [self._stage(name) for name in STAGES if self._own(name)]

    def _own(self, name: str) -> list[TimeSpan]:
        return self._spans.get(name, []) or [span for (section, _), span in self._units.items() if section == name]

    def _stage(self, name: str) -> dict[str, Any]:
        spans, cores = self._own(name), self._about["cores"]
        wall, measured, busy = covered_seconds(spans), None, None
        if name in self._spans:
            measured = wall
        else:
            busy = sum(span.seconds for span in spans)
            measured = busy / cores if cores else None
        budget = self._budgets.get(name)
        whole = name not in self._stopped
        within = None if budget is None or measured is None or cores < 2 else measured <= budget
        if within and not whole:
            within = None
        first, last = min(span.began for span in spans), max(span.ended for span in spans)
        return {
            "name": name,
            "whole": whole,
            "budget_seconds": budget,
            "measured_seconds": _rounded(measured),
            "within_budget": within,
            "wall_seconds": _rounded(wall),
            "busy_seconds": _rounded(busy),
            "began": TimeSpan(first, 0.0).to_dict()["began"],
            "ended": TimeSpan(last, 0.0).to_dict()["began"],
            "spans": _spans(self._spans.get(name, ())),
        }

    def _read(self) -> None:
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
            if {key: found[key] for key in self._about} != self._about:
                return
            spans = {stage["name"]: [TimeSpan.from_dict(one) for one in stage["spans"]] for stage in found["stages"]}
            units = {(one["section"], one["environment"]): TimeSpan.from_dict(one) for one in found["units"]}
        except (OSError, ValueError, KeyError, TypeError):
            # A clock is not worth stopping for: where there is none that can be read, it begins anew.
            return
        self._spans = {name: own for name, own in spans.items() if own}
        self._stopped = {stage["name"] for stage in found["stages"] if not stage.get("whole", True)}
        self._units = units

    def _write(self) -> None:
        units = [
            {"section": section, "environment": environment} | span.to_dict()
            for (section, environment), span in self._units.items()
        ]
        found = {**self._about, "wall_seconds": _rounded(self.wall_seconds), "stages": self.stages, "units": units}
        write_file(self._path, json.dumps(found, indent=1) + "\n")


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)


def _spans(spans: Sequence[TimeSpan]) -> list[dict[str, Any]]:
    return [span.to_dict() for span in spans]
