"""The audit of one environment: its Jacobians against finite differences of the very step they belong to."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from dynsparse.errors import SettingError
from dynsparse.physics.columns import ColumnAudit, audit_columns
from dynsparse.physics.convergence import CONVERGED
from dynsparse.physics.differences import ColumnDifferences, Evaluator, difference_columns
from dynsparse.physics.environment import Environment
from dynsparse.physics.environment_audit import LEAST_SMOOTH_SHARE, ROUND_OFF, DifferingZeros, EnvironmentAudit
from dynsparse.physics.linearization import CONSTRAINT_KINDS, Linearization
from dynsparse.physics.linearizer import Linearizer
from dynsparse.physics.probe import ORIGINS, ProbeRows, check_probe, probe_rows

__all__ = [
    "AUDITED",
    "LEAST_SMOOTH_SHARE",
    "PATTERN_ATOLS",
    "ROUND_OFF",
    "DifferingZeros",
    "EnvironmentAudit",
    "audit_environment",
    "audit_rows",
    "differing_zeros",
    "judge",
    "whole_jacobian",
]

AUDITED = ("exact", "autodiff")
"""The derivatives that are judged; only the first has to be clean."""

PATTERN_ATOLS = (1e-15, 1e-12, 1e-9)


def audit_environment(
    env: Environment,
    *,
    rows: int = 300,
    seed: int = 0,
    workers: int = 0,
    reference: bool = False,
    atol: float = 1e-15,
    on_phase: Callable[[str], None] = lambda _phase: None,
    on_rows: Callable[[int, int], None] | None = None,
) -> EnvironmentAudit:
    """Compare ``exact`` and ``autodiff`` with differences of the MJX step, column by column.

    Args:
        env: the environment.
        rows: how many; half of them ordinary, half with an active constraint where the model has any.
        seed: decides the rows.
        workers: worker processes; 0 for one on each usable core.
        reference: also compare the zeros of ``exact`` with those of its formula under plain autodiff (slow).
        atol: an element counts as zero when ``abs(x) < atol``.
        on_phase: told what begins: "compile", "choose rows", "difference", "linearize", "autodiff", "reference".
        on_rows: told the rows that ``exact`` has finished, and how many of them are not finite.

    Raises:
        SettingError: ``rows`` is below 1 or ``seed`` negative, or a reference is asked for of a function.
        WorkerError: a worker hung or died; names the rows.
    """
    check_probe(rows, seed)
    if reference and env.engine == "function":
        raise SettingError(f"{env.name} is a function, whose exact derivative is plain autodiff: there is no reference")
    on_phase("compile")
    with Linearizer(env, "exact", workers=workers) as linearizer:
        linearizer.warm_up()
        on_phase("choose rows")
        probe = probe_rows(env, linearizer, rows, seed)
        on_phase("difference")
        slopes = difference_columns(linearizer, probe.states, probe.actions, probe.warmstarts, env.space)
        on_phase("linearize")
        exact = linearizer.linearize(probe.states, probe.actions, probe.warmstarts, on_rows=on_rows)
    found = {"exact": exact}
    for derivative in ("autodiff", "reference") if reference else ("autodiff",):
        on_phase(derivative)
        with Linearizer(env, derivative, workers=workers) as linearizer:
            found[derivative] = linearizer.linearize(probe.states, probe.actions, probe.warmstarts)
    return _report(env, seed, probe, slopes, found, atol)


def whole_jacobian(found: Linearization) -> np.ndarray:
    """Join state and action columns: (n, dt, dt + da)."""
    return np.concatenate([found.jac_state, found.jac_action], axis=2)


def judge(jac: np.ndarray, slopes: ColumnDifferences, *, atol: float = 1e-15) -> ColumnAudit:
    """Hold (n, dt, dt + da) Jacobians against the differences of the same rows."""
    return audit_columns(jac, slopes.central_coarse, slopes.central_fine, slopes.forward, slopes.backward, atol=atol)


def differing_zeros(jac: np.ndarray, other: np.ndarray, atol: float) -> DifferingZeros:
    """Find the elements that are zero in one of two Jacobians and not in the other; a NaN is no zero."""
    size, other_size = np.abs(jac), np.abs(other)
    differ = (size < atol) != (other_size < atol)
    larger = np.maximum(size, other_size)[differ]
    return DifferingZeros(int(differ.sum()), float(larger.max(initial=0.0)))


def audit_rows(
    env: Environment,
    runner: Evaluator,
    probe: ProbeRows,
    found: Linearization,
    *,
    seed: int,
    atol: float = 1e-15,
    left_out: int = 0,
) -> EnvironmentAudit:
    """Compare Jacobians that are there already with differences of the MJX step.

    Args:
        env: the environment.
        runner: runs its control steps.
        probe: the rows; an origin of -1 is none of ``ORIGINS``.
        found: their Jacobians.
        seed: what the rows were drawn from, for the record.
        atol: an element counts as zero when ``abs(x) < atol``.
        left_out: rows that were drawn too, whose step is finite and whose Jacobian is not.

    Raises:
        WorkerError: a worker hung or died; names the rows.
    """
    slopes = difference_columns(runner, probe.states, probe.actions, probe.warmstarts, env.space)
    return _report(env, seed, probe, slopes, {found.derivative: found}, atol, left_out)


def _report(
    env: Environment,
    seed: int,
    probe: ProbeRows,
    slopes: ColumnDifferences,
    found: Mapping[str, Linearization],
    atol: float,
    left_out: int = 0,
) -> EnvironmentAudit:
    judged = next(iter(found))
    jacobians = {name: whole_jacobian(linearization) for name, linearization in found.items()}
    first = found[judged]
    patterns = None
    if "reference" in found:
        patterns = {size: differing_zeros(jacobians["exact"], jacobians["reference"], size) for size in PATTERN_ATOLS}
    known = probe.origin[probe.origin >= 0]
    counts = np.bincount(known, minlength=len(ORIGINS)).tolist() if len(known) else [0] * len(ORIGINS)
    audited = [name for name in found if name != "reference"]
    return EnvironmentAudit(
        environment=env.name,
        rows=len(probe),
        seed=seed,
        origin_rows=dict(zip(ORIGINS, counts, strict=True)),
        active_rows=dict(zip(CONSTRAINT_KINDS, first.active.sum(axis=0).tolist(), strict=True)),
        constrained_rows=int(first.active.any(axis=1).sum()),
        unconverged_rows=int((first.solver_residual >= CONVERGED).sum()),
        next_state_difference=float(np.abs(first.next_state - slopes.next_state).max()),
        nonfinite_rows={name: int((~found[name].finite).sum()) + left_out for name in audited},
        columns={name: judge(jacobians[name], slopes, atol=atol) for name in audited},
        differing_zeros=patterns,
        judged=judged,
    )
