"""``dynsparse search``: the paper's three hyperparameter searches, and the mean ranks of what they tried."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dynsparse.cli.environments import environment_names
from dynsparse.config import PRESETS, check_count, preset_settings
from dynsparse.errors import SettingError

__all__ = ["EXAMPLES", "Search"]

EXAMPLES = """\
examples:
  dynsparse search --preset smoke --out out/search
  dynsparse search --preset small --envs CheetahRun,WalkerRun --out out/runners
  dynsparse search --preset small --data out/small --out out/search-small
  dynsparse search --preset paper --executor ray --address head:6379 --out out/search-paper

OUT holds tables/table-a2-2 to table-a2-13 (.csv, .md, .tex), search.json (every run, rank and choice) and units.
Stopped (Ctrl-C) and run again, the same command goes on where it was.
"""

_NOT_OF_THE_NUMBERS = ("out", "data", "executor", "workers", "address")


@dataclass(frozen=True)
class Search:
    """Search hyperparameters as the paper did (Tables A2.2 to A2.13): three searches, each with what the last chose.

    All runs of an environment are ranked by their final state-prediction loss on the test set.  Chosen is the value
    with the lowest mean rank over environments, seeds and all other hyperparameters.
    """

    out: Path
    """Folder for the results: a new one, or one of the same settings."""

    preset: Literal["smoke", "small", "paper"] = "smoke"
    """How much is run of the paper's grids.  Rows per environment, environments, epochs and seeds of each search: smoke
    4,000, CartpoleBalance, 2 and 2, 2, 2; small 20,000, CartpoleBalance, ReacherHard, CheetahRun, 10 and 2, 5, 5; paper
    1,000,000, all eight, 100 and 10, 5, 5."""

    envs: tuple[str, ...] = ()
    """Environments in place of the preset's (see dynsparse envs)."""

    data: Path | None = None
    """Folder of dynsparse reproduce or search whose data sets (data/ENV) are used; left out: they are collected."""

    policy: Literal["random", "novice", "paper", "expert"] | None = None
    """Who chooses the actions of the data that are collected: by default paper, agents as good as the paper's."""

    rows: int | None = None
    """Rows per environment that are collected, in place of the preset's."""

    width_table: Literal["a2.4", "a2.2"] = "a2.4"
    """Layer widths of search 1, by the table of the paper: a2.4 (32, 128, 512: what its ranks are of) or a2.2 (512,
    1024: what it announces)."""

    decay_table: Literal["a2.8", "a2.11"] = "a2.8"
    """Weight decays of search 2, likewise: a2.8 (0.01, 0.001) or a2.11 (0, 0.01)."""

    split: Literal["step", "episode"] = "step"
    """What is kept for testing, a tenth: single steps (the paper), whose neighbours in time are trained on, or whole
    episodes."""

    seed: int = 0
    """Seed of initial states and actions of the data; the trainings have the seeds that follow."""

    executor: Literal["local", "ray"] = "local"
    """Where trainings run: processes on this machine, or a Ray cluster (pip install "dynsparse[ray]")."""

    workers: int = 0
    """Processes on this machine; 0 for one on each usable core."""

    address: str | None = None
    """HOST:PORT of the Ray cluster; left out: RAY_ADDRESS, or the one on this machine."""

    def run(self) -> int:
        """Run what is not there yet, then write and print the tables.

        Returns:
            The exit code: 1 where runs are missing.
        """
        check_count("seed", self.seed, 0, "try 0")
        if self.data is not None and (self.rows is not None or self.policy is not None):
            raise SettingError("rows and policy are of data that are collected, got --data too; leave one of them out")
        asked = environment_names(self.envs) if self.envs else None
        if self.rows is not None:
            check_count("rows", self.rows, 1, f"the preset has {PRESETS[self.preset]}")

        # Imported late: JAX takes seconds, and a wrong option should not wait for it.
        from dynsparse.cli.executors import make_executor
        from dynsparse.cli.publication import in_papers_order
        from dynsparse.cli.search_data import collected_data, given_data
        from dynsparse.cli.search_plan import SearchPlan
        from dynsparse.cli.search_run import run_search
        from dynsparse.learning.search_grid import search_preset
        from dynsparse.workers import worker_count

        preset = search_preset(self.preset)
        names = tuple(in_papers_order(asked or preset.environments or environment_names(())))
        workers = worker_count(self.workers)
        executor = make_executor(self.executor, 0 if self.executor == "ray" else workers, self.address)
        grids, command = preset.grids(self.width_table, self.decay_table), self._command()
        data: contextlib.AbstractContextManager[Mapping[str, Path]]
        if self.data is not None:
            data = contextlib.nullcontext(given_data(self.data, names))
        else:
            collected = preset_settings(
                self.preset, names, self.rows, self.seed, policy="paper" if self.policy is None else self.policy
            )
            data = collected_data(self.out, collected, workers, command)
        with data as datasets:
            tables = {"width_table": self.width_table, "decay_table": self.decay_table}
            plan = SearchPlan(datasets, grids, preset.settings(self.split), self.seed + 1, tables)
            return run_search(plan, self.out, executor, command)

    def _command(self) -> str:
        """Return the command as somebody else would repeat it, the folders aside."""
        words = ["dynsparse", "search", "--preset", self.preset]
        for name, field in type(self).__dataclass_fields__.items():
            value = getattr(self, name)
            if name not in ("preset", *_NOT_OF_THE_NUMBERS) and value != field.default:
                given = value if isinstance(value, tuple) else (value,)
                words += [f"--{name.replace('_', '-')}", *map(str, given)]
        if self.data is not None:
            words += ["--data", self.data.name]
        return shlex.join(words)
