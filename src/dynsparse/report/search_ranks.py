"""Search ranks: what became of the runs of a hyperparameter search, and how its values rank (Appendix A2.1)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from dynsparse.report.seed_statistics import Estimate

__all__ = ["HyperparameterRanks", "SearchRanks", "SearchRun", "Value", "ValueRank"]

Value = float | int | str


@dataclass(frozen=True)
class SearchRun:
    """One training of a search, or the attempt at one.

    Attributes:
        environment: Name of the environment.
        seed: Its seed.
        values: What it has of each hyperparameter that the search tries.
        loss: Final state-prediction loss on the test set; infinity where the training diverged, None without a result.
        error: Why there is no loss.
        key: Name of its unit.
    """

    environment: str
    seed: int
    values: Mapping[str, Value]
    loss: float | None
    error: str | None = None
    key: str = ""

    @property
    def status(self) -> str:
        """``"done"``, ``"diverged"`` or ``"missing"``."""
        return "missing" if self.loss is None else "done" if math.isfinite(self.loss) else "diverged"


@dataclass(frozen=True)
class ValueRank:
    """How the runs with one value of a hyperparameter rank.

    Attributes:
        value: The value.
        mean_rank: Over runs, environments and seeds; 1 is the lowest loss; None where no run is ranked.
        low: Lower end of its 95 % interval over seeds; None where half the
            environments or more have one only.
        high: Upper end.
        share: Mean of rank / (N + 1), N the runs ranked in the environment: 0.5 for a value that makes no difference,
            whatever N is.
        runs: How many are ranked.
        diverged: How many of these diverged, and share the last ranks of their environment.
        missing: How many have no result; none of these is ranked.
    """

    value: Value
    mean_rank: float | None
    low: float | None
    high: float | None
    share: float | None
    runs: int
    diverged: int
    missing: int


@dataclass(frozen=True)
class HyperparameterRanks:
    """How the values of one hyperparameter rank, whatever the others are.

    Attributes:
        name: The hyperparameter.
        values: Lowest mean rank first; of equal ones, and of those without, in the order of the search.
        lead: The second mean rank less the first, with its 95 % interval over seeds; its runs are pairs of environment
            and seed.
    """

    name: str
    values: tuple[ValueRank, ...]
    lead: Estimate

    @property
    def chosen(self) -> Value | None:
        """The value with the lowest mean rank; None where no run is ranked."""
        return self.values[0].value if self.values[0].mean_rank is not None else None

    @property
    def is_told(self) -> bool | None:
        """Whether seeds tell the first value from the second; None where there are too few to say."""
        side = self.lead.side_of(0.0)
        return None if side is None else side > 0


@dataclass(frozen=True)
class SearchRanks:
    """How the runs of one search rank.

    Attributes:
        runs: All runs that there should be.
        ranks: Rank of each in its environment; None for one that is missing.
        ranked: Environment -> N, how many of its runs are ranked.
        hyperparameters: In the order of the search.
    """

    runs: tuple[SearchRun, ...]
    ranks: tuple[float | None, ...]
    ranked: Mapping[str, int]
    hyperparameters: tuple[HyperparameterRanks, ...]

    def count(self, status: str) -> int:
        """Return how many runs are ``"done"``, ``"diverged"`` or ``"missing"``."""
        return sum(run.status == status for run in self.runs)

    @property
    def mean_of_ranks(self) -> float | None:
        """Mean of all ranks; None where there is none."""
        ranks = [rank for rank in self.ranks if rank is not None]
        return math.fsum(ranks) / len(ranks) if ranks else None

    @property
    def expected_mean(self) -> float | None:
        """What it must be: (N + 1) / 2, averaged over runs where N differs between environments."""
        total = sum(self.ranked.values())
        return sum(n * (n + 1) / 2 for n in self.ranked.values()) / total if total else None

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain JSON values; the loss of a diverged run is null, as is that of a missing one."""
        runs = [
            {
                **asdict(run),
                "values": dict(run.values),
                "loss": run.loss if run.status == "done" else None,
                "status": run.status,
                "rank": rank,
            }
            for run, rank in zip(self.runs, self.ranks, strict=True)
        ]
        return {
            "ranked": dict(self.ranked),
            "mean_of_ranks": self.mean_of_ranks,
            "expected_mean": self.expected_mean,
            "hyperparameters": [
                {
                    "name": found.name,
                    "chosen": found.chosen,
                    "lead": asdict(found.lead),
                    "is_told": found.is_told,
                    "values": [asdict(value) for value in found.values],
                }
                for found in self.hyperparameters
            ],
            "runs": runs,
        }
