"""Horizon table: sparsity over control steps, when half of its local part is gone, and what a roll-out changes."""

from __future__ import annotations

from collections.abc import Sequence

from dynsparse.analysis.horizon_record import HorizonRecord
from dynsparse.report.horizon_numbers import cancelled_share, half_gone, shown_steps, sparsity_at
from dynsparse.report.horizon_sentences import JACOBIANS, half_in_words, with_interval
from dynsparse.report.item import TableItem
from dynsparse.report.quantities import percent

__all__ = ["horizon_table"]

_NONE = "-"
_CANCELLED = 10
"""Control steps over which zeros by cancellation are counted: later there are few zeros of any kind."""


def horizon_table(records: Sequence[HorizonRecord]) -> TableItem:
    """Set environments side by side, a line for each block of the Jacobian.

    Args:
        records: One an environment.

    Returns:
        The table ``horizon``.
    """
    steps = shown_steps(max(record.horizon for record in records))
    columns = (
        *("environment", "Jacobian", "elements"),
        *(f"zeros, k = {k}" for k in steps),
        *("always zero, k = 1", "half of local gone", f"cancelled, k = {_CANCELLED}", "roll-out differs", "by at most"),
    )
    lines = [_line(record, block, steps) for record in records for block in (0, 1) if record.elements(block)]
    notes = (
        "Zeros: mean share of zero elements of the product of k one-step Jacobians, with its 95 % interval over "
        "episodes (the CSV holds the mean).",
        "Half of local gone: the first k at which at most half of the local sparsity of one step is left, zeros beyond "
        "those of every start; its interval holds the k at which that can not be told.",
        f"Cancelled: of the zeros at k = {_CANCELLED}, those that a chain of one-step elements reaches, so that they "
        "are no structure.",
        "Roll-out differs: of all pairs of start and k, those whose derivative with the warm start carried differs "
        "from the product by more than 1e-9 of the largest element; by at most: the largest such difference.",
    )
    return TableItem(
        name="horizon",
        title="Sparsity over control steps",
        source="",
        columns=columns,
        cells=tuple(cells for cells, _ in lines),
        values=tuple(values for _, values in lines),
        notes=notes,
    )


def _line(record: HorizonRecord, block: int, steps: Sequence[int]) -> tuple[tuple[str, ...], tuple[object, ...]]:
    means = [sparsity_at(record, block, k) if k <= record.horizon else None for k in steps]
    always, gone = int(record.product.always_zero[block, 0]), half_gone(record, block)
    cancelled = cancelled_share(record, block, _CANCELLED) if record.horizon >= _CANCELLED else None
    share, largest = _roll_out(record, block)
    cells = (
        *(record.environment, JACOBIANS[block], f"{record.elements(block):,}"),
        *(_NONE if mean is None else with_interval(mean) for mean in means),
        f"{always:,}",
        _NONE if gone is None else half_in_words(gone, record.horizon),
        _NONE if cancelled is None else percent(cancelled),
        _NONE if share is None else percent(share),
        _NONE if largest is None else (f"{largest:.2g}"),
    )
    values = (
        *(record.environment, JACOBIANS[block], record.elements(block)),
        *(None if mean is None else mean.value for mean in means),
        *(always, None if gone is None else gone.steps, cancelled, share, largest),
    )
    return cells, values


def _roll_out(record: HorizonRecord, block: int) -> tuple[float | None, float | None]:
    found = record.rollout
    if found is None:
        return None, None
    pairs = int(found.starts.sum()) * record.horizon
    return float(found.differing[block].sum()) / pairs, float(found.relative[block].max())
