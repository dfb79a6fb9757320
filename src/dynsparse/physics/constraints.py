"""The named constraints of a model, and which row of MJX's constraint vector belongs to which."""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np
from mujoco.mjx._src import collision_driver as mjx_collision
from mujoco.mjx._src import constraint as mjx_constraint

from dynsparse.errors import UnsupportedModelError
from dynsparse.physics.linearization import CONSTRAINT_KINDS

__all__ = ["ConstraintRows", "constraint_rows"]

_EQUALITY_ROWS = (
    (mujoco.mjtEq.mjEQ_CONNECT, 3),
    (mujoco.mjtEq.mjEQ_WELD, 6),
    (mujoco.mjtEq.mjEQ_JOINT, 1),
    (mujoco.mjtEq.mjEQ_TENDON, 1),
)
_EQUALITY, _FRICTION, _JOINT_LIMIT, _TENDON_LIMIT, _CONTACT = range(len(CONSTRAINT_KINDS))


@dataclass(frozen=True, eq=False)
class ConstraintRows:
    """Named constraints, and the rows of MJX's constraint vector that belong to each.

    Attributes:
        names: (nc,) such as ``"joint limit slider"`` or ``"contact floor-foot"``: first each equality, friction loss,
            joint limit and tendon limit, then each pair of geoms.
        kinds: (nc,) index into ``CONSTRAINT_KINDS`` of each.
        members: (nefc - contact rows,) index into ``names`` of each row that is no contact's; these rows come first.
        slots: (contact rows,) index into MJX's contacts of each row that is one's.
        pairs: (pairs, 2) geoms of the last names.  Which pair a contact belongs to is known while the step runs only:
            a model may bound how many of them are kept.
    """

    names: tuple[str, ...]
    kinds: tuple[int, ...]
    members: np.ndarray
    slots: np.ndarray
    pairs: np.ndarray

    def by_kind(self, active: np.ndarray) -> np.ndarray:
        """Say of which kinds any constraint is active.

        Args:
            active: (..., nc) bool.

        Returns:
            (..., 5) bool, in the order of ``CONSTRAINT_KINDS``.
        """
        kinds = np.array(self.kinds, dtype=int)
        return np.stack([active[..., kinds == kind].any(axis=-1) for kind in range(len(CONSTRAINT_KINDS))], axis=-1)


def constraint_rows(model: mujoco.MjModel) -> ConstraintRows:
    """Name the constraints of a model, in the order in which MJX lays out their rows.

    Mirrors ``mjx._src.constraint.make_constraint``; the number of rows is checked against MJX's own.

    Args:
        model: the compiled MuJoCo model.

    Returns:
        Names, kinds and rows.

    Raises:
        UnsupportedModelError: if MJX lays its rows out in another way.
    """
    if _off(model, mujoco.mjtDisableBit.mjDSBL_CONSTRAINT):
        return ConstraintRows((), (), np.zeros(0, dtype=int), np.zeros(0, dtype=int), np.zeros((0, 2), dtype=int))
    labels = [*_equalities(model), *_frictions(model), *_limits(model)]
    distinct = list(dict.fromkeys(labels))
    contacts = not _off(model, mujoco.mjtDisableBit.mjDSBL_CONTACT)
    pairs = _pairs(model) if contacts else []
    points = mjx_collision.make_condim(model) if contacts else np.zeros(0, dtype=int)
    slots = [slot for slot, dim in enumerate(points) for _ in range(_contact_rows(model, int(dim)))]
    expected = len(mjx_constraint.make_efc_type(model))
    if len(labels) + len(slots) != expected:
        raise UnsupportedModelError(
            f"expected MJX's {expected} constraint rows, found {len(labels) + len(slots)}: this version of MJX orders "
            "them in another way; use the versions of requirements.lock"
        )
    named = [f"{CONSTRAINT_KINDS[kind]} {what}" for kind, what, _ in distinct]
    named += [f"contact {'-'.join(_name(model, mujoco.mjtObj.mjOBJ_GEOM, geom) for geom in pair)}" for pair in pairs]
    return ConstraintRows(
        _distinct_names(named),
        (*(kind for kind, _, _ in distinct), *([_CONTACT] * len(pairs))),
        np.array([distinct.index(label) for label in labels], dtype=int),
        np.array(slots, dtype=int),
        np.array(pairs, dtype=int).reshape(-1, 2),
    )


