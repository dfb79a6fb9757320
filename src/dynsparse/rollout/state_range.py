"""State range: the admissible states of a model, as the image of a unit cube."""

from __future__ import annotations

import mujoco
import numpy as np
from numpy.typing import NDArray

from dynsparse.rollout.ground import find_lifts

__all__ = [
    "ABOVE_REFERENCE",
    "BELOW_GROUND",
    "BEYOND_LIMIT",
    "HINGE_SPEED",
    "SLIDE_REACH",
    "SLIDE_SPEED",
    "StateRange",
]

BEYOND_LIMIT = 0.02
"""A limited joint ranges over its interval and this share of the interval's length beyond each end."""

SLIDE_REACH = 0.5
"""A slide without limits ranges from minus this to plus this around its reference, m, unless it is a lift."""

BELOW_GROUND = 0.05
"""A lift puts its lowest geom at most this deep into the ground, m, ..."""

ABOVE_REFERENCE = 0.2
"""... and at most this much higher above it than in the reference configuration, m."""

HINGE_SPEED = 20.0
"""Angular velocities range from minus this to plus this, rad/s."""

SLIDE_SPEED = 5.0
"""Linear velocities range from minus this to plus this, m/s."""

Array = NDArray[np.float64]

_COORDINATES = {
    int(mujoco.mjtJoint.mjJNT_FREE): 6,
    int(mujoco.mjtJoint.mjJNT_BALL): 3,
    int(mujoco.mjtJoint.mjJNT_SLIDE): 1,
    int(mujoco.mjtJoint.mjJNT_HINGE): 1,
}
"""Numbers in [0, 1) that the position of a joint is made from."""


class StateRange:
    """Positions and velocities of a model, each made from a point of a unit cube.

    Args:
        model: The compiled model.

    Attributes:
        position_dim: k, numbers that a position is made from.
        velocity_dim: nv, numbers that a velocity is made from.
    """

    def __init__(self, model: mujoco.MjModel) -> None:
        self._model = model
        self._data = mujoco.MjData(model)
        self._widths = [_COORDINATES[int(kind)] for kind in model.jnt_type]
        self.position_dim = sum(self._widths)
        self.velocity_dim = int(model.nv)
        self._speed = np.concatenate([_speeds(int(kind)) for kind in model.jnt_type])
        self._lifts = {lift.joint: lift for lift in find_lifts(model)}
        mujoco.mj_kinematics(model, self._data)
        self._highest = {
            joint: lift.clearance(model, self._data) + ABOVE_REFERENCE for joint, lift in self._lifts.items()
        }

    def positions(self, points: Array) -> Array:
        """Make positions.

        Args:
            points: (n, k) in [0, 1).

        Returns:
            (n, nq) qpos.
        """
        columns = np.split(points, np.cumsum(self._widths)[:-1], axis=1)
        qpos = np.concatenate([self._joint(joint, u) for joint, u in enumerate(columns)], axis=1)
        # The heights come last: how low a robot reaches depends on its other joints.
        for joint, lift in self._lifts.items():
            share = columns[joint][:, 2 if columns[joint].shape[1] == 6 else 0]
            heights = -BELOW_GROUND + (max(self._highest[joint], 0.0) + BELOW_GROUND) * share
            for row, height in enumerate(heights):
                self._data.qpos[:] = qpos[row]
                lift.move(self._model, self._data, float(height))
                qpos[row] = self._data.qpos
        return qpos

    def velocities(self, points: Array) -> Array:
        """Make velocities.

        Args:
            points: (n, nv) in [0, 1).

        Returns:
            (n, nv) qvel, m/s and rad/s.
        """
        return self._speed * (2.0 * points - 1.0)

    def _joint(self, joint: int, u: Array) -> Array:
        """Make (n, width in qpos) of one joint from (n, numbers)."""
        model = self._model
        start = int(model.jnt_qposadr[joint])
        kind = int(model.jnt_type[joint])
        if kind == int(mujoco.mjtJoint.mjJNT_FREE):
            place = model.qpos0[start : start + 3] + _both_ways(u[:, :3])
            if joint in self._lifts:
                place[:, 2] = model.qpos0[start + 2]
            return np.concatenate([place, uniform_rotations(u[:, 3:])], axis=1)
        if kind == int(mujoco.mjtJoint.mjJNT_BALL):
            return uniform_rotations(u)
        if model.jnt_limited[joint]:
            low, high = model.jnt_range[joint]
            beyond = BEYOND_LIMIT * (high - low)
            widened: Array = low - beyond + (high - low + 2.0 * beyond) * u
            return widened
        if kind == int(mujoco.mjtJoint.mjJNT_HINGE):
            return np.pi - 2.0 * np.pi * u  # (-pi, pi], since u is in [0, 1)
        reference = np.full_like(u, model.qpos0[start])
        return reference if joint in self._lifts else reference + _both_ways(u)


def uniform_rotations(u: Array) -> Array:
    """Make unit quaternions that are uniform over all rotations, from uniform numbers.

    Source: K. Shoemake, Uniform random rotations, Graphics Gems III, 1992.

    Args:
        u: (n, 3) in [0, 1).

    Returns:
        (n, 4) quaternions, w first.
    """
    inner, outer = np.sqrt(1.0 - u[:, 0]), np.sqrt(u[:, 0])
    first, second = 2.0 * np.pi * u[:, 1], 2.0 * np.pi * u[:, 2]
    return np.stack(
        [outer * np.cos(second), inner * np.sin(first), inner * np.cos(first), outer * np.sin(second)], axis=1
    )


def _both_ways(u: Array) -> Array:
    return SLIDE_REACH * (2.0 * u - 1.0)


def _speeds(kind: int) -> Array:
    if kind == int(mujoco.mjtJoint.mjJNT_FREE):
        return np.repeat([SLIDE_SPEED, HINGE_SPEED], 3)
    if kind == int(mujoco.mjtJoint.mjJNT_BALL):
        return np.full(3, HINGE_SPEED)
    return np.array([SLIDE_SPEED if kind == int(mujoco.mjtJoint.mjJNT_SLIDE) else HINGE_SPEED])
