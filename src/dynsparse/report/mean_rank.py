"""Mean rank: where the runs of a search rank by their test loss, and so each value of each hyperparameter (A2.1)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynsparse.config import check_count
from dynsparse.errors import ArrayError, InputError
from dynsparse.report.search_ranks import HyperparameterRanks, SearchRanks, SearchRun, Value, ValueRank
from dynsparse.report.seed_statistics import RESAMPLES, Estimate, interval_ends

__all__ = ["average_ranks", "rank_search"]


def average_ranks(losses: NDArray[np.floating], weights: NDArray[np.floating] | None = None) -> NDArray[np.float64]:
    """Rank losses from 1, the lowest; equal ones share the mean of their ranks.

    Args:
        losses: (n,) infinity allowed.
        weights: (..., n) how often each counts, whole numbers; by default once.

    Returns:
        (..., n) ranks; with weights those among the losses that so arise.

    Raises:
        ArrayError: If one is NaN.
    """
    losses = np.asarray(losses, dtype=np.float64)
    if np.isnan(losses).any():
        raise ArrayError(f"expected losses to rank, got NaN at {int(np.isnan(losses).argmax())}; give infinity or none")
    often = np.ones(len(losses)) if weights is None else np.asarray(weights, dtype=np.float64)
    if not len(losses):
        return np.zeros(often.shape)
    order = np.argsort(losses, kind="stable")
    _, place, count = np.unique(losses, return_inverse=True, return_counts=True)
    equal = np.add.reduceat(often[..., order], np.cumsum(count) - count, axis=-1)
    ranks = np.cumsum(equal, axis=-1) - equal + (equal + 1) / 2
    return np.asarray(ranks[..., place])


def rank_search(
    runs: Sequence[SearchRun],
    values: Mapping[str, Sequence[Value]],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> SearchRanks:
    """Rank all runs of a search inside their environment, and average the ranks of each value of each hyperparameter.

    A diverged run ranks after all others, and such runs share their ranks; a missing one is not ranked.

    Args:
        runs: All runs that there should be.
        values: Hyperparameter -> its values, in the order of the search.
        resamples: How often seeds are drawn again for the intervals: with replacement, inside each environment, all
            configurations of a drawn seed together, which then are ranked again.
        seed: What the draws are made from.

    Returns:
        The ranks.

    Raises:
        InputError: If a run stands twice, or has a value that the search does not try.
        ArrayError: If a loss is NaN.
    """
    check_count("resamples", resamples, 1, f"try {RESAMPLES}")
    _check(runs, values)
    environments = [_Ranked.of(runs, name) for name in dict.fromkeys(run.environment for run in runs)]
    environments = [found for found in environments if len(found.place)]
    rng = np.random.default_rng(seed)
    # As for other intervals over seeds: an environment of one seed counts as certain, half of them are too many.
    drawn = 2 * sum(found.seeds == 1 for found in environments) < len(environments)
    ranked = [(found, *found.weighed(rng, resamples if drawn else 0)) for found in environments]
    ranks: list[float | None] = [None] * len(runs)
    for found, _, among in ranked:
        for place, rank in zip(found.place, among[0], strict=True):
            ranks[place] = float(rank)
    hyperparameters = tuple(_ranked_values(runs, name, tried, ranked) for name, tried in values.items())
    counted = Counter(run.environment for run in runs if run.loss is not None)
    there = {name: counted[name] for name in dict.fromkeys(run.environment for run in runs)}
    return SearchRanks(tuple(runs), tuple(ranks), there, hyperparameters)


@dataclass(frozen=True, eq=False)
class _Ranked:
    """The runs of one environment that are ranked.

    Attributes:
        place: (n,) where they stand among all runs.
        losses: (n,).
        seed: (n,) number of each one's seed.
        seeds: How many seeds.
    """

    place: NDArray[np.int64]
    losses: NDArray[np.float64]
    seed: NDArray[np.int64]
    seeds: int

    @classmethod
    def of(cls, runs: Sequence[SearchRun], environment: str) -> _Ranked:
        found = [(i, run.seed, run.loss) for i, run in enumerate(runs) if run.environment == environment]
        there = [(i, seed, loss) for i, seed, loss in found if loss is not None]
        places, seeds, losses = zip(*there, strict=True) if there else ((), (), ())
        distinct, number = np.unique(np.array(seeds, dtype=np.int64), return_inverse=True)
        return cls(np.array(places, dtype=np.int64), np.array(losses, dtype=np.float64), number, len(distinct))

    def weighed(self, rng: np.random.Generator, resamples: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return (1 + resamples, n) how often each run counts, and the ranks: first as it is, then drawn again."""
        draws = rng.integers(0, self.seeds, (resamples, self.seeds))
        counts = np.stack([(draws == seed).sum(axis=1) for seed in range(self.seeds)], axis=1)
        weights = np.concatenate([np.ones((1, self.seeds)), counts])[:, self.seed]
        return weights, average_ranks(self.losses, weights)


