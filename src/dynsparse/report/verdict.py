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
        ``"clean"``, ``"NOT clean"``, ``"none off, 85 % smooth"`` where nothing is wrong but too few columns are smooth,
        ``"of another derivative"``, ``"no verdict on record"`` or ``"not audited"``.
    """
    if audit is None:
        return "not audited"
    if audit.get("judged", derivative) != derivative:
        return "of another derivative"
    if isinstance(audit.get("clean"), bool):
        if is_clean(audit, derivative):
            return "clean"
        return f"none off, {100 * audit['smooth_share']:.0f} % smooth" if _is_thin(audit, derivative) else "NOT clean"
    return "no verdict on record"


def _is_thin(audit: Mapping[str, Any], derivative: str) -> bool:
    """Say whether an audit that is not clean found nothing wrong: too few columns were smooth."""
    columns = audit.get(derivative)
    if not isinstance(columns, Mapping) or not isinstance(audit.get("smooth_share"), float):
        return False
    wrong = [columns.get(name) for name in ("columns_off", "false_zeros", "false_slopes", "nonfinite_rows")]
    differing = (audit.get("differing_zeros") or {}).values()
    return wrong == [0, 0, 0, 0] and not any(zeros.get("decided", True) for zeros in differing)


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
    why = ""
    if not is_clean(audit, derivative) and _is_thin(audit, derivative):
        why = "; where the step is not smooth, as where the solver runs out of iterations, differences tell nothing"
    return f"Audited against finite differences{rows}: {verdict(audit, derivative)}{details}{why}."
