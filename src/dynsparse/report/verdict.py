"""Verdict: what the comparison with finite differences found, in a word and in a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dynsparse.report.quantities import number

__all__ = ["about_audit", "is_clean", "verdict"]


def is_clean(audit: Mapping[str, Any] | None, derivative: str) -> bool:
    """Say whether there was an audit and it found nothing; one that does not say so is not taken for clean.

    Args:
        audit: The audit's record, or None.
        derivative: The derivative that it must have judged.

    Returns:
        Whether it is clean.
    """
    return audit is not None and audit.get("clean") is True and audit.get("judged", derivative) == derivative


def verdict(audit: Mapping[str, Any] | None, derivative: str) -> str:
    """Return the verdict in a word or two, for a table.

    Args:
        audit: The audit's record, or None.
        derivative: The derivative that it must have judged.

    Returns:
        ``"clean"``, ``"NOT clean"``, ``"of another derivative"``, ``"no verdict on record"`` or ``"not audited"``.
    """
    if audit is None:
        return "not audited"
    if audit.get("judged", derivative) != derivative:
        return "of another derivative"
    if isinstance(audit.get("clean"), bool):
        return "clean" if is_clean(audit, derivative) else "NOT clean"
    return "no verdict on record"


def about_audit(audit: Mapping[str, Any] | None, derivative: str) -> str:
    """Say what the comparison with finite differences found.

    Args:
        audit: The audit's record, or None.
        derivative: Which verdict to quote.

    Returns:
        One sentence; what to run, where there was no audit.
    """
    if audit is None:
        return "Not audited: run dynsparse audit DATASET."
    rows = f" on {number(audit['rows'], 'row')}" if isinstance(audit.get("rows"), int) else ""
    if rows and isinstance(audit.get("constrained_rows"), int):
        rows += f", {audit['constrained_rows']:,} of them with an active constraint"
    columns = audit.get(derivative)
    details = ""
    if isinstance(columns, Mapping) and {"smooth_columns", "columns_off", "false_zeros"} <= set(columns):
        largest = columns.get("largest_error")
        error = f" (largest error {largest:.1e})" if isinstance(largest, float) else ""
        details = (
            f"; {number(columns['smooth_columns'], 'column')} compared, {columns['columns_off']:,} off{error}, "
            f"{number(columns['false_zeros'], 'false zero')}"
        )
    return f"Audited against finite differences{rows}: {verdict(audit, derivative)}{details}."
