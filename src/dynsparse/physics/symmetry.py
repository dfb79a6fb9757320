"""Symmetries of a model: coordinates that can be shifted without changing anything but themselves.

A joint of a body that stands in the world moves that body and all that it carries as a whole: a slide or a free joint
translates it, a hinge rotates it.  Where the step commutes with such a shift, the column of its coordinate is zero but
for its own element, however many paths the program has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import mujoco
import numpy as np

from dynsparse.physics.differences import Evaluator
from dynsparse.physics.environment import Environment
from dynsparse.physics.linearization import Evaluation
from dynsparse.physics.switches import Switches, switches_of
from dynsparse.physics.zero_labels import ZeroEvidence

__all__ = ["Shift", "Symmetry", "find_symmetries", "held_against", "shifts"]

_AMOUNTS = (1e-3, 0.1, 1.0, 10.0)
"""Shifts, m or rad, each in both directions."""

_TOLERANCE = 1e-9
"""Round-off of a step after a shift of 10, relative to max(1, largest number of the row)."""

_LEAST_STATES = 8


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
        states: states of which at least one shifted row was compared.
        rows: shifted rows that were compared.
        skipped: shifted rows in which another set of contacts and limits was active, which are not compared.
        largest: largest shift that was compared, m or rad.
        error: largest distance between step after shift and shift after step, relative to max(1, largest number of
            the row).
        broken_by: names of what was on only before or only after a shift, or on in every row of the evidence in which
            the column is not zero: these end the symmetry.
        contradicted: rows of the evidence in which the column is not zero and nothing is on that could end it.
    """

    shift: Shift
    states: int
    rows: int
    skipped: int
    largest: float
    error: float
    broken_by: tuple[str, ...]
    contradicted: int = 0

    @property
    def holds(self) -> bool:
        """Whether the step commutes with the shift, as far as these rows show."""
        return self.states >= _LEAST_STATES and self.error <= _TOLERANCE and not self.contradicted


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

    A row in which the shift switches a contact or limit on or off is not compared: there the world differs.  A shift
    that changes nothing but its own coordinate makes that column of the Jacobian zero, its own element aside; the
    amounts reach from a millimetre to ten metres.  As proofs by examples go, this one is as good as its states: at
    least eight of them, and ``contradicted`` by none of the rows whose Jacobian is known.

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
    return tuple(_tried(env, evaluator, shift, (states, actions, warmstarts), before) for shift in candidates)


def _tried(
    env: Environment,
    evaluator: Evaluator,
    shift: Shift,
    rows: tuple[np.ndarray, np.ndarray, np.ndarray],
    before: Evaluation,
) -> Symmetry:
    """Apply one shift by every amount, both ways."""
    unit, count = np.eye(env.tangent_dim)[shift.column], len(rows[0])
    amounts = np.array([sign * amount for amount in _AMOUNTS for sign in (1.0, -1.0)])
    tangents = np.repeat(amounts[:, None] * unit, count, axis=0)
    states, actions, warmstarts = (np.tile(x, (len(amounts), 1)) for x in rows)
    after = evaluator.evaluate(env.space.integrate(states, tangents), actions, warmstarts)
    wanted = env.space.integrate(np.tile(before.next_state, (len(amounts), 1)), tangents)
    was_active = np.tile(before.constraint_active, (len(amounts), 1))
    finite = np.isfinite(wanted).all(axis=1) & np.isfinite(after.next_state).all(axis=1)
    compared = finite & (after.constraint_active == was_active).all(axis=1)
    distance = np.abs(env.space.difference(wanted[compared], after.next_state[compared]))
    scale = np.maximum(1.0, np.abs(wanted[compared]).max(axis=1, initial=0.0))
    switches = switches_of(env)
    switched = switches.active(after.constraint_active) != switches.active(was_active)
    by_amount = compared.reshape(len(amounts), count)
    return Symmetry(
        shift,
        states=int(by_amount.any(axis=0).sum()),
        rows=int(compared.sum()),
        skipped=int((finite & ~compared).sum()),
        largest=float(np.abs(amounts)[by_amount.any(axis=1)].max(initial=0.0)),
        error=float((distance.max(axis=1, initial=0.0) / scale).max(initial=0.0)),
        broken_by=tuple(switches.names[k] for k in np.flatnonzero(switched[finite].any(axis=0))),
    )


def held_against(symmetries: Sequence[Symmetry], evidence: ZeroEvidence, switches: Switches) -> tuple[Symmetry, ...]:
    """Hold symmetries against rows whose Jacobian is known.

    Args:
        symmetries: as ``find_symmetries`` returns them.
        evidence: the rows.
        switches: what can be on in them.

    Returns:
        The same, contradicted where a row has a column that is not zero with nothing on; ended by what is on in the
        rows that have it, as far as that tells: switches are taken greedily, the most frequent first.
    """
    found = []
    for symmetry in symmetries:
        if not symmetry.holds:
            found.append(symmetry)
            continue
        column = evidence.nonzero[:, :, symmetry.shift.column].copy()
        column[:, symmetry.shift.column] = False
        against = evidence.active[column.any(axis=1)]
        named = list(symmetry.broken_by)
        known = [switches.names.index(name) for name in named]
        left = against[~against[:, known].any(axis=1)]
        while left.any():
            most = int(left.sum(axis=0).argmax())
            named.append(switches.names[most])
            left = left[~left[:, most]]
        found.append(replace(symmetry, broken_by=tuple(named), contradicted=len(left)))
    return tuple(found)


def _axis(axis: tuple[float, float, float]) -> str:
    """Name a direction: x, y or z where it is one, else its numbers."""
    for name, value in zip("xyz", axis, strict=True):
        if abs(abs(value) - 1.0) < 1e-6:
            return name
    return "(" + ", ".join(f"{value:.2f}" for value in axis) + ")"
