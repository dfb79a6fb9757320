"""Which MuJoCo models can be differentiated, exactly or by differences; the others are refused by name."""

from __future__ import annotations

import mujoco
import numpy as np

from dynsparse.errors import UnsupportedModelError
from dynsparse.physics.convergence import CONVERGED

__all__ = ["IN_C", "admit"]

IN_C = "--derivative finite-difference"

_INTEGRATORS = (
    mujoco.mjtIntegrator.mjINT_EULER,
    mujoco.mjtIntegrator.mjINT_RK4,
    mujoco.mjtIntegrator.mjINT_IMPLICITFAST,
)


_SOLVER = "the solver "


def admit(model: mujoco.MjModel, name: str, engine: str = "mjx", *, has_others: bool = True) -> None:
    """Refuse a model whose next state depends on more than it says, or whose slope as coded is wrong.

    Args:
        model: the compiled model.
        name: how messages call it.
        engine: ``"mjx"``, which differentiates exactly, or ``"mujoco-c"``, which takes differences.
        has_others: whether it could be opened in MuJoCo's C code, for the message.

    Raises:
        UnsupportedModelError: naming everything in the model that is not supported.
    """
    by_differences = _empty(model) + _stateful(model) + _foreign(model)
    if engine == "mujoco-c":
        if by_differences:
            raise UnsupportedModelError(
                f"{name} can not be differentiated: it has {'; '.join(by_differences)}."
                f"{_advice(name, False, by_differences)}"
            )
        return
    reasons = by_differences + _activated(model) + _ignored(model) + _singular(model) + _solver(model)
    if reasons:
        opens = has_others and not by_differences
        raise UnsupportedModelError(
            f"{name} can not be differentiated exactly: it has {'; '.join(reasons)}.{_advice(name, opens, reasons)}"
        )


def _advice(name: str, opens_in_c: bool, reasons: list[str]) -> str:
    """Say what to do: with a model of the user's own, or with one that comes with a package."""
    from dynsparse.physics.sources.gymnasium import is_gymnasium_id

    ways = []
    if opens_in_c:
        ways.append(f'open it with derivative="finite-difference" (collect and render: {IN_C})')
    if not is_gymnasium_id(name):
        solver = 'set solver="Newton" in the model\'s <option>'
        others = [reason for reason in reasons if not reason.startswith(_SOLVER)]
        if len(others) < len(reasons):
            ways.append(solver)
        if others:
            ways.append("change the model so that it has none of these" if len(reasons) > 1 else "change the model")
    if not ways:
        return " Another environment is needed."
    return f" {ways[0][0].upper()}{ways[0][1:]}{''.join(f', or {way}' for way in ways[1:])}."


def _empty(model: mujoco.MjModel) -> list[str]:
    return [] if model.nv else ["no degree of freedom"]


def _stateful(model: mujoco.MjModel) -> list[str]:
    reasons = []
    if model.nplugin:
        reasons.append(f"{model.nplugin} plugins")
    if model.nhistory:
        reasons.append("delays of actuators or sensors (the next state would depend on a history)")
    if _moving_mocap(model):
        reasons.append("mocap bodies that push or pull others (the next state would depend on where they are)")
    known = 1 + model.nq + model.nv + model.na  # with the time
    if not reasons and mujoco.mj_stateSize(model, int(mujoco.mjtState.mjSTATE_FULLPHYSICS)) != known:
        reasons.append("more state than qpos, qvel and activations, such as plastic deformation")
    if model.opt.enableflags & int(mujoco.mjtEnableBit.mjENBL_SLEEP):
        reasons.append("sleeping islands (the next state would depend on what sleeps, and MJX ignores them)")
    return reasons


def _foreign(model: mujoco.MjModel) -> list[str]:
    """Find what calls functions that are not part of the model."""
    own = (
        (model.actuator_gaintype == int(mujoco.mjtGain.mjGAIN_USER))
        | (model.actuator_biastype == int(mujoco.mjtBias.mjBIAS_USER))
        | (model.actuator_dyntype == int(mujoco.mjtDyn.mjDYN_USER))
    )
    return ["user-defined actuators, which call functions that the model does not hold"] if own.any() else []


