"""Environment audit: what the comparison of one environment's Jacobians with differences found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dynsparse.physics.columns import ColumnAudit

__all__ = ["LEAST_SMOOTH_SHARE", "ROUND_OFF", "DifferingZeros", "EnvironmentAudit"]

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
        judged: the derivative that has to be clean: ``exact``, or the one that a data set holds.
        dataset: which data set the rows are of, its ``name`` and ``description_sha256``; None for rows made for the
            audit.
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
    judged: str = "exact"
    dataset: Mapping[str, str] | None = None

    @property
    def clean(self) -> bool:
        """``judged`` is off nowhere, has no false zero or slope; its zeros are the reference's, up to round-off.

        And there was something to compare with: an audit without smooth columns finds nothing.
        """
        if self.smooth_share < LEAST_SMOOTH_SHARE:
            return False
        differing = any(zeros.decided for zeros in (self.differing_zeros or {}).values())
        return self.columns[self.judged].clean and not differing and not self.nonfinite_rows[self.judged]

    @property
    def smooth_share(self) -> float:
        """Share of (row, column) pairs in which the differences agree with one another."""
        return float(self.columns[self.judged].smooth.mean())

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
            "judged": self.judged,
            "dataset": None if self.dataset is None else dict(self.dataset),
            "clean": self.clean,
            **{
                name: {**verdict.to_dict(), "nonfinite_rows": self.nonfinite_rows[name]}
                for name, verdict in self.columns.items()
            },
            "differing_zeros": patterns,
        }
