"""Q4 with the small preset: what is kept of it here, and how long it took.

    dynsparse reproduce --preset small --policy paper --only q4 --out out/small
    python results/learned_small.py out/small

writes results/learned_small.csv (scores that the documentation speaks of, of every environment), learned_small.md
(those over all environments), learned_small.json (settings, seconds, machine) and pictures in docs/images/learned.
"""

from __future__ import annotations

import csv
import json
import shutil
import statistics
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from dynsparse.dataset import open_dataset
from dynsparse.learning.normalizer import Normalizer
from dynsparse.provenance import collect_provenance, script_command

RESULTS = Path(__file__).resolve().parent
PICTURES = RESULTS.parent / "docs" / "images" / "learned"
FIGURES = {
    "figure-8-step": "figure8-step",
    "figure-a2-1-episode": "curves-episode",
    "figure-a2-2-step": "relative-sparsity-step",
    "learning-recovery-episode": "recovery-episode",
}
"""Figure -> its picture in the docs."""
JACOBIAN = (
    "auprc",
    "auroc",
    "auprc_changing",
    "auroc_changing",
    "leak",
    "miss",
    "frobenius_error",
    "cosine",
    "sparsity",
)
METRICS = (
    "prediction.mse",
    "prediction.r2",
    "prediction.open_loop.25",
    *(f"normalized.{name}" for name in (*JACOBIAN, "relative_sparsity")),
)


def ship(folder: Path) -> None:
    """Copy what is small, and sum up what it took."""
    with (folder / "tables" / "learning-scores.csv").open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        names = list(reader.fieldnames or [])
        rows = [row for row in reader if row["metric"] in METRICS]
    with (RESULTS / "learned_small.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: _short(value) for name, value in row.items()} for row in rows)
    records = [
        json.loads(path.read_text(encoding="utf-8")) for path in sorted((folder / "learning" / "units").glob("*.json"))
    ]
    summary = summed_up(records) | {"squares_in_largest_thousandth": heaviness(folder / "data")}
    (RESULTS / "learned_small.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    whole = (folder / "tables" / "learning-scores.md").read_text(encoding="utf-8")
    parts = [part for part in whole.split("\n## ") if part.startswith("All environments")]
    head = whole.split("\n## ")[0].replace(
        "# Scores of learned world models", "# Scores of learned world models, small preset"
    )
    made = "`python results/learned_small.py out/small` writes this; every environment is in learned_small.csv."
    (RESULTS / "learned_small.md").write_text(
        "\n## ".join([f"{head.rstrip()}\n\n{made}\n", *parts]).rstrip() + "\n", encoding="utf-8"
    )
    PICTURES.mkdir(parents=True, exist_ok=True)
    for name, picture in FIGURES.items():
        shutil.copyfile(folder / "figures" / f"{name}.png", PICTURES / f"{picture}.png")


def summed_up(records: list[dict[str, Any]]) -> dict[str, Any]:
    """Return settings, and seconds of each environment and loss."""
    trained = [record for record in records if record["unit"]["kind"] == "train" and record["status"] == "done"]
    groups: dict[str, dict[str, list[float]]] = {}
    for record in trained:
        by_loss = groups.setdefault(record["unit"]["environment"], {})
        by_loss.setdefault(record["unit"]["settings"]["loss"], []).append(record["measured"]["seconds"])
    cost = {
        (environment, loss): statistics.median(
            record["measured"]["training_seconds"] / record["measured"]["steps"]
            for record in trained
            if (record["unit"]["environment"], record["unit"]["settings"]["loss"]) == (environment, loss)
        )
        for environment, by_loss in groups.items()
        for loss in by_loss
    }
    settings = {key: value for key, value in trained[0]["unit"]["settings"].items() if key not in ("loss", "seed")}
    return {
        "schema": 1,
        "settings": settings,
        "seeds": sorted({record["unit"]["settings"]["seed"] for record in trained}),
        "rows": trained[0]["result"]["rows"],
        "units": dict(Counter(f"{record['unit']['kind']}, {record['status']}" for record in records)),
        "core_seconds": sum(record["measured"]["seconds"] for record in records if record["status"] == "done"),
        "median_seconds_of_a_training": {
            name: {loss: round(statistics.median(seconds), 1) for loss, seconds in by_loss.items()}
            for name, by_loss in groups.items()
        },
        "milliseconds_of_a_step": {
            name: {loss: round(1000 * cost[name, loss], 1) for loss in by_loss} for name, by_loss in groups.items()
        },
        # 15 seeds, 100 epochs of what is left of 1,000,000 rows; gradient steps alone, at the speed measured here.
        "paper_preset_core_hours": sum(cost.values()) * 15 * 100 * (810_000 // settings["batch_size"]) / 3600,
        "trained": trained[0]["provenance"],
        "provenance": collect_provenance(script_command(), None).to_dict(),
    }


def heaviness(data: Path) -> dict[str, float]:
    """Return which share of the sum of squares of all normalised elements the largest thousandth of them have."""
    found = {}
    for path in sorted(data.iterdir()):
        arrays = open_dataset(path).load(["state", "action", "next_state", "jac_state", "jac_action"])
        squares = Normalizer.fit([arrays]).jacobians(arrays["jac_state"], arrays["jac_action"]).ravel() ** 2
        largest = np.sort(squares)[-(squares.size // 1000) :]
        found[path.name] = round(float(largest.sum() / squares.sum()), 3)
    return found


def _short(value: str) -> str:
    try:
        return f"{float(value):.5g}" if "." in value or "e" in value else value
    except ValueError:
        return value


if __name__ == "__main__":
    ship(Path(sys.argv[1]))
