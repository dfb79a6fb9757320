"""What a training worker does: run episodes, learn from them, and hand out what is needed to go on.

Imported in worker processes only.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from dynsparse.errors import WorkerError
from dynsparse.physics.batches import start_compilation
from dynsparse.physics.passing import unpack
from dynsparse.physics.precision import float64_on_cpu
from dynsparse.physics.simulator import build_simulator
from dynsparse.physics.stepping import StepFunction
from dynsparse.physics.task import Task
from dynsparse.rollout.policy_file import policy_content
from dynsparse.rollout.training.fleet import Fleet, draw_starts
from dynsparse.rollout.training.ppo import Experience, Learner
from dynsparse.rollout.training.settings import TrainSettings
from dynsparse.workers import Message

__all__ = ["TrainingServer", "serve"]

_BATCH = 128
"""Rows of a batch, where XLA has to do what machine code can not."""

_TRAINING, _EVALUATION_STARTS, _EVALUATION_NOISE = 0, 1, 2
"""Streams of random numbers."""


class TrainingServer:
    """Serves ``learn``, ``evaluate``, ``keep`` and ``restore`` requests of one training.

    Attributes:
        ready_meta: what the parent learns when this worker is ready.
    """

    def __init__(self, start: Message) -> None:
        """Load the environment, draw where episodes start, and make networks.

        Args:
            start: what ``passing.pack`` gave; meta ``cache`` and ``settings`` (JSON).
        """
        compilation, problem = start_compilation(start, "train")
        self.ready_meta: dict[str, Any] = {"cache_problem": problem}
        self._env = env = unpack(start)
        self._settings = settings = TrainSettings.from_dict(json.loads(str(start.meta["settings"])))
        with float64_on_cpu():
            self._run = StepFunction(build_simulator(env.model, env.substeps), rows=_BATCH, compilation=compilation)
        self._task = Task(env, observed_rows=_BATCH, compilation=compilation)
        self._rng = np.random.default_rng([settings.seed, _TRAINING])
        self._fleet = self._new_fleet(draw_starts(self._task, settings.episodes, self._rng), self._rng)
        self._fleet.scatter()
        evaluation = np.random.default_rng([settings.seed, _EVALUATION_STARTS])
        self._evaluation_starts = draw_starts(self._task, settings.evaluation_episodes, evaluation)
        self._learner = Learner(settings, self._task.observation_dim, env.action_dim)
        self._serve: Mapping[str, Callable[[Message], Message]] = {
            "learn": self._learn,
            "evaluate": self._evaluate,
            "keep": self._keep,
            "restore": self._restore,
        }
        self._done = 0
        self._compile()

    def __call__(self, request: Message) -> Message:
        """Answer a request; each but ``restore`` says how many updates should be ``done``."""
        if request.kind != "restore" and request.number("done") != self._done:
            raise WorkerError(
                f"expected a worker that has done {request.number('done'):.0f} updates, got one of {self._done}: "
                "the one that had learned was lost"
            )
        return self._serve[request.kind](request)

    def _learn(self, request: Message) -> Message:
        """Improve the policy ``updates`` times; tell the returns of the episodes that ended, and the last losses."""
        metrics: dict[str, float] = {}
        for _ in range(int(request.number("updates"))):
            metrics = self._learner.learn(self._experience())
            self._done += 1
            if not np.isfinite(list(metrics.values())).all():
                raise WorkerError(
                    f"the training diverged at update {self._done}; try a lower learning_rate, or another seed"
                )
        return Message("learn", {"metrics": json.dumps(metrics)}, {"returns": self._fleet.returns()})

    def _evaluate(self, _request: Message) -> Message:
        """Run the stochastic policy as it is, in episodes that are the same every time; tell their returns."""
        settings = self._settings
        # Their noise too is the same every time: points of the curve differ by the policy alone.
        rng = np.random.default_rng([settings.seed, _EVALUATION_NOISE])
        fleet = self._new_fleet(self._evaluation_starts, rng)
        returns = np.zeros(settings.evaluation_episodes)
        alive = np.ones(len(returns), dtype=bool)  # one that goes to NaN is followed by another, which does not count
        for _ in range(settings.episode_steps):
            noise = rng.standard_normal((len(returns), self._env.action_dim), dtype=np.float32)
            step = fleet.step(self._learner.act(fleet.observation, noise)[1])
            returns += np.where(alive, step.reward, 0.0)
            alive &= step.terminated == 0
        return Message("evaluate", {}, {"returns": returns})

    def _keep(self, request: Message) -> Message:
        """Hand out the policy as a file, and everything that decides how the training goes on."""
        meta = request.meta
        weights = self._learner.weights(str(meta["name"]), self._env.name, json.loads(str(meta["notes"])))
        arrays = {"policy": np.frombuffer(policy_content(weights), dtype=np.uint8)}
        arrays |= {f"learner {name}": x for name, x in self._learner.arrays().items()}
        arrays |= {f"fleet {name}": x for name, x in self._fleet.arrays().items()}
        return Message("keep", {"rng": json.dumps(self._rng.bit_generator.state), "done": self._done}, arrays)

    def _restore(self, request: Message) -> Message:
        """Go on where ``keep`` left off."""
        for part, restore in (("learner ", self._learner.restore), ("fleet ", self._fleet.restore)):
            restore({name.removeprefix(part): x for name, x in request.arrays.items() if name.startswith(part)})
        self._rng.bit_generator.state = json.loads(str(request.meta["rng"]))
        self._done = int(request.number("done"))
        return Message("restore")

    def _compile(self) -> None:
        """Compile what every request needs, by doing all of it once and undoing it."""
        kept = self._keep(Message("keep", {"name": "", "notes": "{}"}))
        self._learner.learn(self._experience())
        observation = self._evaluation_starts["observation"].astype(np.float32)
        self._learner.act(observation, np.zeros((len(observation), self._env.action_dim), dtype=np.float32))
        self._restore(kept)

    def _new_fleet(self, starts: Mapping[str, np.ndarray], rng: np.random.Generator) -> Fleet:
        return Fleet(self._env, self._task, self._run, starts, self._settings.episode_steps, rng)

    def _experience(self) -> Experience:
        settings, parts = self._settings, []
        for _ in range(settings.unroll_length):
            observation = self._fleet.observation
            noise = self._rng.standard_normal((settings.episodes, self._env.action_dim), dtype=np.float32)
            action_raw, squashed, log_prob, output = self._learner.act(observation, noise)
            step = self._fleet.step(squashed)
            ends = (step.reward, step.truncated, step.terminated)
            parts.append((observation, step.next_observation, action_raw, log_prob, output, *ends))
        return Experience(*(np.stack(each, axis=1) for each in zip(*parts, strict=True)))


def serve(start: Message) -> TrainingServer:
    """Make the handler of a worker (the task that the parent names)."""
    return TrainingServer(start)
