"""Section run: what is not measured yet of a study's sections, on this machine or on a Ray cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dynsparse.cli.progress import open_progress
from dynsparse.cli.result_places import ANALYSES
from dynsparse.cli.section import decided_by, section_named
from dynsparse.cli.time_span import TimeSpan
from dynsparse.cli.unit_board import UnitBoard
from dynsparse.errors import DatasetError
from dynsparse.executor import Executor, Unit, UnitStore, run_units
from dynsparse.learning.unit import dataset_identity
from dynsparse.provenance import Provenance

__all__ = ["RECORDS", "SectionOutcome", "SectionPlan", "UnitTime", "run_sections"]

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


@dataclass(frozen=True)
class UnitTime:
    """When a process was busy with a section of an environment.

    Attributes:
        section: Its name.
        environment: Name of the environment.
        span: When, and for how long.
    """

    section: str
    environment: str
    span: TimeSpan


@dataclass(frozen=True)
class SectionOutcome:
    """What became of sections.

    Attributes:
        failed: Why sections have no record, by environment and section in words; empty where all have.
        times: Of those that have one, as far as it is known, whenever they were measured.
    """

    failed: Mapping[str, str]
    times: tuple[UnitTime, ...]


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
) -> SectionOutcome:
    """Measure the sections that have no record of these data, sizes and settings; one that fails does not stop others.

    A record of something else is measured again, and a line says so: nothing that was asked for otherwise is kept.

    Args:
        plans: What is to be measured.
        datasets: Folder of each environment's data set; its analysis is there.
        out: Folder of the study.
        executor: Where it is measured.
        provenance: Of the whole run.
        command: The command as the records name it.
        seed: Seed of every choice.
        atol: An element is zero when ``abs(x) < atol``; some sections count above round-off at least.

    Returns:
        What became of them.

    Raises:
        ExecutorError: Nothing can be run.
        OutputError: A result can not be written, or another process writes there.
    """
    units, lacking = _units(plans, datasets, out, command, seed, atol)
    store = UnitStore(out / RECORDS)
    waiting = [unit for unit in units if _is_to_be_measured(unit, store)]
    failed: Mapping[str, str] = {}
    if waiting:
        progress = open_progress()
        try:
            board = UnitBoard(progress, waiting, lambda unit: str(unit.arguments["section"]))
            failed = run_units(waiting, store, executor, on_event=board.hear, provenance=provenance).failed
        finally:
            progress.close()
    names = {unit.key: f"{unit.arguments['environment']}, {unit.arguments['section']}" for unit in waiting}
    return SectionOutcome(lacking | {names[key]: error for key, error in failed.items()}, _times(units, store))


def _is_to_be_measured(unit: Unit, store: UnitStore) -> bool:
    """Say whether a unit's section has no record, or one of something else, which is told."""
    section, folder = section_named(unit.arguments["section"]), Path(unit.context["analysis"])
    reason = section.lacks(folder, decided_by(section, unit.arguments))
    if not reason:
        return False
    if section.is_there(folder):
        print(f"measured again: {unit.arguments['environment']}, {section.name}: {reason}", flush=True)
    store.forget(unit.key)
    return True


def _times(units: Sequence[Unit], store: UnitStore) -> tuple[UnitTime, ...]:
    """Return when the units that are done were measured."""
    found = []
    for unit in units:
        record = store.record(unit.key)
        measured = {} if record is None or record["status"] != "done" else record["measured"]
        if "began" in measured:
            section, environment = unit.arguments["section"], unit.arguments["environment"]
            found.append(UnitTime(section, environment, TimeSpan.from_dict(measured)))
    return tuple(found)


def _units(
    plans: Sequence[SectionPlan], datasets: Mapping[str, Path], out: Path, command: str, seed: int, atol: float
) -> tuple[list[Unit], dict[str, str]]:
    """Return the units, all sections of an environment together, since a process then loads it once; and what lacks.

    A data set that was removed once everything was measured is not missed.
    """
    units: list[Unit] = []
    lacking: dict[str, str] = {}
    for environment, path in datasets.items():
        folder = out / ANALYSES / environment
        covering = [plan for plan in plans if plan.covers(environment)]
        sections = [section_named(plan.section) for plan in covering]
        asked = [
            {"sizes": dict(plan.sizes), "seed": seed, "atol": section.atol(atol)}
            for plan, section in zip(covering, sections, strict=True)
        ]
        try:
            identity = dataset_identity(str(path))
        except DatasetError as error:
            missing = [
                section.name for section, sizes in zip(sections, asked, strict=True) if section.lacks(folder, sizes)
            ]
            if missing:
                lacking[f"{environment}, {', '.join(missing)}"] = f"DatasetError: {error}"
            continue
        for section, sizes in zip(sections, asked, strict=True):
            about = {"section": section.name, "environment": environment, "dataset": identity, "command": command}
            context = {"dataset": str(path), "analysis": str(folder), "study": str(out)}
            units.append(Unit(_FUNCTION, about | sizes, context, environment, section.versions))
    return units, lacking
