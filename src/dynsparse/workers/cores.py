"""How many workers this process may keep busy at once."""

from __future__ import annotations

import math
import os
from numbers import Integral
from pathlib import Path

from dynsparse.errors import SettingError

__all__ = ["usable_cores", "worker_count"]


def worker_count(requested: int) -> int:
    """Return the number of workers that a request for workers means.

    Args:
        requested: a number of workers, or 0 for one on each usable core.

    Returns:
        The number of workers, at least 1.

    Raises:
        SettingError: ``requested`` is negative or no whole number.
    """
    if isinstance(requested, bool) or not isinstance(requested, Integral):
        raise SettingError(
            f"Expected a whole number of workers, got {requested!r} ({type(requested).__name__}); "
            "try 0 for one worker on each usable core."
        )
    count = int(requested)
    if count < 0:
        raise SettingError(
            f"Expected a number of workers of at least 0, got {count}; try 0 for one worker on each usable core."
        )
    return count or usable_cores()


def usable_cores() -> int:
    """Return how many cores this process may use: its affinity, cut by a container's CPU quota."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = quota_cores(Path("/proc/self/cgroup"), Path("/sys/fs/cgroup"))
    # A share of a core still pays for a worker: 1.5 cores keep two busy for three quarters of the time.
    return max(1, cores if quota is None else min(cores, math.ceil(quota)))


def quota_cores(membership: Path, root: Path) -> float | None:
    """Return the tightest CPU quota that the process's control groups set, in cores, or None.

    Args:
        membership: the file that names the process's control groups (``/proc/self/cgroup``).
        root: where the control groups are mounted.

    A group's quota also binds the groups below it, so every ancestor is looked at.  Inside a container
    the path named may not exist below ``root``; the mount's own root is then the container's group.
    """
    quotas = []
    for line in _text(membership).splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers and "cpu" not in controllers.split(","):
            continue
        top = root if not controllers else root / "cpu"
        group = top / path.lstrip("/")
        for folder in (group, *group.parents):
            quotas.append(_quota_v1(folder) if controllers else _quota_v2(folder))
            if folder == top:
                break
    known = [quota for quota in quotas if quota is not None]
    return min(known, default=None)


def _quota_v2(folder: Path) -> float | None:
    """Read ``cpu.max`` ("max 100000" or "150000 100000"): quota and period in microseconds."""
    quota, _, period = _text(folder / "cpu.max").strip().partition(" ")
    return _ratio(quota, period)


def _quota_v1(folder: Path) -> float | None:
    """Read the two files of the first version of control groups; a quota of -1 is none."""
    return _ratio(_text(folder / "cpu.cfs_quota_us").strip(), _text(folder / "cpu.cfs_period_us").strip())


def _ratio(quota: str, period: str) -> float | None:
    return int(quota) / int(period) if quota.isdigit() and period.isdigit() and int(period) > 0 else None


def _text(path: Path) -> str:
    """Return a file's text, empty where there is none: other systems have no control groups."""
    try:
        return path.read_text()
    except OSError:
        return ""
