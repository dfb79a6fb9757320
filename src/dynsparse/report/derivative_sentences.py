"""Derivative sentences: what plain autodiff, and single precision, change in the numbers of Q1 to Q3."""

from __future__ import annotations

from collections.abc import Mapping

from dynsparse.analysis.derivative_record import DerivativeRecord
from dynsparse.analysis.derivative_variant import DerivativeVariant
from dynsparse.physics.environment_audit import ROUND_OFF
from dynsparse.report.cause_switches import joined
from dynsparse.report.change_sentences import SWITCHES, ZEROS, change_sentences
from dynsparse.report.compared_numbers import Compared
from dynsparse.report.difference_words import share_cell, share_mean
from dynsparse.report.episode_statistics import mean_over_episodes
from dynsparse.report.quantities import number

__all__ = ["derivative_sentences"]

_SUBJECTS = {
    ("autodiff", "float64"): "With plain autodiff",
    ("autodiff", "float32"): "With plain autodiff in float32",
}
_BLOCKS = ("state", "∂s'/∂s"), ("action", "∂s'/∂a")


def derivative_sentences(
    records: Mapping[str, DerivativeRecord], compared: tuple[Compared, ...], labels: Mapping[tuple[str, str], str]
) -> tuple[str, ...]:
    """Say what changes, one derivative after the other.

    Args:
        records: By environment.
        compared: Numbers of every environment and derivative, under the labels.
        labels: By derivative and precision.

    Returns:
        Sentences.
    """
    found: list[str] = []
    for key, subject in _SUBJECTS.items():
        there = {name: variant for name, r in records.items() if (variant := r.variant(*key)) is not None}
        if not there:
            continue
        found += _about_rows(subject, records, there)
        found += _about_always(subject, records, there)
        own = [row for row in compared if row.name == labels[key]]
        changed = {name for name, variant in there.items() if records[name].is_changed(variant)}
        # What is the same in every row was said at once.
        own = [row for row in own if row.environment in changed]
        for words in (ZEROS, SWITCHES):
            found += change_sentences(subject, own, words, "the exact derivative", same="same ")
    return tuple(found)


def _about_rows(
    subject: str, records: Mapping[str, DerivativeRecord], variants: Mapping[str, DerivativeVariant]
) -> list[str]:
    """Say how many rows are off, or not finite, and where nothing changes."""
    same = [name for name, variant in variants.items() if not records[name].is_changed(variant)]
    sentences = []
    off = {name: variant for name, variant in variants.items() if variant.off.any()}
    if off:
        parts = [f"{name} {_off(variant)}" for name, variant in off.items()]
        sentences.append(f"{subject} rows are off by more than 1e-5: {'; '.join(parts)}.")
    lost = {
        name: int(variant.nonfinite.sum())
        for name, variant in variants.items()
        if variant.nonfinite.sum() > records[name].exact.nonfinite.sum()
    }
    if lost:
        parts = [
            f"{count:,} of {number(variants[name].sparsity.all_rows, 'row')} of {name} "
            f"({int(records[name].exact.nonfinite.sum()):,} by the exact derivative)"
            for name, count in lost.items()
        ]
        sentences.append(f"{subject} rows are not finite: {'; '.join(parts)}.")
    moved = [f"{name} ({_moved(v)})" for name, v in variants.items() if v.differing]
    if moved:
        sentences.append(f"{subject} other elements of some rows are zero: {'; '.join(moved)}.")
    if same:
        rows = sum(variants[name].sparsity.all_rows for name in same)
        sentences.append(
            f"{subject} nothing changes in {joined(same)}: no row is off by more than 1e-5, and the same elements "
            f"are zero, in all of {number(rows, 'row')}."
        )
    return sentences


def _moved(variant: DerivativeVariant) -> str:
    counts = f"{int(variant.gained.sum()):,} zero by it alone, {int(variant.lost.sum()):,} by the exact one alone"
    what = ", which is round-off" if variant.largest_differing < ROUND_OFF else ""
    return f"{counts}, of at most {variant.largest_differing:.2g}{what}"


def _off(variant: DerivativeVariant) -> str:
    share = mean_over_episodes(variant.off_share)
    told = share_mean(share) if share.low is None else f"{share_cell(share).replace(' [', ' % [')}"
    finite = variant.sparsity.finite_rows
    return f"{told} ({variant.off_rows:,} of {number(finite, 'row')}, by up to {variant.largest_error:.2g})"


def _about_always(
    subject: str, records: Mapping[str, DerivativeRecord], variants: Mapping[str, DerivativeVariant]
) -> list[str]:
    """Say where the counts of Table 1 change."""
    parts, same = [], []
    for name, variant in variants.items():
        own, exact = variant.sparsity, variant.reference
        counts = [
            (getattr(own, f"always_zero_{block}"), getattr(exact, f"always_zero_{block}"), label)
            for block, label in _BLOCKS
        ]
        changed = [f"{a} of {label} in place of {b}" for a, b, label in counts if a != b]
        if changed:
            parts.append(f"{name} has {joined(changed)}")
        elif records[name].is_changed(variant):
            same.append(name)
    sentences = [f"{subject} the always-zero elements (Q1) are others: {'; '.join(parts)}."] if parts else []
    if same:
        sentences.append(f"{subject} the counts of always-zero elements (Q1) stay the same in {joined(same)}.")
    return sentences
