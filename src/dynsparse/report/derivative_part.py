"""Derivative part: what changes when the derivative is right, beside what the paper differentiated with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from dynsparse.analysis.derivative_record import DerivativeRecord
from dynsparse.config import EPISODE_STEPS
from dynsparse.report.cause_switches import joined
from dynsparse.report.compared_numbers import Compared, compare_numbers, corrected
from dynsparse.report.compared_table import compared_table
from dynsparse.report.derivative_sentences import derivative_sentences
from dynsparse.report.derivative_table import derivative_table, reference_label, variant_label
from dynsparse.report.episode_dots import LASTING, DotLook, DotPanel, draw_episode_dots
from dynsparse.report.episode_statistics import SHARE, STEPS_LONG, EpisodeMean, mean_over_episodes
from dynsparse.report.item import FigureItem, Part, TableItem
from dynsparse.report.quantities import number
from dynsparse.report.said_once import by_what_is_said
from dynsparse.report.threshold_sentences import about_counting
from dynsparse.report.truth_scores import about_truths, truth_changes, truth_table

__all__ = ["derivative_part"]

_TITLE = "What changes when the derivative is right"
_LOOKS = (
    DotLook("exact", "exact", "#000000", "o"),
    DotLook("autodiff", "plain autodiff, float64", "#0072B2", "s"),
    DotLook("autodiff, float32", "plain autodiff, float32", "#D55E00", "^"),
    DotLook("exact, rows finite by autodiff", "exact, rows finite by autodiff", "#56B4E9", "D"),
    DotLook("exact, rows finite by autodiff, float32", "exact, rows finite in float32", "#999999", "D"),
)
_DRAWN = {"combined": SHARE, "zero_duration": STEPS_LONG, "switch_rate": SHARE}
_LABELS = {("autodiff", "float64"): "autodiff", ("autodiff", "float32"): "autodiff, float32"}


def derivative_part(records: Mapping[str, DerivativeRecord]) -> Part:
    """Make the part from records.

    Args:
        records: By environment, in the order in which they are shown.

    Returns:
        Sentences, the figure ``derivatives-by-environment``, and the tables ``derivatives``,
        ``derivatives-differences`` and, where world models were trained, ``derivatives-learning``.
        Without records, nothing but a sentence that says so.
    """
    if not records:
        return Part("derivatives", _TITLE, ("No derivatives were compared.",))
    compared = _compared(records)
    sentences = derivative_sentences(records, compared, _LABELS)
    changes = truth_changes(records)
    learned = about_truths(changes)
    differing = [name for name, record in records.items() if record.differs]
    if not learned:
        learned = (
            "Q4: no world models were trained on either derivative."
            if differing
            else "Q4: no environment's float64 derivatives differ, so that world models have nothing to differ by.",
        )
    figure = FigureItem(
        "derivatives-by-environment",
        _TITLE,
        "",
        "a line an environment and a marker with a 95 % interval for each derivative: share of rows that are off, "
        "share of zeros, how long elements stay zero, how often the pattern switches",
        _caption(records),
        lambda: _draw(records),
    )
    items: list[FigureItem | TableItem] = [
        figure,
        derivative_table(records),
        compared_table("derivatives-differences", f"{_TITLE}: differences", "derivative", "exact", compared),
    ]
    if changes:
        items.append(truth_table(changes))
    return Part("derivatives", _TITLE, (*sentences, *learned), tuple(items))


def _compared(records: Mapping[str, DerivativeRecord]) -> tuple[Compared, ...]:
    rows: list[Compared] = []
    for name, record in records.items():
        for variant in record.variants:
            reference = None if variant is record.exact else variant.reference
            rows += compare_numbers(name, variant_label(variant), variant.sparsity, reference, paired=True)
    return corrected(rows)


def _caption(records: Mapping[str, DerivativeRecord]) -> tuple[str, ...]:
    rows = by_what_is_said(
        (name, f"{_rows(record)} of {number(len(record.episode), 'episode')}") for name, record in records.items()
    )
    said = f"Means over episodes with their 95 % intervals, of {'; '.join(_of(*entry) for entry in rows)}."
    if any(record.has_fewer_rows(variant) for record in records.values() for variant in record.variants):
        said += (
            " Where a derivative lacks rows, the exact one is drawn at the same rows too: rows that are not finite cut "
            "stretches of zeros."
        )
    return (said, about_counting(record.atol for record in records.values()))


def _rows(record: DerivativeRecord) -> str:
    """Count the rows that are finite by the exact derivative, of how many where some are not."""
    finite = record.exact.sparsity.finite_rows
    few = f"{finite:,} finite of " if finite < record.rows else ""
    return f"{few}{number(record.rows, 'row')}"


def _of(rows: str, names: Sequence[str]) -> str:
    return f"{rows} in {'each of ' if len(names) > 1 else ''}{joined(names)}"


def _draw(records: Mapping[str, DerivativeRecord]) -> Figure:
    numbers: dict[str, dict[tuple[str, str], EpisodeMean]] = {}
    for name, record in records.items():
        for variant in record.variants:
            key = (name, variant_label(variant))
            found = variant.sparsity
            if variant is not record.exact:
                numbers.setdefault("off", {})[key] = mean_over_episodes(variant.off_share, SHARE)
            for field in _DRAWN:
                numbers.setdefault(field, {})[key] = mean_over_episodes(getattr(found, field), _DRAWN[field])
            if record.has_fewer_rows(variant):
                for field in _DRAWN:
                    there = mean_over_episodes(getattr(variant.reference, field), _DRAWN[field])
                    numbers[field][name, reference_label(variant)] = there
    panels = (
        DotPanel("rows off, %", numbers.get("off", {}), is_share=True),
        DotPanel("zeros (Q2), %", numbers["combined"], is_share=True),
        DotPanel(LASTING, numbers["zero_duration"], bounds=STEPS_LONG, log_ends=(1.0, EPISODE_STEPS)),
        DotPanel("switches (Q3), % of steps", numbers["switch_rate"], is_share=True),
    )
    drawn = {name for _, name in numbers["combined"]}
    atols = joined([f"{atol:g}" for atol in sorted({record.atol for record in records.values()})])
    episodes = sorted({len(record.episode) for record in records.values()})
    least = f"{episodes[0]:,} to " if len(episodes) > 1 else ""
    count = f"{least}{number(episodes[-1], 'episode')}"
    title = f"{_TITLE}: zeros at |x| < {atols}\nmeans over {count}, bars their 95 % intervals"
    return draw_episode_dots(title, tuple(records), [look for look in _LOOKS if look.name in drawn], panels)
