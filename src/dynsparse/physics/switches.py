"""Switches: what is on or off in a row and decides which elements can be non-zero there.

A switch is a joint limit, a tendon limit, or any contact between two bodies that stand or move by themselves (two
kinematic trees, one of which may be the world): which of their geoms touch matters less than that some do.
"""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np

from dynsparse.physics.environment import Environment

__all__ = ["SWITCH_KINDS", "Switches", "switches_of"]

SWITCH_KINDS = ("contact", "joint limit", "tendon limit")


@dataclass(frozen=True)
class Switches:
    """Groups of named constraints, by number.

    Attributes:
        names: (g,) such as ``"joint limit slider"`` or ``"contact torso-world"``.
        kinds: (g,) which of ``SWITCH_KINDS`` each is.
        members: (g,) the constraints of each, indices into ``Environment.constraint_names``.
    """

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    members: tuple[tuple[int, ...], ...]

    def active(self, constraint_active: np.ndarray) -> np.ndarray:
        """Say which are on: (..., g) bool from (..., nc) bool."""
        if not self.members:
            return np.zeros((*constraint_active.shape[:-1], 0), dtype=bool)
        return np.stack([constraint_active[..., list(each)].any(axis=-1) for each in self.members], axis=-1)


def switches_of(env: Environment) -> Switches:
    """Return the switches of an environment; a function has none."""
    found: dict[str, tuple[str, list[int]]] = {}
    for index, (name, kind) in enumerate(zip(env.constraint_names, env.constraint_kinds, strict=True)):
        if kind not in SWITCH_KINDS:
            continue
        if kind == "contact":
            name = _between(env.model, *env.contact_geoms[name])
        found.setdefault(name, (kind, []))[1].append(index)
    kinds, members = tuple(kind for kind, _ in found.values()), tuple(tuple(each) for _, each in found.values())
    return Switches(tuple(found), kinds, members)


def _between(model: mujoco.MjModel, first: int, second: int) -> str:
    trees = sorted((_tree(model, first), _tree(model, second)), key=lambda root: (root == 0, root))
    return "contact " + "-".join("world" if root == 0 else model.body(root).name or f"body {root}" for root in trees)


def _tree(model: mujoco.MjModel, geom: int) -> int:
    """Return the body that carries a geom's whole kinematic tree; 0 for what does not move."""
    body = int(model.geom_bodyid[geom])
    return int(model.body_rootid[body]) if model.body_weldid[body] else 0
