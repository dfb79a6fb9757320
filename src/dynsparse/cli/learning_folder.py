"""Learning folder: which settings and data sets the trainings in a folder belong to."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from dynsparse.errors import OutputError, OutputExistsError
from dynsparse.executor.unit import deciding_versions
from dynsparse.report.files import write_file

__all__ = ["UNITS", "claim_folder"]

UNITS = "units"
"""Folder of the records."""

_FILE = "learning.json"
_SCHEMA = 1


def claim_folder(
    path: Path,
    settings: Mapping[str, Any],
    datasets: Mapping[str, Mapping[str, Any]],
    *,
    beside: Collection[str] = (),
) -> None:
    """Note in a folder what its trainings belong to, or say why it can not be used.

    Losses, seeds and environments may be added by later commands; what decides every number may not change: a table of
    two settings' numbers would belong to neither.

    Args:
        path: The folder; made where it is missing.
        settings: What all trainings have in common, as plain JSON values.
        datasets: Identity of each environment's data set.
        beside: Names of files and folders that may be there before.

    Raises:
        OutputExistsError: If it holds something else, or trainings of other settings or data; says which.
        OutputError: If it can not be written.
    """
    if path.exists() and not path.is_dir():
        raise OutputError(f"expected --out to name a folder, {path} is a file; choose another")
    deciding = {**settings, **{f"version of {name}": version for name, version in deciding_versions().items()}}
    there = _read(path / _FILE)
    if there is None:
        _refuse_foreign(path, beside)
    # Settings under which nothing was trained bind nobody.
    if there is not None and any((path / UNITS).glob("[!.]*.json")):
        differing = [
            f"{key} is {there['settings'].get(key)!r} there and {deciding.get(key)!r} here"
            for key in sorted({*deciding, *there["settings"]})
            if there["settings"].get(key) != deciding.get(key)
        ]
        differing += [
            f"the data set of {name} is another one"
            for name, identity in datasets.items()
            if there["datasets"].get(name, identity) != identity
        ]
        if differing:
            raise OutputExistsError(
                f"{path} holds trainings of other settings: {', '.join(differing)}; choose another --out or the same "
                "settings"
            )
        datasets = {**there["datasets"], **datasets}
    content = {"schema": _SCHEMA, "settings": deciding, "datasets": dict(datasets)}
    if there != content:
        write_file(path / _FILE, json.dumps(content, indent=1) + "\n")


def _refuse_foreign(path: Path, beside: Collection[str]) -> None:
    """Refuse a folder that something else lives in."""
    visible = sorted(entry.name for entry in path.iterdir() if not entry.name.startswith(".")) if path.is_dir() else []
    if not {UNITS, *beside}.issuperset(visible):
        raise OutputExistsError(
            f"expected an empty folder or one of trainings, {path} holds {', '.join(visible[:3])}; choose another --out"
        )


def _read(path: Path) -> dict[str, Any] | None:
    if not path.exists():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["schema"] != _SCHEMA or not isinstance(found["settings"], dict):
            raise ValueError(f"schema {found['schema']!r}")
        return {"schema": _SCHEMA, "settings": found["settings"], "datasets": dict(found["datasets"])}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OutputExistsError(
            f"expected {path} to hold settings of trainings, can not read it: {error!r}; choose another --out"
        ) from error
