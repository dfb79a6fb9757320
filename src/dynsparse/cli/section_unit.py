"""Section unit: one section of one environment, measured in a process of its own, here or on a Ray node."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dynsparse.cli.section import DECIDED, Record, decided_by, plain, section_named
from dynsparse.cli.time_span import TimeSpan
from dynsparse.errors import DatasetError
from dynsparse.executor.unit import Tell
from dynsparse.learning.unit import dataset_identity

__all__ = ["measure_section"]


def measure_section(
    arguments: Mapping[str, Any], context: Mapping[str, str], tell: Tell
) -> tuple[Mapping[str, Any], Mapping[str, np.ndarray], Mapping[str, Any]]:
    """Measure a section and put its record beside the analysis.

    The record's files appear whole or not at all, and two processes that measure the same write the same numbers.

    Args:
        arguments: ``section``, ``environment``, ``dataset`` (see ``dataset_identity``), ``command`` (for the record),
            ``sizes``, ``seed`` and ``atol``.
        context: ``dataset``, its folder; ``analysis``, the folder of the analysis; ``study``, that of the whole study.
        tell: Told what is done, and how many rows are.

    Returns:
        The section's name and environment, the numbers are in the record's files; and when it began (UTC) and for how
        many seconds it was busy.

    Raises:
        DatasetError: The folder holds another data set.
        DynsparseError: Whatever the measurement raises.
    """
    began, clock = time.time(), time.perf_counter()
    section, path = section_named(arguments["section"]), Path(context["dataset"])
    found = dataset_identity(str(path))
    if found != arguments["dataset"]:
        raise DatasetError(
            f"expected the data set that the study was planned for ({arguments['dataset']['rows']} rows), {path} holds "
            f"another one ({found['rows']} rows); choose another --out"
        )
    phase = ""
    done = 0

    def enter(name: str) -> None:
        nonlocal phase, done
        phase, done = name, 0
        tell(0, 0, phase)

    def count(rows: int) -> None:
        nonlocal done
        done = rows
        tell(done, 0, phase)

    study = Path(context["study"])
    places = {name: study / place for name, place in section.fields.items()}
    record = section.load_function()(
        path,
        arguments["command"],
        **plain(arguments["sizes"]),
        **places,
        seed=arguments["seed"],
        atol=arguments["atol"],
        workers=1,
        on_phase=enter,
        on_rows=count,
    )
    decided = decided_by(section, arguments)
    _with_entry(record, DECIDED, decided).save(Path(context["analysis"]))
    measured = TimeSpan(began, time.perf_counter() - clock).to_dict()
    return {"section": section.name, "environment": arguments["environment"]}, {}, measured


def _with_entry(record: Record, name: str, value: Mapping[str, Any]) -> Record:
    """Add an entry to what a record says about where it comes from."""
    extra = {**record.provenance.get("extra", {}), name: dict(value)}
    # The protocol does not say so, but every record is a frozen dataclass.
    return dataclasses.replace(record, provenance={**record.provenance, "extra": extra})  # type: ignore[type-var]
