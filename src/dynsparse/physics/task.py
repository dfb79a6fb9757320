"""The task of a Playground environment: where an episode starts, what a policy observes, what is rewarded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from mujoco import mjx

from dynsparse.errors import UnsupportedModelError
from dynsparse.physics.batch import BatchFunction, Compilation
from dynsparse.physics.environment import Environment, float64_on_cpu
from dynsparse.physics.native.function import RowFunction
from dynsparse.physics.tasks import EpisodeStart

__all__ = ["LastSubstep", "Task", "playground_task"]

Array = jax.Array


class LastSubstep(NamedTuple):
    """What observation and reward of control steps are computed from, rows first.

    Attributes:
        qpos: (n, nq) at the start of the last substep.
        qvel: (n, nv).
        warmstart: (n, nv).
        action: (n, nu) applied.
        next_qpos: (n, nq) at its end.
        next_qvel: (n, nv).
        mocap_pos: (n, nmocap, 3) m.
        mocap_quat: (n, nmocap, 4).
    """

    qpos: np.ndarray
    qvel: np.ndarray
    warmstart: np.ndarray
    action: np.ndarray
    next_qpos: np.ndarray
    next_qvel: np.ndarray
    mocap_pos: np.ndarray
    mocap_quat: np.ndarray

    @classmethod
    def of_rows(cls, nq: int, rows: Mapping[str, np.ndarray]) -> LastSubstep:
        """Take it from rows that MJX's engine ran, with their solver calls.

        Args:
            nq: length of qpos.
            rows: (n, ...) ``action``, ``next_state``, ``mocap_pos``, ``mocap_quat`` and the engine's record.
        """
        # The first stage of the last substep: where the substep begins, also with Runge-Kutta's four stages.
        qpos, qvel, warmstart = (rows[f"calls_{name}"][:, -1, 0] for name in ("qpos", "qvel", "warmstart"))
        end = rows["next_state"]
        mocap = rows["mocap_pos"], rows["mocap_quat"]
        return cls(qpos, qvel, warmstart, rows["action"], end[:, :nq], end[:, nq:], *mocap)


class Task:
    """Start, observation and reward of a Playground environment, by its own code.

    Playground computes both from the data that ``mjx.step`` leaves behind: qpos and qvel after the last substep,
    everything derived from them (positions of bodies, sensors) as it was before it.  So the last substep is run
    again, with its sensors; what it leaves is what Playground would have had.

    Args:
        env: the environment, loaded from Playground.
        started_rows: episodes of a batch of starts.
        observed_rows: rows of a batch of observations.
        rewarded_rows: rows of a batch of rewards.
        compilation: how functions are compiled.

    Raises:
        UnsupportedModelError: if the environment is a model without a task.
    """

    def __init__(
        self,
        env: Environment,
        *,
        started_rows: int = 16,
        observed_rows: int = 32,
        rewarded_rows: int = 128,
        compilation: Compilation | None = None,
    ) -> None:
        self._task = env.playground
        if self._task is None or not env.is_rewarded:
            raise UnsupportedModelError(f"{env.name} is a model without a task: it has no observation or reward")
        self._nq = env.nq
        with float64_on_cpu():
            self._model = self._task.mjx_model
            self._template = mjx.make_data(env.model, impl="jax")
            blank = jax.eval_shape(self._task.reset, jax.random.PRNGKey(0))
        self.observation_dim = int(blank.obs.shape[-1])
        self._metrics = tuple(blank.metrics)
        self._start = BatchFunction(self._started, started_rows, compilation)
        # Two environments may share one model.
        what = f"of {env.name} {self._task._config.to_json_best_effort()}"
        self._observe = RowFunction(
            partial(self._observed, True), f"observation {what}", tuple, rows=observed_rows, compilation=compilation
        )
        self._reward = RowFunction(
            partial(self._observed, False), f"reward {what}", tuple, rows=rewarded_rows, compilation=compilation
        )

    def start(self, key: int) -> EpisodeStart:
        """Draw the start of an episode from a key (an integer from 0 to 2**63 - 1)."""
        return self.starts([key])[0]

    def starts(self, keys: Sequence[int]) -> list[EpisodeStart]:
        """Draw the starts of some episodes, each the same whatever the others are."""
        with float64_on_cpu(), jax.threefry_partitionable(True):
            found = self._start(np.array(keys, dtype=np.int64))
        return [EpisodeStart(*(np.array(part[i], dtype=np.float64) for part in found)) for i in range(len(keys))]

    def rewards(self, last: LastSubstep) -> np.ndarray:
        """Return the (n,) rewards of n control steps."""
        with float64_on_cpu():
            return np.asarray(self._reward(*last)[0])

    def observe(self, last: LastSubstep) -> tuple[np.ndarray, np.ndarray]:
        """Return the (n,) rewards of n control steps and the (n, do) observations after them."""
        with float64_on_cpu():
            reward, observation = self._observe(*last)
        return np.asarray(reward), np.asarray(observation)

    def rewards_of(self, rows: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the (n,) rewards of rows that the engine ran."""
        return self.rewards(LastSubstep.of_rows(self._nq, rows))

    def observe_after(self, rows: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the (n, do) observations after rows that the engine ran."""
        return self.observe(LastSubstep.of_rows(self._nq, rows))[1]

    def _started(self, key: Array) -> tuple[Array, ...]:
        state = self._task.reset(jax.random.PRNGKey(key, impl="threefry2x32"))
        data = state.data
        position = jnp.concatenate([data.qpos, data.qvel])
        return position, data.qacc_warmstart, data.mocap_pos, data.mocap_quat, state.obs

    def _observed(self, both: bool, *last: Array) -> tuple[Array, ...]:
        qpos, qvel, warmstart, action, next_qpos, next_qvel, mocap_pos, mocap_quat = last
        data = self._template.replace(
            qpos=qpos, qvel=qvel, ctrl=action, qacc_warmstart=warmstart, mocap_pos=mocap_pos, mocap_quat=mocap_quat
        )
        after = mjx.step(self._model, data).replace(qpos=next_qpos, qvel=next_qvel)
        info: dict[str, Any] = {"rng": jax.random.PRNGKey(0)}
        reward = self._task._get_reward(after, action, info, dict.fromkeys(self._metrics, jnp.zeros(())))
        return (reward, self._task._get_obs(after, info)) if both else (reward,)


def playground_task(env: Environment, observed_rows: int, compilation: Compilation | None) -> Task:
    """Make the task of an environment of Playground; see ``tasks.task_of``."""
    return Task(env, observed_rows=observed_rows, compilation=compilation)
