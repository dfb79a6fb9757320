"""The task around a user's own function: where an episode starts, the state as observation, and the user's reward."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from dynsparse.errors import SettingError
from dynsparse.physics.function_source import FunctionSource
from dynsparse.physics.tasks import EpisodeStart, ModelTask

if TYPE_CHECKING:
    from dynsparse.physics.batch import Compilation
    from dynsparse.physics.environment import Environment

__all__ = ["FunctionTask", "function_task"]


class FunctionTask(ModelTask):
    """Start, observation and reward of an environment made of a function.

    Args:
        env: the environment.
        compilation: how its programs are compiled, where they are not yet.

    Raises:
        SettingError: if it is none of a function.
    """

    def __init__(self, env: Environment, compilation: Compilation | None = None) -> None:
        super().__init__(env)
        if not isinstance(env.source, FunctionSource):
            raise SettingError(f"expected an environment made of a function, got {env!r}")
        self._runner = env.source.runner(compilation)
        self._rewarded = env.is_rewarded

    def starts(self, keys: Sequence[int]) -> list[EpisodeStart]:
        """Draw the starts of some episodes, each the same whatever the others are."""
        states = self._runner.start(np.array(keys, dtype=np.int64))
        nothing = np.zeros(0), np.zeros((0, 3)), np.zeros((0, 4))
        return [EpisodeStart(np.array(state), *nothing, np.array(state)) for state in states]

    def rewards_of(self, rows: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the (n,) rewards of rows; without a reward 0, NaN where the step went to NaN."""
        if not self._rewarded:
            return super().rewards_of(rows)
        return self._runner.reward(rows["state"], rows["action"], rows["next_state"])


def function_task(env: Environment, _observed_rows: int, compilation: Compilation | None) -> FunctionTask:
    """Make the task of an environment made of a function; see ``tasks.task_of``."""
    return FunctionTask(env, compilation)
