"""Tasks: where an episode starts, what a policy observes and what is rewarded, of any environment."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from dynsparse.physics.environment import Environment
from dynsparse.physics.precision import float64_on_cpu

if TYPE_CHECKING:
    from dynsparse.physics.batch import Compilation

__all__ = ["TASKS", "EpisodeStart", "ModelTask", "RowTask", "observation_dim", "task_of"]


@dataclass(frozen=True)
class EpisodeStart:
    """Where one episode starts, as the environment's own ``reset`` draws it, where it has one.

    Attributes:
        state: (ds,) qpos then qvel.
        warmstart: (nv,) qacc_warmstart, m/s^2 or rad/s^2.
        mocap_pos: (nmocap, 3) positions of mocap bodies (targets), m.
        mocap_quat: (nmocap, 4) their orientations.
        observation: (do,) what a policy sees before the first step.
    """

    state: np.ndarray
    warmstart: np.ndarray
    mocap_pos: np.ndarray
    mocap_quat: np.ndarray
    observation: np.ndarray


class RowTask(Protocol):
    """What a roll-out needs of a task."""

    @property
    def observation_dim(self) -> int:
        """do, length of an observation."""

    def start(self, key: int) -> EpisodeStart:
        """Draw the start of an episode from a key (an integer from 0 to 2**63 - 1)."""

    def starts(self, keys: Sequence[int]) -> list[EpisodeStart]:
        """Draw the starts of some episodes, each the same whatever the others are."""

    def rewards_of(self, rows: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the (n,) rewards of rows that the engine ran, with its record."""

    def observe_after(self, rows: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the (n, do) observations after rows that the engine ran."""


class ModelTask:
    """The task of a system without one: an observation is the state, and every reward is 0.

    Args:
        env: the environment, whose source says where episodes start.
    """

    def __init__(self, env: Environment) -> None:
        self._env = env
        self._mocap_pos, self._mocap_quat = np.zeros((0, 3)), np.zeros((0, 4))
        if env.nmocap:
            body = np.argsort(env.model.body_mocapid)[-env.nmocap :]  # those without have -1
            self._mocap_pos, self._mocap_quat = env.model.body_pos[body].copy(), env.model.body_quat[body].copy()

    @property
    def observation_dim(self) -> int:
        """The length of a state."""
        return self._env.state_dim

    def start(self, key: int) -> EpisodeStart:
        """Draw the start of an episode from a key (an integer from 0 to 2**63 - 1)."""
        state = self._env.sample_initial_state(key)
        return EpisodeStart(state, np.zeros(self._env.nv), self._mocap_pos, self._mocap_quat, state)

    def starts(self, keys: Sequence[int]) -> list[EpisodeStart]:
        """Draw the starts of some episodes."""
        return [self.start(int(key)) for key in keys]

    def rewards_of(self, rows: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return (n,) zeros, NaN where the step went to NaN."""
        end = rows["next_state"]
        return np.where(np.isfinite(end).all(axis=1), 0.0, np.nan)

    def observe_after(self, rows: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the (n, ds) next states."""
        return rows["next_state"]


TASKS = {
    "playground": "dynsparse.physics.task:playground_task",
    "function": "dynsparse.physics.function_task:function_task",
}
"""For each kind of source with tasks of its own, ``"package.module:function"`` that makes one from the arguments of
``task_of``."""


def task_of(env: Environment, *, observed_rows: int = 32, compilation: Compilation | None = None) -> RowTask:
    """Make the task of an environment.

    Args:
        env: the environment.
        observed_rows: rows of a batch of observations, where they are compiled.
        compilation: how functions are compiled.

    Returns:
        Its own where there is a reward, else one without.
    """
    if not env.is_rewarded or env.source.kind not in TASKS:
        return ModelTask(env)
    module, _, function = TASKS[env.source.kind].partition(":")
    found: RowTask = getattr(importlib.import_module(module), function)(env, observed_rows, compilation)
    return found


def observation_dim(env: Environment) -> int:
    """Return the length of an environment's observations, without compiling anything."""
    if not env.is_rewarded or env.source.kind != "playground":
        return env.state_dim
    with float64_on_cpu():
        return int(env.playground.observation_size)
