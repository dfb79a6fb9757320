"""Scatter: the embedding of an environment's transitions as the explore page shows it, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Scatter", "scatter_of"]

MOST_POINTS = 1500
"""Points of the whole data set behind those of the rollout."""

_NO_POINTS = np.zeros((0, 2))


@dataclass(frozen=True, eq=False)
class Scatter:
    """Points in the plane.

    Attributes:
        points: (k, 2) some of the data set.
        sparsity: (k,) combined sparsity of their rows, in [0, 1].
        own: (n, 2) points of the shown steps; NaN for a step that has none.
        missing: Why there are none; empty where there are.
    """

    points: NDArray[np.float64]
    sparsity: NDArray[np.float64]
    own: NDArray[np.float64]
    missing: str = ""

    @classmethod
    def none(cls, reason: str) -> Scatter:
        """Return a scatter without points.

        Args:
            reason: What the page says in its place.
        """
        return cls(_NO_POINTS, np.zeros(0), _NO_POINTS, reason)


def scatter_of(
    rows: NDArray[np.int64], points: NDArray[np.float64], sparsity: NDArray[np.float64], places: NDArray[np.int64]
) -> Scatter:
    """Choose the points that a page shows.

    Args:
        rows: (m,) rows of the data set that are embedded, each once.
        points: (m, 2) where.
        sparsity: (m,) combined sparsity of each.
        places: (n,) rows that the page shows.

    Returns:
        At most ``MOST_POINTS`` of them, evenly spread, and those of the shown rows.
    """
    # Of no row, none: linspace of zero numbers is empty whatever its ends are.
    chosen = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), MOST_POINTS)).astype(np.int64))
    own = np.full((len(places), 2), np.nan)
    order = np.argsort(rows)
    if len(rows):
        spots = np.minimum(np.searchsorted(rows[order], places), len(rows) - 1)
        found = rows[order][spots] == places
        own[found] = points[order][spots[found]]
    return Scatter(points[chosen], sparsity[chosen], own)
