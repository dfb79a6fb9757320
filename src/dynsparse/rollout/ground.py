"""Ground: how high a body is carried above a plane, and which joint carries it there."""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

__all__ = ["Lift", "find_lifts"]

_SLIDE, _FREE = int(mujoco.mjtJoint.mjJNT_SLIDE), int(mujoco.mjtJoint.mjJNT_FREE)

_UPRIGHT = 0.7
"""Least cosine between a slide's axis and the plane's normal: about 45 degrees."""

_FAR = 1e3
"""Distances beyond this are not told apart, m."""


@dataclass(frozen=True)
class Lift:
    """A joint without limits that carries a body to and from a plane.

    Attributes:
        joint: number of a slide or free joint.
        plane: geom of the plane, which does not move.
        geoms: those of the joint's body and its descendants that can touch the plane.
        direction: (3,) way that the body goes when the joint's coordinate grows by 1 m: a slide's axis, or the plane's
            normal for a free joint.
        climb: growth of the clearance with the coordinate.
    """

    joint: int
    plane: int
    geoms: tuple[int, ...]
    direction: NDArray[np.float64]
    climb: float

    def clearance(self, model: mujoco.MjModel, data: mujoco.MjData) -> float:
        """Return how far the lowest geom is above the plane, m; below 0 where it penetrates.

        Args:
            model: The model.
            data: Its data, positions of geoms computed.
        """
        return float(min(mujoco.mj_geomDistance(model, data, self.plane, geom, _FAR, None) for geom in self.geoms))

    def move(self, model: mujoco.MjModel, data: mujoco.MjData, clearance: float) -> None:
        """Set the joint so that the lowest geom is this far above the plane.

        The distance to a plane is linear in a translation, so that one look suffices.

        Args:
            model: The model.
            data: Its data, ``qpos`` set; changed.
            clearance: Distance, m.
        """
        mujoco.mj_kinematics(model, data)
        way = (clearance - self.clearance(model, data)) / self.climb
        start = model.jnt_qposadr[self.joint]
        if model.jnt_type[self.joint] == _FREE:
            data.qpos[start : start + 3] += way * self.direction
        else:
            data.qpos[start] += way


def find_lifts(model: mujoco.MjModel) -> list[Lift]:
    """Find the joints that carry bodies to and from planes, at most one on the way from the world to a body.

    Args:
        model: The model.

    Returns:
        Lifts in the order of their joints; none where contacts are switched off.
    """
    if model.opt.disableflags & int(mujoco.mjtDisableBit.mjDSBL_CONTACT):
        return []
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    lifts: list[Lift] = []
    for joint in range(model.njnt):
        before = _joints_before(model, joint)
        # Behind a joint that turns, a slide's axis does not keep its angle to the plane.
        turned = any(model.jnt_type[other] != _SLIDE for other in before)
        if model.jnt_type[joint] not in (_SLIDE, _FREE) or model.jnt_limited[joint] or turned:
            continue
        if not any(lift.joint in before for lift in lifts):
            lifts += _lift(model, data, joint)
    return lifts


def _lift(model: mujoco.MjModel, data: mujoco.MjData, joint: int) -> list[Lift]:
    """The joint as a lift from the first plane that it can be one from."""
    for plane in np.flatnonzero(model.geom_type == int(mujoco.mjtGeom.mjGEOM_PLANE)):
        if model.body_weldid[model.geom_bodyid[plane]]:
            continue
        normal = data.geom_xmat[plane].reshape(3, 3)[:, 2]
        direction = normal if model.jnt_type[joint] == _FREE else data.xaxis[joint]
        climb = float(direction @ normal)
        geoms = tuple(g for g in _carried(model, joint) if _can_touch(model, int(plane), g))
        if abs(climb) >= _UPRIGHT and geoms:
            return [Lift(joint, int(plane), geoms, direction.copy(), climb)]
    return []


def _joints_before(model: mujoco.MjModel, joint: int) -> list[int]:
    """The joints between the world and this one."""
    bodies = _ancestors(model, int(model.jnt_bodyid[joint]))
    return [other for other in range(joint) if model.jnt_bodyid[other] in bodies]


def _carried(model: mujoco.MjModel, joint: int) -> list[int]:
    """The geoms of the joint's body and of its descendants."""
    body = int(model.jnt_bodyid[joint])
    return [geom for geom in range(model.ngeom) if body in _ancestors(model, int(model.geom_bodyid[geom]))]


def _ancestors(model: mujoco.MjModel, body: int) -> list[int]:
    """The body itself and those that carry it, the world left out."""
    found = []
    while body:
        found.append(body)
        body = int(model.body_parentid[body])
    return found


def _can_touch(model: mujoco.MjModel, one: int, other: int) -> bool:
    kind, meets = model.geom_contype, model.geom_conaffinity
    return bool(kind[one] & meets[other] or kind[other] & meets[one])
