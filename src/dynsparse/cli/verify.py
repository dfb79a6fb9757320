"""``dynsparse verify``: whether a data set still is what was committed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from dynsparse.config import check_count
from dynsparse.errors import SettingError

__all__ = ["EXAMPLES", "Verify"]

EXAMPLES = """\
examples:
  dynsparse verify data/cheetah
  dynsparse verify data/cheetah --recompute 200
  dynsparse verify data/ring --recompute 200 --env examples/ring.py:ring
"""

_MOST_TOLD = 20


@dataclass(frozen=True)
class Verify:
    """Check every hash, shape and rule of a data set; --recompute computes some of its rows again.

    Fails (exit 1) where anything is wrong or missing; the first twenty problems are printed.  A data set in float32 can
    not be computed again.
    """

    dataset: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="DATASET")]
    """Folder of the data set."""

    recompute: int = 0
    """Rows to compute again: equal bit for bit on the same machine and versions, else within a tolerance."""

    env: Annotated[str | None, tyro.conf.arg(metavar="MODEL.xml|FILE.py:NAME")] = None
    """Where the data set's environment is, if it is a model file or a function of your own."""

    seed: int = 0
    """Which rows are computed again."""

    workers: int = 0
    """Worker processes for that; 0 for one on each usable core."""

    def run(self) -> int:
        """Verify, and tell every problem.

        Returns:
            The exit code: 0 where nothing is wrong, else 1.
        """
        from dynsparse.dataset import verify_dataset
        from dynsparse.workers import worker_count

        check_count("recompute", self.recompute, 0, "0 computes nothing again")
        check_count("seed", self.seed, 0, "try 0")
        worker_count(self.workers)
        if self.env is not None and not self.recompute:
            raise SettingError(f"--env {self.env} is what rows are computed again with, got no --recompute; try 200")

        from dynsparse.cli.progress import open_progress

        progress, name = open_progress(), str(self.dataset)
        progress.add(name, 0)
        progress.phase(name, "verify")
        try:
            report = verify_dataset(self.dataset, on_block=lambda done, of: progress.count(name, done, of))
            progress.finish(name, "read, done")
        finally:
            progress.close()
        for problem in report.problems[:_MOST_TOLD]:
            print(f"problem: {problem.removesuffix('; run dynsparse verify')}")
        if len(report.problems) > _MOST_TOLD:
            print(f"problem: {len(report.problems) - _MOST_TOLD} more")
        if report.uncommitted:
            print(f"{report.uncommitted} blocks are not committed: go on with dynsparse collect --resume")
        if report.stray:
            print(f"{report.stray} files were left by a stop; the next --resume removes them")
        if report.foreign:
            print(f"{report.foreign} files are not of the data set and are kept")
        blocks = f"{report.blocks:,} block{'' if report.blocks == 1 else 's'}"
        told = f"{report.rows:,} rows in {blocks}, {report.episodes:,} episodes"
        if report.ok:
            print(f"{self.dataset}: {told}: every hash and rule holds")
        else:
            print(f"{self.dataset}: NOT as committed; without a problem are {told}")
        if not report.ok:
            return 1
        return self._recompute() if self.recompute else 0

    def _recompute(self) -> int:
        from dynsparse.cli.stored import opened
        from dynsparse.rollout.stored_rows import RECOMPUTE_TOLERANCE, recompute_rows, sample_rows

        with opened(self.dataset, self.workers, self.env) as (dataset, _, collector):
            found = recompute_rows(sample_rows(dataset, self.recompute, self.seed), collector)
        if found.bitwise:
            print(f"computed again: {found.identical:,} of {found.rows:,} rows are equal bit for bit")
            return 0
        differing = ", ".join(f"{name} {size:.0e}" for name, size in found.largest.items() if size)
        print(
            f"computed again: {found.identical:,} of {found.rows:,} rows are equal bit for bit; largest relative "
            f"differences: {differing or 'none'}, {found.flags} constraint flags; "
            f"{'within' if found.ok else 'BEYOND'} {RECOMPUTE_TOLERANCE:g}, what another machine or version may come to"
        )
        return 0 if found.ok else 1
