"""Comparison: one metric of all losses and referees, with intervals over seeds, and each paired with a reference."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dynsparse.report.learning_table import LearningTable, Values
from dynsparse.report.seed_statistics import RESAMPLES, Estimate, bootstrap_estimate

__all__ = ["Comparison", "Difference", "Score", "compare", "pair", "pooled_score"]


@dataclass(frozen=True)
class Score:
    """One metric of one loss or referee, in one environment or over all.

    Attributes:
        estimate: Interquartile mean and interval.
        failed: Runs that failed.
        absent: Runs without a record.
        undefined: Runs in which the metric has no meaning.
        empty: Environments of which there is no value at all.
        diverged: Those of the undefined whose error is beyond all numbers: the mean is too low without them.
    """

    estimate: Estimate
    failed: int
    absent: int
    undefined: int
    empty: tuple[str, ...]
    diverged: int

    @property
    def expected(self) -> int:
        """How many runs there should be."""
        return self.estimate.runs + self.failed + self.absent + self.undefined

    @property
    def counted(self) -> str:
        """How many runs there are of how many; empty where none lacks."""
        return "" if self.estimate.runs == self.expected else f"{self.estimate.runs}/{self.expected}"

    @property
    def lacks(self) -> str:
        """What became of the runs without a value, in words; empty where there are none."""
        undefined = self.undefined - self.diverged
        counts = {"failed": self.failed, "missing": self.absent, "undefined": undefined, "diverged": self.diverged}
        if not self.expected:
            return "not asked for"
        return ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)


@dataclass(frozen=True)
class Comparison:
    """One metric on one test set.

    Attributes:
        metric: Dotted name.
        split: Test set.
        environments: Names.
        losses: Names.
        referees: Names.
        scores: (label, environment) -> score; None in place of an environment for all of them together.
    """

    metric: str
    split: str
    environments: tuple[str, ...]
    losses: tuple[str, ...]
    referees: tuple[str, ...]
    scores: Mapping[tuple[str, str | None], Score]

    def score(self, label: str, environment: str | None = None) -> Score:
        """Return the score of a loss or referee, over all environments by default."""
        return self.scores[label, environment]

    def is_empty(self, environment: str | None = None) -> bool:
        """Whether no loss has a value."""
        return all(self.score(label, environment).estimate.value is None for label in self.losses)


@dataclass(frozen=True)
class Difference:
    """How a loss differs from a reference, run by run.

    Attributes:
        estimate: Interquartile mean of the paired differences, or of the paired ratios (through their logarithms).
        unpaired: Runs of the loss, of those expected, that have no partner or no value.
        is_ratio: Whether it is of ratios; 1 is then no difference, otherwise 0 is.
        diverged: Runs of the loss or of the reference whose error is beyond all numbers.
    """

    estimate: Estimate
    unpaired: int
    is_ratio: bool
    diverged: int

    @property
    def side(self) -> int | None:
        """1 above the reference, -1 below it, 0 where the interval holds both.

        None without enough runs to say, and where one diverged: the pairs that are left favour whoever did so.
        """
        if self.diverged:
            return None
        return self.estimate.side_of(1.0 if self.is_ratio else 0.0, log=self.is_ratio)


def compare(
    table: LearningTable,
    metric: str,
    split: str,
    *,
    also: Sequence[str] = (),
    environments: Sequence[str | None] | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Comparison:
    """Average one metric over seeds, for each loss and referee, in each environment and over all.

    Args:
        table: The runs.
        metric: Dotted name.
        split: Test set.
        also: Metrics that a run must have as well to count; one that lacks them counts as undefined.
        environments: In which, None among them for all together; by default in every one and over all.
        resamples: Of the bootstrap.
        seed: Of the bootstrap.

    Returns:
        The comparison.
    """
    scores: dict[tuple[str, str | None], Score] = {}
    for label in (*table.losses, *table.referees):
        values = table.values(metric, split, label, also)
        for environment in (None, *table.environments) if environments is None else environments:
            names = table.environments if environment is None else (environment,)
            scores[label, environment] = _score(values, names, resamples, seed)
    return Comparison(metric, split, table.environments, table.losses, table.referees, scores)


def pooled_score(
    table: LearningTable, metric: str, split: str, *, resamples: int = RESAMPLES, seed: int = 0
) -> Mapping[str | None, Score]:
    """Average what does not depend on the loss, such as the true sparsity or the untrained network's, over all of them.

    Args:
        table: The runs.
        metric: Dotted name.
        split: Test set.
        resamples: Of the bootstrap.
        seed: Of the bootstrap.

    Returns:
        Environment, or None for all, -> score; a seed that several losses were trained with counts once.
    """
    merged: dict[str, dict[int, float]] = {name: {} for name in table.environments}
    for label in table.losses:
        for name, by_seed in table.values(metric, split, label).by_seed.items():
            merged[name] |= by_seed
    none = dict.fromkeys(table.environments, 0)
    absent = {name: len(table.seeds_of(name, table.losses)) - len(merged[name]) for name in merged}
    values = Values(merged, none, absent, none, none)
    return {
        environment: _score(values, table.environments if environment is None else (environment,), resamples, seed)
        for environment in (None, *table.environments)
    }


def pair(
    table: LearningTable,
    metric: str,
    split: str,
    label: str,
    reference: str,
    *,
    ratio: bool = False,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Mapping[str | None, Difference]:
    """Pair each run of a loss with the reference's run of the same environment and seed.

    Args:
        table: The runs.
        metric: Dotted name.
        split: Test set.
        label: Name of a loss.
        reference: Name of a loss, or of a referee: one that was made with a single seed in an environment is every
            seed's partner there.
        ratio: Compare by ratios; a value of 0 or below then has no partner.
        resamples: Of the bootstrap.
        seed: Of the bootstrap.

    Returns:
        Environment, or None for all, -> difference.
    """
    own, other = (table.values(metric, split, name) for name in (label, reference))
    strata: dict[str, NDArray[np.float64]] = {}
    for environment in table.environments:
        partners = other.by_seed[environment]
        # One value that exists, not one that is left: where others failed, it is of another seed's split of the data.
        seeds = {row.seed for row in table.select(split, reference, environment)}
        alone = len(seeds) == 1 and reference in table.referees
        single = next(iter(partners.values()), None) if alone else None
        pairs = np.array(
            [
                (value, partners.get(run, single))
                for run, value in own.by_seed[environment].items()
                if partners.get(run, single) is not None
            ],
            dtype=np.float64,
        ).reshape(-1, 2)
        if ratio:
            pairs = np.log(pairs[(pairs > 0).all(axis=1)])
        strata[environment] = pairs[:, 0] - pairs[:, 1]
    found: dict[str | None, Difference] = {}
    for chosen in (None, *table.environments):
        names = table.environments if chosen is None else (chosen,)
        estimate = bootstrap_estimate([strata[name] for name in names], resamples=resamples, seed=seed)
        unpaired = sum(map(own.expected, names)) - estimate.runs
        diverged = sum(values.diverged[name] for values in (own, other) for name in names)
        found[chosen] = Difference(_exponential(estimate) if ratio else estimate, unpaired, ratio, diverged)
    return found


def _score(values: Values, names: Iterable[str], resamples: int, seed: int) -> Score:
    names = tuple(names)
    strata = [np.array(list(values.by_seed[name].values()), dtype=np.float64) for name in names]
    return Score(
        bootstrap_estimate(strata, resamples=resamples, seed=seed),
        sum(values.failed[name] for name in names),
        sum(values.absent[name] for name in names),
        sum(values.undefined[name] for name in names),
        tuple(name for name, stratum in zip(names, strata, strict=True) if not len(stratum)),
        sum(values.diverged[name] for name in names),
    )


def _exponential(estimate: Estimate) -> Estimate:
    """Turn an estimate of logarithms into one of ratios: percentiles keep their places."""
    low, value, high = (
        None if end is None else float(np.exp(end)) for end in (estimate.low, estimate.value, estimate.high)
    )
    return replace(estimate, low=low, value=value, high=high)
