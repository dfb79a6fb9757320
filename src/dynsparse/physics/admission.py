"""Which MuJoCo models can be differentiated exactly; the others are refused by name."""

from __future__ import annotations

import mujoco
import numpy as np

from dynsparse.errors import UnsupportedModelError

__all__ = ["admit"]

_INTEGRATORS = (
    mujoco.mjtIntegrator.mjINT_EULER,
    mujoco.mjtIntegrator.mjINT_RK4,
    mujoco.mjtIntegrator.mjINT_IMPLICITFAST,
)


def admit(model: mujoco.MjModel, name: str) -> None:
    """Refuse a model whose next state depends on more than it says, or whose slope as coded is wrong.

    Args:
        model: the compiled model.
        name: how messages call it.

    Raises:
        UnsupportedModelError: naming everything in the model that is not supported.
    """
    reasons = _stateful(model) + _singular(model) + _solver(model)
    if reasons:
        raise UnsupportedModelError(
            f"{name} can not be differentiated exactly: it has {'; '.join(reasons)}. "
            "Remove these from the model, or open an issue that names the model."
        )


def _stateful(model: mujoco.MjModel) -> list[str]:
    reasons = []
    if model.na:
        reasons.append(f"{model.na} actuator activation states (the state would be qpos and qvel alone)")
    if model.nplugin:
        reasons.append(f"{model.nplugin} plugins")
    return reasons


def _singular(model: mujoco.MjModel) -> list[str]:
    """Find what MJX codes through a norm at zero: its derivative there is not the slope."""
    ball = model.jnt_type == mujoco.mjtJoint.mjJNT_BALL
    turning = ball | (model.jnt_type == mujoco.mjtJoint.mjJNT_FREE)
    reasons = []
    if (ball & (model.jnt_limited != 0)).any():
        reasons.append("limits on ball joints")
    if (turning & (model.jnt_stiffness != 0)).any():
        reasons.append("springs on ball or free joints")
    on_joint = np.isin(model.actuator_trntype, (int(mujoco.mjtTrn.mjTRN_JOINT), int(mujoco.mjtTrn.mjTRN_JOINTINPARENT)))
    if any(turning[model.actuator_trnid[i, 0]] for i in np.flatnonzero(on_joint)):
        reasons.append("actuators on ball or free joints")
    site = (model.actuator_trntype == int(mujoco.mjtTrn.mjTRN_SITE)) & (model.actuator_trnid[:, 1] >= 0)
    if site.any():
        reasons.append("actuators with a reference site")
    return reasons


def _solver(model: mujoco.MjModel) -> list[str]:
    reasons = []
    if model.opt.integrator not in [int(kind) for kind in _INTEGRATORS]:
        reasons.append(f"the integrator {mujoco.mjtIntegrator(model.opt.integrator).name}")
    if model.opt.solver not in (int(mujoco.mjtSolver.mjSOL_NEWTON), int(mujoco.mjtSolver.mjSOL_CG)):
        reasons.append(f"the solver {mujoco.mjtSolver(model.opt.solver).name}")
    if model.opt.noslip_iterations:
        reasons.append("noslip iterations")
    return reasons
