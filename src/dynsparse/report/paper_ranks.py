"""Paper's ranks: the mean ranks that Tables A2.3 to A2.13 print, and how many runs they tell of."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from dynsparse.report.search_ranks import Value

__all__ = ["ALL_RANKS", "FINAL_CHOICES", "RANGES", "RANGE_ITEMS", "PaperRanks", "paper_ranks", "remark"]

RANGES: Mapping[str, Mapping[str, str]] = {
    "A2.2": {
        "learning-rate": "0.01, 0.0001, 0.001",
        "layer-width": "512, 1024",
        "layer-depth": "4, 6, 2",
        "dropout-rate": "0.1, 0.5, 0.3",
    },
    "A2.8": {"layer-width": "512, 1024", "layer-depth": "3, 2", "weight-decay": "0.01, 0.001"},
}
"""The tables of what is tried, as printed."""

RANGE_ITEMS: Mapping[int, str] = {1: "A2.2", 2: "A2.8"}
"""Which of them is that of a search, by its number; the third has none."""

ALL_RANKS: Mapping[int, str] = {1: "A2.7", 2: "A2.12"}
"""What the paper calls all tables of ranks of a search together."""

FINAL_CHOICES: Mapping[str, str] = {
    "learning-rate": "0.001, then doubled",
    "layer-width": "512",
    "layer-depth": "2",
    "dropout-rate": "0.1",
    "weight-decay": "0.001",
    "activation-function": "elu",
}
"""What Table A2.1 keeps; there the batch is doubled to 512 rows, and so is the learning rate."""

_WIDTHS = (
    "The paper contradicts itself: Table A2.2 has layer widths 512 and 1024, Table A2.4 ranks 32, 128 and 512. The "
    "mean of all ranks is 405.5 = (N + 1) / 2, so that N = 810 = 81 configurations x 10 seeds: the widths of A2.4, "
    "and 10 seeds where the text has 5."
)
_DECAYS = (
    "The paper contradicts itself: Table A2.8 has weight decays 0.01 and 0.001, Table A2.11 ranks 0.00 and 0.01. 0.00 "
    "may be 0.001 with two decimals: Table A2.1 keeps 0.001."
)
_ACTIVATIONS = (
    "The paper's two ranks have a mean of 10.4, which is that of no whole number N and of no grid that is printed: 2 "
    "activations x 5 seeds would have 5.5, x 10 seeds 10.5. Its text compares ELU with ReLU, its table with leaky ReLU."
)
_REMARKS: Mapping[str, str] = {
    **dict.fromkeys(("A2.2", "A2.4", "A2.7"), _WIDTHS),
    **dict.fromkeys(("A2.8", "A2.11", "A2.12"), _DECAYS),
    "A2.13": _ACTIVATIONS,
}


@dataclass(frozen=True)
class PaperRanks:
    """One table of ranks as printed.

    Attributes:
        item: Such as ``"A2.3"``.
        search: 1, 2 or 3.
        hyperparameter: Such as ``"learning-rate"``.
        ranks: Value as printed -> mean rank; the lowest first.
    """

    item: str
    search: int
    hyperparameter: str
    ranks: Mapping[str, float]

    @property
    def runs(self) -> float:
        """N, how many runs of an environment were ranked: twice the mean of all ranks, less one.

        Each value has as many runs as the others, so that the mean of their ranks is the mean of all.
        """
        return 2 * sum(self.ranks.values()) / len(self.ranks) - 1

    def printed_as(self, value: Value) -> str | None:
        """Return how the paper prints a value; None where its table does not have it."""
        if isinstance(value, str):
            return value if value in self.ranks else None
        exact = next((printed for printed in self.ranks if float(printed) == value), None)
        # 0.001 with two decimals is 0.00.
        return exact or next((p for p in self.ranks if p == f"{value:.{len(p.partition('.')[2])}f}"), None)

    def mean_rank(self, value: Value) -> float | None:
        """Return the mean rank of a value; None where the table does not have it."""
        printed = self.printed_as(value)
        return None if printed is None else self.ranks[printed]

    def share(self, value: Value) -> float | None:
        """Return the mean rank of a value over N + 1; None where the table does not have it."""
        rank = self.mean_rank(value)
        return None if rank is None else rank / (self.runs + 1)


@cache
def paper_ranks() -> tuple[PaperRanks, ...]:
    """Return the paper's tables of ranks, in its order."""
    text = resources.files("dynsparse.report").joinpath("data/paper_ranks.csv").read_text(encoding="utf-8")
    tables: dict[tuple[str, int, str], dict[str, float]] = {}
    for row in csv.DictReader(io.StringIO(text)):
        key = (row["table"], int(row["search"]), row["hyperparameter"])
        tables.setdefault(key, {})[row["value"]] = float(row["mean_rank"])
    return tuple(PaperRanks(*key, ranks) for key, ranks in tables.items())


def remark(item: str) -> str | None:
    """Return where the paper contradicts itself in an item; None where it does not."""
    return _REMARKS.get(item)
