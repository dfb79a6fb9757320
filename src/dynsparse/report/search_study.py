"""Search study: the rank tables of hyperparameter searches, made again from their record (Tables A2.2 to A2.13)."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dynsparse.errors import InputError
from dynsparse.report.item import TableItem
from dynsparse.report.mean_rank import rank_search
from dynsparse.report.paper_ranks import ALL_RANKS, RANGE_ITEMS, RANGES, PaperRanks, paper_ranks, remark
from dynsparse.report.rank_tables import RANK_FIELDS, RankTable, make_range_table, make_rank_tables
from dynsparse.report.search_ranks import SearchRun

__all__ = ["SEARCH_FILE", "SearchStudy", "read_search", "search_items"]

SEARCH_FILE = "search.json"

_SCHEMA = 1
_NOT_RUN = "not run"
_TESTED = {"step": "single test steps", "episode": "whole test episodes"}


@dataclass(frozen=True)
class SearchStudy:
    """What a folder of searches holds.

    Attributes:
        tables: Rank tables by the paper's number, such as ``"A2.3"``.
        sentences: What was chosen, a sentence a hyperparameter.
        complete: Whether all searches that were asked for are done.
    """

    tables: Mapping[str, RankTable]
    sentences: tuple[str, ...]
    complete: bool


def read_search(path: str | os.PathLike[str]) -> SearchStudy:
    """Read the record of ``dynsparse search`` and rank its runs again.

    Args:
        path: The file ``search.json``.

    Returns:
        Its tables.

    Raises:
        InputError: If it is missing or damaged, or of another schema.
    """
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
        if found["schema"] != _SCHEMA:
            raise ValueError(f"schema {found['schema']!r}, not {_SCHEMA}")
        tables: dict[str, RankTable] = {}
        sentences: list[str] = []
        for search in found["searches"]:
            for table in _tables(search, _TESTED[found["split"]]):
                tables[table.item] = table
                sentences += [" ".join(table.choice)] if table.choice else []
        return SearchStudy(tables, tuple(sentences), bool(found["complete"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"expected the record of dynsparse search, schema {_SCHEMA}, in {path}, got {error!r}; run it again"
        ) from error


def search_items(study: SearchStudy | None) -> tuple[TableItem, ...]:
    """Return Tables A2.2 to A2.13, those that were not run with the paper's numbers alone.

    Args:
        study: The searches; None where none was run.

    Returns:
        The tables in the paper's order.
    """
    found = {} if study is None else study.tables
    printed = {paper.item: paper for paper in paper_ranks()}
    ranges = {item: search for search, item in RANGE_ITEMS.items()}
    together = {item: search for search, item in ALL_RANKS.items()}
    items = []
    for number in range(2, 14):
        item = f"A2.{number}"
        if item in found:
            items.append(_run(found[item]))
        elif item in ranges:
            items.append(_printed_range(item, ranges[item]))
        elif item in printed:
            items.append(_printed_ranks(item, (printed[item],)))
        elif item in together:
            search = together[item]
            items.append(_printed_ranks(item, tuple(paper for paper in paper_ranks() if paper.search == search)))
    return tuple(items)


def _tables(search: Mapping[str, Any], tested: str) -> tuple[RankTable, ...]:
    number, tried = int(search["search"]), {name: tuple(values) for name, values in search["tried"].items()}
    ranks = rank_search([_run_of(run) for run in search["runs"]], tried)
    scale = str(search["scale"])
    first = make_range_table(number, tried, scale)
    return (*((first,) if first else ()), *make_rank_tables(number, ranks, scale, tested))


def _run_of(run: Mapping[str, Any]) -> SearchRun:
    loss = {"done": run["loss"], "diverged": math.inf, "missing": None}[run["status"]]
    return SearchRun(run["environment"], int(run["seed"]), dict(run["values"]), loss, run["error"], run["key"])


def _run(table: RankTable) -> TableItem:
    """Return a table as it is shown; its CSV, with more columns, is written from the rank table itself."""
    return TableItem(
        table.name, table.caption, f"Table {table.item}", table.columns, table.rows, table.rows,
        (*table.choice, *table.notes),
    )  # fmt: skip


def _printed_range(item: str, search: int) -> TableItem:
    lines = tuple((name, _NOT_RUN, values) for name, values in RANGES[item].items())
    return TableItem(
        name=_name(item),
        title=f"Search {search}: what is tried.",
        source=f"Table {item}",
        columns=("hyperparameter", "values", "paper"),
        cells=lines,
        values=tuple((name, None, values) for name, _, values in lines),
        notes=_notes(item),
    )


def _printed_ranks(item: str, tables: tuple[PaperRanks, ...]) -> TableItem:
    lines: list[tuple[tuple[str, ...], tuple[object, ...]]] = []
    for paper in tables:
        for value, rank in paper.ranks.items():
            share = rank / (paper.runs + 1)
            cells = (paper.hyperparameter, value, _NOT_RUN, f"{rank:.2f}", f"{share:.3f}")
            known = {
                "table": item, "search": paper.search, "hyperparameter": paper.hyperparameter, "runs": 0,
                "paper_value": value, "paper_mean_rank": rank, "paper_share": share,
            }  # fmt: skip
            lines.append((cells, tuple(known.get(field) for field in RANK_FIELDS)))
    one = f", {tables[0].hyperparameter}" if len(tables) == 1 else ""
    return TableItem(
        name=_name(item),
        title=f"Search {tables[0].search}{one}: mean rank of the runs.",
        source=f"Table {item}",
        columns=("hyperparameter", "value", "mean rank", "paper: mean rank", "paper: rank / (N + 1)"),
        cells=tuple(cells for cells, _ in lines),
        values=tuple(values for _, values in lines),
        notes=_notes(item),
        fields=RANK_FIELDS,
        keys=2,
    )


def _notes(item: str) -> tuple[str, ...]:
    said = remark(item)
    return ("This search was not run: the numbers are the paper's.", *([said] if said else []))


def _name(item: str) -> str:
    return f"table-{item.lower().replace('.', '-')}"
