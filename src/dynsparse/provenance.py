"""The record that every artefact carries: what made it, from which sources, with which versions, on what."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from dynsparse.errors import SettingError

__all__ = [
    "DECIDING_PACKAGES",
    "Machine",
    "Provenance",
    "collect_provenance",
    "content_hash",
    "package_versions",
    "script_command",
]

# Read from package metadata: importing JAX or MuJoCo takes seconds and is not ours to do here.
_DISTRIBUTIONS = ("numpy", "jax", "jaxlib", "mujoco", "mujoco-mjx", "playground", "llvmlite")
DECIDING_PACKAGES = (
    "dynsparse",
    "numpy",
    "scipy",
    "jax",
    "jaxlib",
    "mujoco",
    "mujoco-mjx",
    "playground",
    "llvmlite",
    "zarr",
    "numcodecs",
)
"""Packages whose versions decide the numbers and the bytes of a data set."""

_GIT_SECONDS = 10.0


@dataclass(frozen=True)
class Machine:
    """The kind of machine, told without its name: two equal machines have equal records.

    Attributes:
        system: Operating system and architecture, such as ``"Linux x86_64"``.
        processor: Model name of the processor, or ``"unknown"``.
        cores: Logical cores that this process may use.
        memory_gib: Physical memory in GiB, or None where the system does not tell.
    """

    system: str
    processor: str
    cores: int
    memory_gib: float | None


@dataclass(frozen=True)
class Provenance:
    """Where an artefact comes from.

    Attributes:
        command: The command or call that made it, as a user would repeat it.
        seed: The seed that every random choice was drawn from, or None where nothing was drawn.
        version: Version of dynsparse.
        commit: Git commit of the checkout that ran, or None for an installed package.
        uncommitted_changes: Whether that checkout differed from its commit; None without a commit.
        versions: Versions of Python and of the packages that decide the numbers; None for one that is missing.
        machine: The kind of machine.
        date: Time of the record in UTC, ISO 8601 to the second.
        extra: What else the maker wants on record; plain JSON values.
    """

    command: str
    seed: int | None
    version: str
    commit: str | None
    uncommitted_changes: bool | None
    versions: Mapping[str, str | None]
    machine: Machine
    date: str
    extra: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain JSON values, the extra entries under ``"extra"``."""
        record = asdict(self)
        record["versions"] = dict(self.versions)
        record["extra"] = dict(self.extra)
        return record


def script_command() -> str:
    """Return the command that runs the present script, as it is repeated in a checkout: no folder of this machine's."""
    script = Path(sys.argv[0])
    words = [Path(word).name if Path(word).is_absolute() else word for word in sys.argv[1:]]
    return shlex.join(["python", f"{script.resolve().parent.name}/{script.name}", *words])


def collect_provenance(command: str, seed: int | None, **extra: Any) -> Provenance:
    """Describe the present run: sources, versions and machine.

    Args:
        command: The command or call, as a user would repeat it.
        seed: The seed of the run, or None where nothing is random.
        **extra: Further plain JSON values to keep on record.

    Returns:
        The record, dated now.

    Raises:
        SettingError: An extra value is not plain JSON.
    """
    content_hash(extra)  # refused here, where its maker is, and not when the artefact is written
    commit, changed = _checkout(Path(__file__).resolve().parent)
    return Provenance(
        command=command,
        seed=seed,
        version=_version("dynsparse") or "unknown",
        commit=commit,
        uncommitted_changes=changed,
        versions={"python": platform.python_version()} | package_versions(_DISTRIBUTIONS),
        machine=_machine(),
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        extra=extra,
    )


def content_hash(content: Mapping[str, Any]) -> str:
    """Name a mapping by its content: equal content gives an equal name, whatever the order of its keys.

    Args:
        content: Plain JSON values under string keys.

    Returns:
        The SHA-256 of the canonical JSON (sorted keys, no spaces, ASCII), 64 hexadecimal digits.

    Raises:
        SettingError: A value is not plain JSON, NaN and infinities included: they have no JSON form.
    """
    _refuse_other_keys(content, "content")
    try:
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise SettingError(
            f"expected plain JSON values (str, int, finite float, bool, None, list, dict), got {content!r:.200} "
            f"({error}); convert arrays with .tolist()"
        ) from error
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def _refuse_other_keys(content: Any, where: str) -> None:
    # json writes the key 1 as "1", so that {1: x} and {"1": x} would share a name.
    if isinstance(content, Mapping):
        for key, value in content.items():
            if not isinstance(key, str):
                raise SettingError(f"expected string keys in {where}, got {key!r} ({type(key).__name__}); use str(key)")
            _refuse_other_keys(value, f"{where}[{key!r}]")
    elif isinstance(content, list | tuple):
        for index, value in enumerate(content):
            _refuse_other_keys(value, f"{where}[{index}]")


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def package_versions(distributions: Sequence[str]) -> dict[str, str | None]:
    """Return the installed versions of packages.

    Args:
        distributions: Their names.

    Returns:
        Version by name; None for one that is missing.
    """
    return {name: _version(name) for name in distributions}


@cache
def _checkout(package: Path) -> tuple[str | None, bool | None]:
    """Return the commit of the checkout that ``package`` is part of, and whether it was changed since."""
    root = package.parent.parent
    # A package installed into somebody else's repository is not that repository's commit.
    if package.parent.name != "src" or not (root / ".git").exists():
        return None, None
    commit = _git(root, "rev-parse", "HEAD")
    status = _git(root, "status", "--porcelain", "--untracked-files=no")
    return (commit or None), (None if commit is None or status is None else bool(status))


def _git(root: Path, *arguments: str) -> str | None:
    # Without optional locks: another git command may be running in the same checkout.  Without GIT_*: inside a
    # git hook they would point at another repository.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(
            ["git", "--no-optional-locks", "-C", str(root), *arguments],
            capture_output=True,
            text=True,
            env=environment,
            timeout=_GIT_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


@cache
def _machine() -> Machine:
    return Machine(
        system=f"{platform.system()} {platform.machine()}",
        processor=_processor(),
        cores=_usable_cores(),
        memory_gib=_memory_gib(),
    )


def _processor() -> str:
    family = platform.processor() or "unknown"
    try:
        described = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return family  # not Linux
    models = (line.partition(":")[2].strip() for line in described.splitlines() if line.startswith("model name"))
    return next(models, family)


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory_gib() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (ValueError, OSError):
        return None
