"""Derivative sentences: what plain autodiff, and single precision, change in the numbers of Q1 to Q3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from dynsparse.analysis.derivative_record import DerivativeRecord
from dynsparse.analysis.derivative_variant import DerivativeVariant
from dynsparse.physics.columns import OFF_TOLERANCE
from dynsparse.physics.environment_audit import ROUND_OFF
from dynsparse.report.cause_switches import joined
from dynsparse.report.change_sentences import SWITCHES, ZEROS, about_change
from dynsparse.report.compared_numbers import NOT_ENOUGH, Compared, about_verdicts, has_rows
from dynsparse.report.compared_sentences import about_lengths_and_patterns
from dynsparse.report.difference_words import steps_cell
from dynsparse.report.episode_statistics import mean_over_episodes
from dynsparse.report.quantities import number, share_with_interval
from dynsparse.report.zero_axis import tick_name

__all__ = ["derivative_sentences"]

_SUBJECTS = {
    ("autodiff", "float64"): "With plain autodiff",
    ("autodiff", "float32"): "With plain autodiff in float32",
}
_OFF = tick_name(OFF_TOLERANCE)
_BLOCKS = ("state", "∂s'/∂s"), ("action", "∂s'/∂a")
_SINGLE = float(np.finfo(np.float32).eps)
"""What rounding leaves of a sum of terms of size 1 in float32."""


def derivative_sentences(
    records: Mapping[str, DerivativeRecord], compared: tuple[Compared, ...], labels: Mapping[tuple[str, str], str]
) -> tuple[str, ...]:
    """Say what changes, the weightiest first.

    Args:
        records: By environment.
        compared: Numbers of every environment and derivative, under the labels, corrected.
        labels: By derivative and precision.

    Returns:
        Sentences: where a derivative is off, where nothing changes, Q1 to Q3, and what rests on lost rows.
    """
    told: list[list[str]] = []
    for key, subject in _SUBJECTS.items():
        there = {name: variant for name, r in records.items() if (variant := r.variant(*key)) is not None}
        if not there:
            continue
        changed = {name: variant for name, variant in there.items() if records[name].is_changed(variant)}
        # What is the same in every row is said at once.
        own = [row for row in compared if row.name == labels[key] and row.environment in changed]
        told.append(
            [
                _about_off(subject, there),
                _about_same(subject, [name for name in there if name not in changed], there),
                _about_always(subject, changed),
                about_change(subject, own, ZEROS, "the exact derivative", paired=True),
                _about_precision(key, [records[name].atol for name in there]),
                about_change(subject, own, SWITCHES, "the exact derivative", paired=True),
                _about_lost(subject, records, there),
                _about_moved(subject, there),
            ]
        )
    rest = about_lengths_and_patterns(compared, "the exact derivative", paired=True)
    return (*(said for kind in zip(*told, strict=True) for said in kind if said), *rest, about_verdicts(compared))


def _about_precision(key: tuple[str, str], atols: Sequence[float]) -> str:
    """Say that a threshold far below the round-off of single precision calls round-off an element."""
    below = sorted({atol for atol in atols if atol < _SINGLE})
    if key[1] != "float32" or not below:
        return ""
    told = joined([f"{atol:g}" for atol in below])
    return (
        f"Float32 rounds a sum to {tick_name(_SINGLE)} of its terms, above the |x| < {told} at which zeros are "
        "counted: where terms cancel, round-off is left that does not read as zero. Fewer zeros in "
        "float32 are no finding about the dynamics."
    )


def _about_off(subject: str, variants: Mapping[str, DerivativeVariant]) -> str:
    """Say in how many rows a derivative is off, and where in none."""
    parts = [f"{name} {_off(variant)}" for name, variant in variants.items() if variant.off.any()]
    count = number(len(variants), "environment")
    if not parts:
        return f"{subject} no row of {count} is off by more than {_OFF}."
    return (
        f"{subject} rows are off by more than {_OFF} in {len(parts)} of {count}: {'; '.join(parts)} (largest error of "
        "an element, over the largest one of its column where that is above 1)."
    )


def _about_same(subject: str, same: Sequence[str], variants: Mapping[str, DerivativeVariant]) -> str:
    if not same:
        return ""
    rows = sum(variants[name].sparsity.all_rows for name in same)
    return (
        f"{subject} nothing changes in {joined(same)}: no row is off by more than {_OFF}, and the same elements are "
        f"zero, in all of {number(rows, 'row')}."
    )


def _about_lost(
    subject: str, records: Mapping[str, DerivativeRecord], variants: Mapping[str, DerivativeVariant]
) -> str:
    """Say which rows are lost, and what that does to stretches of zeros."""
    parts: list[str] = []
    few: list[str] = []
    for name, variant in variants.items():
        exact = records[name].exact
        if not records[name].has_fewer_rows(variant):
            continue
        lost, before = int(variant.nonfinite.sum()), int(exact.nonfinite.sum())
        said = f"{lost:,} of {number(exact.sparsity.all_rows, 'row')} of {name} ({before:,} by the exact one)"
        whole = mean_over_episodes(exact.sparsity.zero_duration)
        if whole.value is not None:
            own, there = (
                steps_cell(mean_over_episodes(found.zero_duration)) for found in (variant.sparsity, variant.reference)
            )
            said += (
                f", in whose absence zeros last {own} control steps by it and {there} by the exact one, "
                f"{steps_cell(whole)} in all rows"
            )
        parts.append(said)
        few += [] if has_rows(variant.sparsity) else [name]
    if not parts:
        return ""
    rest = f" Fewer than half are left in {joined(few)}: {NOT_ENOUGH} to compare." if few else ""
    return (
        f"{subject} rows are not finite, which cuts stretches of zeros: {'; '.join(parts)}. All comparisons are of the "
        f"rows that are left, which may be unlike the whole.{rest}"
    )


def _about_moved(subject: str, variants: Mapping[str, DerivativeVariant]) -> str:
    moved = [f"{name} ({_moved(variant)})" for name, variant in variants.items() if variant.differing]
    return f"{subject} other elements of some rows are zero: {'; '.join(moved)}." if moved else ""


def _moved(variant: DerivativeVariant) -> str:
    counts = f"{int(variant.gained.sum()):,} zero by it alone, {int(variant.lost.sum()):,} by the exact one alone"
    what = ", which is round-off" if variant.largest_differing < ROUND_OFF else ""
    return f"{counts}, of at most {variant.largest_differing:.2g}{what}"


def _off(variant: DerivativeVariant) -> str:
    share, finite = mean_over_episodes(variant.off_share), variant.sparsity.finite_rows
    counted = f"{variant.off_rows:,} of {number(finite, 'row')}, by at most {variant.largest_error:.2g}"
    return f"{share_with_interval(share)}, {counted}"


def _about_always(subject: str, changed: Mapping[str, DerivativeVariant]) -> str:
    """Say where the counts of Table 1 change, of those environments in which anything does."""
    parts, same = [], []
    for name, variant in changed.items():
        own, exact = variant.sparsity, variant.reference
        counts = [
            (getattr(own, f"always_zero_{block}"), getattr(exact, f"always_zero_{block}"), label)
            for block, label in _BLOCKS
        ]
        moved = [f"{a} of {label} in place of {b}" for a, b, label in counts if a != b]
        if moved:
            parts.append(f"{name} has {joined(moved)}")
        else:
            same.append(name)
    said = [f"the always-zero elements (Q1) are others: {'; '.join(parts)}"] if parts else []
    if same:
        said.append(f"the counts of always-zero elements (Q1) stay the same in {joined(same)}")
    return f"{subject} {'; '.join(said)}." if said else ""
