"""Fleet: episodes that run side by side under a policy that learns; each begins anew when it is over.

Imported in worker processes only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from dynsparse.physics.environment import Environment, float64_on_cpu
from dynsparse.physics.stepping import StepFunction
from dynsparse.physics.task import LastSubstep, Task

__all__ = ["Fleet", "FleetStep", "draw_starts"]

_PLACES = ("state", "warmstart", "observation", "mocap_pos", "mocap_quat")


def draw_starts(task: Task, count: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Draw starts of episodes.

    Args:
        task: Whose.
        count: How many, n.
        rng: What they are drawn from.

    Returns:
        (n, ...) ``state``, ``warmstart``, ``observation``, ``mocap_pos`` and ``mocap_quat``.
    """
    starts = task.starts(rng.integers(0, 2**62, count).tolist())
    return {name: np.stack([getattr(start, name) for start in starts]) for name in _PLACES}


class FleetStep(NamedTuple):
    """What one control step of n episodes led to.

    Attributes:
        reward: (n,) float32; 0 where the simulation went to NaN.
        truncated: (n,) float32, 1 where an episode is cut off at its length.
        terminated: (n,) float32, 1 where the simulation went to NaN, as Playground ends an episode too.
        next_observation: (n, do) float32 after the step, before another episode begins; 0 where it went to NaN.
    """

    reward: np.ndarray
    truncated: np.ndarray
    terminated: np.ndarray
    next_observation: np.ndarray


class Fleet:
    """Episodes of one environment, one for each start; one that is over goes on from any of the starts.

    Args:
        env: The environment.
        task: Its task.
        run: Its control steps.
        starts: Where episodes begin, see ``draw_starts``.
        steps: Control steps of an episode.
        rng: Draws where the next episode begins.
    """

    def __init__(
        self,
        env: Environment,
        task: Task,
        run: StepFunction,
        starts: Mapping[str, np.ndarray],
        steps: int,
        rng: np.random.Generator,
    ) -> None:
        self._task, self._run, self._steps, self._rng = task, run, steps, rng
        self._low, self._high = env.action_low, env.action_high
        self._starts = {name: np.array(array) for name, array in starts.items()}
        self._at = {name: np.array(array) for name, array in starts.items()}
        count = len(starts["state"])
        self._age = np.zeros(count, dtype=np.int64)
        self._return = np.zeros(count)
        self._whole = np.ones(count, dtype=bool)
        self._returns: list[float] = []

    def scatter(self) -> None:
        """Give the episodes random ages, so that not all are over at the same step; these do not count as whole."""
        self._age = self._rng.integers(0, self._steps, len(self._age))
        self._whole = self._age == 0

    @property
    def observation(self) -> np.ndarray:
        """(n, do) float32, what the policy sees now."""
        return self._at["observation"].astype(np.float32)

    def step(self, action: np.ndarray) -> FleetStep:
        """Run one control step of every episode.

        Args:
            action: (n, da); what lies outside the control range is clipped.

        Returns:
            What came of it.
        """
        applied = np.clip(action, self._low, self._high).astype(np.float64)
        at = self._at
        with float64_on_cpu():
            value = self._run(at["state"], applied, at["warmstart"])
        calls = value.calls
        before = (calls.qpos[:, -1, 0], calls.qvel[:, -1, 0], calls.warmstart[:, -1, 0])
        last = LastSubstep(*before, applied, value.qpos, value.qvel, at["mocap_pos"], at["mocap_quat"])
        reward, observation = self._task.observe(last)
        state = np.concatenate([value.qpos, value.qvel], axis=1)
        finite = np.isfinite(state).all(axis=1) & np.isfinite(observation).all(axis=1) & np.isfinite(reward)
        reward = np.where(finite, reward, 0.0)
        seen = np.where(finite[:, None], observation, 0.0).astype(np.float32)
        self._at = {**at, "state": state, "warmstart": value.warmstart, "observation": observation}
        self._age = self._age + 1
        self._return = self._return + reward
        truncated = (self._age >= self._steps) & finite
        self._begin_anew(np.flatnonzero(truncated | ~finite))
        return FleetStep(reward.astype(np.float32), truncated.astype(np.float32), (~finite).astype(np.float32), seen)

    def returns(self) -> np.ndarray:
        """Hand out, once, the returns of the episodes that were run from start to end."""
        found, self._returns = np.array(self._returns), []
        return found

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything that decides how the episodes go on, but for the generator of random numbers."""
        clock = {"age": self._age.copy(), "return": self._return.copy(), "whole": self._whole.copy()}
        return {**self._at, **clock, **{f"starts_{name}": array for name, array in self._starts.items()}}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Go on where ``arrays`` were taken."""
        self._at = {name: np.array(arrays[name]) for name in _PLACES}
        self._starts = {name: np.array(arrays[f"starts_{name}"]) for name in _PLACES}
        self._age, self._return = np.array(arrays["age"]), np.array(arrays["return"])
        self._whole, self._returns = np.array(arrays["whole"]), []

    def _begin_anew(self, who: np.ndarray) -> None:
        """Note the returns of episodes that are over, and begin others in their place.

        One whose simulation went to NaN counts with what it had until then.
        """
        if not who.size:
            return
        self._returns.extend(self._return[who][self._whole[who]].tolist())
        which = self._rng.integers(0, len(self._starts["state"]), len(who))
        for name, array in self._at.items():
            changed = array.copy()
            changed[who] = self._starts[name][which]
            self._at[name] = changed
        self._age[who], self._return[who], self._whole[who] = 0, 0.0, True
