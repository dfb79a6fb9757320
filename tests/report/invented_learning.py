"""Invented records of trainings: nothing here was measured, only the ranges are those of the paper's figures.

One number after the other is drawn around what a loss and an environment would give, so that figures have something to
show and tests can compute what they must show.
"""

from __future__ import annotations

import hashlib
import json

import numpy as np

ENVIRONMENTS = (
    "BallInCup",
    "CartpoleBalance",
    "CheetahRun",
    "FingerSpin",
    "FingerTurnEasy",
    "ReacherHard",
    "SwimmerSwimmer6",
    "WalkerRun",
)
LOSSES = (
    "state",
    "state-jacobian",
    "state-jacobian-l1",
    "state-jacobian-l1-regularizer",
    "state-jacobian-l1-sparse-only",
)
REFEREES = ("constant", "identity", "all-ones", "training-frequency", "truth")
STEPS = (1, 5, 10, 25, 50)

# Of each loss: error and sparsity as factors, area and leak.
_EFFECTS = {
    "state": (1.0, 1.0, 0.62, 0.31),
    "state-jacobian": (1.5, 30.0, 0.71, 0.18),
    "state-jacobian-l1": (0.9, 60.0, 0.83, 0.08),
    "state-jacobian-l1-regularizer": (3.0, 200.0, 0.66, 0.25),
    "state-jacobian-l1-sparse-only": (1.02, 90.0, 0.79, 0.05),
}


def _digest(*parts):
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def jacobian_scores(**given):
    scores = {
        "auprc": 0.7, "auroc": 0.75, "auprc_changing": 0.6, "auroc_changing": 0.65, "leak": 0.2, "miss": 0.01,
        "frobenius_error": 0.5, "cosine": 0.8, "sparsity": 1e-4, "true_sparsity": 0.2, "rows": 2000, "elements": 96000,
        "changing": 40000, "atol": 1e-6,
    }  # fmt: skip
    return scores | given


def prediction(mse, growth=1.6, dimensions=4):
    loop = [{"steps": k, "mse": float(mse * k**growth), "windows": 40} for k in STEPS]
    return {
        "mse": float(mse), "mse_per_dimension": [float(mse)] * dimensions, "r2": 1 - 5 * float(mse),
        "r2_per_dimension": [1 - 5 * float(mse)] * (dimensions - 1) + [None], "open_loop": loop,
    }  # fmt: skip


def sweep(sparsity):
    return [
        {"atol": float(f"1e{k}"), "sparsity": float(min(1.0, sparsity * 10.0 ** (0.9 * (k + 6))) if k > -11 else 0.0)}
        for k in range(-12, 0)
    ]


def score_dict(environment, normalized, *, predicted=None, derivative="jax"):
    """A ScoreDict with both coordinates the same but for the leak."""
    contact = {
        "active": {
            "rows": 800,
            "normalized": normalized | {"auprc": _less(normalized["auprc"], 0.08)},
            "prediction": predicted and prediction(3 * predicted["mse"]),
        },
        "inactive": {
            "rows": 1200,
            "normalized": normalized,
            "prediction": predicted and prediction(0.5 * predicted["mse"]),
        },
    }
    if environment in ("CartpoleBalance", "ReacherHard"):
        contact["active"] = {"rows": 0, "normalized": None, "prediction": None}
    raw = normalized | {"leak": None if normalized["leak"] is None else normalized["leak"] / 2}
    return {
        "schema": 1, "environment": environment, "policy": "expert", "rows": 2000, "derivative": derivative,
        "normalized": normalized, "raw": raw, "prediction": predicted, "contact": contact,
        "threshold_sweep": sweep(normalized["sparsity"]),
    }  # fmt: skip


def _less(value, by):
    return None if value is None else max(0.0, value - by)


