"""Rank tables: Tables A2.2 to A2.13 as they were run, with the paper's printed ranks beside."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dynsparse.report.files import write_file
from dynsparse.report.paper_ranks import ALL_RANKS, RANGE_ITEMS, RANGES, PaperRanks, paper_ranks, remark
from dynsparse.report.rank_notes import (
    about_choice,
    about_counts,
    about_intervals,
    about_n,
    about_paper,
    value_text,
)
from dynsparse.report.search_ranks import HyperparameterRanks, SearchRanks, Value, ValueRank
from dynsparse.report.text_table import csv_table, latex_table, markdown_table

__all__ = ["RANK_FIELDS", "RankTable", "make_range_table", "make_rank_tables", "write_tables"]

_COLUMNS = (
    *("mean rank", "95 % interval", "rank / (N + 1)", "runs", "diverged", "missing"),
    *("paper: mean rank", "paper: rank / (N + 1)"),
)
RANK_FIELDS = (
    *("table", "search", "hyperparameter", "value", "chosen", "mean_rank", "mean_rank_low", "mean_rank_high", "share"),
    *("runs", "diverged", "missing", "n_least", "n_most", "paper_value", "paper_mean_rank", "paper_share"),
)
"""Columns of the CSV of ranks, whether they were run or not; a share is a mean rank over N + 1."""


@dataclass(frozen=True)
class RankTable:
    """A table of the paper, as it was run.

    Attributes:
        item: The paper's number of it, such as ``"A2.3"``.
        caption: What it holds.
        columns: (c,) headings.
        rows: Rows of c cells.
        csv: The same as values.
        choice: Sentences on which value is chosen.
        notes: Sentences below it, which tables of one search may share.
    """

    item: str
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    csv: str
    choice: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def name(self) -> str:
        """Name of its files, without suffix: ``"table-a2-3"``."""
        return f"table-{self.item.lower().replace('.', '-')}"


def make_range_table(search: int, values: Mapping[str, Sequence[Value]], scale: str) -> RankTable | None:
    """Say what a search tried, beside what the paper prints.

    Args:
        search: 1, 2 or 3.
        values: Hyperparameter -> its values.
        scale: A sentence on how much was run of what the paper ran.

    Returns:
        Table A2.2 or A2.8; None for a search without such a table.
    """
    item = RANGE_ITEMS.get(search)
    if item is None:
        return None
    rows = tuple(
        (name, ", ".join(map(value_text, tried)), RANGES[item].get(name, "-")) for name, tried in values.items()
    )
    columns = ("hyperparameter", "values", "paper")
    notes = tuple(filter(None, (scale, remark(item))))
    return RankTable(item, f"Search {search}: what is tried.", columns, rows, csv_table(columns, rows), (), notes)


def make_rank_tables(search: int, ranks: SearchRanks, scale: str, tested: str) -> tuple[RankTable, ...]:
    """Set the mean ranks of a search beside the paper's.

    Args:
        search: 1, 2 or 3.
        ranks: How the runs rank.
        scale: A sentence on how much was run of what the paper ran.
        tested: What the loss is of, such as ``"single test steps"``.

    Returns:
        A table for each hyperparameter that the paper has one for, in its order, and one of all together where the
        paper names them together.
    """
    by_name = {found.name: found for found in ranks.hyperparameters}
    pairs = [
        (by_name[paper.hyperparameter], paper)
        for paper in paper_ranks()
        if paper.search == search and paper.hyperparameter in by_name
    ]
    shared = (about_n(ranks), *about_counts(ranks), about_intervals(ranks), scale)
    loss = f"by their final state-prediction loss on {tested}"
    tables = [
        RankTable(
            item=paper.item,
            caption=f"Search {search}, {found.name}: mean rank of the runs {loss}.",
            columns=(found.name, *_COLUMNS),
            rows=tuple(_cells(row, paper) for row in found.values),
            csv=csv_table(RANK_FIELDS, (_line(row, found, ranks, paper) for row in found.values)),
            choice=about_choice(found, paper),
            notes=(*shared, about_paper(found, paper), *filter(None, [remark(paper.item)])),
        )
        for found, paper in pairs
    ]
    if tables and search in ALL_RANKS:
        item, each = ALL_RANKS[search], [(row, found, paper) for found, paper in pairs for row in found.values]
        together = RankTable(
            item=item,
            caption=f"Search {search}: mean ranks of the runs {loss}.",
            columns=("hyperparameter", *_COLUMNS),
            rows=tuple(_named_cells(found, row, paper) for row, found, paper in each),
            csv=csv_table(RANK_FIELDS, (_line(row, found, ranks, paper) for row, found, paper in each)),
            choice=(),
            notes=(*shared, *filter(None, [remark(item)])),
        )
        tables.append(together)
    return tuple(tables)


def write_tables(tables: Sequence[RankTable], folder: str | os.PathLike[str]) -> tuple[Path, ...]:
    """Write each table as ``table-a2-3.csv``, ``.md`` and ``.tex``.

    Args:
        tables: The tables.
        folder: Folder to write into; made where it is missing.

    Returns:
        Paths of the files.

    Raises:
        OutputError: If the folder can not be written.
    """
    paths = []
    for table in tables:
        title = f"**Table {table.item}.** {table.caption}"
        said = (*table.choice, *table.notes)
        notes = "\n".join(f"- {note}" for note in said)
        contents = {
            ".csv": table.csv,
            ".md": f"{title}\n\n{markdown_table(table.columns, table.rows)}\n\n{notes}\n",
            ".tex": latex_table(table.columns, table.rows, table.caption, f"tab:{table.name}", said),
        }
        paths += [write_file(Path(folder) / f"{table.name}{suffix}", text) for suffix, text in contents.items()]
    return tuple(paths)


def _cells(row: ValueRank, paper: PaperRanks) -> tuple[str, ...]:
    interval = "-" if row.low is None else f"[{row.low:.2f}, {row.high:.2f}]"
    counts = (f"{count:,}" for count in (row.runs, row.diverged, row.missing))
    return (
        *(value_text(row.value), _decimals(row.mean_rank, 2), interval, _decimals(row.share, 3), *counts),
        *(_decimals(paper.mean_rank(row.value), 2), _decimals(paper.share(row.value), 3)),
    )


def _named_cells(found: HyperparameterRanks, row: ValueRank, paper: PaperRanks) -> tuple[str, ...]:
    value, *rest = _cells(row, paper)
    return (f"{found.name} {value}", *rest)


def _line(row: ValueRank, found: HyperparameterRanks, ranks: SearchRanks, paper: PaperRanks) -> tuple[object, ...]:
    counts = ranks.ranked.values()
    return (
        *(paper.item, paper.search, found.name, row.value, row.value == found.chosen),
        *(row.mean_rank, row.low, row.high, row.share, row.runs, row.diverged, row.missing, min(counts), max(counts)),
        *(paper.printed_as(row.value), paper.mean_rank(row.value), paper.share(row.value)),
    )


def _decimals(value: float | None, places: int) -> str:
    return "-" if value is None else f"{value:.{places}f}"
