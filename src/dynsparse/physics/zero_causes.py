"""Zero causes: why each element of transition Jacobians is zero, row by row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from dynsparse.errors import ArrayError, SettingError, UnsupportedModelError
from dynsparse.physics.dependence.paths import step_paths
from dynsparse.physics.environment import Environment
from dynsparse.physics.linearization import Linearization
from dynsparse.physics.linearizer import Linearizer
from dynsparse.physics.probe import probe_rows
from dynsparse.physics.rows import check_rows
from dynsparse.physics.symmetry import Symmetry, find_symmetries
from dynsparse.physics.zero_labels import ZERO_LABELS, ZeroEvidence, label_zeros

__all__ = ["ZeroCauses", "explain_zeros"]

_SYMMETRY_ROWS = 16
"""Rows of each kind at which every shift is tried, eight amounts each."""


@dataclass(frozen=True)
class ZeroCauses:
    """Why elements are zero, of n rows.

    Attributes:
        environment: its name.
        state_names: (dt,) names of a Jacobian's rows and first columns (tangents of the state).
        action_names: (da,) names of its last columns.
        constraint_names: (nc,) named constraints.
        labels: (n, dt, dt + da) index into ``ZERO_LABELS``; 0 for an element that is not zero.
        constraint_off: (n, dt, dt + da) index of the constraint that is off; -1 where none is the cause.
        symmetries: every shift of a whole body that was tried, and whether the step commutes with it.
        atol: an element is zero when ``abs(x) < atol``.
        evidence_rows: further rows, near contacts and limits, from which was learned what constraints switch on.
    """

    environment: str
    state_names: tuple[str, ...]
    action_names: tuple[str, ...]
    constraint_names: tuple[str, ...]
    labels: np.ndarray = field(repr=False)
    constraint_off: np.ndarray = field(repr=False)
    symmetries: tuple[Symmetry, ...]
    atol: float
    evidence_rows: int

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self.labels)

    def counts(self) -> dict[str, int]:
        """Return how many elements of all rows have each label."""
        found = np.bincount(self.labels.reshape(-1), minlength=len(ZERO_LABELS))
        return dict(zip(ZERO_LABELS, found.tolist(), strict=True))


def explain_zeros(
    env: Environment,
    states: ArrayLike,
    actions: ArrayLike,
    warmstarts: ArrayLike | None = None,
    *,
    jacobians: tuple[np.ndarray, np.ndarray] | None = None,
    constraint_active: np.ndarray | None = None,
    atol: float = 1e-15,
    evidence_rows: int = 256,
    seed: int = 0,
    workers: int = 0,
    on_phase: Callable[[str], None] = lambda _phase: None,
    on_rows: Callable[[int], None] = lambda _rows: None,
) -> ZeroCauses:
    """Say of every element of the exact transition Jacobians of some rows why it is zero.

    - ``structural``: the program has no path from the input to the output in this row, contacts, limits and branches
      as they are.
    - ``symmetry``: zero in all rows although there is a path, because the step commutes with shifting that coordinate:
      the translation or rotation of a whole body.
    - ``contact-off``, ``limit-off``: it is non-zero in rows where a named contact or limit is active that is off here.
    - ``clamped``: a clamp holds, without which there would be a path.
    - ``numerical``: below ``atol`` with none of these.

    The rules are those of ``label_zeros``; what a constraint switches on is learned from these rows and from
    ``evidence_rows`` more, made near contacts and limits.

    Args:
        env: the environment; MJX's, or a function of this process.
        states: (n, ds).
        actions: (n, da) applied, inside the control range.
        warmstarts: (n, nv), or None for zeros.
        jacobians: (n, dt, dt) and (n, dt, da) exact ones, where they are known; else computed.
        constraint_active: (n, nc) bool beside them.
        atol: an element is zero when ``abs(x) < atol``.
        evidence_rows: how many rows are made; 0 for none.  A function has no constraints and needs none.
        seed: decides these.
        workers: processes; 0 for one on each usable core.
        on_phase: told what begins: "linearize", "evidence", "symmetry", "trace".
        on_rows: told how many rows are traced.

    Returns:
        The causes of n rows.

    Raises:
        ArrayError: wrong shapes or types; a row whose Jacobian is not finite, which is named.
        ActionRangeError: an action outside its range.
        SettingError: ``atol`` or ``evidence_rows`` below 0.
        UnsupportedModelError: MuJoCo's C code runs the environment.
        UnknownPrimitiveError: the program does something that no rule covers; named.
        WorkerError: a worker died or hung.
    """
    rows = check_rows(env, states, actions, warmstarts)
    if atol <= 0 or evidence_rows < 0:
        raise SettingError(f"expected atol above 0 and evidence_rows of 0 or more, got {atol!r} and {evidence_rows!r}")
    if env.engine == "mujoco-c":
        raise UnsupportedModelError(
            f"{env.name} is run by MuJoCo's C code, whose finite differences leave noise in place of zeros: there is "
            "nothing to explain; open a model that MJX can run"
        )
    with Linearizer(env, "exact", workers=workers) as linearizer:
        if jacobians is None or constraint_active is None:
            on_phase("linearize")
            found = linearizer.linearize(*rows)
            jacobians, constraint_active = (found.jac_state, found.jac_action), found.constraint_active
        whole = _whole(env, jacobians, len(rows[0]))
        more = None
        if env.constraint_names and evidence_rows:
            on_phase("evidence")
            probe = probe_rows(env, linearizer, evidence_rows, seed)
            more = linearizer.linearize(probe.states, probe.actions, probe.warmstarts)
            tried = [
                np.concatenate(x)
                for x in zip(_first(rows), _last((probe.states, probe.actions, probe.warmstarts)), strict=True)
            ]
        else:
            tried = _first(rows)
        on_phase("symmetry")
        symmetries = find_symmetries(env, linearizer, *tried)
    on_phase("trace")
    path, open_path = step_paths(env, *rows, workers=workers, on_rows=on_rows)
    zero = np.abs(whole) < atol
    symmetric = np.zeros(whole.shape[2], dtype=bool)
    symmetric[[symmetry.shift.column for symmetry in symmetries if symmetry.holds]] = True
    labels, off = label_zeros(
        zero, path, open_path, constraint_active, env.constraint_kinds, symmetric,
        _evidence(zero, constraint_active, more, atol),
    )  # fmt: skip
    return ZeroCauses(
        environment=env.name,
        state_names=env.tangent_names,
        action_names=env.action_names,
        constraint_names=env.constraint_names,
        labels=labels,
        constraint_off=off,
        symmetries=symmetries,
        atol=atol,
        evidence_rows=0 if more is None else int(more.finite.sum()),
    )


def _whole(env: Environment, jacobians: tuple[np.ndarray, np.ndarray], rows: int) -> np.ndarray:
    """Join both blocks and refuse what can not be labelled."""
    shapes = (rows, env.tangent_dim, env.tangent_dim), (rows, env.tangent_dim, env.action_dim)
    if tuple(x.shape for x in jacobians) != shapes:
        raise ArrayError(
            f"expected Jacobians of {env.name} of shapes {shapes[0]} and {shapes[1]}, got "
            f"{' and '.join(str(x.shape) for x in jacobians)}"
        )
    whole = np.concatenate(jacobians, axis=2)
    lost = np.flatnonzero(~np.isfinite(whole).all(axis=(1, 2)))
    if lost.size:
        raise ArrayError(
            f"expected finite Jacobians, row {lost[0]} of {env.name} is not ({lost.size} of {rows} are not): "
            "leave these rows out"
        )
    return whole


def _evidence(zero: np.ndarray, active: np.ndarray, more: Linearization | None, atol: float) -> ZeroEvidence:
    if more is None:
        return ZeroEvidence(~zero, active)
    jacobian = np.concatenate([more.jac_state, more.jac_action], axis=2)[more.finite]
    nonzero = np.abs(jacobian) >= atol
    return ZeroEvidence(np.concatenate([~zero, nonzero]), np.concatenate([active, more.constraint_active[more.finite]]))


def _first(rows: tuple[np.ndarray, ...]) -> list[np.ndarray]:
    """Return rows spread evenly over those that there are."""
    chosen = np.unique(np.linspace(0, len(rows[0]) - 1, _SYMMETRY_ROWS).astype(int))
    return [x[chosen] for x in rows]


def _last(rows: tuple[np.ndarray, ...]) -> list[np.ndarray]:
    return [x[-_SYMMETRY_ROWS:] for x in rows]
