"""World models on either derivative: a twin of a data set with the other Jacobians, and trainings on both."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dynsparse.errors import ExecutorError

if TYPE_CHECKING:
    from dynsparse.analysis.derivative_record import DerivativeRecord, TruthScore
    from dynsparse.dataset import Dataset
    from dynsparse.executor import Executor, Unit, UnitStore
    from dynsparse.executor.protocol import OnEvent
    from dynsparse.learning.settings import LearnSettings
    from dynsparse.physics.environment import Environment

__all__ = ["LOSSES", "DerivativeLearning", "write_twin"]

LOSSES = ("state", "state-jacobian-l1")
"""One that never sees a Jacobian, so that only the scores can differ, and one that is trained on it."""

_LEARNING = "learning"
"""Entry of a record's provenance that says what decided its scores."""

_METRICS = (
    "prediction.mse",
    *(f"normalized.{name}" for name in ("auprc", "auroc", "auprc_changing", "leak", "miss", "sparsity")),
)


@dataclass(frozen=True)
class DerivativeLearning:
    """Trainings on the exact Jacobians of a data set, and on plain autodiff's of the same rows.

    Attributes:
        folder: Where twins (``autodiff/ENV``) and records (``units``) go; both are resumed.
        settings: Of every training but for loss and seed.
        seeds: Seeds; the same for either derivative, so that they can be paired.
        executor: Where it is trained.
        losses: Names of losses.
        on_units: Told which trainings there will be; returns who is told how far they are.
        beside: Folder of records in which trainings on the exact Jacobians may be done already; None for none.
    """

    folder: Path
    settings: LearnSettings
    seeds: tuple[int, ...]
    executor: Executor
    losses: tuple[str, ...] = LOSSES
    on_units: Callable[[Sequence[Unit]], OnEvent] = lambda _units: lambda _event: None
    beside: Path | None = None

    def is_done(self, record: DerivativeRecord) -> bool:
        """Whether a record has the scores of exactly these trainings."""
        return bool(record.scores) and record.provenance.get(_LEARNING) == self._decided(record.provenance)

    def _decided(self, provenance: Mapping[str, Any]) -> dict[str, Any]:
        """Return what decides the scores, as the record keeps it: the trainings' settings, and of which data."""
        from dynsparse.executor.unit import deciding_versions

        decided = {
            "settings": self.settings.to_dict(),
            "seeds": self.seeds,
            "losses": self.losses,
            "versions": dict(deciding_versions()),
            "dataset": provenance.get("extra", {}).get("dataset"),
        }
        return dict(json.loads(json.dumps(decided)))

    def extend(
        self,
        record: DerivativeRecord,
        dataset: Dataset,
        env: Environment,
        workers: int,
        on_phase: Callable[[str], None] = lambda _phase: None,
        on_rows: Callable[[int], None] = lambda _rows: None,
    ) -> DerivativeRecord:
        """Train what is not there yet, and add the scores to a record.

        Args:
            record: What they are added to.
            dataset: The data set with the exact Jacobians; all of its rows are used.
            env: Its environment.
            workers: Worker processes for the twin; 0 for one on each usable core.
            on_phase: Told "linearize" when the twin is begun.
            on_rows: Told how many rows of the twin are there.

        Returns:
            The record with the scores.

        Raises:
            ExecutorError: A training failed; says why.
            SettingError: The data set is too small to split.
            OutputError: The folder can not be written.
            WorkerError: A worker died or hung.
        """
        from dynsparse.executor import UnitStore, run_units
        from dynsparse.learning.learn_data import refuse_too_small

        refuse_too_small(dataset, self.settings, self.seeds)
        on_phase("linearize")
        twin = self.folder / "autodiff" / dataset.environment
        write_twin(dataset, env, twin, workers=workers, on_rows=on_rows)
        units = {"exact": self._units(dataset.environment, dataset.path), "autodiff": self._units(env.name, twin)}
        store = UnitStore(self.folder / "units")
        known = store if self.beside is None else UnitStore(self.beside)
        # The same unit has the same result, in whichever folder it is kept.
        stores = {unit.key: known if known.is_done(unit.key) else store for found in units.values() for unit in found}
        asked = [unit for found in units.values() for unit in found if stores[unit.key] is store]
        outcome = run_units(asked, store, self.executor, on_event=self.on_units(asked))
        if outcome.failed:
            first = next(iter(outcome.failed.values()))
            raise ExecutorError(
                f"{len(outcome.failed)} of {len(asked)} trainings of {env.name} failed, the first of: {first}; "
                "run the same again"
            )
        scores = [
            score for name, found in units.items() for unit in found for score in _scores(stores[unit.key], unit, name)
        ]
        provenance = {**record.provenance, _LEARNING: self._decided(record.provenance)}
        return replace(record, scores=tuple(scores), provenance=provenance)

    def _units(self, environment: str, path: Path) -> list[Unit]:
        from dynsparse.cli.learning_run import LearningPlan

        plan = LearningPlan({environment: path}, self.losses, self.seeds, self.settings)
        return [unit for unit in plan.units() if unit.arguments["kind"] == "train"]


def write_twin(
    dataset: Dataset,
    env: Environment,
    path: Path,
    *,
    workers: int = 0,
    on_rows: Callable[[int], None] = lambda _rows: None,
) -> None:
    """Write a data set of the same rows with plain autodiff's Jacobians, or go on with one.

    It is the data set that ``collect --derivative autodiff`` makes with the same settings, whichever policy acted: the
    rows are not rolled out again.

    Args:
        dataset: The data set.
        env: Its environment.
        path: Folder of the twin.
        workers: Worker processes; 0 for one on each usable core.
        on_rows: Told how many rows are there.

    Raises:
        OutputExistsError: Something else is there.
        WorkerError: A worker died or hung.
    """
    from dynsparse.dataset import create_dataset
    from dynsparse.dataset.rows import finite_rows
    from dynsparse.physics.linearizer import Linearizer

    description = replace(dataset.description, derivative="autodiff")
    with create_dataset(path, description, resume=True) as writer:
        missing = set(writer.missing)
        if not missing:
            return
        done = 0
        with Linearizer(env, "autodiff", workers=workers) as linearizer:
            for block in dataset.blocks():
                done += len(block.arrays["t"])
                if block.number not in missing:
                    continue
                arrays = dict(block.arrays)
                found = linearizer.linearize(arrays["state"], arrays["action"], arrays["warmstart"])
                arrays |= {"jac_state": found.jac_state, "jac_action": found.jac_action}
                arrays["finite"] = finite_rows({name: a for name, a in arrays.items() if name != "finite"})
                writer.commit(block.number, arrays)
                on_rows(done)


def _scores(store: UnitStore, unit: Unit, derivative: str) -> list[TruthScore]:
    """Read the scores of a training that is done, on each of its test sets."""
    from dynsparse.analysis.derivative_record import TruthScore
    from dynsparse.report.flat_scores import flat_scores

    record = store.record(unit.key)
    if record is None or record["status"] != "done":
        raise ExecutorError(f"expected a training that is done, {unit.key[:12]} is not; run the same again")
    result, settings = record["result"], unit.arguments["settings"]
    flat = flat_scores(result["final"], result["initial"], result["environment"])
    return [
        TruthScore(
            derivative,
            settings["loss"],
            settings["seed"],
            split,
            {name: metrics.get(name) for name in _METRICS},
        )
        for split, metrics in flat.items()
    ]
