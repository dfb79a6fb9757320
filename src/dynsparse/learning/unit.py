"""Unit: one training with its scores, or the referees' scores, from plain values to plain values."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dynsparse.dataset import open_dataset
from dynsparse.errors import DatasetError, DivergenceError
from dynsparse.learning.learn_data import LearnData, StoredRows
from dynsparse.learning.learned_model import LearnedModel
from dynsparse.learning.losses import needs_jacobian
from dynsparse.learning.predictions import predict
from dynsparse.learning.score import score_referees, score_rows
from dynsparse.learning.scored_rows import ScoredRows
from dynsparse.learning.settings import LearnSettings
from dynsparse.learning.trainer import Trainer
from dynsparse.provenance import content_hash

__all__ = ["KINDS", "UnitResult", "dataset_identity", "run_unit"]

KINDS = ("train", "curve", "referees")
"""A training with its scores and its network; one of which only the learning curve is kept; the referees' scores."""

Tell = Callable[[int, int, str], None]


class UnitResult(NamedTuple):
    """What a unit found.

    Attributes:
        record: Plain JSON values that depend on the unit alone.
        arrays: Name to array: the trained network and its normaliser.
        measured: Plain JSON values that depend on the machine as well.
    """

    record: dict[str, Any]
    arrays: dict[str, NDArray[Any]]
    measured: dict[str, Any]


def dataset_identity(path: str) -> dict[str, Any]:
    """Return what tells a data set from others, wherever it lies: what it holds, and how many rows are committed.

    Raises:
        DatasetError: If there is none, or no row is committed.
    """
    dataset = open_dataset(path)
    return {"description_sha256": content_hash(dataset.description.to_dict()), "rows": dataset.rows}


