"""Records of trainings whose scores are those of ``results/learned_small.csv``: measured ones, as far as it holds them.

Of three seeds the ends of a percentile interval are the least and the greatest value, each of which is drawn three
times in one of 27 cases; with the mean that gives the third.  Which seed had which is not on record.
"""

from __future__ import annotations

import csv

from .invented_learning import sweep_of

SEEDS = (1, 2, 3)
_SCORES = {
    "prediction.mse": ("prediction", "mse"),
    **{f"normalized.{name}": ("normalized", name) for name in ("sparsity", "auprc", "auprc_changing", "auroc", "leak")},
}


def measured_sweep(checkout, **more):
    """Records of a sweep of all losses and environments with the measured scores; all else is invented."""
    with (checkout / "results/learned_small.csv").open(newline="") as file:
        rows = {
            tuple(row[name] for name in ("environment", "split", "label", "metric")): row
            for row in csv.DictReader(file)
        }
    records = sweep_of(seeds=SEEDS, **more)
    for record in records:
        unit = record["unit"]
        if unit["kind"] != "train":
            continue
        place = SEEDS.index(unit["settings"]["seed"])
        for split, scores in record["result"]["final"].items():
            for metric, (group, name) in _SCORES.items():
                row = rows[unit["environment"], split, unit["settings"]["loss"], metric]
                scores[group][name] = _seeds(row)[place]
    return records


def _seeds(row):
    if not row["value"]:
        return (None,) * 3
    mean, low, high = (float(row[name]) for name in ("value", "low", "high"))
    # What rounding to five figures leaves of nothing is nothing.
    middle = min(max(3 * mean - low - high, low), high)
    return low, high, middle if middle > 1e-4 * high else 0.0
