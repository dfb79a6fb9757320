"""Cause symmetries: shifts with which the step commutes, and what is not zero in their columns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dynsparse.analysis.cause_record import CauseRecord
from dynsparse.analysis.tried_symmetry import TriedSymmetry
from dynsparse.report.cause_switches import shortened
from dynsparse.report.quantities import number, percent

__all__ = ["about_incomplete", "by_symmetry"]


def by_symmetry(shift: TriedSymmetry) -> str:
    """Say that a shift changed nothing but its own coordinate, and how often and how far that was tried.

    Args:
        shift: A symmetry that holds.

    Returns:
        To stand after "is" or "are".
    """
    unit = "m" if shift.words.startswith("translation") else "rad"
    tried = f"{number(shift.rows, 'shifted step')} from {number(shift.states, 'state')}"
    apart = "to the last bit" if shift.error == 0 else f"up to {shift.error:.0e}"
    return (
        f"zero by symmetry: {shift.words}, by up to {shift.largest:g} {unit}, changed nothing else in {tried} ({apart})"
    )


def about_incomplete(record: CauseRecord, shift: TriedSymmetry, always_zero: NDArray[np.bool_]) -> str:
    """Say what is not zero in the column of a symmetry.

    Args:
        record: The causes.
        shift: A symmetry that holds.
        always_zero: (dt, dt) which elements of the state block are always zero.

    Returns:
        A sentence without its full stop; empty where the column is zero, its own element aside.
    """
    column = record.state_names.index(shift.coordinate)
    lost = ~always_zero[:, column]
    lost[column] = False
    real, largest = record.state.real[:, column], record.state.largest[:, column]
    noise, ended = lost & (real == 0), lost & (real > 0)
    said = []
    if noise.any():
        size = float(largest[noise].max())
        said.append(f"{_elements(noise)} round-off above {record.atol:g} (up to {size:.1e})")
    if ended.any():
        share = percent(int(real[ended].max()) / record.data_rows)
        by = f"{shortened(shift.broken_by)} ends it" if shift.broken_by else "what ends it is not known"
        said.append(f"{_elements(ended)} not zero in up to {share} of {number(record.data_rows, 'row')}: {by}")
    return "; ".join([f"the step commutes with {shift.words}", *said]) if said else ""


def _elements(mask: NDArray[np.bool_]) -> str:
    count = int(mask.sum())
    return f"{number(count, 'element')} of its column {'is' if count == 1 else 'are'}"
