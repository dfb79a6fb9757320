"""Paper's numbers: what it prints of its data, its settings and its findings, with the words that it says them in."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

__all__ = ["PaperClaim", "paper_claim", "paper_claims", "paper_returns", "paper_settings"]


@dataclass(frozen=True)
class PaperClaim:
    """Something that the paper says.

    Attributes:
        name: What it is looked up by.
        section: Where it stands.
        number: The number in it; None where it has none.
        unit: Of the number.
        quotation: The words.
    """

    name: str
    section: str
    number: float | None
    unit: str
    quotation: str


@cache
def paper_returns() -> Mapping[str, float]:
    """Return the mean return of the paper's data by environment, in the order of its Table A1.1."""
    return {row["environment"]: float(row["mean_return"]) for row in _rows("paper_returns")}


@cache
def paper_settings() -> Mapping[str, str]:
    """Return the paper's Table A2.1 as printed: parameter and value."""
    return {row["parameter"]: row["value"] for row in _rows("paper_settings")}


@cache
def paper_claims() -> Mapping[str, PaperClaim]:
    """Return what the paper says, by name."""
    return {
        row["claim"]: PaperClaim(
            row["claim"], row["section"], float(row["number"]) if row["number"] else None, row["unit"], row["quotation"]
        )
        for row in _rows("paper_claims")
    }


def paper_claim(name: str) -> float:
    """Return the number of a claim that has one."""
    number = paper_claims()[name].number
    if number is None:
        raise KeyError(f"the claim {name} has no number")
    return number


def _rows(name: str) -> list[dict[str, str]]:
    content = resources.files("dynsparse.report").joinpath(f"data/{name}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(io.StringIO(content)))
