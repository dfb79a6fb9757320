"""``dynsparse score``: a world model of any framework, judged beside referees."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from dynsparse.cli.json_file import JsonFile
from dynsparse.config import check_atol, check_count
from dynsparse.errors import SettingError

if TYPE_CHECKING:
    from dynsparse.dataset import Dataset
    from dynsparse.learning.jacobian_scores import JacobianScores
    from dynsparse.learning.model_score import Score as ModelScore
    from dynsparse.learning.prediction_scores import PredictionScores

__all__ = ["EXAMPLES", "Score"]

EXAMPLES = """\
examples:
  dynsparse score model.npz data/cheetah
  dynsparse score model.npz data/cheetah --json score.json
  dynsparse score model.npz data/cheetah --rows 100000 --seed 1 --atol 1e-4

MODEL.npz holds jac_state (n, ds, ds) and jac_action (n, ds, da), or dependency_state and dependency_action of the same
shapes, at least 0; n = the rows of the data set, in their order and units.  Each may be one matrix for all rows.
Where the state holds quaternions, ds is the length of a tangent (jac_* may also be those of the state's own numbers).
Optional: next_state (n, ds) for one-step errors; index (k,) where the arrays have k rows only.
"""

_JACOBIAN_COLUMNS = {
    "auprc": "auprc",
    "auroc": "auroc",
    "auprc changing": "auprc_changing",
    "auroc changing": "auroc_changing",
    "auroc within": "auroc_within",
    "leak": "leak",
    "miss": "miss",
    "Frobenius": "frobenius_error",
    "cosine": "cosine",
}
_OPEN_LOOP = (10, 50)
_PREDICTION_COLUMNS = ("one-step MSE", "R2", *(f"MSE after {steps}" for steps in _OPEN_LOOP))


@dataclass(frozen=True)
class Score:
    """Score a world model's Jacobians, or what it says depends on what, and its next states, beside referees.

    Prints the model and its referees in z-scored coordinates, the same in the units of the data set, and the model with
    and without an active constraint (contact, limit or friction loss).  A dash is a score that has no meaning.
    """

    model: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="MODEL.npz")]
    """What the model says about each row: an .npz of arrays from any framework."""

    dataset: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="DATASET")]
    """Folder of the data set."""

    rows: int = 10_000
    """Rows that are scored at most."""

    seed: int = 0
    """What they are drawn from, where there are more."""

    atol: float = 1e-6
    """An element of the model's Jacobian is zero when abs(x) < atol."""

    zero_atol: float = 1e-12
    """An element of the simulator's Jacobian, before it is normalised, is zero when abs(x) < zero-atol."""

    json: Path | None = None
    """File for the results."""

    overwrite: bool = False
    """Replace that file if it exists."""

    def run(self) -> int:
        """Score, print the tables, write the file.

        Returns:
            The exit code.
        """
        check_count("rows", self.rows, 1, "by default 10,000 are scored at most")
        check_count("seed", self.seed, 0, "try 0")
        for option, value in (("--atol", self.atol), ("--zero-atol", self.zero_atol)):
            try:
                check_atol(value)
            except SettingError as error:
                raise SettingError(f"{option}: {error}") from error
        file = None if self.json is None else JsonFile(self.json, self.overwrite)

        from dynsparse.cli.output import print_table, wide_console
        from dynsparse.cli.progress import open_progress
        from dynsparse.dataset import open_dataset
        from dynsparse.learning.model_file import load_model
        from dynsparse.learning.score import score

        dataset, arrays = open_dataset(self.dataset), load_model(self.model)
        progress, name = open_progress(), self.model.name
        progress.add(name, 0)
        try:
            found = score(
                arrays,
                dataset,
                rows=self.rows,
                seed=self.seed,
                atol=self.atol,
                zero_atol=self.zero_atol,
                on_phase=lambda phase: progress.phase(name, phase),
            )
            progress.finish(name, "scored")
        finally:
            progress.close()
        entries = {name: found, **found.referees}
        console = wide_console()
        console.print(_told_rows(found, dataset, self.atol))
        print_table(
            console,
            ("normalized", *_JACOBIAN_COLUMNS, *_PREDICTION_COLUMNS),
            [[n, *_of_jacobians(s.normalized), *_of_predictions(s.prediction)] for n, s in entries.items()],
        )
        raw = [[n, *_of_jacobians(s.raw)] for n, s in entries.items()]
        print_table(console, ("raw", *_JACOBIAN_COLUMNS), raw)
        print_table(
            console,
            (f"{name}, normalized", "rows", *_JACOBIAN_COLUMNS, *_PREDICTION_COLUMNS),
            [
                [label, f"{part.rows:,}", *_of_jacobians(part.normalized), *_of_predictions(part.prediction)]
                for label, part in (("constraint", found.contact["active"]), ("none", found.contact["inactive"]))
            ],
        )
        console.print("Best: 1 for auprc, auroc, cosine and R2, 0 for the others. A dash: no meaning here.")
        if file is not None:
            file.write(self._record(found, dataset))
            console.print(f"wrote {file.path}")
        return 0

    def _record(self, found: ModelScore, dataset: Dataset) -> dict[str, Any]:
        import hashlib

        from dynsparse.provenance import collect_provenance

        words = ["dynsparse", "score", self.model.name, self.dataset.name, "--rows", str(self.rows)]
        words += ["--seed", str(self.seed), "--atol", repr(self.atol), "--zero-atol", repr(self.zero_atol)]
        words += [] if self.json is None else ["--json", self.json.name]  # the folder is the machine's own
        provenance = collect_provenance(
            shlex.join(words),
            self.seed,
            dataset=dataset.description.to_dict(),
            model={"name": self.model.name, "sha256": hashlib.sha256(self.model.read_bytes()).hexdigest()},
        )
        return {**found.to_dict(), "provenance": provenance.to_dict()}


def _told_rows(found: ModelScore, dataset: Dataset, atol: float) -> str:
    """Say which rows, thresholds and coordinates the numbers are of, a line each."""
    left_out = f" ({found.nonfinite_rows:,} are left out: not finite)" if found.nonfinite_rows else ""
    gives = "sizes of dependence, used as they are" if found.derivative == "dependency" else "Jacobians"
    return (
        f"{found.environment}, policy {found.policy}: {found.rows:,} of {dataset.rows:,} rows{left_out}. "
        f"The model gives {gives}.\n"
        f"Zeros: the simulator's below {found.zero_atol:g} in the data set's units, the model's below {atol:g}.\n"
        "Normalized: z-scores of all finite rows, also for MSE one control step ahead and after several."
    )


def _of_jacobians(scores: JacobianScores | None) -> list[str]:
    return [_cell(getattr(scores, attribute, None)) for attribute in _JACOBIAN_COLUMNS.values()]


def _of_predictions(scores: PredictionScores | None) -> list[str]:
    if scores is None:
        return [_cell(None)] * len(_PREDICTION_COLUMNS)
    rolled: Mapping[int, float | None] = {error.steps: error.mse for error in scores.open_loop}
    return [_cell(value) for value in (scores.mse, scores.r2, *(rolled[steps] for steps in _OPEN_LOOP))]


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
