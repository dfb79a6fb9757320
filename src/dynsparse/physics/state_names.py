"""What the numbers of a MuJoCo model's state and action are: names, units, bounds, places of quaternions."""

from __future__ import annotations

import mujoco
import numpy as np

__all__ = ["action_names", "control_bounds", "quaternion_places", "state_names", "state_units"]

_POSITION_NAMES = {
    mujoco.mjtJoint.mjJNT_FREE: ("x", "y", "z", "qw", "qx", "qy", "qz"),
    mujoco.mjtJoint.mjJNT_BALL: ("qw", "qx", "qy", "qz"),
    mujoco.mjtJoint.mjJNT_SLIDE: ("",),
    mujoco.mjtJoint.mjJNT_HINGE: ("",),
}
_VELOCITY_NAMES = {
    mujoco.mjtJoint.mjJNT_FREE: ("x", "y", "z", "wx", "wy", "wz"),
    mujoco.mjtJoint.mjJNT_BALL: ("wx", "wy", "wz"),
    mujoco.mjtJoint.mjJNT_SLIDE: ("",),
    mujoco.mjtJoint.mjJNT_HINGE: ("",),
}
_POSITION_UNITS = {
    mujoco.mjtJoint.mjJNT_FREE: ("m",) * 3 + ("1",) * 4,
    mujoco.mjtJoint.mjJNT_BALL: ("1",) * 4,
    mujoco.mjtJoint.mjJNT_SLIDE: ("m",),
    mujoco.mjtJoint.mjJNT_HINGE: ("rad",),
}
_VELOCITY_UNITS = {
    mujoco.mjtJoint.mjJNT_FREE: ("m/s",) * 3 + ("rad/s",) * 3,
    mujoco.mjtJoint.mjJNT_BALL: ("rad/s",) * 3,
    mujoco.mjtJoint.mjJNT_SLIDE: ("m/s",),
    mujoco.mjtJoint.mjJNT_HINGE: ("rad/s",),
}


def state_names(model: mujoco.MjModel) -> tuple[str, ...]:
    """Return (ds,) ``"qpos <joint>"``, then ``"qvel <joint>"``, then ``"act <actuator>"`` for each activation."""
    joints = [(kind, model.joint(i).name or f"joint {i}") for i, kind in enumerate(_kinds(model))]
    positions = [f"qpos {joint} {part}".rstrip() for kind, joint in joints for part in _POSITION_NAMES[kind]]
    velocities = [f"qvel {joint} {part}".rstrip() for kind, joint in joints for part in _VELOCITY_NAMES[kind]]
    return (*positions, *velocities, *_activation_names(model))


def state_units(model: mujoco.MjModel) -> tuple[str, ...]:
    """Return the (ds,) units of the same."""
    kinds = _kinds(model)
    positions = [unit for kind in kinds for unit in _POSITION_UNITS[kind]]
    velocities = [unit for kind in kinds for unit in _VELOCITY_UNITS[kind]]
    return (*positions, *velocities, *("1",) * int(model.na))


def action_names(model: mujoco.MjModel) -> tuple[str, ...]:
    """Return the (da,) names of the actuators."""
    return tuple(model.actuator(i).name or f"actuator {i}" for i in range(model.nu))


def control_bounds(model: mujoco.MjModel) -> tuple[np.ndarray, np.ndarray]:
    """Return the (da,) lower and upper bounds of the control, infinite where there is none; not to be written to."""
    bounds = np.where(model.actuator_ctrllimited != 0, model.actuator_ctrlrange.T, [[-np.inf], [np.inf]])
    bounds.flags.writeable = False
    return bounds[0], bounds[1]


def quaternion_places(model: mujoco.MjModel) -> tuple[int, ...]:
    """Return where in qpos a quaternion starts."""
    before = {int(mujoco.mjtJoint.mjJNT_FREE): 3, int(mujoco.mjtJoint.mjJNT_BALL): 0}
    joints = zip(model.jnt_type.tolist(), model.jnt_qposadr.tolist(), strict=True)
    return tuple(start + before[kind] for kind, start in joints if kind in before)


def _kinds(model: mujoco.MjModel) -> list[mujoco.mjtJoint]:
    return [mujoco.mjtJoint(kind) for kind in model.jnt_type]


def _activation_names(model: mujoco.MjModel) -> list[str]:
    names = action_names(model)
    found = []
    for actuator in range(model.nu):
        count = int(model.actuator_actnum[actuator])
        found += [f"act {names[actuator]}" + (f" {k}" if count > 1 else "") for k in range(count)]
    return found
