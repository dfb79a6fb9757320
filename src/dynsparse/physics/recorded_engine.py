"""MJX's engine with its record of solver calls as flat arrays, which a server can keep, cut and hand back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dynsparse.errors import UnsupportedModelError
from dynsparse.physics.control_step import SolverCalls, StepValue
from dynsparse.physics.engine import BatchSizes, Engine
from dynsparse.physics.engines import Rows
from dynsparse.physics.linearization import Linearization
from dynsparse.physics.precision import float64_on_cpu

if TYPE_CHECKING:
    from dynsparse.physics.batch import Compilation
    from dynsparse.physics.environment import Environment

__all__ = ["RECORD", "RecordedEngine", "mjx_engine"]

RECORD = tuple(f"calls_{name}" for name in SolverCalls._fields)
"""Names of the arrays that hold the solver calls."""


class RecordedEngine(Engine):
    """An engine whose control steps can be differentiated later, from what ``run`` noted of them."""

    @property
    def record(self) -> tuple[str, ...]:
        """Names of the arrays that hold the solver calls."""
        return RECORD

    def run(self, states: np.ndarray, actions: np.ndarray, warmstarts: np.ndarray) -> dict[str, np.ndarray]:
        """Run control steps one after the other: (n, ds), (n, T, da) and (n, nv)."""
        with float64_on_cpu():
            value = self.stepper.several(states, actions, warmstarts)
        end = np.concatenate([value.qpos, value.qvel], axis=-1)
        return {"next_state": end, "next_warmstart": value.warmstart, **dict(zip(RECORD, value.calls, strict=True))}

    def differentiate_run(self, rows: Rows) -> Linearization:
        """Differentiate control steps that ``run`` ran."""
        end, nq = rows["next_state"], self.simulator.nq
        calls = SolverCalls(*(rows[name] for name in RECORD))
        value = StepValue(end[:, :nq], end[:, nq:], rows["next_warmstart"], calls)
        return self.differentiate(rows["state"], rows["action"], rows["warmstart"], value)


def mjx_engine(
    env: Environment, derivative: str, sizes: BatchSizes | None, compilation: Compilation | None
) -> RecordedEngine:
    """Make MJX's engine of an environment; see ``engines.make_engine``."""
    if env.model.na:  # the state would be longer than what MJX steps here
        raise UnsupportedModelError(f"{env.name} has actuator activations, which are simulated by MuJoCo C alone")
    return RecordedEngine(env.model, env.substeps, derivative, sizes, compilation)
