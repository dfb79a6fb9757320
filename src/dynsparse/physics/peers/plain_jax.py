"""Transition Jacobians by plain autodiff through MJX: ``jit(vmap(jacfwd(step)))`` with JAX's defaults."""

from __future__ import annotations

from functools import partial

import jax
import mujoco
import numpy as np
from mujoco import mjx

from dynsparse.physics.plain import plain_step

__all__ = ["BATCH_ROWS", "PlainAutodiff"]

BATCH_ROWS = 64
"""At 128 rows and more it never returns for CheetahRun on two cores, with JAX's defaults."""


class PlainAutodiff:
    """What a user of MJX writes first, at its best: constants closed over, whole batches only.

    Args:
        model: the compiled model.
        substeps: simulation steps in one control step.
    """

    kind = "plain jax"

    def __init__(self, model: mujoco.MjModel, substeps: int) -> None:
        mjx_model = mjx.put_model(model, impl="jax")
        template = mjx.make_data(model, impl="jax")
        control_step = partial(plain_step, mjx_model, template, substeps)
        self._jacobians = jax.jit(jax.vmap(jax.jacfwd(control_step, argnums=(0, 1))))

    def jacobians(self, states: np.ndarray, actions: np.ndarray, warmstarts: np.ndarray) -> np.ndarray:
        """Differentiate rows in batches of 64; rows beyond the last whole batch are left out.

        Args:
            states: (n, ds).
            actions: (n, da).
            warmstarts: (n, nv).

        Returns:
            (n rounded down to whole batches, ds, ds + da), state columns first.
        """
        whole = range(0, len(states) - BATCH_ROWS + 1, BATCH_ROWS)
        found = []
        for start in whole:
            rows = slice(start, start + BATCH_ROWS)
            found.append(np.concatenate(self._jacobians(states[rows], actions[rows], warmstarts[rows]), axis=2))
        return np.concatenate(found)
