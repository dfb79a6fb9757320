"""Derivative table: one line an environment and derivative, and one more of the exact one where rows are lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dynsparse.analysis.derivative_record import DerivativeRecord
from dynsparse.analysis.derivative_variant import DerivativeVariant
from dynsparse.analysis.episode_sparsity import EpisodeSparsity
from dynsparse.report.difference_words import share_cell, steps_cell
from dynsparse.report.episode_statistics import SHARE, STEPS_LONG, EpisodeMean, mean_over_episodes
from dynsparse.report.item import TableItem

__all__ = ["derivative_table", "reference_label", "variant_label"]

_COLUMNS = (
    *("environment", "derivative", "rows", "not finite", "rows off", "zero here only", "zero by exact only"),
    *("always zero ∂s'/∂s", "always zero ∂s'/∂a", "sparsity", "all patterns", "zero for, steps"),
    *("non-zero for, steps", "switches"),
)
_MEANS = ("rows_off", "sparsity", "zero_duration", "nonzero_duration", "switch_rate")
_FIELDS = (
    *("environment", "derivative", "episodes", "rows", "not_finite", "zero_here_only", "zero_by_exact_only"),
    *("always_zero_state", "always_zero_action", "distinct_patterns"),
    *(f"{name}{end}" for name in _MEANS for end in ("", "_low", "_high")),
)
_NOTES = (
    "Means over stretches of consecutive rows, one an episode, with 95 % intervals; there is none of fewer than three, "
    "or of the same number in every one.",
    "A row that is not finite is left out of its line and cuts the stretches of zeros, which makes them shorter than "
    "they are. Where a derivative lacks rows that the exact one has, a line of the exact one at the same rows stands "
    "below it: compare with that one.",
    "Off: some column is further than 1e-5 from the exact one, relative to max(1, its largest element). Zero here "
    "only, zero by exact only: pairs of row and element.",
)


def variant_label(variant: DerivativeVariant) -> str:
    """Name a derivative in a precision: ``"exact"``, ``"autodiff"`` or ``"autodiff, float32"``."""
    return variant.derivative + ("" if variant.precision == "float64" else f", {variant.precision}")


def reference_label(variant: DerivativeVariant) -> str:
    """Name the exact derivative at the rows that another one leaves of them."""
    return f"exact, rows finite by {variant_label(variant)}"


def derivative_table(records: Mapping[str, DerivativeRecord]) -> TableItem:
    """Make the table.

    Args:
        records: By environment.

    Returns:
        The table ``derivatives``; its CSV has shares as fractions.
    """
    lines = [line for environment, record in records.items() for line in _lines(environment, record)]
    cells, values = (tuple(part) for part in zip(*lines, strict=True)) if lines else ((), ())
    title = "What changes when the derivative is right"
    return TableItem("derivatives", title, "", _COLUMNS, cells, values, _NOTES, fields=_FIELDS, keys=2)


_Line = tuple[tuple[str, ...], tuple[object, ...]]


def _lines(environment: str, record: DerivativeRecord) -> Iterator[_Line]:
    for variant in record.variants:
        yield _line(environment, variant_label(variant), variant.sparsity, variant)
        if record.has_fewer_rows(variant):
            yield _line(environment, reference_label(variant), variant.reference, None)


def _line(environment: str, label: str, found: EpisodeSparsity, variant: DerivativeVariant | None) -> _Line:
    off = EpisodeMean(None, None, None, 0) if variant is None else mean_over_episodes(variant.off_share, SHARE)
    sparse, switches = (mean_over_episodes(shares, SHARE) for shares in (found.combined, found.switch_rate))
    zero, nonzero = (mean_over_episodes(steps, STEPS_LONG) for steps in (found.zero_duration, found.nonzero_duration))
    own = (None, None, None) if variant is None else (variant.nonfinite, variant.gained, variant.lost)
    lost, gained, missed = (None if counts is None else int(counts.sum()) for counts in own)
    always = found.always_zero_state, found.always_zero_action
    rows = found.finite_rows if variant is None else found.all_rows
    cells = (
        *(environment, label, f"{rows:,}", _count(lost), share_cell(off), _count(gained), _count(missed)),
        *(f"{count:,}" for count in always),
        *(
            share_cell(sparse),
            f"{found.distinct_patterns:,}",
            steps_cell(zero),
            steps_cell(nonzero),
        ),
        share_cell(switches),
    )
    values = (
        *(environment, label, found.episodes, rows, lost, gained, missed, *always, found.distinct_patterns),
        *(end for mean in (off, sparse, zero, nonzero, switches) for end in (mean.value, mean.low, mean.high)),
    )
    return cells, values


def _count(count: int | None) -> str:
    return "-" if count is None else f"{count:,}"
