"""Recorded causes: what was explained of single rows, counted into the record that files hold.  No JAX."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dynsparse.analysis.cause_counts import CauseCounts
from dynsparse.analysis.cause_record import CauseRecord
from dynsparse.analysis.tried_symmetry import TriedSymmetry

if TYPE_CHECKING:
    from dynsparse.analysis.slope_sizes import SlopeSizes
    from dynsparse.physics.zero_causes import ZeroCauses

__all__ = ["record_causes"]


def record_causes(
    causes: ZeroCauses, sizes: SlopeSizes, provenance: Mapping[str, Any], *, evidence_stored: int = 0
) -> CauseRecord:
    """Make the record of what ``explain_zeros`` found.

    Args:
        causes: Labels of n rows.
        sizes: Of the elements of all finite rows of the data set.
        provenance: Settings, seeds and versions that made them; plain JSON values.
        evidence_stored: How many rows of the evidence are of the data set.

    Returns:
        The record: counts over the rows, and the symmetries.
    """
    states = len(causes.state_names)
    blocks = [
        CauseCounts.from_rows(
            causes.labels[:, :, span],
            causes.constraint_off[:, :, span],
            causes.switched_by[:, span],
            sizes.largest[:, span],
            sizes.real[:, span],
        )
        for span in (slice(0, states), slice(states, None))
    ]
    return CauseRecord(
        environment=causes.environment,
        rows=len(causes),
        atol=causes.atol,
        evidence_rows=causes.evidence_rows,
        evidence_stored=evidence_stored,
        data_rows=sizes.rows,
        state_names=causes.state_names,
        action_names=causes.action_names,
        constraint_names=causes.constraint_names,
        members=causes.members,
        active_rows=tuple(int(rows) for rows in causes.active_rows),
        state=blocks[0],
        action=blocks[1],
        symmetries=tuple(
            TriedSymmetry(
                words=s.shift.words,
                coordinate=s.shift.name,
                holds=s.holds,
                states=s.states,
                rows=s.rows,
                skipped=s.skipped,
                largest=s.largest,
                error=s.error,
                broken_by=s.broken_by,
                contradicted=s.contradicted,
            )
            for s in causes.symmetries
        ),
        provenance=provenance,
    )
