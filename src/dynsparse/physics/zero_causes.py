"""Zero causes: why each element of transition Jacobians is zero, row by row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from dynsparse.config import check_atol, check_count
from dynsparse.errors import ArrayError, DependenceError, SettingError, UnsupportedModelError
from dynsparse.physics.convergence import CONVERGED
from dynsparse.physics.dependence.paths import step_paths
from dynsparse.physics.environment import Environment
from dynsparse.physics.linearizer import Linearizer
from dynsparse.physics.probe import probe_rows
from dynsparse.physics.rows import check_rows
from dynsparse.physics.switches import switches_of
from dynsparse.physics.symmetry import Symmetry, find_symmetries, held_against
from dynsparse.physics.zero_labels import ZERO_LABELS, ZeroEvidence, is_real, label_zeros

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
        constraint_names: (g,) what can be off: limits by name, and contacts by the two bodies that they join, each with
            all that it carries (``"contact torso-world"``).
        members: (g,) the named constraints of each.
        labels: (n, dt, dt + da) index into ``ZERO_LABELS``; 0 for an element that is not zero.
        constraint_off: (n, dt, dt + da) index of what is off; of several, the one that tells best; -1 where none is.
        switched_by: (dt, dt + da, g) bool; an element that is zero because something is off was non-zero, in all rows
            that were looked at, only while one of these was on.
        symmetries: every shift of a whole body that was tried, and whether the step commutes with it.
        atol: an element is zero when ``abs(x) < atol``.
        evidence_rows: further rows from which was learned what is switched on: given ones, and ones that were made near
            contacts and limits.
        active_rows: (g,) in how many of all rows each of ``constraint_names`` was on.
    """

    environment: str
    state_names: tuple[str, ...]
    action_names: tuple[str, ...]
    constraint_names: tuple[str, ...]
    members: tuple[tuple[str, ...], ...] = field(repr=False)
    labels: np.ndarray = field(repr=False)
    constraint_off: np.ndarray = field(repr=False)
    switched_by: np.ndarray = field(repr=False)
    symmetries: tuple[Symmetry, ...]
    atol: float
    evidence_rows: int
    active_rows: np.ndarray = field(repr=False)

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
    converged: np.ndarray | None = None,
    evidence: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None,
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
    - ``contact-off``, ``limit-off``: it is non-zero only in rows where one of a few limits, or contacts between two
      bodies, is on, all of which are off here.
    - ``clamped``: a clamp holds, without which there would be a path.
    - ``numerical``: below ``atol`` with none of these.

    The rules are those of ``label_zeros``; what is switched on is learned from these rows, from those of ``evidence``
    and from ``evidence_rows`` more, made near contacts and limits.

    Args:
        env: the environment; MJX's, or a function of this process.
        states: (n, ds).
        actions: (n, da) applied, inside the control range.
        warmstarts: (n, nv), or None for zeros.
        jacobians: (n, dt, dt) and (n, dt, da) exact ones, where they are known; else computed.
        constraint_active: (n, nc) bool, given with them and only then.
        converged: (n,) bool beside them: every solver call of the row converged (``solver_residual`` below 1e-8); None
            for all.  Others are labelled and are no evidence: an unconverged call's line search couples what no contact
            joins.
        evidence: more converged rows of which is known what is wanted, such as the rest of a data set: (k, dt, dt) and
            (k, dt, da) exact Jacobians, and (k, nc) bool.  Rows that are not finite count for nothing.
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
        SettingError: ``atol`` or ``evidence_rows`` can not be; Jacobians without constraints, or the other way round.
        DependenceError: a Jacobian has a slope where the trace has no path: one of the two is wrong; names the row.
        UnsupportedModelError: MuJoCo's C code runs the environment.
        UnknownPrimitiveError: the program does something that no rule covers; named.
        WorkerError: a worker died or hung.
    """
    rows = check_rows(env, states, actions, warmstarts)
    check_atol(atol)
    check_count("evidence_rows", evidence_rows, 0, "0 makes none")
    check_count("seed", seed, 0, "try 0")
    if (jacobians is None) != (constraint_active is None):
        raise SettingError("expected jacobians and constraint_active together, got one of them; pass both or neither")
    if env.engine == "mujoco-c":
        raise UnsupportedModelError(
            f"{env.name} is run by MuJoCo's C code, whose finite differences leave noise in place of zeros: there is "
            "nothing to explain; open a model that MJX can run"
        )
    given = None if jacobians is None else _known(env, (*jacobians, constraint_active), len(rows[0]))
    telling = np.ones(len(rows[0]), dtype=bool) if converged is None else np.asarray(converged)
    if telling.shape != (len(rows[0]),) or telling.dtype != bool:
        raise ArrayError(f"expected converged of shape ({len(rows[0])},), bool, got {telling.shape}, {telling.dtype}")
    known = [] if evidence is None else [_known(env, evidence, None)]
    switches = switches_of(env)
    with Linearizer(env, "exact", workers=workers) as linearizer:
        if given is None:
            on_phase("linearize")
            found = linearizer.linearize(*rows)
            given = _known(env, (found.jac_state, found.jac_action, found.constraint_active), len(rows[0]))
            telling = found.solver_residual < CONVERGED
        _refuse_nonfinite(env, given.jacobian)
        tried = _spread(rows)
        if switches.names and evidence_rows:
            on_phase("evidence")
            probe = probe_rows(env, linearizer, evidence_rows, seed)
            more = linearizer.linearize(probe.states, probe.actions, probe.warmstarts)
            told = more.solver_residual < CONVERGED
            made = (more.jac_state[told], more.jac_action[told], more.constraint_active[told])
            known.append(_known(env, made, None))
            places = (probe.states, probe.actions, probe.warmstarts)
            tried = [np.concatenate([x, y[-_SYMMETRY_ROWS:]]) for x, y in zip(tried, places, strict=True)]
        on_phase("symmetry")
        symmetries = find_symmetries(env, linearizer, *tried)
    on_phase("trace")
    path, open_path = step_paths(env, *rows, workers=workers, on_rows=on_rows)
    real = is_real(given.jacobian)
    _refuse_pathless(env, real & ~path)
    learned = ZeroEvidence(
        np.concatenate([real[telling], *(is_real(x.jacobian) for x in known)]),
        switches.active(np.concatenate([given.active[telling], *(x.active for x in known)])),
    )
    symmetries = held_against(symmetries, learned, switches)
    symmetric = np.zeros(given.jacobian.shape[2], dtype=bool)
    symmetric[[symmetry.shift.column for symmetry in symmetries if symmetry.holds]] = True
    zero = np.abs(given.jacobian) < atol
    here = switches.active(given.active)
    labelled = label_zeros(zero, path, open_path, here, switches.kinds, symmetric, learned)
    return ZeroCauses(
        environment=env.name,
        state_names=env.tangent_names,
        action_names=env.action_names,
        constraint_names=switches.names,
        members=tuple(tuple(env.constraint_names[k] for k in each) for each in switches.members),
        labels=labelled.labels,
        constraint_off=labelled.off,
        switched_by=labelled.switched_by,
        symmetries=symmetries,
        atol=atol,
        evidence_rows=sum(len(x.active) for x in known),
        active_rows=switches.active(np.concatenate([given.active, *(x.active for x in known)])).sum(axis=0),
    )


@dataclass(frozen=True)
class _Known:
    """Rows whose (n, dt, dt + da) Jacobian and (n, nc) constraints are known."""

    jacobian: np.ndarray
    active: np.ndarray


def _known(env: Environment, arrays: tuple[object, ...], rows: int | None) -> _Known:
    """Join both blocks, check shapes, and leave out what is not finite where any number of rows will do."""
    jac_state, jac_action, active = (np.asarray(x) for x in arrays)
    n = len(active) if rows is None and active.ndim else rows
    shapes = [
        (n, env.tangent_dim, env.tangent_dim),
        (n, env.tangent_dim, env.action_dim),
        (n, len(env.constraint_names)),
    ]
    got = [jac_state.shape, jac_action.shape, active.shape]
    if got != shapes or active.dtype != bool or jac_state.dtype.kind != "f" or jac_action.dtype.kind != "f":
        raise ArrayError(
            f"expected Jacobians of {env.name} of shapes {shapes[0]} and {shapes[1]} and constraints of shape "
            f"{shapes[2]} and type bool, got {got[0]}, {got[1]} and {got[2]} of type {active.dtype}"
        )
    jacobian = np.concatenate([jac_state, jac_action], axis=2)
    if rows is not None:
        return _Known(jacobian, active)
    finite = np.isfinite(jacobian).all(axis=(1, 2))
    return _Known(jacobian[finite], active[finite])


def _refuse_nonfinite(env: Environment, jacobian: np.ndarray) -> None:
    lost = np.flatnonzero(~np.isfinite(jacobian).all(axis=(1, 2)))
    if lost.size:
        raise ArrayError(
            f"expected finite Jacobians, row {lost[0]} of {env.name} is not ({lost.size} of {len(jacobian)} are not): "
            "leave these rows out"
        )


def _refuse_pathless(env: Environment, pathless: np.ndarray) -> None:
    """A slope without a path is a proof that the trace has lost one, or that the Jacobian is not of this step."""
    if pathless.any():
        row, output, column = np.argwhere(pathless)[0]
        names = (*env.tangent_names, *env.action_names)
        raise DependenceError(
            f"row {row} of {env.name} has a slope of next {env.tangent_names[output]} by {names[column]}, and the "
            f"program has no path between them ({pathless.any(axis=(1, 2)).sum()} of {len(pathless)} rows have such "
            "slopes): the Jacobians are not those of this environment's exact derivative, or the trace is wrong; check "
            "with dynsparse audit, and report it where that is clean"
        )


def _spread(rows: tuple[np.ndarray, ...]) -> list[np.ndarray]:
    """Return rows spread evenly over those that there are."""
    chosen = np.unique(np.linspace(0, len(rows[0]) - 1, _SYMMETRY_ROWS).astype(int))
    return [x[chosen] for x in rows]
