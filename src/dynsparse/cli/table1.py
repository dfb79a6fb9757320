"""Table 1 at the end of a reproduction: written, then printed with the paper's counts beside."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.text import Text

from dynsparse.cli.output import table, wide_console
from dynsparse.cli.result_folder import ResultFolder
from dynsparse.provenance import collect_provenance
from dynsparse.report.causes import Cause
from dynsparse.report.heatmap import write_heatmap
from dynsparse.report.table1 import Table1Row, make_table1, paper_table1, write_table1

__all__ = ["publish_table1"]

_SAME = {True: "yes", False: "NO", None: "not in it"}


def publish_table1(folder: ResultFolder, command: str, seed: int) -> None:
    """Write and print the table of every finished environment.

    Args:
        folder: Where the environments are.
        command: The command, for the record.
        seed: Its seed.
    """
    listed = tuple(paper_table1())
    there = [name for name in listed if folder.finished(name) is not None]
    records = [record for name in there if (record := folder.finished(name)) is not None]
    rows, causes = make_table1(records)
    provenance = collect_provenance(command, seed, settings_hash=folder.settings_hash)
    tables = write_table1(folder.path, rows, causes, provenance.to_dict())
    figures = folder.path / "figures"
    for record in records:
        if not all((figures / f"{record.environment}{suffix}").exists() for suffix in (".png", ".pdf")):
            write_heatmap(record, figures)
    _print_table(rows, causes)
    _print_paths(folder.path, tables, len(records))


def _print_table(rows: Sequence[Table1Row], causes: Sequence[Cause]) -> None:
    columns = ["environment", "ds", "da", "∂s'/∂s", "paper", "∂s'/∂a", "paper", "as paper", "same for atol", "rows"]
    cells = [_cells(row) for row in rows]
    if any(row.nonfinite_rows for row in rows):
        columns.append("non-finite")
        cells = [[*line, f"{row.nonfinite_rows:,}"] for line, row in zip(cells, rows, strict=True)]
    console = wide_console()
    atol = f"{rows[0].atol:g}" if rows else ""
    console.print(table(columns, cells, title=f"Table 1: elements of the Jacobian with |x| < {atol} in every row"))
    for cause in causes:
        console.print(Text(f"- {_sentence(cause)}", overflow="fold"))


def _cells(row: Table1Row) -> list[str]:
    return [
        row.environment,
        str(row.state_dim),
        str(row.action_dim),
        f"{row.always_zero_state} ({row.always_zero_state_percent:.2f} %)",
        "-" if row.paper_always_zero_state is None else str(row.paper_always_zero_state),
        str(row.always_zero_action),
        "-" if row.paper_always_zero_action is None else str(row.paper_always_zero_action),
        _SAME[row.equals_paper],
        f"{row.same_count_from_atol:.0e}..{row.same_count_to_atol:.0e}",
        f"{row.rows:,}",
    ]


def _sentence(cause: Cause) -> str:
    subject = f"{cause.environment}, {cause.column}" if cause.column else cause.environment
    count = f" ({cause.elements} elements)" if cause.kind in {"cause", "unexplained"} else ""
    return f"{subject}{count}: {cause.sentence}."


def _print_paths(out: Path, tables: tuple[Path, Path], environments: int) -> None:
    print("\nwritten:")
    for path in tables:
        print(f"  {path}")
    print(f"  {out / 'figures'}: {environments} heat maps as .png and .pdf")
    print(f"  {out / 'q1'}: {environments} analyses as .json and .npz")