def _activated(model: mujoco.MjModel) -> list[str]:
    """Find what makes a state longer than MJX's is here."""
    if not model.na:
        return []
    own = [model.actuator(i).name or f"actuator {i}" for i in np.flatnonzero(model.actuator_actnum > 0)]
    return [f"{model.na} actuator activation states, of {', '.join(own)} (the state would be qpos and qvel alone)"]


def _moving_mocap(model: mujoco.MjModel) -> bool:
    """Tell whether a mocap body can touch another body or is tied to one."""
    # A mocap body's children are welded to it or, having joints, move with it.
    carried = model.body_mocapid >= 0
    for body in range(1, model.nbody):
        carried[body] |= carried[model.body_parentid[body]]
    return bool(carried.any()) and (_touching(model, carried) or _tied(model, carried))


def _touching(model: mujoco.MjModel, carried: np.ndarray) -> bool:
    if model.opt.disableflags & int(mujoco.mjtDisableBit.mjDSBL_CONTACT):
        return False
    own = carried[model.geom_bodyid]
    meets = (model.geom_contype[own][:, None] & model.geom_conaffinity[~own]) != 0
    met = (model.geom_conaffinity[own][:, None] & model.geom_contype[~own]) != 0
    return bool((meets | met).any() or model.npair)


def _tied(model: mujoco.MjModel, carried: np.ndarray) -> bool:
    jointed = carried[model.jnt_bodyid].any()
    on_site = carried[model.site_bodyid]
    equality = False
    for kind, first, second in zip(model.eq_objtype, model.eq_obj1id, model.eq_obj2id, strict=True):
        if kind == int(mujoco.mjtObj.mjOBJ_BODY):
            equality |= bool(carried[first] or carried[second])
        elif kind == int(mujoco.mjtObj.mjOBJ_SITE):
            equality |= bool(on_site[first] or on_site[second])
    by_site = model.wrap_objid[model.wrap_type == int(mujoco.mjtWrap.mjWRAP_SITE)]
    return bool(jointed or equality or on_site[by_site].any())


def _ignored(model: mujoco.MjModel) -> list[str]:
    """Find what MuJoCo's C engine simulates and MJX's JAX implementation silently leaves out."""
    polynomials = ("jnt_stiffnesspoly", "dof_dampingpoly", "tendon_stiffnesspoly", "tendon_dampingpoly")
    actuators = ("actuator_dampingpoly", "actuator_damping", "actuator_armature")
    reasons = [f"{name}, which MJX ignores" for name in (*polynomials, *actuators) if np.any(getattr(model, name))]
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
        kind = mujoco.mjtIntegrator(model.opt.integrator).name.removeprefix("mjINT_").lower()
        reasons.append(f"the integrator {kind}")
    if model.opt.solver not in (int(mujoco.mjtSolver.mjSOL_NEWTON), int(mujoco.mjtSolver.mjSOL_CG)):
        reasons.append(f"{_SOLVER}{mujoco.mjtSolver(model.opt.solver).name.removeprefix('mjSOL_')}")
    if model.opt.tolerance > CONVERGED:
        reasons.append(
            f"a solver tolerance of {model.opt.tolerance:g} (above {CONVERGED:g} the solver stops where it is neither "
            "converged nor out of iterations)"
        )
    if model.opt.solver == int(mujoco.mjtSolver.mjSOL_CG) and model.opt.iterations < model.nv:
        reasons.append(
            f"a CG solver of {model.opt.iterations} iterations for {model.nv} degrees of freedom (with fewer than one "
            "each it does not reach the minimiser next to a converged warm start)"
        )
    if model.opt.noslip_iterations:
        reasons.append("noslip iterations")
    return reasons
