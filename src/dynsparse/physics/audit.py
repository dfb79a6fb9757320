"""The audit of one environment: its Jacobians against finite differences of the very step they belong to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dynsparse.physics.columns import ColumnAudit, audit_columns
from dynsparse.physics.convergence import CONVERGED
from dynsparse.physics.differences import ColumnDifferences, difference_columns
from dynsparse.physics.environment import Environment
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
    "differing_zeros",
    "judge",
    "whole_jacobian",
]

AUDITED = ("exact", "autodiff")
"""The derivatives that are judged; only the first has to be clean."""

PATTERN_ATOLS = (1e-15, 1e-12, 1e-9)

LEAST_SMOOTH_SHARE = 0.9
"""Share of columns that must be smooth for an audit to say anything."""

ROUND_OFF = 1e-13
"""Where a symmetry makes an element zero by cancellation, what is left is round-off, and 1e-15 lies in the midst of
it: the reference alone, compiled once with XLA's fusion and once without, calls 130 of 82,944 elements of WalkerRun
zero in only one of the two, of up to 1.4e-14.  Elements that differ below this bound are counted, and accuse nobody."""


@dataclass(frozen=True)
class DifferingZeros:
    """Elements that are zero in one of two Jacobians and not in the other.

    Attributes:
        elements: how many.
        largest: the largest of them, by the Jacobian in which it is larger; 0 where there is none.
    """

    elements: int
    largest: float

    @property
    def decided(self) -> bool:
        """Whether one of them is too large for round-off."""
        return not self.largest < ROUND_OFF


@dataclass(frozen=True)
class EnvironmentAudit:
    """What the audit of one environment found.

    Attributes:
        environment: its name.
        rows: how many rows were compared.
        seed: what they were drawn from.
        origin_rows: rows by how they were made (``ORIGINS``).
        active_rows: rows in which a constraint of a kind exerted force (``CONSTRAINT_KINDS``).
        constrained_rows: rows in which any did.
        unconverged_rows: rows with a solver call that ran out of iterations.
        next_state_difference: largest distance between the next states of ``linearize`` and ``evaluate``.
        nonfinite_rows: rows flagged as not finite, by derivative.
        columns: the verdict on every column, by derivative.
        differing_zeros: elements that are zero in only one of ``exact`` and its reference, by atol; None where no
            reference was computed.
    """

    environment: str
    rows: int
    seed: int
    origin_rows: Mapping[str, int]
    active_rows: Mapping[str, int]
    constrained_rows: int
    unconverged_rows: int
    next_state_difference: float
    nonfinite_rows: Mapping[str, int]
    columns: Mapping[str, ColumnAudit] = field(repr=False)
    differing_zeros: Mapping[float, DifferingZeros] | None = None

    @property
    def clean(self) -> bool:
        """``exact`` is off nowhere, has no false zero or slope; its zeros are the reference's, up to round-off.

        And there was something to compare with: an audit without smooth columns finds nothing.
        """
        if self.smooth_share < LEAST_SMOOTH_SHARE:
            return False
        differing = any(zeros.decided for zeros in (self.differing_zeros or {}).values())
        return self.columns["exact"].clean and not differing and not self.nonfinite_rows["exact"]

    @property
    def smooth_share(self) -> float:
        """Share of (row, column) pairs in which the differences agree with one another."""
        return float(self.columns["exact"].smooth.mean())

    def to_dict(self) -> dict[str, Any]:
        """Everything but the single columns, as plain JSON values."""
        patterns = (
            None if self.differing_zeros is None else {f"{k:g}": vars(v) for k, v in self.differing_zeros.items()}
        )
        return {
            "environment": self.environment,
            "rows": self.rows,
            "seed": self.seed,
            "origin_rows": dict(self.origin_rows),
            "active_rows": dict(self.active_rows),
            "constrained_rows": self.constrained_rows,
            "unconverged_rows": self.unconverged_rows,
            "smooth_share": self.smooth_share,
            "next_state_difference": self.next_state_difference,
            "clean": self.clean,
            **{
                name: {**verdict.to_dict(), "nonfinite_rows": self.nonfinite_rows[name]}
                for name, verdict in self.columns.items()
            },
            "differing_zeros": patterns,
        }


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
        SettingError: ``rows`` is below 1 or ``seed`` negative.
        WorkerError: a worker hung or died; names the rows.
    """
    check_probe(rows, seed)
    on_phase("compile")
    with Linearizer(env, "exact", workers=workers) as linearizer:
        linearizer.warm_up()
        on_phase("choose rows")
        probe = probe_rows(env, linearizer, rows, seed)
        on_phase("difference")
        slopes = difference_columns(linearizer, probe.states, probe.actions, probe.warmstarts)
        on_phase("linearize")
        exact = linearizer.linearize(probe.states, probe.actions, probe.warmstarts, on_rows=on_rows)
    found = {"exact": exact}
    for derivative in ("autodiff", "reference") if reference else ("autodiff",):
        on_phase(derivative)
        with Linearizer(env, derivative, workers=workers) as linearizer:
            found[derivative] = linearizer.linearize(probe.states, probe.actions, probe.warmstarts)
    return _report(env, seed, probe, slopes, found, atol)


def whole_jacobian(found: Linearization) -> np.ndarray:
    """Join state and action columns: (n, ds, ds + da)."""
    return np.concatenate([found.jac_state, found.jac_action], axis=2)


def judge(jac: np.ndarray, slopes: ColumnDifferences, *, atol: float = 1e-15) -> ColumnAudit:
    """Hold (n, ds, ds + da) Jacobians against the differences of the same rows."""
    return audit_columns(jac, slopes.central_coarse, slopes.central_fine, slopes.forward, slopes.backward, atol=atol)


def differing_zeros(jac: np.ndarray, other: np.ndarray, atol: float) -> DifferingZeros:
    """Find the elements that are zero in one of two Jacobians and not in the other; a NaN is no zero."""
    size, other_size = np.abs(jac), np.abs(other)
    differ = (size < atol) != (other_size < atol)
    larger = np.maximum(size, other_size)[differ]
    return DifferingZeros(int(differ.sum()), float(larger.max(initial=0.0)))


def _report(
    env: Environment,
    seed: int,
    probe: ProbeRows,
    slopes: ColumnDifferences,
    found: Mapping[str, Linearization],
    atol: float,
) -> EnvironmentAudit:
    jacobians = {name: whole_jacobian(linearization) for name, linearization in found.items()}
    exact = found["exact"]
    patterns = None
    if "reference" in found:
        patterns = {size: differing_zeros(jacobians["exact"], jacobians["reference"], size) for size in PATTERN_ATOLS}
    counts = np.bincount(probe.origin, minlength=len(ORIGINS)).tolist()
    return EnvironmentAudit(
        environment=env.name,
        rows=len(probe),
        seed=seed,
        origin_rows=dict(zip(ORIGINS, counts, strict=True)),
        active_rows=dict(zip(CONSTRAINT_KINDS, exact.active.sum(axis=0).tolist(), strict=True)),
        constrained_rows=int(exact.active.any(axis=1).sum()),
        unconverged_rows=int((exact.solver_residual >= CONVERGED).sum()),
        next_state_difference=float(np.abs(exact.next_state - slopes.next_state).max()),
        nonfinite_rows={name: int((~found[name].finite).sum()) for name in AUDITED},
        columns={name: judge(jacobians[name], slopes, atol=atol) for name in AUDITED},
        differing_zeros=patterns,
    )
