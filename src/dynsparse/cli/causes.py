"""``dynsparse causes``: why elements of a data set's Jacobians are zero."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from dynsparse.config import DEFAULT_ATOL, check_atol
from dynsparse.errors import OutputError, OutputExistsError

if TYPE_CHECKING:
    from dynsparse.analysis.cause_record import CauseRecord

__all__ = ["EXAMPLES", "Causes", "print_causes"]

EXAMPLES = """\
examples:
  dynsparse causes data/cheetah --out out/cheetah
  dynsparse causes data/cheetah --rows 1000 --seed 7 --out out/cheetah --overwrite
  dynsparse causes data/ring --env examples/ring.py:ring --out out/ring
  dynsparse report out/cheetah
"""

_COLUMNS = ("zero because", "share", "of ∂s'/∂s", "of ∂s'/∂a", "always zero ∂s'/∂s", "always zero ∂s'/∂a")


@dataclass(frozen=True)
class Causes:
    """Say of each zero why it is one, at rows of a data set; writes OUT/causes.json and OUT/causes.npz.

    Structural, a symmetry, a contact or a limit that is off, a clamp, or round-off.  What a contact or limit switches
    on is learned from all finite rows of the data set.  dynsparse report shows it where OUT is the folder of dynsparse
    analyze, and refuses causes at another threshold than its analysis.
    """

    dataset: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="DATASET")]
    """Folder of the data set, with exact Jacobians in float64."""

    out: Path
    """Folder for the two files: that of the data set's analysis."""

    rows: int = 256
    """Rows of it."""

    seed: int = 0
    """Which rows, and which ones are made near contacts and limits."""

    atol: float = DEFAULT_ATOL
    """An element of the Jacobian is zero when abs(x) < atol."""

    env: Annotated[str | None, tyro.conf.arg(metavar="MODEL.xml|FILE.py:NAME")] = None
    """Where the environment of the data set is, if its name alone does not tell."""

    workers: int = 0
    """Worker processes; 0 for one on each usable core."""

    overwrite: bool = False
    """Replace a record of causes that is there."""

    def run(self) -> int:
        """Explain, write, print.

        Returns:
            The exit code.
        """
        from dynsparse.analysis.cause_record import holds_causes
        from dynsparse.dataset import open_dataset
        from dynsparse.physics.probe import check_probe
        from dynsparse.workers import worker_count

        check_atol(self.atol)
        check_probe(self.rows, self.seed)
        worker_count(self.workers)
        if self.out.exists() and not self.out.is_dir():
            raise OutputError(f"expected --out to name a folder, {self.out} is a file; choose another")
        if holds_causes(self.out) and not self.overwrite:
            raise OutputExistsError(
                f"{self.out} holds causes.json and is kept; choose another --out, or add --overwrite"
            )

        from dynsparse.cli.explanation import check_exact, explain_dataset
        from dynsparse.cli.progress import open_progress

        dataset = open_dataset(self.dataset)
        check_exact(dataset)  # before the environment is loaded, which takes seconds
        name = dataset.environment
        progress = open_progress()
        progress.add(name, min(self.rows, dataset.rows))
        progress.phase(name, "load")
        try:
            record = explain_dataset(
                self.dataset,
                self._command(),
                own=self.env,
                rows=self.rows,
                seed=self.seed,
                atol=self.atol,
                workers=self.workers,
                on_phase=lambda phase: progress.phase(name, phase),
                on_rows=lambda done: progress.rows(name, done, 0),
            )
            progress.finish(name, "done")
        finally:
            progress.close()
        try:
            self.out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"expected to write {self.out}, got: {error.strerror or error}; choose another --out"
            ) from error
        record.save(self.out)
        print_causes([record])
        print(f"wrote {self.out / 'causes.json'} and {self.out / 'causes.npz'}; ", end="")
        print(f"draw them: dynsparse report {self.out}")
        return 0

    def _command(self) -> str:
        words = ["dynsparse", "causes", self.dataset.resolve().name, "--rows", str(self.rows), "--seed", str(self.seed)]
        words += ["--atol", repr(self.atol)]
        words += [] if self.env is None else ["--env", Path(self.env).name]
        return shlex.join(words)


def print_causes(records: Sequence[CauseRecord]) -> None:
    """Print a table by label for each record, and what is to be said about it.

    Args:
        records: Causes, one an environment.
    """
    from rich.text import Text

    from dynsparse.cli.output import print_table, wide_console
    from dynsparse.report.cause_sentences import about_causes

    console = wide_console()
    for record in records:
        title = (
            f"{record.environment}: elements with |x| < {record.atol:g} in {record.rows:,} rows, by cause "
            "(always zero: by the cause of most rows)"
        )
        print_table(console, _COLUMNS, _cells(record), title)
        for sentence in about_causes(record):
            console.print(Text(f"- {sentence}", overflow="fold"))


def _cells(record: CauseRecord) -> list[list[str]]:
    """One line a label: shares of all pairs of row and element, and elements that are zero in every row."""
    from dynsparse.report.cause_looks import LOOKS
    from dynsparse.report.quantities import percent

    lines = []
    whole = {"state": record.state, "action": record.action}
    for look in LOOKS:
        shares = [percent(record.by_label[look.name] / max(record.pairs, 1))]
        shares += [percent(b.by_label[look.name] / max(b.rows * b.elements, 1)) for b in whole.values()]
        lines.append([look.name, *shares, *(f"{b.always_by_label[look.name]:,}" for b in whole.values())])
    zeros = [1 - record.by_label["none"] / max(record.pairs, 1)]
    zeros += [1 - b.by_label["none"] / max(b.rows * b.elements, 1) for b in whole.values()]
    always = [f"{int(b.always_zero.sum()):,}" for b in whole.values()]
    return [*lines, ["all", *map(percent, zeros), *always]]