def training(environment, loss, seed, *, failed=False, epochs=100, splits=("step", "episode"), zero=False, **settings):
    """A record of one training; ``zero`` makes no element of it fall below the threshold."""
    generator = np.random.default_rng(int(_digest(environment, loss, seed)[:8], 16))
    place = ENVIRONMENTS.index(environment) if environment in ENVIRONMENTS else 0
    true = (0.275, 0.19, 0.15, 0.43, 0.4, 0.2, 0.12, 0.11)[place]
    error, sparse, area, leak = _EFFECTS.get(loss, (1.0, 10.0, 0.7, 0.2))
    jitter = generator.standard_normal(5)
    mse = 1e-4 * 10 ** (place / 3.5) * error * np.exp(0.15 * jitter[0])
    initial = 1e-6 * 10 ** (place / 8) * np.exp(0.1 * jitter[1])
    sparsity = 0.0 if zero else min(0.4, initial * 8 * sparse * np.exp(0.5 * jitter[1]))
    unit = {
        "kind": "train",
        "environment": environment,
        "dataset": {"rows": 20000, "policy": "expert", "hash": _digest(environment)},
        "settings": {"loss": loss, "seed": seed, "learning_rate": 0.002, "epochs": epochs, "atol": 1e-12} | settings,
    }
    final, first, curve = {}, {}, {"epoch": list(range(epochs + 1))}
    for split in ("step", "episode"):
        if split not in splits:
            final[split] = first[split] = curve[f"test_{split}"] = None
            continue
        worse = mse * (1.0 if split == "step" else 1.8)
        scores = jacobian_scores(
            auprc=float(np.clip(area + 0.02 * jitter[2], 0, 1)),
            auroc=float(np.clip(area + 0.05 + 0.02 * jitter[2], 0, 1)),
            auprc_changing=None if environment == "CartpoleBalance" else float(np.clip(area - 0.1, 0, 1)),
            auroc_changing=None if environment == "CartpoleBalance" else float(np.clip(area - 0.05, 0, 1)),
            leak=float(leak * np.exp(0.1 * jitter[3])),
            miss=float(0.001 * sparse**0.7),
            sparsity=float(sparsity),
            true_sparsity=true,
        )
        final[split] = score_dict(environment, scores, predicted=prediction(worse))
        first[split] = {"sparsity": float(initial), "true_sparsity": true, "mse": 2.5}
        fall = 2.5 * np.exp(-np.arange(epochs + 1) / (epochs / 12)) + worse
        curve[f"test_{split}"] = [float(x) for x in fall * np.exp(0.05 * generator.standard_normal(epochs + 1))]
    curve |= {"train_state": [None] + [0.1] * epochs, "train_jacobian": [None] + [0.1] * epochs}
    result = {
        "environment": environment, "policy": "expert", "rows": {"train": 16000, "step": 2000, "episode": 2000},
        "curve": curve, "initial": first, "final": final,
    }  # fmt: skip
    return _record(unit, result, "the loss is not finite after epoch 3; lower the learning rate" if failed else None)


def referees(environment, *, failed=False, seed=0):
    """A record of all referees on one data set."""
    place = ENVIRONMENTS.index(environment) if environment in ENVIRONMENTS else 0
    true = (0.275, 0.19, 0.15, 0.43, 0.4, 0.2, 0.12, 0.11)[place]
    one_class = {"auprc_changing": None, "auroc_changing": None} if environment == "CartpoleBalance" else {}
    nothing = {"frobenius_error": None, "cosine": None, "miss": None}
    judged = {
        "constant": (
            jacobian_scores(
                auprc=1 - true, auroc=0.5, auprc_changing=0.5, auroc_changing=0.5, leak=None, miss=1.0,
                frobenius_error=1.0, cosine=0.0, sparsity=1.0, true_sparsity=true,
            )
            | one_class,
            prediction(1.0, 0.1),
        ),
        "identity": (
            jacobian_scores(
                auprc=0.87, auroc=0.55, auprc_changing=0.52, auroc_changing=0.5, leak=0.0, miss=0.85,
                frobenius_error=0.7, cosine=0.6, sparsity=0.9, true_sparsity=true,
            )
            | one_class,
            prediction(0.01 * (1 + place), 1.0),
        ),
        "all-ones": (
            jacobian_scores(
                auprc=1 - true, auroc=0.5, auprc_changing=0.5, auroc_changing=0.5, leak=true, sparsity=0.0,
                true_sparsity=true,
            )
            | nothing
            | one_class,
            None,
        ),
        "training-frequency": (
            jacobian_scores(
                auprc=0.93, auroc=0.9, auprc_changing=0.8, auroc_changing=0.78, leak=true / 3, sparsity=0.05,
                true_sparsity=true,
            )
            | nothing
            | one_class,
            None,
        ),
        "truth": (
            jacobian_scores(
                auprc=1.0, auroc=1.0, auprc_changing=1.0, auroc_changing=1.0, leak=0.0, miss=0.0, frobenius_error=0.0,
                cosine=1.0, sparsity=true, true_sparsity=true,
            )
            | one_class,
            None,
        ),
    }  # fmt: skip
    scores = {
        name: {split: score_dict(environment, jacobian, predicted=predicted) for split in ("step", "episode")}
        for name, (jacobian, predicted) in judged.items()
    }
    unit = {"kind": "referees", "environment": environment, "dataset": {"rows": 20000}, "settings": {"seed": seed}}
    result = {"environment": environment, "policy": "expert", "referees": scores}
    return _record(unit, result, "no rows" if failed else None)


def _record(unit, result, error):
    return {
        "schema": 1, "key": _digest(unit), "unit": unit, "status": "failed" if error else "done", "error": error,
        "result": None if error else result, "measured": {"seconds": 1.0}, "provenance": {},
    }  # fmt: skip


def write(folder, records):
    """Write records as the files of a run; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for record in records:
        (folder / f"{record['key']}.json").write_text(json.dumps(record), encoding="utf-8")
    return folder


def sweep_of(environments=ENVIRONMENTS, losses=LOSSES, seeds=(0, 1, 2), *, failing=(), absent=(), **more):
    """Records of a whole sweep, referees among them; ``failing`` and ``absent`` are (environment, loss, seed)."""
    runs = [(e, loss, s) for e in environments for loss in losses for s in seeds]
    records = [training(*run, failed=run in failing, **more) for run in runs if run not in absent]
    return records + [referees(environment) for environment in environments]
