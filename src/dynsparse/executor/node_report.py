"""Report of a node: what a machine of a cluster sees and has, for comparison with the one that hands out units."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dynsparse.executor.variables import chosen_variables
from dynsparse.provenance import DECIDING_PACKAGES, package_versions

__all__ = ["differences", "fingerprint", "node_report", "source_hash"]

_READ_BYTES = 2**20
_PACKAGES = (*DECIDING_PACKAGES, "optax", "openTSNE", "scikit-learn")
"""Whatever decides the result of any unit: a node does not know which it will be given."""


def node_report(token: str, paths: Sequence[str], variables: Sequence[str]) -> dict[str, Any]:
    """Tell what this process sees and has.

    Args:
        token: A file whose content it is to read.
        paths: Files and folders to be looked at.
        variables: Variables to tell beside those that decide JAX's numbers.

    Returns:
        ``token`` (its text, or why it can not be read), ``paths`` (a fingerprint, or why there is none, of each),
        ``versions``, ``source`` (of dynsparse) and ``variables``; all strings.
    """
    told = {name: os.environ[name] for name in variables if name in os.environ}
    return {
        "token": _read(Path(token)),
        "paths": {path: fingerprint(Path(path)) for path in paths},
        "versions": package_versions(_PACKAGES),
        "source": source_hash(),
        "variables": {**chosen_variables(os.environ), **told},
    }


def differences(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """Return what a node's report has otherwise than it should, each in words a user can act on.

    Args:
        wanted: The report of the machine that hands out units.
        found: The report of a node.
    """
    told = []
    if found["token"] != wanted["token"]:
        told.append(f"it does not share the output folder ({found['token']})")
    for path, print_ in wanted["paths"].items():
        if found["paths"][path] != print_:
            told.append(f"it does not share {path} ({found['paths'][path]})")
    for name, version in wanted["versions"].items():
        if found["versions"].get(name) != version:
            told.append(f"it has {name} {found['versions'].get(name)}, here it is {version}")
    if found["source"] != wanted["source"]:
        told.append("its dynsparse has other sources than the one here, though of the same version")
    for name in sorted({*wanted["variables"], *found["variables"]}):
        here, there = wanted["variables"].get(name), found["variables"].get(name)
        if here != there:
            told.append(f"it has {name}={there!r}, here it is {here!r}")
    return told


def fingerprint(path: Path) -> str:
    """Return what tells a file or folder from another at the same path, without reading all of it.

    Of a file its size and first MiB; of a folder the names in it and the sizes and first MiB of the files among them.
    """
    try:
        if path.is_dir():
            entries = sorted(path.iterdir())
            parts = [f"{entry.name} {_file_print(entry) if entry.is_file() else ''}" for entry in entries]
            return "folder " + hashlib.sha256("\n".join(parts).encode()).hexdigest()
        return "file " + _file_print(path)
    except OSError as error:
        return f"can not read it: {error.strerror or error}"


def source_hash() -> str:
    """Return a hash of the sources of the dynsparse that is imported here."""
    root = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _file_print(path: Path) -> str:
    with path.open("rb") as file:
        return f"{path.stat().st_size} {hashlib.sha256(file.read(_READ_BYTES)).hexdigest()}"


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, ValueError) as error:
        return f"can not read {path.name}: {getattr(error, 'strerror', None) or error}"
