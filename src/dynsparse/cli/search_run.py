"""Search run: one search after the other, each with what the earlier ones chose, then tables and a summary."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.text import Text

from dynsparse.cli.learning_folder import UNITS, claim_folder
from dynsparse.cli.output import print_table, wide_console
from dynsparse.cli.result_places import ANALYSES, DATA
from dynsparse.cli.search_plan import SearchPlan, Training, outcome_of
from dynsparse.cli.training_board import has_diverged, run_trainings, tell_failed
from dynsparse.errors import ExecutorError
from dynsparse.executor import Executor, Unit, UnitStore
from dynsparse.learning.search_grid import SearchGrid
from dynsparse.learning.settings import LearnSettings
from dynsparse.provenance import Provenance, collect_provenance
from dynsparse.report.files import write_file
from dynsparse.report.mean_rank import rank_search
from dynsparse.report.paper_ranks import ALL_RANKS, FINAL_CHOICES, RANGE_ITEMS
from dynsparse.report.quantities import number
from dynsparse.report.rank_notes import value_text
from dynsparse.report.rank_tables import RankTable, make_range_table, make_rank_tables, write_tables
from dynsparse.report.search_ranks import SearchRanks
from dynsparse.report.study_command import SETTINGS

__all__ = ["SUMMARY", "TABLES", "run_search"]

SUMMARY, TABLES = "search.json", "tables"
_SCHEMA = 1

_TESTED = {"step": "single test steps", "episode": "whole test episodes"}


@dataclass(frozen=True)
class _Finished:
    """A search that is done.

    Attributes:
        grid: What was tried.
        base: What was not.
        ranks: How the runs rank.
        scale: How much of the paper's it is.
        tables: What is written of it.
        choices: Field of the settings -> value with the lowest mean rank.
    """

    grid: SearchGrid
    base: LearnSettings
    ranks: SearchRanks
    scale: str
    tables: tuple[RankTable, ...]
    choices: Mapping[str, Any]


def run_search(plan: SearchPlan, out: Path, executor: Executor, command: str) -> int:
    """Run what is not there yet, then write and print the tables of each search.

    A training whose loss diverged is ranked last and not tried again; one that failed otherwise is missing.

    Args:
        plan: What is to be searched.
        out: Folder for records (``units``), ``tables`` and ``search.json``.
        executor: Where trainings run.
        command: The command, for the record.

    Returns:
        The exit code: 1 where runs are missing.

    Raises:
        OutputExistsError: If the folder holds trainings of other settings.
        ExecutorError: If nothing can be run, or all runs of a search are missing.
        DatasetError: If a data set is missing or empty.
    """
    identities = plan.identities()
    claim_folder(out, plan.shared(), identities, beside=(ANALYSES, DATA, SETTINGS))
    provenance = collect_provenance(command, plan.first_seed, settings=plan.shared())
    store = UnitStore(out / UNITS)
    finished: list[_Finished] = []
    base, missing = plan.settings, 0
    for grid in plan.grids:
        trainings = plan.trainings(grid, base, identities)
        _announce(grid, base, trainings)
        _train(trainings, store, executor, provenance, plan.settings.epochs)
        runs = [outcome_of(training, store.record(training.unit.key), plan.settings.split) for training in trainings]
        ranks = rank_search(runs, {found.label: found.values for found in grid.ranges})
        done = _finish(grid, base, ranks, plan.scale(grid, identities), plan.settings.split)
        missing += ranks.count("missing")
        finished.append(done)
        write_tables(done.tables, out / TABLES)
        _write_summary(out / SUMMARY, plan, identities, finished, provenance)
        _tell(done)
        base = dataclasses.replace(base, **done.choices)
    _tell_choices(plan, finished)
    _tell_files(out, finished)
    return 1 if missing else 0


def _train(
    trainings: Sequence[Training], store: UnitStore, executor: Executor, provenance: Provenance, epochs: int
) -> None:
    """Run the trainings that have no outcome yet."""
    names = {training.unit.key: training.name for training in trainings}
    units = [training.unit for training in trainings]
    # What is there of a diverged training is its result, too.
    before = sum(not _is_left(unit, store) for unit in units)
    outcome = run_trainings(units, store, executor, provenance, epochs, lambda unit: names[unit.key])
    lost = {key: error for key, error in outcome.failed.items() if not has_diverged(error)}
    tell_failed(lost, units, lambda unit: names[unit.key])
    if before:
        print(f"{before:,} of {len(trainings):,} trainings were done before, and are not repeated", flush=True)


def _is_left(unit: Unit, store: UnitStore) -> bool:
    """Whether a unit is to be run: it has no result, and did not diverge."""
    record = store.record(unit.key)
    return record is None or (record["status"] == "failed" and not has_diverged(str(record["error"])))


def _finish(grid: SearchGrid, base: LearnSettings, ranks: SearchRanks, scale: str, split: str) -> _Finished:
    """Make the tables of a search, and choose.

    Raises:
        ExecutorError: If no run is ranked.
    """
    by_label = {found.name: found.chosen for found in ranks.hyperparameters}
    choices = {found.name: by_label[found.label] for found in grid.ranges}
    if None in choices.values():
        errors = [run.error for run in ranks.runs if run.error]
        raise ExecutorError(
            f"expected runs of search {grid.number} to choose by, all {len(ranks.runs):,} are missing "
            f"({errors[0] if errors else 'not run'}); see to that and run the same again"
        )
    tried = make_range_table(grid.number, {found.label: found.values for found in grid.ranges}, scale)
    tables = make_rank_tables(grid.number, ranks, scale, _TESTED[split])
    return _Finished(grid, base, ranks, scale, (*((tried,) if tried else ()), *tables), choices)


def _write_summary(
    path: Path,
    plan: SearchPlan,
    identities: Mapping[str, Mapping[str, Any]],
    finished: Sequence[_Finished],
    provenance: Provenance,
) -> None:
    """Write everything there is so far."""
    searches = [
        {
            "search": done.grid.number,
            "tried": {found.label: list(found.values) for found in done.grid.ranges},
            "fixed": {
                name: value
                for name, value in done.base.to_dict().items()
                if name not in ("seed", *(found.name for found in done.grid.ranges))
            },
            "seeds": list(plan.seeds(done.grid)),
            "scale": done.scale,
            "choices": {found.label: done.choices[found.name] for found in done.grid.ranges},
            "tables": [{"item": one.item, "notes": [*one.choice, *one.notes]} for one in done.tables],
            **done.ranks.to_dict(),
        }
        for done in finished
    ]
    content = {
        "schema": _SCHEMA,
        "complete": len(finished) == len(plan.grids),
        "split": plan.settings.split,
        "datasets": dict(identities),
        "followed": dict(plan.tables),
        "searches": searches,
        "choices": _choices(finished),
        "paper": dict(FINAL_CHOICES),
        "provenance": provenance.to_dict(),
    }
    write_file(path, json.dumps(content, indent=1, allow_nan=False) + "\n")


def _choices(finished: Sequence[_Finished]) -> dict[str, Any]:
    """Return what is chosen of each hyperparameter, a later search's choice in place of an earlier one's."""
    return {found.label: done.choices[found.name] for done in finished for found in done.grid.ranges}


def _announce(grid: SearchGrid, base: LearnSettings, trainings: Sequence[Training]) -> None:
    """Say what a search is made of."""
    tried = "; ".join(f"{found.label} {', '.join(map(value_text, found.values))}" for found in grid.ranges)
    environments = len({training.unit.arguments["environment"] for training in trainings})
    counts = (
        (len(grid.configurations(base)), "configuration"),
        (grid.seeds, "seed"),
        (environments, "environment"),
    )
    product = " x ".join(number(count, noun) for count, noun in counts)
    print(f"\nsearch {grid.number}: {tried}\n{product} = {number(len(trainings), 'training')}", flush=True)


def _tell(done: _Finished) -> None:
    """Print the tables of a search: one for each hyperparameter, then what holds for all of them."""
    console = wide_console()
    items = (ALL_RANKS.get(done.grid.number), RANGE_ITEMS.get(done.grid.number))
    shown = [one for one in done.tables if one.item not in items]
    for one in shown:
        print_table(console, one.columns, one.rows, f"Table {one.item}. {one.caption}")
        for sentence in one.choice:
            console.print(Text(f"- {sentence}", overflow="fold"))
    for note in dict.fromkeys(note for one in shown for note in one.notes):
        console.print(Text(f"- {note}", overflow="fold"))


def _tell_choices(plan: SearchPlan, finished: Sequence[_Finished]) -> None:
    """Print what is chosen beside what the paper keeps."""
    last = {found.label: grid.number for grid in plan.grids for found in grid.ranges}
    rows = [
        [name, value_text(value), str(last[name]), FINAL_CHOICES.get(name, "-")]
        for name, value in _choices(finished).items()
    ]
    columns = ["hyperparameter", "chosen", "in search", "paper (Table A2.1)"]
    print_table(wide_console(), columns, rows, "Choices: the lowest mean rank, whatever the other ones are")


def _tell_files(out: Path, finished: Sequence[_Finished]) -> None:
    tables = [one for done in finished for one in done.tables]
    print(f"\nwritten:\n  {out / SUMMARY}: all runs, ranks and choices")
    print(f"  {out / TABLES}: {tables[0].name} to {tables[-1].name}, .csv, .md and .tex")
