"""Run idempotent units of work: on local processes, or on a Ray cluster.

A unit is named by a hash of what decides its result; its result is stored once, as a whole; a run that was stopped goes
on with what is left.
"""

from __future__ import annotations

from dynsparse.executor.local import LocalExecutor
from dynsparse.executor.protocol import Answer, Event, Executor
from dynsparse.executor.ray_executor import RayExecutor
from dynsparse.executor.run import Outcome, run_units
from dynsparse.executor.store import UnitStore
from dynsparse.executor.unit import CheckedResult, Unit

__all__ = [
    "Answer",
    "CheckedResult",
    "Event",
    "Executor",
    "LocalExecutor",
    "Outcome",
    "RayExecutor",
    "Unit",
    "UnitStore",
    "run_units",
]
