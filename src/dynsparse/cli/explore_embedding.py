"""Explore embedding: where the steps of a rollout lie in the embedding of their data set, or why nowhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dynsparse.analysis.embedding_record import EmbeddingRecord, holds_embedding
from dynsparse.provenance import content_hash
from dynsparse.report.explore_scatter import Scatter, scatter_of

if TYPE_CHECKING:
    from dynsparse.dataset import Dataset
    from dynsparse.report.explore_rollout import Rollout

__all__ = ["scatter_in"]


def scatter_in(analysis: Path | None, dataset: Dataset, rollout: Rollout) -> Scatter:
    """Return the embedding of a data set's transitions with the steps of a rollout.

    Args:
        analysis: Folder of the data set's analysis, which may be missing; None where there is no place for one.
        dataset: The data set.
        rollout: Its steps.

    Returns:
        The points; without any, and with what to do, where there is no embedding of this data.

    Raises:
        InputError: The embedding is damaged.
    """
    again = f"dynsparse reproduce --embed {rollout.environment} --out DIR makes it, dynsparse explore DIR shows it"
    if analysis is None:
        return Scatter.none(f"Only the data that a reproduction analyses is embedded: {again}.")
    if not holds_embedding(analysis):
        return Scatter.none(f"analysis/{rollout.environment} holds no embedding.npz: {again}.")
    found = EmbeddingRecord.load(analysis)
    told = found.provenance.get("extra", {}).get("dataset", {}).get("description_sha256")
    here = content_hash(dataset.description.to_dict())
    if found.data_rows != dataset.rows or found.environment != dataset.environment or told not in (None, here):
        return Scatter.none(f"analysis/{rollout.environment} holds the embedding of another data set: {again}.")
    if found.atol != rollout.atol:
        return Scatter.none(f"The embedding counts zeros as |x| < {found.atol:g}, this page as < {rollout.atol:g}.")
    return scatter_of(found.rows, found.points.astype(np.float64), found.sparsity, rollout.places)
