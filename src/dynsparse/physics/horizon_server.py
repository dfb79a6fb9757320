"""What a worker process does for a planning horizon: Jacobians of state and warm start together, after many substeps.

Imported in worker processes only.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dynsparse.errors import UnsupportedModelError
from dynsparse.physics.batches import start_compilation
from dynsparse.physics.control_step import SolverCalls, StepValue
from dynsparse.physics.engine import BatchSizes
from dynsparse.physics.environment import float64_on_cpu
from dynsparse.physics.exact import ExactJacobian
from dynsparse.physics.passing import unpack
from dynsparse.physics.simulator import build_simulator
from dynsparse.physics.stepping import StepFunction
from dynsparse.workers import Message

__all__ = ["CarriedServer", "serve"]


class CarriedServer:
    """Serves ``carried`` requests of one environment.

    Attributes:
        ready_meta: what the parent learns when this worker is ready.
    """

    def __init__(self, start: Message) -> None:
        """Make the environment that the start message carries.

        Args:
            start: what ``passing.pack`` gave; meta ``derivative`` and ``cache``.
        """
        compilation, problem = start_compilation(start, "exact")
        self.ready_meta: dict[str, Any] = {"cache_problem": problem}
        env, sizes = unpack(start), BatchSizes()
        if env.engine != "mjx":
            raise UnsupportedModelError(f"{env.name} is not run by MJX, whose warm start alone is carried here")
        with float64_on_cpu():
            # One substep a step: a control step of any length is so many of them.
            sim = build_simulator(env.model, 1)
        self._nq = env.nq
        self._step = StepFunction(sim, rows=sizes.value, compilation=compilation)
        self._exact = ExactJacobian(
            sim, implicit_rows=sizes.implicit, unrolled_rows=sizes.unrolled, compilation=compilation
        )

    def __call__(self, request: Message) -> Message:
        """Answer a request: ``counts`` of substeps, ``states``, ``actions`` (held) and ``warmstarts``, rows first."""
        counts = request.arrays["counts"].tolist()
        actions = request.arrays["actions"]
        with float64_on_cpu():
            value = self._substeps(request.arrays["states"], actions, request.arrays["warmstarts"], max(counts))
            found = self._exact.carried(value, actions, counts)
        return Message("carried", {}, {name: np.ascontiguousarray(x) for name, x in found._asdict().items()})

    def _substeps(self, states: np.ndarray, actions: np.ndarray, warmstarts: np.ndarray, count: int) -> StepValue:
        """Run one control step of so many substeps."""
        held = np.repeat(actions[:, None], count, axis=1)
        value = self._step.several(states, held, warmstarts)
        calls = SolverCalls(*(part[:, :, 0] for part in value.calls))
        return StepValue(value.qpos[:, -1], value.qvel[:, -1], value.warmstart[:, -1], calls)


def serve(start: Message) -> CarriedServer:
    """Make the handler of a worker (the task that the parent names)."""
    return CarriedServer(start)
