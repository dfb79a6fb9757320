"""Learning records: what trained models and their referees left in files, read strictly."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from dynsparse.errors import InputError
from dynsparse.report.flat_scores import SCHEMA, SPLITS, Metrics, finite_number, flat_scores

__all__ = ["LearningRecords", "Referee", "Training", "read_learning_records"]


@dataclass(frozen=True)
class Training:
    """One trained model, or the attempt at one.

    Attributes:
        key: Name of the unit.
        environment: Name of the environment.
        loss: Name of the loss.
        seed: Its seed.
        settings: Everything else that decides the model.
        dataset: What it was trained on.
        error: Why there is no result; None for a model that is done.
        rows: How many rows it was trained and tested on, by name.
        metrics: Split -> metric by dotted name, e.g. ``"normalized.auprc"``; None where it has no meaning.
        epochs: (e,) epochs after which the model was tested, 0 before training.
        curves: Split -> (e,) one-step mean squared error; None where it has no meaning.
        state_names: (ds,) names of the state variables; empty where the record has none.
        policy: Who acted while the data set was recorded; empty where there is no result.
        episodes: Of how many episodes these rows are, by the same names; empty in older records.
    """

    key: str
    environment: str
    loss: str
    seed: int
    settings: Mapping[str, Any]
    dataset: Mapping[str, Any]
    error: str | None
    rows: Mapping[str, int]
    metrics: Mapping[str, Metrics]
    epochs: tuple[int, ...]
    curves: Mapping[str, tuple[float | None, ...]]
    state_names: tuple[str, ...] = ()
    policy: str = ""
    episodes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Referee:
    """One referee on one data set, or the attempt at one; ``name`` is empty where all of them failed together.

    Attributes:
        key: Name of the unit.
        environment: Name of the environment.
        name: For example ``"training-frequency"``.
        seed: Seed of the split of the data.
        error: Why there is no result; None for one that is done.
        metrics: As those of a training.
    """

    key: str
    environment: str
    name: str
    seed: int
    error: str | None
    metrics: Mapping[str, Metrics]


@dataclass(frozen=True)
class LearningRecords:
    """All records of a folder, sorted by environment, loss and seed.

    Attributes:
        trainings: The models.
        referees: The referees.
    """

    trainings: tuple[Training, ...]
    referees: tuple[Referee, ...]


def read_learning_records(folder: str | os.PathLike[str], keys: Collection[str] | None = None) -> LearningRecords:
    """Read the records of trainings and of referees, ``KEY.json`` each.

    Args:
        folder: Folder of the records.
        keys: Which to read, for a folder that holds those of other runs too; None for all.  One that has no file is no
            record: whoever expects it learns from the table that it is missing.

    Returns:
        The records.

    Raises:
        InputError: If there is none, or one is damaged, of another schema or kind, or stands twice.
    """
    # A file that is not whole yet begins with a full stop.
    paths = sorted(path for path in Path(folder).glob("*.json") if not path.name.startswith("."))
    paths = [path for path in paths if keys is None or path.stem in keys]
    if not paths:
        raise InputError(f"expected records of trained models in {folder}, found none; train some (dynsparse learn)")
    trainings: list[Training] = []
    referees: list[Referee] = []
    for path in paths:
        _read(path, trainings, referees)
    _refuse_twice([(record.environment, record.loss, record.seed) for record in trainings])
    _refuse_twice([(record.environment, record.name, record.seed) for record in referees])
    return LearningRecords(
        tuple(sorted(trainings, key=lambda record: (record.environment, record.loss, record.seed))),
        tuple(sorted(referees, key=lambda record: (record.environment, record.name, record.seed))),
    )


def _read(path: Path, trainings: list[Training], referees: list[Referee]) -> None:
    """Read one file into one of the lists."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse_constant)
        if record["schema"] != SCHEMA:
            raise ValueError(f"schema {record['schema']!r}, not {SCHEMA}")
        if record["key"] != path.stem:
            raise ValueError(f"key {record['key']!r}")
        if record["status"] not in ("done", "failed"):
            raise ValueError(f"status {record['status']!r}")
        kinds: Mapping[str, Callable[[Mapping[str, Any]], None]] = {
            "train": lambda found: trainings.append(_training(found)),
            "referees": lambda found: referees.extend(_referees(found)),
        }
        if record["unit"]["kind"] not in kinds:
            raise ValueError(f"a unit of kind {record['unit']['kind']!r}")
        kinds[record["unit"]["kind"]](record)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"expected a record of a training or of referees, schema {SCHEMA}, in {path}, got {error!r}; "
            "remove the file and run again what made it"
        ) from error


