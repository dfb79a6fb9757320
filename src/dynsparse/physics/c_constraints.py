"""The named constraints of a model as MuJoCo's C code has them, and which of them exert force."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import mujoco
import numpy as np

from dynsparse.physics.constraints import ConstraintRows
from dynsparse.physics.linearization import CONSTRAINT_KINDS

__all__ = ["CConstraints", "c_constraint_names"]

_EQUALITY, _FRICTION, _JOINT_LIMIT, _TENDON_LIMIT, _CONTACT = range(len(CONSTRAINT_KINDS))

_SLIDING = (
    int(mujoco.mjtConstraintState.mjCNSTRSTATE_LINEARNEG),
    int(mujoco.mjtConstraintState.mjCNSTRSTATE_LINEARPOS),
)

_FLEX = "flex"
"""What takes part in a contact and is no geom; all of a model's go under one name."""


def c_constraint_names(model: mujoco.MjModel) -> ConstraintRows:
    """Name the constraints that a model can have in MuJoCo's C code, as ``constraints.constraint_rows`` names MJX's.

    Args:
        model: the compiled model.

    Returns:
        Names, kinds and pairs of geoms; C's rows come and go, so that there are no places of theirs.
    """
    labels = CConstraints(model).labels
    pairs = [list(label[1]) for label in labels if label[0] == _CONTACT and label[1] != (-1, -1)]
    return ConstraintRows(
        CConstraints(model).names,
        tuple(label[0] for label in labels),
        np.zeros(0, dtype=int),
        np.zeros(0, dtype=int),
        np.array(pairs, dtype=int).reshape(-1, 2),
    )


