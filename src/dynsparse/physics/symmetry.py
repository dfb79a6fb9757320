"""Symmetries of a model: coordinates that can be shifted without changing anything but themselves.

A joint of a body that stands in the world moves that body and all that it carries as a whole: a slide or a free joint
translates it, a hinge rotates it.  Where the step commutes with such a shift, the column of its coordinate is zero but
for its own element, however many paths the program has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import mujoco
import numpy as np

from dynsparse.physics.differences import Evaluator
from dynsparse.physics.environment import Environment

__all__ = ["Shift", "Symmetry", "find_symmetries", "shifts"]

_AMOUNTS = (1e-3, 0.1, 1.0, 10.0)
"""Shifts, m or rad, each in both directions."""

_TOLERANCE = 1e-9
"""Round-off of a step after a shift of 10, relative to max(1, largest number of the row)."""

_LEAST_ROWS = 8


@dataclass(frozen=True)
class Shift:
    """A group action on states: one coordinate of a body that stands in the world is shifted.

    Attributes:
        column: place in a tangent, which is the Jacobian's column.
        name: of the coordinate, such as ``"qpos rootx"``.
        kind: ``"translation"`` or ``"rotation"``.
        axis: (3,) along or about which, in the world, at the reference configuration.
        body: name of the body that moves, with all that it carries.
    """

    column: int
    name: str
    kind: str
    axis: tuple[float, float, float]
    body: str

    @property
    def words(self) -> str:
        """What is moved how, such as ``"translation of torso along x"``."""
        return f"{self.kind} of {self.body} {'along' if self.kind == 'translation' else 'about'} {_axis(self.axis)}"


@dataclass(frozen=True)
class Symmetry:
    """A shift under which the step was compared with itself.

    Attributes:
        shift: the group action.
        rows: shifted rows that were compared.
        skipped: shifted rows in which another set of contacts and limits was active, which are not compared.
        error: largest distance between step after shift and shift after step, relative to max(1, largest number of
            the row).
        broken_by: names of constraints that were active only before or only after a shift: they end the symmetry.
    """

    shift: Shift
    rows: int
    skipped: int
    error: float
    broken_by: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether the step commutes with the shift, as far as these rows show."""
        return self.rows >= _LEAST_ROWS and self.error <= _TOLERANCE


def shifts(env: Environment) -> tuple[Shift, ...]:
    """Return the coordinates that move a body, with all that it carries, as a whole.

    Args:
        env: the environment.

    Returns:
        Slides, hinges and the three positions of a free joint, of bodies whose parent is the world; none for a
        function.  The rotations of free and ball joints are about axes of the body, which no symmetry of a world has
        alone.
    """
    model = env.compiled
    if model is None:
        return ()
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    found = []
    for joint in range(model.njnt):
        body = int(model.jnt_bodyid[joint])
        if model.body_parentid[body] != 0:
            continue
        kind, place = mujoco.mjtJoint(model.jnt_type[joint]), int(model.jnt_dofadr[joint])
        name = model.body(body).name or f"body {body}"
        if kind == mujoco.mjtJoint.mjJNT_FREE:
            for axis in range(3):
                unit = tuple(float(axis == k) for k in range(3))
                found.append(Shift(place + axis, env.tangent_names[place + axis], "translation", unit, name))  # type: ignore[arg-type] # three numbers
        elif kind in (mujoco.mjtJoint.mjJNT_SLIDE, mujoco.mjtJoint.mjJNT_HINGE):
            way = "translation" if kind == mujoco.mjtJoint.mjJNT_SLIDE else "rotation"
            x, y, z = data.xaxis[joint].tolist()
            found.append(Shift(place, env.tangent_names[place], way, (x, y, z), name))
    return tuple(found)


def find_symmetries(
    env: Environment, evaluator: Evaluator, states: np.ndarray, actions: np.ndarray, warmstarts: np.ndarray
) -> tuple[Symmetry, ...]:
    """Apply each shift to states, and compare the step of the shifted state with the shifted step.

    A row in which the shift switches a contact or limit on or off is not compared: there the world differs.  One shift
    that changes nothing but its own coordinate proves that column of the Jacobian zero, at those rows, to first order
    and beyond; the amounts reach from a millimetre to ten metres.

    Args:
        env: the environment.
        evaluator: runs its control steps.
        states: (n, ds) where to try.
        actions: (n, da).
        warmstarts: (n, nv).

    Returns:
        Every shift, with what was found.
    """
    candidates = shifts(env)
    if not candidates or not len(states):
        return ()
    before = evaluator.evaluate(states, actions, warmstarts)
    found = []
    for shift in candidates:
        moved, distance = [], []
        for amount in _AMOUNTS:
            for sign in (1.0, -1.0):
                tangent = np.zeros(env.tangent_dim)
                tangent[shift.column] = sign * amount
                moved.append(tangent)
        tangents = np.repeat(np.array(moved), len(states), axis=0)
        times = len(moved)
        inputs = [np.tile(x, (times, 1)) for x in (states, actions, warmstarts)]
        after = evaluator.evaluate(env.space.integrate(inputs[0], tangents), *inputs[1:])
        wanted = env.space.integrate(np.tile(before.next_state, (times, 1)), tangents)
        changed = after.constraint_active != np.tile(before.constraint_active, (times, 1))
        finite = np.isfinite(wanted).all(axis=1) & np.isfinite(after.next_state).all(axis=1)
        compared = finite & ~changed.any(axis=1)
        distance = np.abs(env.space.difference(wanted[compared], after.next_state[compared]))
        scale = np.maximum(1.0, np.abs(wanted[compared]).max(axis=1, initial=0.0))
        error = float((distance.max(axis=1, initial=0.0) / scale).max(initial=0.0))
        broken = _named(env.constraint_names, changed[finite].any(axis=0))
        found.append(Symmetry(shift, int(compared.sum()), int((finite & ~compared).sum()), error, broken))
    return tuple(found)


def _named(names: Sequence[str], chosen: np.ndarray) -> tuple[str, ...]:
    return tuple(name for name, flag in zip(names, chosen, strict=True) if flag)


def _axis(axis: tuple[float, float, float]) -> str:
    """Name a direction: x, y or z where it is one, else its numbers."""
    for name, value in zip("xyz", axis, strict=True):
        if abs(abs(value) - 1.0) < 1e-6:
            return name
    return "(" + ", ".join(f"{value:.2f}" for value in axis) + ")"