def _training(record: Mapping[str, Any]) -> Training:
    unit = record["unit"]
    settings = dict(unit["settings"])
    loss, seed = settings.pop("loss"), settings.pop("seed")
    if not isinstance(loss, str) or not isinstance(seed, int):
        raise TypeError(f"loss {loss!r} and seed {seed!r}")
    result, error = _outcome(record)
    return Training(
        key=record["key"],
        environment=unit["environment"],
        loss=loss,
        seed=seed,
        settings=settings,
        dataset=dict(unit["dataset"]),
        error=error,
        rows=_counts(result["rows"]) if result else {},
        metrics=flat_scores(result["final"], result["initial"], unit["environment"]) if result else {},
        epochs=tuple(result["curve"]["epoch"]) if result else (),
        curves=_curves(result["curve"]) if result else {},
        state_names=_state_names(result) if result else (),
        policy=str(result["policy"]) if result else "",
        episodes=_counts(result.get("episodes") or {}) if result else {},
    )


def _referees(record: Mapping[str, Any]) -> list[Referee]:
    unit = record["unit"]
    result, error = _outcome(record)
    seed = int(unit["settings"].get("seed", 0))
    judged = result["referees"] if result else {"": {}}
    return [
        Referee(record["key"], unit["environment"], name, seed, error, flat_scores(scores, {}, unit["environment"]))
        for name, scores in judged.items()
    ]


def _outcome(record: Mapping[str, Any]) -> tuple[Mapping[str, Any] | None, str | None]:
    """Return the result or the error: never both, never neither."""
    if record["status"] == "failed":
        return None, str(record["error"] or "failed without a word")
    if record["result"]["environment"] != record["unit"]["environment"]:
        raise ValueError(f"a result of {record['result']['environment']!r}")
    return record["result"], None


def _counts(counts: Mapping[str, int | None]) -> dict[str, int]:
    return {name: int(count) for name, count in counts.items() if count is not None}


def _state_names(result: Mapping[str, Any]) -> tuple[str, ...]:
    names = result.get("state_names") or ()
    if isinstance(names, str) or not all(isinstance(name, str) and name for name in names):
        raise ValueError(f"state_names of {names!r}")
    for split in SPLITS:
        prediction = (result["final"].get(split) or {}).get("prediction") or {}
        errors = prediction.get("mse_per_dimension", names)
        if names and len(errors) != len(names):
            raise ValueError(f"{len(names)} state_names for {len(errors)} dimensions")
    return tuple(names)


def _curves(curve: Mapping[str, Any]) -> dict[str, tuple[float | None, ...]]:
    curves = {}
    for split in SPLITS:
        points = curve.get(f"test_{split}")
        if points is None:
            continue
        if len(points) != len(curve["epoch"]):
            raise ValueError(f"{len(points)} points of test_{split} for {len(curve['epoch'])} epochs")
        # All of them null: the run has no such test set.
        if any(point is not None for point in points):
            curves[split] = tuple(finite_number(f"curve.test_{split}", point) for point in points)
    return curves


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name}, which is no JSON")


def _refuse_twice(names: Sequence[tuple[str, str, int]]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        environment, label, seed = twice[0]
        raise InputError(
            f"expected one record of {environment}, {label or 'referees'}, seed {seed}, got "
            f"{names.count(twice[0])} with different settings; say which keys to read, or use a folder for each run"
        )