@dataclass(frozen=True, eq=False)
class CConstraints:
    """Constraints of a model, and which row of MuJoCo's constraint vector belongs to which.

    Attributes:
        model: the compiled model.
    """

    model: mujoco.MjModel

    @functools.cached_property
    def labels(self) -> tuple[tuple[int, tuple[int, ...]], ...]:
        """(nc,) kind, and number of the equality, joint or tendon (1 for a tendon's friction), or pair of geoms."""
        model = self.model
        if self._off(mujoco.mjtDisableBit.mjDSBL_CONSTRAINT):
            return ()
        found: list[tuple[int, tuple[int, ...]]] = []
        if not self._off(mujoco.mjtDisableBit.mjDSBL_EQUALITY):
            found += [(_EQUALITY, (i,)) for i in range(model.neq)]
        if not self._off(mujoco.mjtDisableBit.mjDSBL_FRICTIONLOSS):
            joints = sorted({int(model.dof_jntid[dof]) for dof in np.flatnonzero(model.dof_frictionloss > 0)})
            found += [(_FRICTION, (i, 0)) for i in joints]
            found += [(_FRICTION, (i, 1)) for i in np.flatnonzero(model.tendon_frictionloss > 0).tolist()]
        if not self._off(mujoco.mjtDisableBit.mjDSBL_LIMIT):
            found += [(_JOINT_LIMIT, (i,)) for i in np.flatnonzero(model.jnt_limited).tolist()]
            found += [(_TENDON_LIMIT, (i,)) for i in np.flatnonzero(model.tendon_limited).tolist()]
        if not self._off(mujoco.mjtDisableBit.mjDSBL_CONTACT):
            found += [(_CONTACT, pair) for pair in self._pairs()]
            found += [(_CONTACT, (-1, -1))] * bool(model.nflex)
        return tuple(found)

    @functools.cached_property
    def names(self) -> tuple[str, ...]:
        """(nc,) such as ``"joint limit knee"`` or ``"contact floor-foot"``; equal ones are numbered."""
        seen: dict[str, int] = {}
        found = []
        for label in self.labels:
            name = f"{CONSTRAINT_KINDS[label[0]]} {self._what(*label)}"
            seen[name] = seen.get(name, 0) + 1
            found.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
        return tuple(found)

    def active(self, data: mujoco.MjData) -> np.ndarray:
        """Tell which constraints exert force in the solver call that ``data`` holds; friction where it slides.

        Args:
            data: data after ``mj_step`` or ``mj_forward``.

        Returns:
            (nc,) bool.
        """
        found = np.zeros(len(self.labels), dtype=bool)
        sliding = np.isin(data.efc_state, _SLIDING)
        for row in range(data.nefc):
            label = self._label(data, row)
            pushes = sliding[row] if label[0] == _FRICTION else data.efc_force[row] != 0
            if pushes and label in self._places:
                found[self._places[label]] = True
        return found

    def _label(self, data: mujoco.MjData, row: int) -> tuple[int, tuple[int, ...]]:
        kind, number = mujoco.mjtConstraint(data.efc_type[row]), int(data.efc_id[row])
        if kind == mujoco.mjtConstraint.mjCNSTR_EQUALITY:
            return _EQUALITY, (number,)
        if kind == mujoco.mjtConstraint.mjCNSTR_FRICTION_DOF:
            return _FRICTION, (int(self.model.dof_jntid[number]), 0)
        if kind == mujoco.mjtConstraint.mjCNSTR_FRICTION_TENDON:
            return _FRICTION, (number, 1)
        if kind == mujoco.mjtConstraint.mjCNSTR_LIMIT_JOINT:
            return _JOINT_LIMIT, (number,)
        if kind == mujoco.mjtConstraint.mjCNSTR_LIMIT_TENDON:
            return _TENDON_LIMIT, (number,)
        first, second = sorted(int(geom) for geom in data.contact.geom[number])
        return _CONTACT, (-1, -1) if first < 0 else (first, second)

    @functools.cached_property
    def _places(self) -> dict[tuple[int, tuple[int, ...]], int]:
        return {label: place for place, label in enumerate(self.labels)}

    def _off(self, flag: mujoco.mjtDisableBit) -> bool:
        return bool(self.model.opt.disableflags & int(flag))

    def _pairs(self) -> list[tuple[int, int]]:
        """The pairs of geoms that MuJoCo may collide: its own filter, as its documentation of collisions has it."""
        model = self.model
        explicit = {tuple(sorted((int(a), int(b)))) for a, b in zip(model.pair_geom1, model.pair_geom2, strict=True)}
        excluded = {(int(sign) >> 16, int(sign) & 0xFFFF) for sign in model.exclude_signature}
        weld, parent = model.body_weldid, model.body_weldid[model.body_parentid[model.body_weldid]]
        keep_family = self._off(mujoco.mjtDisableBit.mjDSBL_FILTERPARENT)
        found = []
        for one in range(model.ngeom):
            for other in range(one + 1, model.ngeom):
                if (one, other) in explicit:
                    found.append((one, other))
                    continue
                meets = model.geom_contype[one] & model.geom_conaffinity[other]
                met = model.geom_contype[other] & model.geom_conaffinity[one]
                a, b = int(model.geom_bodyid[one]), int(model.geom_bodyid[other])
                same = weld[a] == weld[b]
                # A child is kept from its parent, unless that is the world.
                family = weld[a] and weld[b] and (weld[a] == parent[b] or weld[b] == parent[a]) and not keep_family
                if (meets or met) and not (same or family or {(a, b), (b, a)} & excluded):
                    found.append((one, other))
        return found

    def _what(self, kind: int, which: tuple[int, ...]) -> str:
        if kind == _CONTACT:
            return "-".join(self._name(mujoco.mjtObj.mjOBJ_GEOM, g) for g in which) if which != (-1, -1) else _FLEX
        if kind == _EQUALITY:
            return self._name(mujoco.mjtObj.mjOBJ_EQUALITY, which[0])
        of_tendon = kind == _TENDON_LIMIT or (kind == _FRICTION and which[1])
        return self._name(mujoco.mjtObj.mjOBJ_TENDON if of_tendon else mujoco.mjtObj.mjOBJ_JOINT, which[0])

    def _name(self, kind: mujoco.mjtObj, index: int) -> str:
        """A thing's own name; a geom without one is called after its body."""
        own = mujoco.mj_id2name(self.model, kind, index)
        if own or kind != mujoco.mjtObj.mjOBJ_GEOM:
            return str(own or index)
        body = int(self.model.geom_bodyid[index])
        place = index - int(self.model.body_geomadr[body])
        return f"{self.model.body(body).name or f'body {body}'}.{place}"
