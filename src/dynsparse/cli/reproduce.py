"""``dynsparse reproduce``: the paper's questions, answered for all environments by one command."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dynsparse.cli.environments import environment_names
from dynsparse.config import DEFAULT_ATOL, ReproduceSettings, preset_settings
from dynsparse.errors import SettingError

__all__ = ["EXAMPLES", "Reproduce"]

EXAMPLES = """\
examples:
  dynsparse reproduce --preset smoke --only q1 --out out/demo
  dynsparse reproduce --envs CheetahRun WalkerRun --rows 5000 --out out/runners
  dynsparse reproduce --preset paper --workers 2 --seed 1 --out out/paper

Stopped (Ctrl-C) and run again, the same command goes on with the environments that are not finished yet.
"""

_QUESTIONS = ("q1",)
_LATER = ("q2", "q3", "q4")


@dataclass(frozen=True)
class Reproduce:
    """Answer the paper's questions for all environments: Table 1 and its heat maps (q1).

    Writes OUT/table1.csv, OUT/table1.json, OUT/figures/ENV.png and .pdf, and OUT/q1/ENV/analysis.json and .npz.
    """

    out: Path
    """Folder for the results: a new one, or one that the same settings were written to."""

    preset: Literal["smoke", "small", "paper"] = "smoke"
    """Rows per environment: smoke 1,000, small 3,000, paper 10,000 (episodes of 1,000 control steps)."""

    only: str = "q1"
    """Questions to answer, separated by commas; so far only q1 (global sparsity) is there."""

    envs: tuple[str, ...] = ()
    """Environments, by default all eight (see dynsparse envs)."""

    rows: int | None = None
    """Rows per environment in place of the preset's."""

    workers: int = 0
    """Worker processes in all; 0 for one on each usable core."""

    seed: int = 0
    """Seed of initial states and actions."""

    atol: float = DEFAULT_ATOL
    """An element of the Jacobian is zero when abs(x) < atol."""

    def run(self) -> int:
        """Compute what is not there yet, then write and print Table 1.

        Returns:
            The exit code.
        """
        _check_questions(self.only)
        names = environment_names(self.envs)
        settings = preset_settings(self.preset, names, self.rows, self.seed, self.atol)

        # Imported late: matplotlib and the workers take a second, and a wrong option should not wait for it.
        from dynsparse.cli.progress import open_progress
        from dynsparse.cli.reproduction import Reproduction
        from dynsparse.cli.result_folder import ResultFolder
        from dynsparse.cli.table1 import publish_table1
        from dynsparse.workers import worker_count

        workers = worker_count(self.workers)
        folder = ResultFolder(self.out, settings)
        try:
            finished = [name for name in names if folder.finished(name) is not None]
            if finished:
                print(f"already finished, not repeated: {', '.join(finished)}", flush=True)
            waiting = [name for name in names if name not in finished]
            failures: dict[str, BaseException] = {}
            if waiting:
                progress = open_progress()
                try:
                    failures = Reproduction(settings, folder, progress, self._command(settings)).run(waiting, workers)
                finally:
                    progress.close()
            publish_table1(folder, self._command(settings), settings.seed)
            for failure in failures.values():
                raise failure
        finally:
            folder.close()
        return 0

    def _command(self, settings: ReproduceSettings) -> str:
        """Return the command as somebody else would repeat it, the folder aside."""
        return (
            f"dynsparse reproduce --preset {settings.preset} --only q1 --envs {' '.join(settings.environments)} "
            f"--rows {settings.rows} --seed {settings.seed} --atol {settings.atol!r}"
        )


def _check_questions(only: str) -> None:
    for question in only.replace(",", " ").lower().split() or [only]:
        if question in _LATER:
            raise SettingError(f"only must be q1, the one question that is answered so far, got {question!r}")
        if question not in _QUESTIONS:
            raise SettingError(f"only must name questions of the paper, got {question!r}; so far there is q1")