_Label = tuple[int, str, object]  # kind, what, and what makes it one constraint


def _off(model: mujoco.MjModel, flag: mujoco.mjtDisableBit) -> bool:
    return bool(model.opt.disableflags & int(flag))


def _equalities(model: mujoco.MjModel) -> list[_Label]:
    if _off(model, mujoco.mjtDisableBit.mjDSBL_EQUALITY):
        return []
    return [
        (_EQUALITY, _name(model, mujoco.mjtObj.mjOBJ_EQUALITY, index), index)
        for kind, rows in _EQUALITY_ROWS
        for index in np.flatnonzero(model.eq_type == int(kind)).tolist()
        for _ in range(rows)
    ]


def _frictions(model: mujoco.MjModel) -> list[_Label]:
    if _off(model, mujoco.mjtDisableBit.mjDSBL_FRICTIONLOSS):
        return []
    joints = [int(model.dof_jntid[dof]) for dof in np.flatnonzero(model.dof_frictionloss > 0)]
    tendons = np.flatnonzero(model.tendon_frictionloss > 0).tolist()
    return [
        *((_FRICTION, _name(model, mujoco.mjtObj.mjOBJ_JOINT, joint), ("joint", joint)) for joint in joints),
        *((_FRICTION, _name(model, mujoco.mjtObj.mjOBJ_TENDON, tendon), ("tendon", tendon)) for tendon in tendons),
    ]


def _limits(model: mujoco.MjModel) -> list[_Label]:
    if _off(model, mujoco.mjtDisableBit.mjDSBL_LIMIT):
        return []
    ball = model.jnt_type == int(mujoco.mjtJoint.mjJNT_BALL)
    free = model.jnt_type == int(mujoco.mjtJoint.mjJNT_FREE)
    limited = model.jnt_limited != 0
    joints = [*np.flatnonzero(ball & limited), *np.flatnonzero(~ball & ~free & limited)]
    tendons = np.flatnonzero(model.tendon_limited).tolist()
    return [
        *((_JOINT_LIMIT, _name(model, mujoco.mjtObj.mjOBJ_JOINT, i), i) for i in map(int, joints)),
        *((_TENDON_LIMIT, _name(model, mujoco.mjtObj.mjOBJ_TENDON, i), i) for i in tendons),
    ]


def _pairs(model: mujoco.MjModel) -> list[tuple[int, int]]:
    """Return the pairs of geoms that MJX collides, in the order in which it names them."""
    groups = mjx_collision._geom_groups(model).values()
    return list(dict.fromkeys((int(first), int(second)) for pairs in groups for first, second, _ in pairs))


def _contact_rows(model: mujoco.MjModel, dim: int) -> int:
    if dim == 1:
        return 1
    return dim if model.opt.cone == int(mujoco.mjtCone.mjCONE_ELLIPTIC) else 2 * (dim - 1)


def _name(model: mujoco.MjModel, kind: mujoco.mjtObj, index: int) -> str:
    """Return a thing's own name; a geom without one is called after its body."""
    own = mujoco.mj_id2name(model, kind, int(index))
    if own:
        return str(own)
    if kind == mujoco.mjtObj.mjOBJ_GEOM:
        body = int(model.geom_bodyid[index])
        place = int(index) - int(model.body_geomadr[body])
        return f"{model.body(body).name or f'body {body}'}.{place}"
    return str(int(index))


def _distinct_names(names: list[str]) -> tuple[str, ...]:
    """Number the later ones of equal names: two unnamed things may be called alike."""
    seen: dict[str, int] = {}
    found = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return tuple(found)
