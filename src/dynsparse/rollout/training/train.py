"""Training of an expert from beginning to end: one worker process, a folder that it can go on from."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dynsparse.errors import UnsupportedModelError, WorkerError
from dynsparse.physics.environment import Environment
from dynsparse.physics.processes import open_pool, warn_once
from dynsparse.provenance import DECIDING_PACKAGES, package_versions
from dynsparse.rollout.training.curve import Point, mean_interval
from dynsparse.rollout.training.folder import BEST, TrainingFolder, identity_of, refuse_training
from dynsparse.rollout.training.settings import TrainSettings
from dynsparse.workers import Message, WorkerPool

__all__ = ["Trained", "train_expert"]

_TURN_SECONDS = 2.0
"""How long a worker learns between two signs of life, about."""

_PACKAGES = (*(name for name in DECIDING_PACKAGES if name not in ("zarr", "numcodecs")), "brax", "optax", "flax")
"""Packages whose versions decide what is learned."""


_VARIABLES = {"NPROC": "1"}
"""XLA shares some sums among as many threads as there are cores, which changes their last bits: one thread, so that a
training ends with the same policies whichever cores it may use."""


@dataclass(frozen=True)
class Trained:
    """What a training led to.

    Attributes:
        path: The policy with the best mean return.
        best: Where it was on the curve.
        points: The whole curve.
        reached: Whether the target return was reached; None where none was asked for.
        seconds: Time of this call's training alone, without starting and compiling, s.
        start_seconds: Time of starting and compiling, s.
    """

    path: Path
    best: Point
    points: tuple[Point, ...]
    reached: bool | None
    seconds: float
    start_seconds: float


def train_expert(
    env: Environment,
    settings: TrainSettings,
    out: str | os.PathLike[str],
    *,
    resume: bool = False,
    overwrite: bool = False,
    target_return: float | None = None,
    on_phase: Callable[[str], None] = lambda _phase: None,
    on_steps: Callable[[int], None] = lambda _steps: None,
    on_point: Callable[[Point], None] = lambda _point: None,
    draw: Callable[[Sequence[Point]], bytes] | None = None,
) -> Trained:
    """Train a policy by PPO, in one worker process on one core.

    Killed at any moment and called again with ``resume``, it goes on from the last point of its curve, and ends with
    the same policies as without the stop (same machine, same versions).

    Args:
        env: The environment, loaded from Playground.
        settings: How.
        out: Folder for the curve, the policies along it, the best of them, and what is needed to go on.
        resume: Go on with a training of the same settings; start one where there is none.
        overwrite: Replace a training that is there.
        target_return: End with the first point whose mean return is this or more.
        on_phase: Told ``"compile"`` and ``"train"`` as they begin.
        on_steps: Told control steps so far.
        on_point: Told each point of the curve when it is on the disk.
        draw: Draws the curve so far as a PNG file, which is kept beside it; None for no picture.

    Returns:
        What came of it.

    Raises:
        OutputExistsError: Something is there; or, with ``resume``, a training of other settings (each named).
        OutputError: The folder can not be written, or what is there can not be read.
        WorkerError: The worker died, hung or failed.
        UnsupportedModelError: The environment is a model without a task, or a function.
    """
    if env.playground is None or not env.is_rewarded:
        raise UnsupportedModelError(
            f"{env.name} is a model without a task, or no task of MuJoCo Playground, whose training this is; load one "
            "of dynsparse envs, or train elsewhere and give collect the policy's file"
        )
    refuse_training(Path(out), resume=resume, overwrite=overwrite)
    identity = identity_of(env.name, env.fingerprint, settings.to_dict(), package_versions(_PACKAGES))
    told = {"settings": json.dumps(settings.to_dict())}
    task = "dynsparse.rollout.training.server:serve"
    pool = open_pool(env, "exact", 1, task=task, more=told, variables=_VARIABLES)
    with pool, TrainingFolder(Path(out), identity, resume=resume, overwrite=overwrite) as folder:
        course = _Course(pool, env, settings, folder, on_steps)
        if not course.is_over(target_return):
            on_phase("compile")
            course.begin()
            on_phase("train")
        while not course.is_over(target_return):
            course.learn()
            point = course.evaluate()
            if draw is not None:
                folder.draw(draw(folder.points))
            on_point(point)
        best = max(folder.points, key=lambda point: point.mean_return)
        reached = None if target_return is None else best.mean_return >= target_return
        return Trained(folder.path / BEST, best, tuple(folder.points), reached, course.seconds, course.start_seconds)


class _Course:
    """A training on its way, point after point."""

    def __init__(
        self,
        pool: WorkerPool,
        env: Environment,
        settings: TrainSettings,
        folder: TrainingFolder,
        on_steps: Callable[[int], None],
    ) -> None:
        self._pool, self._env, self._settings, self._folder, self._on_steps = pool, env, settings, folder, on_steps
        self._an_update = settings.episodes * settings.unroll_length
        self._returns = np.zeros(0)
        self._learned = 0.0  # seconds since the last point
        self._done = self.steps // self._an_update  # updates
        self._rate = 1.0  # updates a second
        self.seconds = self.start_seconds = 0.0

    @property
    def steps(self) -> int:
        """Control steps so far, up to the last point."""
        return self._folder.points[-1].steps if self._folder.points else 0

    def is_over(self, target_return: float | None) -> bool:
        """Whether nothing is left to do."""
        best = self._folder.best
        reached = target_return is not None and best is not None and best.mean_return >= target_return
        return reached or self.steps >= self._settings.updates * self._an_update

    def begin(self) -> None:
        """Start the worker, from the last point where there is one."""
        began = time.perf_counter()
        self._pool.start()
        for ready in self._pool.ready:
            if ready["cache_problem"]:
                warn_once(f"compiled code is not kept: {ready['cache_problem']}; set DYNSPARSE_CACHE to a folder")
        if self._folder.state is not None:
            self._ask(self._folder.state)
        self._folder.begin()
        self.start_seconds = time.perf_counter() - began

    def learn(self) -> None:
        """Improve the policy until the next point of the curve."""
        settings = self._settings
        # Points are at whole shares of the training, wherever it was stopped before.
        number = self._done * settings.evaluations // settings.updates + 1
        until = max(self._done + 1, -(-number * settings.updates // settings.evaluations))
        began = time.perf_counter()
        while self._done < until:
            count = min(max(1, round(_TURN_SECONDS * self._rate)), until - self._done)
            asked = time.perf_counter()
            reply = self._ask(Message("learn", {"updates": count, "done": self._done}))
            self._rate = count / (time.perf_counter() - asked)
            self._returns = np.concatenate([self._returns, reply.arrays["returns"]])
            self._done += count
            self._on_steps(self._done * self._an_update)
        self._learned = time.perf_counter() - began

    def evaluate(self) -> Point:
        """Evaluate the policy, and put policy, point and state on the disk."""
        began = time.perf_counter()
        returns = self._ask(Message("evaluate", {"done": self._done})).arrays["returns"]
        mean, low, high = mean_interval(returns)
        spent = self._learned + time.perf_counter() - began
        self.seconds += spent
        before = self._folder.points[-1].seconds if self._folder.points else 0.0
        steps = self._done * self._an_update
        training_return = float(self._returns.mean()) if len(self._returns) else float("nan")
        rate = (steps - self.steps) / self._learned
        point = Point(steps, before + spent, mean, low, high, len(returns), training_return, rate)
        notes = {
            "trainer": "dynsparse train-expert (PPO by Brax's networks and loss)",
            "model_sha256": self._env.fingerprint,
            "steps": str(steps),
            "mean_return": f"{mean:.2f}",
            "return_interval_95": f"{low:.2f} {high:.2f}",
            "return_episodes": str(len(returns)),
            "settings": json.dumps(self._settings.to_dict()),
            "versions": json.dumps(package_versions(_PACKAGES)),
        }
        name = f"{self._env.name}-{steps}"
        kept = self._ask(Message("keep", {"name": name, "notes": json.dumps(notes), "done": self._done}))
        arrays = dict(kept.arrays)
        policy = arrays.pop("policy").tobytes()
        self._folder.keep(
            point, policy, Message("restore", {"rng": kept.meta["rng"], "done": kept.meta["done"]}, arrays)
        )
        self._returns = np.zeros(0)
        return point

    def _ask(self, request: Message) -> Message:
        (answer,) = self._pool.run([request])
        if isinstance(answer, WorkerError):
            raise WorkerError(f"{self._env.name}: the training stopped. {answer} (--resume goes on)") from answer
        return answer
