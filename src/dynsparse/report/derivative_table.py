"""Derivative table: one line an environment and derivative."""

from __future__ import annotations

from collections.abc import Mapping

from dynsparse.analysis.derivative_record import DerivativeRecord
from dynsparse.analysis.derivative_variant import DerivativeVariant
from dynsparse.report.difference_words import mean_cell, share_cell
from dynsparse.report.episode_statistics import mean_over_episodes
from dynsparse.report.item import TableItem

__all__ = ["derivative_table", "variant_label"]

_COLUMNS = (
    "environment",
    "derivative",
    "rows",
    "not finite",
    "rows off, %",
    "zero here only",
    "zero by exact only",
    "always zero ∂s'/∂s",
    "always zero ∂s'/∂a",
    "sparsity, %",
    "all patterns",
    "zero for, steps",
    "non-zero for, steps",
    "switches, %",
)

_NOTES = (
    "Means over stretches of consecutive rows, one an episode, with 95 % intervals; a row that is not finite is left "
    "out of its line, and cuts the stretches of zeros.",
    "Off: some column is further than 1e-5 from the exact one, relative to max(1, its largest element). Zero here "
    "only, zero by exact only: pairs of row and element.",
)


def variant_label(variant: DerivativeVariant) -> str:
    """Name a derivative in a precision: ``"exact"``, ``"autodiff"`` or ``"autodiff, float32"``."""
    return variant.derivative + ("" if variant.precision == "float64" else f", {variant.precision}")


def derivative_table(records: Mapping[str, DerivativeRecord]) -> TableItem:
    """Make the table.

    Args:
        records: By environment.

    Returns:
        The table ``derivatives``; its CSV has shares in percent.
    """
    cells: list[tuple[str, ...]] = []
    values: list[tuple[object, ...]] = []
    for environment, record in records.items():
        for variant in record.variants:
            found, label = variant.sparsity, variant_label(variant)
            counts = (
                int(variant.gained.sum()), int(variant.lost.sum()), found.always_zero_state, found.always_zero_action,
            )  # fmt: skip
            off, sparse, switches = (
                mean_over_episodes(shares) for shares in (variant.off_share, found.combined, found.switch_rate)
            )
            zero, nonzero = mean_over_episodes(found.zero_duration), mean_over_episodes(found.nonzero_duration)
            nonfinite = int(variant.nonfinite.sum())
            cells.append((
                environment, label, f"{found.all_rows:,}", f"{nonfinite:,}", share_cell(off),
                *(f"{count:,}" for count in counts), share_cell(sparse), f"{found.distinct_patterns:,}",
                mean_cell(zero), mean_cell(nonzero), share_cell(switches),
            ))  # fmt: skip
            values.append((
                environment, label, found.all_rows, nonfinite, _percent(off.value), *counts, _percent(sparse.value),
                found.distinct_patterns, zero.value, nonzero.value, _percent(switches.value),
            ))  # fmt: skip
    title = "What changes when the derivative is right"
    return TableItem("derivatives", title, "", _COLUMNS, tuple(cells), tuple(values), _NOTES)


def _percent(share: float | None) -> float | None:
    return None if share is None else 100.0 * share