def _ranked_values(
    runs: Sequence[SearchRun],
    name: str,
    tried: Sequence[Value],
    ranked: Sequence[tuple[_Ranked, NDArray[np.float64], NDArray[np.float64]]],
) -> HyperparameterRanks:
    """Average the ranks of each value."""
    draws = len(ranked[0][1]) if ranked else 1
    # Of each value: how many runs, sum of ranks, sum of ranks over N + 1.
    count, total, shares = (np.zeros((draws, len(tried))) for _ in range(3))
    for found, weights, ranks in ranked:
        has = np.array([[runs[place].values[name] == value for value in tried] for place in found.place], dtype=float)
        count += weights @ has
        total += (weights * ranks) @ has
        shares += (weights * ranks / (weights.sum(axis=1, keepdims=True) + 1)) @ has
    with np.errstate(invalid="ignore"):  # a value without runs has no mean
        means, share = total / count, shares[0] / count[0]
    rows = [
        _value_rank(value, means[:, i], share[i], int(count[0, i]), [run for run in runs if run.values[name] == value])
        for i, value in enumerate(tried)
    ]
    order = sorted(range(len(tried)), key=lambda i: (not count[0, i], means[0, i] if count[0, i] else 0.0))
    pairs = sum(found.seeds for found, _, _ in ranked)
    lead = Estimate(None, None, None, pairs, len(ranked))
    if len(order) > 1 and count[0, order[1]]:
        ahead = means[:, order[1]] - means[:, order[0]]
        low, high = _interval(ahead[1:]) or (None, None)
        lead = Estimate(float(ahead[0]), low, high, pairs, len(ranked))
    return HyperparameterRanks(name, tuple(rows[i] for i in order), lead)


def _value_rank(
    value: Value, means: NDArray[np.float64], share: float, count: int, runs: Sequence[SearchRun]
) -> ValueRank:
    low, high = _interval(means[1:]) or (None, None)
    return ValueRank(
        value=value,
        mean_rank=float(means[0]) if count else None,
        low=low,
        high=high,
        share=float(share) if count else None,
        runs=count,
        diverged=sum(run.status == "diverged" for run in runs),
        missing=sum(run.status == "missing" for run in runs),
    )


def _interval(means: NDArray[np.float64]) -> tuple[float, float] | None:
    """Return the interval of (r,) resampled means; None without, or where a value had no run in one of them."""
    if not len(means) or not np.isfinite(means).all():
        return None
    low, high = interval_ends(means)
    return float(low), float(high)


def _check(runs: Sequence[SearchRun], values: Mapping[str, Sequence[Value]]) -> None:
    """Refuse runs that do not belong to the search, or stand twice."""
    seen: set[tuple[Any, ...]] = set()
    for run in runs:
        for name, tried in values.items():
            if run.values.get(name) not in tried:
                raise InputError(f"expected {name} to be one of {list(tried)}, got {run.values.get(name)!r} in a run")
        named = (run.environment, run.seed, *(run.values[name] for name in values))
        if named in seen:
            raise InputError(f"expected one run of {', '.join(map(str, named))}, got two; drop one")
        seen.add(named)
