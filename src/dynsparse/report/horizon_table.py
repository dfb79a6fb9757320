"""Horizon table: sparsity over control steps, when half of its local part is gone, and what a roll-out changes."""

from __future__ import annotations

from collections.abc import Sequence

from dynsparse.analysis.horizon_record import BLOCKS, HorizonRecord
from dynsparse.report.difference_words import share_cell
from dynsparse.report.episode_statistics import EpisodeMean
from dynsparse.report.horizon_numbers import (
    cancelled_share,
    half_gone,
    left_of_local,
    plan_steps,
    shown_steps,
    sparsity_at,
)
from dynsparse.report.horizon_rollouts import SAME_IN_WORDS, size
from dynsparse.report.horizon_sentences import JACOBIANS, half_in_words, left_in_words
from dynsparse.report.item import TableItem
from dynsparse.report.quantities import percent

__all__ = ["horizon_table"]

_NONE = "-"
_CANCELLED = 10
"""Control steps over which zeros by cancellation are counted, beside those that survival is judged at."""


def horizon_table(records: Sequence[HorizonRecord]) -> TableItem:
    """Set environments side by side, a line for each block of the Jacobian.

    Args:
        records: One an environment.

    Returns:
        The table ``horizon``; its CSV has shares as fractions.
    """
    steps, plan = shown_steps(max(record.horizon for record in records)), plan_steps(records)
    counted = tuple(sorted({_CANCELLED, plan}))
    columns = (
        *("environment", "Jacobian", "elements", "starts (episodes)"),
        *(f"zeros, k = {k}" for k in steps),
        *("always zero, k = 1", "half of local gone", f"local left, k = {plan}"),
        *(f"cancelled, k = {k}" for k in counted),
        *("roll-out differs", "by at most"),
    )
    fields = (
        *("environment", "jacobian", "elements", "episodes", "starts", "horizon"),
        *(name for k in steps for name in (f"zeros_{k}", f"zeros_{k}_low", f"zeros_{k}_high")),
        *("always_zero_1", "half_gone", "half_gone_low", "half_gone_high"),
        *(f"local_left_{plan}{end}" for end in ("", "_low", "_high")),
        *(f"cancelled_{k}" for k in counted),
        *("roll_out_starts", "roll_out_differs", "roll_out_largest"),
    )
    lines = [
        _line(record, block, steps, plan, counted) for record in records for block in (0, 1) if record.elements(block)
    ]
    notes = (
        "Zeros: mean share of zero elements of the product of k one-step Jacobians, with its 95 % interval over "
        "episodes; an element that no chain of one-step elements reaches is one.",
        "Half of local gone: the first k at which at most half of the local sparsity of one step is left, zeros beyond "
        "those of every start, as far as they are structure; its interval holds the k at which that can not be told.",
        f"Local left: the share of it that is there at k = {plan}, with the interval of the ratio over episodes; above "
        "100 % where there is more than at first.",
        "Cancelled: of the zeros at that k, those that a chain of one-step elements reaches, so that they are no "
        "structure.",
        "Roll-out differs: of all pairs of start and k, those whose derivative with the warm start carried differs "
        f"from the product by more than {SAME_IN_WORDS} of the largest element; by at most: the largest such "
        "difference.",
    )
    return TableItem(
        name="horizon",
        title="Sparsity over control steps",
        source="",
        columns=columns,
        cells=tuple(cells for cells, _ in lines),
        values=tuple(values for _, values in lines),
        notes=notes,
        fields=fields,
        keys=2,
    )


def _line(
    record: HorizonRecord, block: int, steps: Sequence[int], plan: int, counted: Sequence[int]
) -> tuple[tuple[str, ...], tuple[object, ...]]:
    means = [sparsity_at(record, block, k) if k <= record.horizon else None for k in steps]
    always, gone = int(record.product.always_zero[block, 0]), half_gone(record, block)
    left = left_of_local(record, block, plan)
    cancelled = [cancelled_share(record, block, k) if k <= record.horizon else None for k in counted]
    rolled, share, largest = _roll_out(record, block)
    starts, episodes = int(record.product.starts.sum()), len(record.product.starts)
    cells = (
        *(record.environment, JACOBIANS[block], f"{record.elements(block):,}", f"{starts:,} ({episodes:,})"),
        *(_NONE if mean is None else share_cell(mean) for mean in means),
        f"{always:,}",
        _NONE if gone is None else half_in_words(gone, record.horizon),
        _NONE if left is None else left_in_words(left),
        *(_NONE if part is None else percent(part) for part in cancelled),
        _NONE if share is None else percent(share),
        _NONE if largest is None else size(largest),
    )
    values = (
        *(record.environment, BLOCKS[block], record.elements(block), episodes, starts, record.horizon),
        *(end for mean in means for end in _ends(mean)),
        always,
        *((None, None, None) if gone is None else (gone.steps, gone.low, gone.high)),
        *_ends(left),
        *cancelled,
        *(rolled, share, largest),
    )
    return cells, values


def _ends(mean: EpisodeMean | None) -> tuple[float | None, float | None, float | None]:
    return (None, None, None) if mean is None else (mean.value, mean.low, mean.high)


def _roll_out(record: HorizonRecord, block: int) -> tuple[int | None, float | None, float | None]:
    found = record.rollout
    if found is None:
        return None, None, None
    starts = int(found.starts.sum())
    return starts, float(found.differing[block].sum()) / (starts * record.horizon), float(found.relative[block].max())
