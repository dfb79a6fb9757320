"""Record check: whether a record beside an analysis is of the same data, threshold and names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dynsparse.analysis import SparsityReport
from dynsparse.analysis.zeros import at_least_above_round_off
from dynsparse.errors import InputError
from dynsparse.provenance import content_hash

__all__ = ["check_record"]

_SHOWN = 12
"""Digits of a hash in a message."""


def check_record(report: SparsityReport, record: Any, folder: Path, command: str = "") -> None:
    """Refuse a record that is not of the analysis beside it: its numbers would stand in a report of other data.

    Asked is what both tell: environment, threshold, policy, names of the Jacobian's columns, and the data set's hash.
    A record may be counted above round-off where the analysis is counted below.

    Args:
        report: The analysis.
        record: A record that two files hold.
        folder: Where both are.
        command: What makes the record again; empty where nothing but the hand that put it there does.

    Raises:
        InputError: It is of something else; says what differs and what to do.
    """
    asked: dict[str, tuple[Any, Any]] = {
        name: (getattr(record, name), getattr(report, name))
        for name in ("environment", "policy", "state_names", "action_names")
        if hasattr(record, name)
    }
    if getattr(record, "atol", report.atol) not in (report.atol, at_least_above_round_off(report.atol)):
        asked["atol"] = record.atol, report.atol
    hashes = _hash(record.provenance), _hash(report.provenance) or _audited_hash(report)
    if all(hashes):
        asked["data set"] = hashes
    differing = [f"{name} {_told(own)}, not {_told(wanted)}" for name, (own, wanted) in asked.items() if own != wanted]
    if differing:
        file = folder / f"{record.STEM}.json"
        make = f"make it again: {command}, or remove it" if command else "remove it, or make it again"
        raise InputError(f"expected {file} to be of the analysis beside it, got {'; '.join(differing)}; {make}")


def _hash(provenance: Mapping[str, Any]) -> str | None:
    """Return the hash of the description of the data set that a record names; None where it names none."""
    found = provenance.get("extra", {}).get("dataset")
    if not isinstance(found, Mapping):
        return None
    # Of a data set that is not in a study, the whole description is kept.
    return found["description_sha256"] if "description_sha256" in found else content_hash(found)


def _audited_hash(report: SparsityReport) -> str | None:
    found = (report.audit or {}).get("dataset")
    return found.get("description_sha256") if isinstance(found, Mapping) else None


def _told(value: Any) -> str:
    if isinstance(value, str):
        return value if len(value) < 64 else value[:_SHOWN]
    return f"{value:g}" if isinstance(value, float) else ", ".join(map(str, value))
