"""What a tracing worker does: run control steps, and say which paths the program took in them.

Imported in worker processes only.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dynsparse.errors import UnsupportedModelError
from dynsparse.physics.batches import start_compilation
from dynsparse.physics.dependence.step_pattern import StepPatterns
from dynsparse.physics.engine import Engine
from dynsparse.physics.engines import make_engine
from dynsparse.physics.passing import unpack
from dynsparse.workers import Message

__all__ = ["PathServer", "serve"]


class PathServer:
    """Serves ``paths`` requests of one environment.

    Attributes:
        ready_meta: what the parent learns when this worker is ready.
    """

    def __init__(self, start: Message) -> None:
        """Make the environment that the start message carries, and what traces it.

        Args:
            start: what ``passing.pack`` gave; meta ``derivative`` and ``cache``.
        """
        compilation, problem = start_compilation(start, "exact")
        self.ready_meta: dict[str, Any] = {"cache_problem": problem}
        env = unpack(start)
        engine = make_engine(env, "exact", compilation=compilation)
        if not isinstance(engine, Engine):
            raise UnsupportedModelError(f"{env.name} is not run by MJX, whose program alone is traced here")
        self._engine = engine
        self._patterns = StepPatterns(engine.simulator)
        self._open_patterns = StepPatterns(engine.simulator, open_clamps=True)

    def __call__(self, request: Message) -> Message:
        """Answer a request of kind ``paths``: arrays ``states``, ``actions`` and ``warmstarts``, rows first."""
        states, actions, warmstarts = (request.arrays[name] for name in ("states", "actions", "warmstarts"))
        value = self._engine.step(states, actions, warmstarts)
        found = {"path": self._patterns(value, actions), "open_path": self._open_patterns(value, actions)}
        return Message("paths", {}, {name: np.ascontiguousarray(array) for name, array in found.items()})


def serve(start: Message) -> PathServer:
    """Make the handler of a worker (the task that the parent names)."""
    return PathServer(start)
