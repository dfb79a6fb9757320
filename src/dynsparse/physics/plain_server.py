"""What a worker process does that differentiates MJX's step plainly, in double and in single precision.

Imported in worker processes only.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import mujoco
import numpy as np

from dynsparse.physics.batch import BatchFunction, Compilation
from dynsparse.physics.batches import start_compilation  # before MJX, which would look for NVIDIA Warp
from dynsparse.physics.passing import unpack
from dynsparse.physics.plain import plain_step
from dynsparse.workers import Message

__all__ = ["PlainServer", "serve"]

Array = jax.Array

_ROWS = 32

_OPTIONS = {"xla_backend_optimization_level": 0}
"""A comparison takes few rows of many environments, and most of its time is compilation: 7 s in place of 17 s for
FingerSpin, and 1,200 rows/s in place of 3,800."""


class PlainServer:
    """Serves requests of one environment: Jacobians by plain autodiff of MJX's step, in either precision.

    Attributes:
        ready_meta: what the parent learns when this worker is ready.
    """

    def __init__(self, start: Message) -> None:
        """Take the model that the start message carries.

        Args:
            start: what ``passing.pack`` gave; meta ``cache``.
        """
        compilation, problem = start_compilation(start, "plain")
        self.ready_meta: dict[str, Any] = {"cache_problem": problem}
        self._compilation = replace(compilation or Compilation(), options=_OPTIONS)
        self._env = unpack(start)
        self._functions: dict[str, BatchFunction] = {}

    def __call__(self, request: Message) -> Message:
        """Differentiate rows: ``states`` (n, ds), ``actions`` (n, da), ``warmstarts`` (n, nv); meta ``precision``."""
        precision = str(request.meta["precision"])
        inputs = [request.arrays[name] for name in ("states", "actions", "warmstarts")]
        with jax.enable_x64(precision == "float64"), np.errstate(over="ignore"):
            if precision not in self._functions:
                step = partial(_ended, self._step())
                jacobian = jax.jacfwd(step, argnums=(0, 1), has_aux=True)
                self._functions[precision] = BatchFunction(jacobian, _ROWS, self._compilation)
            # A number too large for float32 becomes infinite, as it would in a program of that precision.
            rounded = [array.astype(precision) for array in inputs]
            (by_state, by_action), ends = self._functions[precision](*rounded)
        wide = [np.asarray(array, dtype=np.float64) for array in (by_state, by_action, inputs[0], ends)]
        jac_state, jac_action = self._env.space.project_jacobian(*wide)
        arrays = {"jac_state": jac_state, "jac_action": jac_action}
        return Message("jacobians", {}, {name: np.ascontiguousarray(array) for name, array in arrays.items()})

    def _step(self) -> Callable[..., Array]:
        """Put the model into JAX, in the precision that is switched on."""
        from mujoco import mjx

        own = copy.copy(self._env.model)
        # Sensors read the state and never change it; the clamp of the control stays on, as for any user of MJX.
        own.opt.disableflags |= int(mujoco.mjtDisableBit.mjDSBL_SENSOR)
        model, template = mjx.put_model(own, impl="jax"), mjx.make_data(own, impl="jax")
        return partial(plain_step, model, template, self._env.substeps)


def serve(start: Message) -> PlainServer:
    """Make the handler of a worker (the task that the parent names)."""
    return PlainServer(start)


def _ended(step: Callable[..., Array], state: Array, action: Array, warmstart: Array) -> tuple[Array, Array]:
    """Return where a step ends twice: to be differentiated, and to be kept."""
    end = step(state, action, warmstart)
    return end, end
