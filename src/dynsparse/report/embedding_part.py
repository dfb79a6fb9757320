"""Embedding part: Figure 4 of every environment that was embedded, and what the embeddings are worth in one table."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np

from dynsparse.analysis.embedding_record import EmbeddingRecord
from dynsparse.report.difference_words import share_cell
from dynsparse.report.embedding_figure import draw_embedding
from dynsparse.report.embedding_sentences import about_embedding, about_localities, judged_mean
from dynsparse.report.item import FigureItem, Part, TableItem
from dynsparse.report.quantities import percent

__all__ = ["embedding_part"]

_MEANS = {
    "kept_fitted": ("kept", "fitted"),
    "kept_placed": ("kept", "placed"),
    "alike_plane": ("alike_plane", None),
    "alike_space": ("alike_space", None),
}
"""What is averaged over episodes: of which points."""
_COLUMNS = (
    *("environment", "embedded", "fitted", "KL divergence", "kept (fitted)", "kept (placed)", "alike (plane)"),
    *("alike (space)", "alike (shuffled)", "variance shared (plane)", "variance shared (space)"),
)
_FIELDS = (
    *("environment", "embedded", "fitted", "kl_divergence"),
    *(f"{name}{end}" for name in _MEANS for end in ("", "_low", "_high")),
    *("alike_shuffled", "shared_plane", "shared_space"),
)
_PAPERS = "FingerSpin"
"""The environment of the paper's Figure 4."""


def embedding_part(records: Mapping[str, EmbeddingRecord]) -> Part:
    """Make the part of the report that shows where sparsity changes.

    Args:
        records: Embeddings by environment, in the order in which they are to be shown.

    Returns:
        The part: the paper's environment first.
    """
    names = sorted(records, key=lambda name: name != _PAPERS)
    figures = tuple(_figure(records[name]) for name in names)
    return Part("embedding", "Where sparsity changes", about_localities(records), (*figures, _table(records)))


def _figure(record: EmbeddingRecord) -> FigureItem:
    frames = f"{len(record.strip.rows)} moments on a path" if len(record.strip.rows) else "no path"
    drawn = "rendered beside it" if len(record.strip.frames) else "not rendered here"
    return FigureItem(
        name=f"figure-4-{record.environment}",
        title=f"t-SNE of transitions, {record.environment}",
        source="Figure 4",
        content=(
            f"Scatter of {len(record.rows):,} transitions of {record.environment} in the plane, coloured by combined "
            f"sparsity from {percent(float(record.sparsity.min()))} to {percent(float(record.sparsity.max()))}; "
            f"{frames}, {drawn}."
        ),
        sentences=about_embedding(record),
        draw=partial(draw_embedding, record),
        environment=record.environment,
    )


def _table(records: Mapping[str, EmbeddingRecord]) -> TableItem:
    lines = [_line(record) for record in records.values()]
    return TableItem(
        name="embedding",
        title="What embeddings keep of neighbourhoods, and of sparsity",
        source="",
        columns=_COLUMNS,
        cells=tuple(cells for cells, _ in lines),
        values=tuple(values for _, values in lines),
        notes=(
            "Kept: of the 10 nearest fitted neighbours in (s, a, s'), those that are so in the plane. Alike: those "
            "of other episodes with as many zeros; shuffled: the median where sparsity is shuffled over the points. "
            "Means over episodes with 95 % intervals; there is none of fewer than three, or of the same number in "
            "every one.",
            "Variance shared: of sparsity, by the mean of the neighbours, over all points, for which there is no "
            "interval; below 0 where the mean of all says more.",
        ),
        fields=_FIELDS,
    )


def _line(record: EmbeddingRecord) -> tuple[tuple[str, ...], tuple[object, ...]]:
    means = [judged_mean(record, name, group) for name, group in _MEANS.values()]
    shuffled = float(np.median(record.neighbours.shuffled_alike))
    fitted = record.quality("fitted")
    shared = [fitted[name] for name in ("shared_plane", "shared_space")]
    counts = len(record.rows), int(record.fitted.sum())
    cells = (
        *(record.environment, *(f"{count:,}" for count in counts), f"{record.kl_divergence:.2f}"),
        *(share_cell(mean) for mean in means),
        percent(shuffled),
        *("-" if value is None else f"{value:.2f}" if value < 0 else percent(value) for value in shared),
    )
    ends = (end for mean in means for end in (mean.value, mean.low, mean.high))
    return cells, (record.environment, *counts, record.kl_divergence, *ends, shuffled, *shared)
