"""Embedding: points of many dimensions in the plane by t-SNE, some of them fitted and the rest placed among those.

openTSNE is imported where it is needed: it takes a second, and brings scikit-learn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dynsparse.config import check_count
from dynsparse.errors import ArrayError, SettingError

__all__ = ["FEWEST_FITTED", "PERPLEXITY", "Embedding", "embed_points"]

PERPLEXITY = 30.0
"""openTSNE's default, in the range from 5 to 50 that t-SNE's authors recommend.  It keeps most neighbours where it was
tried with 2,000 fitted rows: at 10, 30 and 100, 71, 74 and 70 % of the ten nearest in FingerSpin, and 46, 47 and 44 %
in WalkerRun; how many of them are equally sparse changes by no more than half a percent."""

FEWEST_FITTED = 10
"""Fewest points that make an embedding."""

_NEIGHBOURS = 3
"""openTSNE looks at three times as many neighbours as the perplexity."""

_CHUNK = 20_000
"""Points that are placed at a time: memory of 15 neighbours each, whatever their number."""

_INTERPOLATED_FROM = 10_000
"""From how many fitted points on repulsion is interpolated on a grid, as openTSNE itself would: with 20,000 points an
iteration then takes a quarter of what Barnes and Hut's tree takes, with 2,000 six times as much."""


@dataclass(frozen=True, eq=False)
class Embedding:
    """Points in the plane.

    Attributes:
        points: (n, 2).
        kl_divergence: What the fit leaves of its cost, nats.
        perplexity: The one that was used: at most a third of the other fitted points.
    """

    points: NDArray[np.float32]
    kl_divergence: float
    perplexity: float


def embed_points(
    points: NDArray[np.floating],
    fitted: NDArray[np.bool_],
    *,
    perplexity: float = PERPLEXITY,
    seed: int = 0,
    on_points: Callable[[int], None] = lambda _points: None,
) -> Embedding:
    """Fit some points by t-SNE, and place the others among them.

    Fitted points start at their two first principal components, so that the seed decides nothing but a jitter of a
    ten thousandth of that.  Neighbours are exact, everything is computed by one thread, and so the same arguments give
    the same bytes on one machine.  A placed point is drawn by the fitted ones alone: what else is placed, and in which
    order, changes nothing of it but round-off.

    Args:
        points: (n, d) in a space where distances mean something.
        fitted: (n,) which ones are fitted.
        perplexity: About how many neighbours a point attends to.
        seed: Decides the jitter.
        on_points: Told how many points have a place.

    Returns:
        The embedding.

    Raises:
        ArrayError: If the arrays do not belong together, a number is not finite, or fewer than ``FEWEST_FITTED``
            points are to be fitted.
        SettingError: If the perplexity is below 1.

    Source:
        Policar, Strazar and Zupan, "openTSNE: a modular Python library for t-SNE", 2024, and its documentation.
    """
    given = np.asarray(points, dtype=np.float64)
    if given.ndim != 2 or fitted.shape != given.shape[:1] or not np.isfinite(given).all():
        raise ArrayError(
            f"expected n finite points (n, d) and which are fitted (n,), got {given.shape} and {fitted.shape}"
        )
    count = int(np.count_nonzero(fitted))
    if count < FEWEST_FITTED:
        raise ArrayError(f"expected at least {FEWEST_FITTED} points to fit, got {count}; take more rows")
    if not perplexity >= 1.0:
        raise SettingError(f"perplexity must be at least 1, got {perplexity!r}; try {PERPLEXITY:g}")
    check_count("seed", seed, 0, "try 0")
    from openTSNE import TSNE

    known = given[fitted]
    # openTSNE would lower it too, and log a warning.
    perplexity = float(min(perplexity, (count - 1) // _NEIGHBOURS))
    fit = TSNE(
        perplexity=perplexity,
        initialization=_principal_components(known, np.random.default_rng(seed)),
        # Approximate neighbours (Annoy) would save little here; products of matrices might use several threads.
        neighbors="exact",
        knn_kwargs={"algorithm": "kd_tree"},
        negative_gradient_method="bh" if count < _INTERPOLATED_FROM else "fft",
        random_state=seed,
        n_jobs=1,
    ).fit(known)
    cost = float(fit.kl_divergence)
    on_points(count)
    # Interpolated here in any case: repulsion of the fitted points is tabulated once, and no point can be thrown out.
    fit.gradient_descent_params["negative_gradient_method"] = "fft"
    found = np.empty((len(given), 2), dtype=np.float32)
    others = np.flatnonzero(~fitted)
    done = count
    for first in range(0, len(others), _CHUNK):
        some = others[first : first + _CHUNK]
        found[some] = np.asarray(fit.transform(given[some]))
        done += len(some)
        on_points(done)
    # Only now: placing moves the origin to the middle of the fitted points.
    found[fitted] = np.asarray(fit)
    return Embedding(found, cost, perplexity)


def _principal_components(points: NDArray[np.float64], generator: np.random.Generator) -> NDArray[np.float64]:
    """Return (n, 2): the first two principal components, as small as t-SNE wants them, and a jitter."""
    centred = points - points.mean(axis=0)
    # Not by openTSNE, whose products use as many threads as there are cores: the order of sums would depend on them.
    covariance = np.einsum("ni,nj->ij", centred, centred) / len(points)
    _, directions = np.linalg.eigh(covariance)
    two = np.zeros((points.shape[1], 2))
    last = directions[:, ::-1][:, :2]
    # The sign of an eigenvector is free: its largest entry is made positive.
    largest = last[np.abs(last).argmax(axis=0), np.arange(last.shape[1])]
    two[:, : last.shape[1]] = last * np.where(largest < 0, -1.0, 1.0)
    placed = np.einsum("ni,ij->nj", centred, two)
    spread = placed[:, 0].std()
    return np.asarray(1e-4 * placed / (spread if spread > 0 else 1.0) + 1e-8 * generator.standard_normal(placed.shape))
