"""Embedding part: Figure 4 of every environment that was embedded, and what the embeddings are worth in one table."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from dynsparse.analysis.embedding_record import EmbeddingRecord
from dynsparse.report.embedding_figure import draw_embedding
from dynsparse.report.embedding_sentences import about_embedding, about_localities
from dynsparse.report.item import FigureItem, Part, TableItem
from dynsparse.report.quantities import percent

__all__ = ["embedding_part"]

_COLUMNS = (
    "environment", "embedded", "fitted", "KL divergence", "kept (fitted)", "kept (placed)", "alike (plane)",
    "alike (space)", "alike (shuffled)", "variance shared (plane)", "variance shared (space)",
)  # fmt: skip
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
    values = [_values(record) for record in records.values()]
    return TableItem(
        name="embedding",
        title="What embeddings keep of neighbourhoods, and of sparsity",
        source="",
        columns=_COLUMNS,
        cells=tuple(tuple(_cell(column, value) for column, value in zip(_COLUMNS, row, strict=True)) for row in values),
        values=tuple(values),
        notes=(
            "Kept: of the 10 nearest fitted neighbours in (s, a, s'), those that are so in the plane. Alike: those "
            "of other episodes with as many zeros; shuffled: the median where sparsity is shuffled over the points. "
            "Variance shared: of sparsity, by the mean of the neighbours; below 0 where the mean of all says more.",
        ),
    )


def _values(record: EmbeddingRecord) -> tuple[object, ...]:
    fitted, placed = record.quality("fitted"), record.quality("placed")
    shuffled = record.to_dict()["shuffled"]["alike"][1]
    return (
        record.environment, len(record.rows), int(record.fitted.sum()), record.kl_divergence, fitted["kept"],
        placed["kept"], fitted["alike_plane"], fitted["alike_space"], shuffled, fitted["shared_plane"],
        fitted["shared_space"],
    )  # fmt: skip


def _cell(column: str, value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.2f}" if column == "KL divergence" or value < 0 else percent(value)
    return str(value)