def run_unit(arguments: Mapping[str, Any], context: Mapping[str, str], tell: Tell) -> UnitResult:
    """Train a model and score it, train one for its learning curve alone, or score the referees.

    Args:
        arguments: ``kind`` (one of ``KINDS``), ``environment``, ``dataset`` (see ``dataset_identity``) and ``settings``
            (see ``LearnSettings.to_dict``).
        context: ``dataset``, the folder of the data set.
        tell: Told how far it is: epochs done, of how many, and the last loss in words.

    Returns:
        The result; its record is bitwise the same on one machine with the same versions.

    Raises:
        DatasetError: If the folder holds another data set.
        DivergenceError: If a loss is not finite any more.
        SettingError: If the settings can not be used with these rows.
    """
    settings = LearnSettings(**arguments["settings"])
    rows = _stored_rows(context["dataset"], arguments["dataset"]["description_sha256"], arguments["dataset"]["rows"])
    began = time.perf_counter()
    data = LearnData.prepare(rows, settings)
    about = {"environment": rows.environment, "policy": rows.policy}
    if arguments["kind"] == "referees":
        found = {name: score_referees(test, atol=settings.model_atol) for name, test in data.tests.items()}
        names = list(next(iter(found.values())))
        scores = {name: {test: found[test][name].to_dict() for test in found} for name in names}
        return UnitResult(about | {"referees": scores}, {}, {"seconds": time.perf_counter() - began})
    trainer = Trainer(settings, data.train)
    model = LearnedModel(trainer, data.normalizer)
    if arguments["kind"] == "curve":
        curve, _ = _train(trainer, data, settings, tell)
        return UnitResult(about | {"curve": curve}, {}, {"seconds": time.perf_counter() - began})
    initial = {name: _initial(model, test, settings.model_atol) for name, test in data.tests.items()}
    curve, training_seconds = _train(trainer, data, settings, tell)
    scores = {name: score_rows(model, test, atol=settings.model_atol).to_dict() for name, test in data.tests.items()}
    counts = {"train": len(data.train.inputs)} | {name: len(test) for name, test in data.tests.items()}
    record = about | {
        "state_names": list(rows.state_names),
        "rows": counts,
        "episodes": dict(data.episodes),
        "curve": curve,
        "initial": initial,
        "final": scores,
    }
    steps = settings.epochs * (len(data.train.inputs) // settings.batch_size)
    measured = {"seconds": time.perf_counter() - began, "training_seconds": training_seconds, "steps": steps}
    return UnitResult(record, _arrays(model), measured)


def _train(
    trainer: Trainer, data: LearnData, settings: LearnSettings, tell: Tell
) -> tuple[dict[str, list[Any]], float]:
    """Train to the end; return the learning curve and the seconds of its gradient steps."""
    tests = {name: (test, data.normalizer.outputs(test.next_state)) for name, test in data.tests.items()}
    inputs = {name: data.normalizer.inputs(test.state, test.action) for name, test in data.tests.items()}

    def tested() -> dict[str, float]:
        return {
            name: float(np.mean((trainer.predict(inputs[name]) - wanted) ** 2)) for name, (_, wanted) in tests.items()
        }

    curve: dict[str, list[Any]] = {"epoch": [0], "train_state": [None], "train_jacobian": [None]}
    curve |= {f"test_{name}": [error] for name, error in tested().items()}
    seconds = 0.0
    for epoch in range(1, settings.epochs + 1):
        began = time.perf_counter()
        terms = trainer.epoch().astype(np.float64)
        seconds += time.perf_counter() - began
        errors = tested()
        if not (np.isfinite(terms).all() and np.isfinite(list(errors.values())).all()):
            raise DivergenceError(
                f"the loss {settings.loss} with seed {settings.seed} diverged in epoch {epoch} of {settings.epochs}; "
                f"try a smaller learning rate{' or weight of the Jacobian' if needs_jacobian(settings.loss) else ''}"
            )
        state, jacobian = terms.mean(axis=0)
        curve["epoch"].append(epoch)
        curve["train_state"].append(float(state))
        curve["train_jacobian"].append(float(jacobian))
        for name, error in errors.items():
            curve[f"test_{name}"].append(error)
        tell(epoch, settings.epochs, f"test error {next(iter(errors.values())):.2e}")
    return curve, seconds


def _initial(model: LearnedModel, test: ScoredRows, atol: float) -> dict[str, float]:
    """Return what a model is before training."""
    normalizer = model.normalizer
    found, jacobians = model.trainer.jacobians(normalizer.inputs(test.state, test.action))
    if not test.space.is_flat:
        jacobians = predict(model, test).jacobian * test.jacobian_factor
    return {
        "sparsity": float((np.abs(jacobians) < atol).mean()),
        "true_sparsity": float(test.zero.mean()),
        "mse": float(np.mean((found - normalizer.outputs(test.next_state)) ** 2)),
    }


def _arrays(model: LearnedModel) -> dict[str, NDArray[Any]]:
    """Return the network and its normaliser under plain names."""
    arrays: dict[str, NDArray[Any]] = {}
    for index, layer in enumerate(model.trainer.params):
        arrays |= {f"layer_{index}_kernel": np.asarray(layer.kernel), f"layer_{index}_bias": np.asarray(layer.bias)}
    parts = {name: value for name, value in asdict(model.normalizer).items() if name != "epsilon"}
    return arrays | {f"normalizer_{name}": np.asarray(value) for name, value in parts.items()}


_held: dict[tuple[str, str, int], StoredRows] = {}
"""The data set of the unit before: units of one follow each other."""


def _stored_rows(path: str, description_sha256: str, rows: int) -> StoredRows:
    """Read a data set once for the units that follow each other."""
    name = (path, description_sha256, rows)
    if name not in _held:
        _held.clear()  # before another is read: two would not fit where one just does
        found = dataset_identity(path)
        if found != {"description_sha256": description_sha256, "rows": rows}:
            raise DatasetError(
                f"expected the data set that the units were planned for ({rows} rows), {path} holds another one "
                f"({found['rows']} rows); plan again: choose another --out"
            )
        _held[name] = StoredRows.read(open_dataset(path))
    return _held[name]
