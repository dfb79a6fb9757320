"""Audit verdict: what audits found, as a table and in one line."""

from __future__ import annotations

from collections.abc import Sequence

from dynsparse.physics.environment_audit import LEAST_SMOOTH_SHARE, EnvironmentAudit

__all__ = ["AUDIT_COLUMNS", "audit_cells", "audit_verdict"]

AUDIT_COLUMNS = (
    "environment",
    "derivative",
    "rows",
    "active",
    "smooth",
    "not smooth",
    "off",
    "error",
    "false zeros",
    "false slopes",
)


def audit_cells(audit: EnvironmentAudit) -> list[list[str]]:
    """Return the lines of the table, one for each derivative.

    Args:
        audit: Of one environment or data set.

    Returns:
        Cells under ``AUDIT_COLUMNS``.
    """
    lines = []
    for name, verdict in audit.columns.items():
        first = name == audit.judged
        lines.append(
            [
                audit.environment if first else "",
                name,
                f"{audit.rows:,}" if first else "",
                f"{audit.constrained_rows:,}" if first else "",
                f"{verdict.smooth_columns:,}",
                f"{verdict.nonsmooth_columns:,}",
                f"{verdict.columns_off:,}",
                f"{verdict.largest_error:.1e}",
                f"{int(verdict.false_zero.sum()):,}",
                f"{int(verdict.false_slope.sum()):,}",
            ]
        )
    return lines


def audit_verdict(audits: Sequence[EnvironmentAudit]) -> str:
    """Return one line: clean, or where not.

    Args:
        audits: All that were made.

    Returns:
        A sentence.
    """
    smooth = sum(audit.columns[audit.judged].smooth_columns for audit in audits)
    judged = " and ".join(dict.fromkeys(audit.judged for audit in audits))
    zeros = _zeros(audits)
    failed = [audit for audit in audits if not audit.clean]
    if not failed:
        return f"{judged}: off on none of {smooth:,} smooth columns, no false zero, no false slope{zeros}"
    return f"{judged} is OFF: " + "; ".join(f"{audit.environment} ({_faults(audit)})" for audit in failed)


def _zeros(audits: Sequence[EnvironmentAudit]) -> str:
    """How the zeros compare with the reference's, where there is one; what round-off leaves open is counted."""
    found = [zeros for audit in audits for zeros in (audit.differing_zeros or {}).values()]
    if not found:
        return ""
    unsettled = sum(zeros.elements for zeros in found)
    if not unsettled:
        return ", zeros as in the reference"
    largest = max(zeros.largest for zeros in found)
    return f", zeros as in the reference but for {unsettled:,} elements of round-off (up to {largest:.0e})"


def _faults(audit: EnvironmentAudit) -> str:
    counts = audit.columns[audit.judged].to_dict()
    faults = {
        "columns off": counts["columns_off"],
        "false zeros": counts["false_zeros"],
        "false slopes": counts["false_slopes"],
        "non-finite rows": audit.nonfinite_rows[audit.judged],
    }
    faults |= {
        f"zeros that differ at {atol:g} by up to {zeros.largest:.0e}": zeros.elements
        for atol, zeros in (audit.differing_zeros or {}).items()
        if zeros.decided
    }
    told = [f"{count} {fault}" for fault, count in faults.items() if count]
    if audit.smooth_share < LEAST_SMOOTH_SHARE:
        wanted = f"wanted are {100 * LEAST_SMOOTH_SHARE:.0f} %"
        told.append(f"too few columns to compare with: {100 * audit.smooth_share:.0f} % are smooth, {wanted}")
    return ", ".join(told)
