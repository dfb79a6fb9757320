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
  dynsparse reproduce --preset smoke --only q1,q2,q3 --out out/demo
  dynsparse reproduce --envs CheetahRun WalkerRun --rows 5000 --out out/runners
  dynsparse reproduce --preset paper --workers 2 --seed 1 --out out/paper

Stopped (Ctrl-C) and run again, the same command goes on where it was.
"""

_QUESTIONS = ("q1", "q2", "q3")
_LATER = ("q4",)


@dataclass(frozen=True)
class Reproduce:
    """Answer the paper's questions: global (q1), state-dependent (q2) and temporal sparsity (q3).

    Writes OUT/report.html, OUT/table1.csv and .json, OUT/figures/, and for each environment OUT/data/ENV (the data
    set) and OUT/analysis/ENV/analysis.json and .npz.
    """

    out: Path
    """Folder for the results: a new one, or one that the same settings were written to."""

    preset: Literal["smoke", "small", "paper"] = "smoke"
    """Rows per environment, in episodes of 1,000 control steps: smoke 4,000, small 20,000, paper 1,000,000."""

    only: str = "q1,q2,q3"
    """Questions to answer, separated by commas."""

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
        """Compute what is not there yet, then write and print the answers.

        Returns:
            The exit code.
        """
        questions = _questions(self.only)
        names = environment_names(self.envs)
        settings = preset_settings(self.preset, names, self.rows, self.seed, self.atol)

        # Imported late: matplotlib and the workers take a second, and a wrong option should not wait for it.
        from dynsparse.cli.progress import open_progress
        from dynsparse.cli.publication import in_papers_order, publish
        from dynsparse.cli.reproduction import Reproduction
        from dynsparse.cli.result_folder import ResultFolder
        from dynsparse.provenance import collect_provenance
        from dynsparse.workers import worker_count

        workers = worker_count(self.workers)
        folder = ResultFolder(self.out, settings)
        command = self._command(settings, questions)
        try:
            finished = [name for name in names if folder.finished(name) is not None]
            if finished:
                print(f"already finished, not repeated: {', '.join(finished)}", flush=True)
            waiting = [name for name in names if name not in finished]
            failures: dict[str, BaseException] = {}
            if waiting:
                progress = open_progress()
                try:
                    failures = Reproduction(settings, folder, progress, command, questions).run(waiting, workers)
                finally:
                    progress.close()
            there = in_papers_order([name for name in folder.names() if folder.finished(name) is not None])
            reports = [report for name in there if (report := folder.finished(name)) is not None]
            if reports:
                provenance = collect_provenance(command, settings.seed, settings_hash=folder.settings_hash).to_dict()
                page = self.out / "report.html"
                expected = in_papers_order([*{*names, *there}])
                publish(
                    reports, self.out, page, expected=expected, provenance=provenance, questions=questions, redraw=False
                )
            for failure in failures.values():
                raise failure
        finally:
            folder.close()
        return 0

    def _command(self, settings: ReproduceSettings, questions: tuple[str, ...]) -> str:
        """Return the command as somebody else would repeat it, the folder aside."""
        return (
            f"dynsparse reproduce --preset {settings.preset} --only {','.join(questions)} "
            f"--envs {' '.join(settings.environments)} "
            f"--rows {settings.rows} --seed {settings.seed} --atol {settings.atol!r}"
        )


def _questions(only: str) -> tuple[str, ...]:
    """Return the questions that were asked for, in their order."""
    asked = only.replace(",", " ").lower().split() or [only]
    for question in asked:
        if question in _LATER:
            raise SettingError(f"only must be of {', '.join(_QUESTIONS)}, which are answered so far, got {question!r}")
        if question not in _QUESTIONS:
            raise SettingError(
                f"only must name questions of the paper, got {question!r}; there are {', '.join(_QUESTIONS)}"
            )
    return tuple(question for question in _QUESTIONS if question in asked)
