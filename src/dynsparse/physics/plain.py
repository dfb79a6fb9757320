"""The control step as a user of MJX writes it, for plain autodiff."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from mujoco import mjx

__all__ = ["plain_step"]

Array = jax.Array


def plain_step(
    model: mjx.Model, template: mjx.Data, substeps: int, state: Array, action: Array, warmstart: Array
) -> Array:
    """Run MJX's step and nothing else: what the paper differentiated.

    Args:
        model: the MJX model.
        template: its data, of which only the inputs are replaced.
        substeps: simulation steps in one control step.
        state: (ds,) qpos then qvel.
        action: (da,) ctrl.
        warmstart: (nv,) qacc_warmstart.

    Returns:
        (ds,) next state.
    """

    # Not the whole data is carried: with 64-bit values enabled MJX changes the type of a tendon's integers.
    def substep(carry: tuple[Array, Array, Array], _: None) -> tuple[tuple[Array, Array, Array], None]:
        qpos, qvel, start = carry
        data = template.replace(qpos=qpos, qvel=qvel, ctrl=action, qacc_warmstart=start)
        data = mjx.step(model, data)
        return (data.qpos, data.qvel, data.qacc_warmstart), None

    nq = int(model.nq)
    (qpos, qvel, _), _ = jax.lax.scan(substep, (state[:nq], state[nq:], warmstart), None, length=substeps)
    return jnp.concatenate([qpos, qvel])
