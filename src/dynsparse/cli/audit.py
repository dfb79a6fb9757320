"""``dynsparse audit``: the exact derivative against finite differences."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from dynsparse.cli.environment_file import is_environment_file
from dynsparse.cli.environments import environment_names, is_model_path, open_environment
from dynsparse.cli.json_file import JsonFile
from dynsparse.errors import SettingError

if TYPE_CHECKING:
    from dynsparse.cli.progress import Progress
    from dynsparse.physics.audit import EnvironmentAudit

__all__ = ["EXAMPLES", "Audit"]

EXAMPLES = """\
examples:
  dynsparse audit CartpoleBalance
  dynsparse audit FingerSpin FingerTurnEasy --rows 1000 --seed 7
  dynsparse audit all --rows 300 --reference --json audit.json
  dynsparse audit data/cheetah --rows 300 --json cheetah_audit.json
  dynsparse audit examples/ring.py:ring
  dynsparse audit data/ring --env examples/ring.py:ring
"""


@dataclass(frozen=True)
class Audit:
    """Compare every column of the Jacobian with finite differences of the MJX step.

    Of an environment: exact and autodiff at rows chosen for it.  Of a data set: the Jacobians that it holds, at some
    of its rows.  Fails (exit 1) where the exact derivative, or the data set's, is off anywhere.
    """

    envs: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="ENV|DATASET [...]")]
    """Environments, or all of the paper's (see dynsparse envs); a model file (.xml) or FILE.py:NAME for one of your
    own; or folders of data sets."""

    env: Annotated[str | None, tyro.conf.arg(metavar="MODEL.xml|FILE.py:NAME")] = None
    """Where the environment of a data set is, if it is a model file or a function of your own."""

    rows: int = 300
    """Rows of each; of an environment half ordinary, half with an active constraint where the model has any."""

    seed: int = 0
    """Seed of the rows."""

    reference: bool = False
    """Also compare the zeros with those of the same formula under plain autodiff (minutes; environments only)."""

    substeps: int | None = None
    """Simulation steps in one control step, of a model file; left out: 1."""

    workers: int = 0
    """Worker processes; 0 for one on each usable core."""

    json: Path | None = None
    """File for the results."""

    overwrite: bool = False
    """Replace that file if it exists."""

    def run(self) -> int:
        """Audit, print the table and the verdict, write the file.

        Returns:
            The exit code: 0 where the exact derivative is clean on every environment, else 1.
        """
        from dynsparse.physics.probe import check_probe
        from dynsparse.physics.sources.model_options import check_substeps
        from dynsparse.workers import worker_count

        if not self.envs:
            raise SettingError("expected an environment or all, got none: try dynsparse audit CartpoleBalance")
        folders = [Path(entry) for entry in self.envs if os.path.isdir(entry)]
        named = [entry for entry in self.envs if not os.path.isdir(entry)]
        models = [entry for entry in named if is_model_path(entry) and entry.lower().endswith(".xml")]
        there = [entry for entry in named if os.path.exists(entry) or is_environment_file(entry) or entry in models]
        absent = [entry for entry in named if "/" in entry and entry not in there]
        if absent:
            raise SettingError(f"expected environments or folders of data sets, there is no folder {absent[0]}")
        if folders and self.reference:
            raise SettingError("--reference compares derivatives of environments, got a data set; leave it out")
        if self.env is not None and not folders:
            raise SettingError(f"--env {self.env} says what the environment of a data set is, got no data set")
        if self.substeps is not None:
            check_substeps(self.substeps)
            if not models:
                raise SettingError(f"--substeps is for model files (.xml), got {', '.join(self.envs)}; leave it out")
        names: tuple[str | Path, ...] = (
            *(environment_names(named, models=True) if named else ()),
            *folders,
        )
        check_probe(self.rows, self.seed)
        worker_count(self.workers)
        file = None if self.json is None else JsonFile(self.json, self.overwrite)

        from dynsparse.cli.audit_verdict import AUDIT_COLUMNS, audit_cells, audit_verdict
        from dynsparse.cli.output import table, wide_console
        from dynsparse.cli.progress import open_progress

        progress = open_progress()
        for name in names:
            progress.add(str(name), self.rows)
        audits: list[EnvironmentAudit] = []
        try:
            for name in names:
                audits.append(self._audit(name, progress))
                if file is not None:  # now: what follows may fail, or be stopped
                    file.write(self._record(audits))
        finally:
            progress.close()
        console = wide_console()
        console.print(table(AUDIT_COLUMNS, [cells for audit in audits for cells in audit_cells(audit)]))
        if file is not None:
            console.print(f"wrote {file.path}")
        console.print(audit_verdict(audits))
        return 0 if all(audit.clean for audit in audits) else 1

    def _audit(self, name: str | Path, progress: Progress) -> EnvironmentAudit:
        return self._of_dataset(name, progress) if isinstance(name, Path) else self._of_environment(name, progress)

    def _of_dataset(self, path: Path, progress: Progress) -> EnvironmentAudit:
        from dynsparse.cli.stored import opened
        from dynsparse.rollout.stored_rows import audit_dataset

        progress.phase(str(path), "load")
        with opened(path, self.workers, self.env) as (dataset, env, collector):
            audit = audit_dataset(
                dataset,
                env,
                collector,
                rows=self.rows,
                seed=self.seed,
                on_phase=lambda phase: progress.phase(str(path), phase),
            )
        progress.finish(str(path), "clean" if audit.clean else "OFF")
        return audit

    def _of_environment(self, name: str, progress: Progress) -> EnvironmentAudit:
        from dynsparse.physics.audit import audit_environment

        progress.phase(name, "load")
        env = open_environment(name, substeps=self.substeps if is_model_path(name) else None)
        audit = audit_environment(
            env,
            rows=self.rows,
            seed=self.seed,
            workers=self.workers,
            reference=self.reference,
            on_phase=lambda phase: progress.phase(name, phase),
            on_rows=lambda done, nonfinite: progress.rows(name, done, nonfinite),
        )
        progress.finish(name, "clean" if audit.clean else "OFF")
        return audit

    def _record(self, audits: Sequence[EnvironmentAudit]) -> dict[str, Any]:
        from dynsparse.physics import columns, differences
        from dynsparse.provenance import collect_provenance

        return {
            "schema": 1,
            "tolerances": {
                "coarse_step": differences.COARSE_STEP,
                "fine_step": differences.FINE_STEP,
                "one_sided": columns.ONE_SIDED_TOLERANCE,
                "central": columns.CENTRAL_TOLERANCE,
                "off": columns.OFF_TOLERANCE,
                "false_zero_slope": columns.FALSE_ZERO_SLOPE,
                "false_slope": columns.FALSE_SLOPE,
                "flat_slope": columns.FLAT_SLOPE,
                "seen": columns.SEEN_TOLERANCE,
            },
            "environments": [audit.to_dict() for audit in audits],
            "provenance": collect_provenance(self._command(), self.seed).to_dict(),
        }

    def _command(self) -> str:
        entries = [Path(entry).name for entry in self.envs]
        words = ["dynsparse", "audit", *entries, "--rows", str(self.rows), "--seed", str(self.seed)]
        words += ["--reference"] * self.reference
        words += [] if self.env is None else ["--env", Path(self.env).name]
        words += [] if self.json is None else ["--json", self.json.name]  # the folder is the machine's own
        return shlex.join(words)
