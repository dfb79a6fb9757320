"""Folder of a training: its curve, the policies along it, and what is needed to go on from the last point."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from dynsparse.dataset.files import PARTIAL, Files
from dynsparse.dataset.lock import LOCK_NAME, Lock
from dynsparse.dataset.place import output_errors
from dynsparse.errors import OutputError, OutputExistsError
from dynsparse.rollout.training.curve import Point, curve_csv
from dynsparse.workers import Message

__all__ = [
    "BEST",
    "CURVE",
    "FIGURE",
    "IDENTITY",
    "POLICIES",
    "STATE",
    "TrainingFolder",
    "identity_of",
    "refuse_training",
]

IDENTITY, STATE, CURVE, FIGURE, BEST = (
    "training.json",
    "state.safetensors",
    "curve.csv",
    "curve.png",
    "policy.safetensors",
)
POLICIES = "policies"
_OWN = (STATE, CURVE, FIGURE, BEST, POLICIES, IDENTITY)
"""Everything that a training writes, in the order in which it is removed: what decides it is the last."""

_FORMAT, _VERSION = "dynsparse-training", 1


def refuse_training(path: Path, *, resume: bool, overwrite: bool) -> None:
    """Refuse a place that is taken, before anything is started.

    Args:
        path: Where a training is to be kept.
        resume: Go on with what is there.
        overwrite: Replace what is there.

    Raises:
        OutputExistsError: If something is there, and neither was asked for; or what is there is no training.
        OutputError: If it is a file, or can not be looked at.
    """
    if resume and overwrite:
        raise OutputExistsError("expected --resume or --overwrite, got both; leave one out")
    with output_errors(path):
        if path.exists() and not path.is_dir():
            raise OutputExistsError(f"expected a folder, {path} is a file; choose another --out")
        if _is_empty(path):
            return
        if _identity(path) is None:
            raise OutputExistsError(f"{path} holds something that is no training of this version; choose another --out")
        if not (resume or overwrite):
            raise OutputExistsError(
                f"{path} holds a training already; go on with it by --resume, replace it by --overwrite, "
                "or choose another --out"
            )


class TrainingFolder:
    """What a training leaves on the disk: always whole, and enough to go on from.

    A context manager that holds the folder against a second writer.

    Attributes:
        path: The folder.
        points: The curve so far.
        best: The point with the highest mean return; None before the first.
        state: What a worker is told to go on from; None at the very beginning.
    """

    def __init__(self, path: Path, identity: Mapping[str, Any], *, resume: bool, overwrite: bool) -> None:
        """Look at what is there; nothing is written or removed before ``begin``.

        Args:
            path: The folder.
            identity: What decides the training; plain JSON values.
            resume: Go on with what is there.
            overwrite: Replace what is there.

        Raises:
            OutputExistsError: See ``refuse_training``; or what is there has another identity, each difference named.
            OutputError: If the folder can not be written, another process writes there, or its state is damaged.
        """
        refuse_training(path, resume=resume, overwrite=overwrite)
        self.path, self._files, self._identity = path, Files(), dict(identity)
        self.points: list[Point] = []
        self.best: Point | None = None
        self.state: Message | None = None
        with output_errors(path):
            path.mkdir(parents=True, exist_ok=True)
            self._lock = Lock(path)
        try:
            with output_errors(path):
                self._is_fresh = overwrite or _is_empty(path)
                if not self._is_fresh:
                    self._go_on(identity)
        except BaseException:
            self._lock.release()
            raise

    def begin(self) -> None:
        """Make room where nothing is to go on, and say what the training is.

        Called when a worker is there: a training that can not start leaves what was there.

        Raises:
            OutputError: If the folder can not be written.
        """
        with output_errors(self.path):
            if self._is_fresh:
                if _identity(self.path) is not None:
                    self._clear()
                text = json.dumps(self._identity, indent=1) + "\n"
                self._files.write_whole(self.path / IDENTITY, text.encode())
                self._is_fresh = False
            self._files.make_folder(self.path / POLICIES)

    def draw(self, figure: bytes) -> None:
        """Put a picture of the curve on the disk.

        Args:
            figure: The content of a PNG file.

        Raises:
            OutputError: If the folder can not be written.
        """
        with output_errors(self.path):
            self._files.write_whole(self.path / FIGURE, figure)

    def keep(self, point: Point, policy: bytes, state: Message) -> None:
        """Put a point of the curve on the disk: the policy, the curve, and last what is needed to go on from here.

        Args:
            point: The point.
            policy: The content of the policy's file.
            state: What a worker is told to go on from here.

        Raises:
            OutputError: If the folder can not be written.
        """
        self.points.append(point)
        better = self.best is None or point.mean_return > self.best.mean_return
        with output_errors(self.path):
            self._files.write_whole(self.path / POLICIES / f"{point.steps:012d}.safetensors", policy)
            if better:
                self.best = point
                self._files.write_whole(self.path / BEST, policy)
            self._files.write_whole(self.path / CURVE, curve_csv(self.points))
            arrays = {name: np.asarray(array, order="C") for name, array in state.arrays.items()}
            text = {
                "meta": json.dumps(dict(state.meta)),
                "points": json.dumps([dataclasses.astuple(x) for x in self.points]),
            }
            self._files.write_whole(self.path / STATE, save(arrays, metadata=text))

    def close(self) -> None:
        """Let the folder go."""
        self._lock.release()

    def __enter__(self) -> TrainingFolder:
        """Return the folder itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let the folder go."""
        self.close()

    def _clear(self) -> None:
        for name in _OWN:
            self._files.remove_tree(self.path / (PARTIAL + name))
            self._files.remove_tree(self.path / name)

    def _go_on(self, identity: Mapping[str, Any]) -> None:
        found = _identity(self.path)
        if found is None:
            raise OutputExistsError(f"{self.path} holds something that is no training; choose another --out")
        differences = [
            f"{name} (there {old!r}, asked for {new!r})"
            for name, old, new in _differences(found, json.loads(json.dumps(dict(identity))))
        ]
        if differences:
            raise OutputExistsError(
                f"{self.path} holds another training, which differs in {', '.join(differences)}; "
                "choose another --out, or replace it by --overwrite"
            )
        if not (self.path / STATE).exists():
            return
        content = (self.path / STATE).read_bytes()
        try:
            header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])["__metadata__"]
            self.points = [Point(*values) for values in json.loads(header["points"])]
            self.best = max(self.points, key=lambda point: point.mean_return)
            self.state = Message("restore", json.loads(header["meta"]), load(content))
        except (SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise OutputError(
                f"expected {self.path / STATE} to be what a training left, can not read it: {error}; "
                "choose another --out, or begin anew by --overwrite"
            ) from error


def _is_empty(path: Path) -> bool:
    """Whether nothing is there, or no more than a training leaves that was stopped before it began."""
    if not path.exists():
        return True
    harmless = {LOCK_NAME, *(PARTIAL + name for name in _OWN)}
    rest = [entry for entry in path.iterdir() if entry.name not in harmless]
    return all(entry.name == POLICIES and entry.is_dir() and not any(entry.iterdir()) for entry in rest)


def _identity(path: Path) -> dict[str, Any] | None:
    """Return what decides the training in a folder; None where there is none."""
    try:
        found = json.loads((path / IDENTITY).read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    known = isinstance(found, dict) and (found.get("format"), found.get("version")) == (_FORMAT, _VERSION)
    return found if known else None


def identity_of(
    environment: str, fingerprint: str, settings: Mapping[str, Any], versions: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what decides a training, as its folder keeps it."""
    return {
        "format": _FORMAT,
        "version": _VERSION,
        "environment": environment,
        "model_sha256": fingerprint,
        "settings": dict(settings),
        "versions": dict(versions),
    }


def _differences(old: Any, new: Any, name: str = "") -> list[tuple[str, Any, Any]]:
    if isinstance(old, dict) and isinstance(new, dict):
        keys = [*old, *(key for key in new if key not in old)]
        return [found for key in keys for found in _differences(old.get(key), new.get(key), str(key))]
    return [] if old == new else [(name, old, new)]
