"""Timings table: how long each stage of a study took beside its budget, as the report shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dynsparse.report.markup import element, make_table, text
from dynsparse.report.quantities import number

__all__ = ["TIMINGS_SCHEMA", "timings_html"]

TIMINGS_SCHEMA = 2
_COLUMNS = ("stage", "budget, s", "measured, s", "within budget", "on the wall, s", "busy, s", "began", "ended")
_WORDS = ("within budget", "began", "ended")
_LEAST_CORES = 2


def timings_html(timings: Mapping[str, Any]) -> str:
    """Return what ``timings.json`` says as a table, with a sentence on how to read it.

    Args:
        timings: Of ``TIMINGS_SCHEMA``.

    Returns:
        HTML.
    """
    stages, cores = timings["stages"], timings["cores"]
    cells = [_cells(stage, cores) for stage in stages]
    return element("p", text(_about(timings))) + make_table("Times", _COLUMNS, cells, words=_WORDS)


def _about(timings: Mapping[str, Any]) -> str:
    cores = timings["cores"]
    where = f"on {number(cores, 'process', 'processes')} side by side" if cores else "on a cluster"
    judged = [stage for stage in timings["stages"] if stage["within_budget"] is not None]
    over = [stage["name"] for stage in judged if not stage["within_budget"]]
    said = f"Preset {timings['preset']}, {where}: {_seconds(timings['wall_seconds'])} s in all, "
    said += "what ran at the same time counted once. "
    stopped = [stage["name"] for stage in timings["stages"] if not stage.get("whole", True)]
    said += f"Stopped before the end: {', '.join(stopped)}. " if stopped else ""
    if judged:
        held = f"{len(judged) - len(over)} of {number(len(judged), 'stage')} with a budget kept it"
        said += f"{held}; over it: {', '.join(over)}. " if over else f"{held}. "
    else:
        said += "No budget is compared: budgets are promised on two cores of one machine. "
    return (
        f"{said}A stage is measured on the wall; a section, beside which others are measured, by the seconds that its "
        "processes were busy, divided by their number."
    )


def _cells(stage: Mapping[str, Any], cores: int) -> tuple[str, ...]:
    verdict = {True: "within", False: "OVER"}.get(stage["within_budget"], "")
    if not stage.get("whole", True):
        verdict = "stopped" if not verdict else f"{verdict}, stopped"
    elif not verdict:
        verdict = "no budget" if stage["budget_seconds"] is None else "not compared"
    names = ("budget_seconds", "measured_seconds", "wall_seconds", "busy_seconds")
    budget, measured, wall, busy = (_seconds(stage[name]) for name in names)
    return (stage["name"], budget, measured, verdict, wall, busy, _moment(stage["began"]), _moment(stage["ended"]))


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}"


def _moment(date: str) -> str:
    """Return a date in UTC to the second."""
    return f"{date[:10]} {date[11:19]}"
