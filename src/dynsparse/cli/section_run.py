"""Section run: what is not measured yet of a study's sections, on this machine or on a Ray cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dynsparse.cli.progress import open_progress
from dynsparse.cli.result_folder import ANALYSES
from dynsparse.cli.section import section_named
from dynsparse.cli.unit_board import UnitBoard
from dynsparse.errors import DatasetError
from dynsparse.executor import Executor, Unit, UnitStore, run_units
from dynsparse.learning.unit import dataset_identity
from dynsparse.provenance import Provenance

__all__ = ["RECORDS", "SectionPlan", "run_sections", "section_seconds"]

RECORDS = "sections"
"""Folder of the units' own records: what failed and why, and how long each took."""

_FUNCTION = "dynsparse.cli.section_unit:measure_section"


@dataclass(frozen=True)
class SectionPlan:
    """How much of a section is measured.

    Attributes:
        section: Its name.
        sizes: Arguments of its function that decide how much.
        environments: Where it is measured; None for everywhere.
    """

    section: str
    sizes: Mapping[str, Any]
    environments: tuple[str, ...] | None = None

    def covers(self, environment: str) -> bool:
        """Whether it is measured there."""
        return self.environments is None or environment in self.environments


def run_sections(
    plans: Sequence[SectionPlan],
    datasets: Mapping[str, Path],
    out: Path,
    executor: Executor,
    provenance: Provenance,
    *,
    command: str,
    seed: int,
    atol: float,
) -> dict[str, str]:
    """Measure the sections that have no record yet; one that fails does not stop the others.

    Args:
        plans: What is to be measured.
        datasets: Folder of each environment's data set; its analysis is there.
        out: Folder of the study.
        executor: Where it is measured.
        provenance: Of the whole run.
        command: The command as the records name it.
        seed: Seed of every choice.
        atol: An element is zero when ``abs(x) < atol``.

    Returns:
        Why sections have no record, by environment and section in words; empty where all have.

    Raises:
        ExecutorError: Nothing can be run.
        OutputError: A result can not be written, or another process writes there.
    """
    units, lacking = _units(plans, datasets, out, command, seed, atol)
    if not units:
        return lacking
    store = UnitStore(out / RECORDS)
    for unit in units:
        section = section_named(unit.arguments["section"])
        if store.is_done(unit.key) and not section.is_measured(Path(unit.context["analysis"])):
            store.forget(unit.key)
    waiting = [unit for unit in units if not store.is_done(unit.key)]
    if not waiting:
        return lacking
    progress = open_progress()
    try:
        board = UnitBoard(progress, waiting, lambda unit: str(unit.arguments["section"]))
        outcome = run_units(waiting, store, executor, on_event=board.hear, provenance=provenance)
    finally:
        progress.close()
    names = {unit.key: f"{unit.arguments['environment']}, {unit.arguments['section']}" for unit in waiting}
    return lacking | {names[key]: error for key, error in outcome.failed.items()}


def section_seconds(out: Path) -> dict[str, float]:
    """Return for how long one process was busy with each section, over all environments, s."""
    found: dict[str, float] = {}
    for record in UnitStore(out / RECORDS).records():
        name = record["unit"].get("section")
        if name is None:  # data, collected on a cluster
            continue
        found[name] = found.get(name, 0.0) + float(record["measured"].get("seconds", 0.0))
    return found


def _units(
    plans: Sequence[SectionPlan], datasets: Mapping[str, Path], out: Path, command: str, seed: int, atol: float
) -> tuple[list[Unit], dict[str, str]]:
    """Return the units, all sections of an environment together, since a process then loads it once; and what lacks.

    A data set that was removed once everything was measured is not missed.
    """
    units: list[Unit] = []
    lacking: dict[str, str] = {}
    for environment, path in datasets.items():
        try:
            identity = dataset_identity(str(path))
        except DatasetError as error:
            asked = [section_named(plan.section) for plan in plans if plan.covers(environment)]
            missing = [section.name for section in asked if not section.is_measured(out / ANALYSES / environment)]
            if missing:
                lacking[f"{environment}, {', '.join(missing)}"] = f"DatasetError: {error}"
            continue
        for plan in plans:
            if not plan.covers(environment):
                continue
            arguments = {
                "section": plan.section,
                "environment": environment,
                "dataset": identity,
                "command": command,
                "sizes": dict(plan.sizes),
                "seed": seed,
                "atol": atol,
            }
            context = {"dataset": str(path), "analysis": str(out / ANALYSES / environment), "study": str(out)}
            units.append(Unit(_FUNCTION, arguments, context, environment))
    return units, lacking
