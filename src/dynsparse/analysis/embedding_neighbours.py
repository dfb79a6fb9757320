"""Embedding neighbours: whether those of the plane are those of the space, and whether they are equally sparse."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from dynsparse.config import check_count
from dynsparse.errors import ArrayError

__all__ = ["NEIGHBOURS", "Neighbours", "find_neighbours", "shared_variance"]

NEIGHBOURS = 10
"""How many neighbours of a point are looked at: fewer than its perplexity, so that t-SNE did attend to all of them."""

_CHUNK = 256


@dataclass(frozen=True, eq=False)
class Neighbours:
    """What neighbours of some points have in common with them.

    Neighbours are fitted points throughout: placed ones know of no others.

    Attributes:
        judged: (q,) which points were looked at, places among all.
        kept: (q,) share of a point's k nearest neighbours in the space that are among its k nearest in the plane.
        alike_plane: (q,) share of its k nearest in the plane, of other episodes, that have as many zeros.
        alike_space: (q,) the same of its k nearest in the space.
        mean_plane: (q,) mean sparsity of its k nearest in the plane, of other episodes.
        mean_space: (q,) the same in the space.
        shuffled_alike: (p,) mean of ``alike_plane`` of fitted points where sparsity is shuffled over all fitted points.
        shuffled_shared: (p,) the same of the variance that neighbours share.
        count: k.
        elsewhere: Whether neighbours of other episodes were asked; false where there is one episode alone, and its own
            steps before and after are among them.
    """

    judged: NDArray[np.int64]
    kept: NDArray[np.float64]
    alike_plane: NDArray[np.float64]
    alike_space: NDArray[np.float64]
    mean_plane: NDArray[np.float64]
    mean_space: NDArray[np.float64]
    shuffled_alike: NDArray[np.float64]
    shuffled_shared: NDArray[np.float64]
    count: int
    elsewhere: bool


def find_neighbours(
    space: NDArray[np.floating],
    plane: NDArray[np.floating],
    fitted: NDArray[np.bool_],
    sparsity: NDArray[np.floating],
    episode: NDArray[np.integer],
    *,
    count: int = NEIGHBOURS,
    most: int = 2000,
    permutations: int = 200,
    seed: int = 0,
) -> Neighbours:
    """Look at the neighbours of some fitted and of some placed points.

    Rows of one episode follow each other, so that neighbours in time are neighbours in space and have the same pattern
    whatever the pattern depends on: sparsity is compared with that of other episodes.

    Args:
        space: (n, d) points.
        plane: (n, 2) the same points in the plane.
        fitted: (n,) which ones were fitted.
        sparsity: (n,) of each.
        episode: (n,) of each.
        count: k; fewer where there are not as many fitted points.
        most: How many fitted, and how many placed ones are looked at.
        permutations: How often sparsity is shuffled.
        seed: Decides which points, and the shuffles.

    Returns:
        What was found.

    Raises:
        ArrayError: If the arrays are not of one length, or fewer than 3 points are fitted.
        SettingError: If a number is below 1.
    """
    for name, value in (("count", count), ("most", most), ("permutations", permutations)):
        check_count(name, value, 1, "leave it out")
    known = np.flatnonzero(fitted)
    if not len(space) == len(plane) == len(fitted) == len(sparsity) == len(episode) or len(known) < 3:
        raise ArrayError(
            f"expected points, sparsity and episodes of one length with 3 fitted points at least, got {len(space)}, "
            f"{len(plane)}, {len(sparsity)} and {len(episode)} with {len(known)}"
        )
    generator = np.random.default_rng(seed)
    chosen = [generator.permutation(group)[:most] for group in (known, np.flatnonzero(~fitted))]
    judged = np.sort(np.concatenate(chosen))
    _, sizes = np.unique(episode[known], return_counts=True)
    # Of every point's view: the fitted ones less those of its own episode must be enough.
    elsewhere = len(known) - int(sizes.max()) >= count
    count = min(count, len(known) - 1)
    near = [_nearest(points, known, judged, count, None) for points in (space, plane)]
    other = [_nearest(points, known, judged, count, episode) for points in (space, plane)] if elsewhere else near
    kept = (near[0][:, :, None] == near[1][:, None, :]).any(axis=2).mean(axis=1)
    alike = [(sparsity[found] == sparsity[judged][:, None]).mean(axis=1) for found in other]
    means = [sparsity[found].mean(axis=1) for found in other]
    own = fitted[judged]
    shuffled = _shuffled(sparsity, known, judged[own], other[1][own], permutations, generator)
    return Neighbours(
        judged=judged,
        kept=kept,
        alike_plane=alike[1],
        alike_space=alike[0],
        mean_plane=means[1],
        mean_space=means[0],
        shuffled_alike=shuffled[0],
        shuffled_shared=shuffled[1],
        count=count,
        elsewhere=elsewhere,
    )


def shared_variance(values: NDArray[np.floating], means: NDArray[np.floating]) -> float | None:
    """Return which share of the variance of values the means of their neighbours explain.

    Args:
        values: (q,) of points.
        means: (q,) of the neighbours of each.

    Returns:
        1 less the mean square error over the variance: 1 where the mean is the value, below 0 where it says less than
        the mean of all; None where the values do not vary.
    """
    # Not by the variance, which rounding makes larger than 0 for equal values.
    if not len(values) or float(np.ptp(values)) == 0.0:
        return None
    variance = float(np.var(values))
    return None if variance == 0.0 else 1.0 - float(np.mean((values - means) ** 2)) / variance


def _nearest(
    points: NDArray[np.floating],
    known: NDArray[np.int64],
    judged: NDArray[np.int64],
    count: int,
    episode: NDArray[np.integer] | None,
) -> NDArray[np.int64]:
    """Return (q, count) the nearest known points of the judged ones, themselves (or their own episode) left out."""
    found = np.empty((len(judged), count), dtype=np.int64)
    there = np.asarray(points[known], dtype=np.float64)
    for first in range(0, len(judged), _CHUNK):
        some = judged[first : first + _CHUNK]
        distances = cdist(np.asarray(points[some], dtype=np.float64), there, "sqeuclidean")
        left_out = some[:, None] == known if episode is None else episode[some][:, None] == episode[known]
        distances[left_out] = np.inf
        found[first : first + _CHUNK] = known[np.argpartition(distances, count - 1, axis=1)[:, :count]]
    return found


def _shuffled(
    sparsity: NDArray[np.floating],
    known: NDArray[np.int64],
    judged: NDArray[np.int64],
    near: NDArray[np.int64],
    permutations: int,
    generator: np.random.Generator,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (p,) and (p,) how much neighbours are alike, and share, where sparsity is shuffled over the known ones."""
    alike, shared = np.empty(permutations), np.empty(permutations)
    mixed = np.array(sparsity, dtype=np.float64)
    for number in range(permutations):
        mixed[known] = generator.permutation(sparsity[known])
        own, others = mixed[judged], mixed[near]
        alike[number] = (others == own[:, None]).mean()
        found = shared_variance(own, others.mean(axis=1))
        shared[number] = 0.0 if found is None else found
    return alike, shared
