"""What random directions in place of Jacobians cost in quality and save in time; what the printed factor does.

    dynsparse collect CheetahRun --policy paper --rows 20000 --out data/cheetah
    python results/learned_variants.py data/cheetah

writes results/learned_variants.json and learned_variants.md (ten minutes on one core).  Every variant is trained with
the same seeds, splits and first weights, for ten epochs; trainings are kept in out/learned_variants and not repeated.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from dynsparse.cli.learning_run import LearningPlan
from dynsparse.dataset import open_dataset
from dynsparse.executor import LocalExecutor, UnitStore, run_units
from dynsparse.learning.learn_data import LearnData, StoredRows
from dynsparse.learning.settings import LearnSettings
from dynsparse.learning.trainer import Trainer
from dynsparse.provenance import collect_provenance, script_command

RESULTS = Path(__file__).resolve().parent
SEEDS = (1, 2, 3)
EPOCHS = 10
TURNS = 3
VARIANTS: dict[str, tuple[str, int, str]] = {
    "state": ("state", 0, "derived"),
    "1 direction": ("state-jacobian", 1, "derived"),
    "2 directions": ("state-jacobian", 2, "derived"),
    "4 directions": ("state-jacobian", 4, "derived"),
    "8 directions": ("state-jacobian", 8, "derived"),
    "whole Jacobian": ("state-jacobian", 0, "derived"),
    "whole Jacobian, printed factor": ("state-jacobian", 0, "printed"),
}
SCORES = ("prediction.mse", "normalized.frobenius_error", "normalized.cosine", "normalized.auprc", "normalized.leak")


def measure(dataset: Path) -> list[dict[str, Any]]:
    """Train every variant, one at a time on one core; return medians over the seeds."""
    store = UnitStore(Path("out/learned_variants"))
    found = []
    for name, (loss, directions, factor) in VARIANTS.items():
        settings = LearnSettings(epochs=EPOCHS, factor=factor)
        plan = LearningPlan({"data": dataset}, (loss,), SEEDS, settings, directions)
        units = [unit for unit in plan.units() if unit.arguments["kind"] == "train"]
        outcome = run_units(units, store, LocalExecutor(1))
        if not outcome.complete:
            raise SystemExit(f"{name}: {next(iter(outcome.failed.values()))}")
        records = [record for unit in units if (record := store.record(unit.key)) is not None]
        found.append({"variant": name, **{score: _median(records, score) for score in SCORES}})
        print(found[-1], flush=True)
    for row, rate in zip(found, speeds(dataset), strict=True):
        row["steps_per_s"] = rate
    return found


def speeds(dataset: Path) -> list[float]:
    """Return gradient steps/s of every variant: the median of epochs that take turns, in this process."""
    rows = StoredRows.read(open_dataset(dataset))
    trainers = []
    for loss, directions, factor in VARIANTS.values():
        settings = LearnSettings(loss=loss, jacobian_directions=directions, factor=factor)
        trainers.append(Trainer(settings, LearnData.prepare(rows, settings).train))
    rates: list[list[float]] = [[] for _ in trainers]
    for turn in range(TURNS + 1):
        for trainer, found in zip(trainers, rates, strict=True):
            began = time.perf_counter()
            steps = len(trainer.epoch())
            if turn:  # the first compiles
                found.append(steps / (time.perf_counter() - began))
    return [statistics.median(found) for found in rates]


def _median(records: list[dict[str, Any]], score: str) -> float:
    part, name = score.split(".")
    return statistics.median(record["result"]["final"]["episode"][part][name] for record in records)


def table(found: list[dict[str, Any]]) -> str:
    """Return the Markdown."""
    lines = [
        "# Random directions in place of Jacobians, and the printed factor",
        "",
        f"Loss `state-jacobian` on CheetahRun, `paper` policy, {EPOCHS} epochs; medians of {len(SEEDS)} seeds on whole "
        "episodes that were never trained on. Steps/s: epochs that took turns in one process.",
        "",
        "| variant | steps/s | one-step MSE | relative error of J | cosine | AUPRC | leak |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in found:
        scores = " | ".join(f"{row[score]:.3g}" for score in SCORES)
        lines.append(f"| {row['variant']} | {row['steps_per_s']:.1f} | {scores} |")
    return "\n".join([*lines, "", "`python results/learned_variants.py DATASET` prints and writes this.", ""])


def main() -> None:
    """Measure, and write both files."""
    found = measure(Path(sys.argv[1]))
    record = {"schema": 1, "variants": found, "provenance": collect_provenance(script_command(), SEEDS[0]).to_dict()}
    (RESULTS / "learned_variants.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    (RESULTS / "learned_variants.md").write_text(table(found), encoding="utf-8")


if __name__ == "__main__":
    main()
