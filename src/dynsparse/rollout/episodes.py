"""Episodes: what a policy does in whole episodes, and how much reward it gets for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dynsparse.config import check_count
from dynsparse.rollout.plan import EPISODES_AT_ONCE, REQUEST_ROWS
from dynsparse.workers import Message

__all__ = ["Episodes", "EpisodesPlan"]


@dataclass(frozen=True)
class Episodes:
    """Control steps of e episodes of T steps each; the rows of a collection with the same settings, bit for bit.

    Attributes:
        state: (e, T + 1, ds) qpos then qvel, where the episode begins first.
        action: (e, T, da) applied.
        reward: (e, T); NaN from where the simulation went to NaN.
        mocap_pos: (e, nmocap, 3) positions of mocap bodies (targets), m; the same all along an episode.
        mocap_quat: (e, nmocap, 4) their orientations.
    """

    state: np.ndarray
    action: np.ndarray
    reward: np.ndarray
    mocap_pos: np.ndarray
    mocap_quat: np.ndarray

    @property
    def returns(self) -> np.ndarray:
        """(e,) sum of each episode's rewards."""
        total: np.ndarray = self.reward.sum(axis=1)
        return total


class EpisodesPlan:
    """Requests that run episodes side by side, some control steps at a time, and the replies put together.

    Args:
        episodes: e.
        steps: T.
    """

    def __init__(self, episodes: int, steps: int) -> None:
        check_count("episodes", episodes, 1, "try 30")
        check_count("steps", steps, 1, "an episode has at least one control step")
        self._steps, self._at = steps, 0
        numbers = np.arange(episodes)
        self._groups = [numbers[first : first + EPISODES_AT_ONCE] for first in range(0, episodes, EPISODES_AT_ONCE)]
        self._ends: list[dict[str, np.ndarray]] = [{} for _ in self._groups]
        self._parts: list[list[dict[str, np.ndarray]]] = [[] for _ in self._groups]

    @property
    def is_done(self) -> bool:
        """Whether every control step has been run."""
        return self._at >= self._steps

    def requests(self) -> list[Message]:
        """Return the next control steps of every episode."""
        stride = min(REQUEST_ROWS // EPISODES_AT_ONCE, self._steps - self._at)
        meta = {"first": self._at, "steps": stride, "episode_steps": self._steps}
        self._at += stride
        pairs = zip(self._groups, self._ends, strict=True)
        return [Message("roll_out", meta, {"episodes": group, **end}) for group, end in pairs]

    def take(self, replies: Sequence[Message]) -> None:
        """Take the replies to the last requests."""
        for index, reply in enumerate(replies):
            count = len(self._groups[index])
            self._ends[index] = {
                name.removeprefix("end_"): np.array(array)
                for name, array in reply.arrays.items()
                if name.startswith("end_")
            }
            rows = {name: array for name, array in reply.arrays.items() if not name.startswith("end_")}
            shaped = {name: x.reshape(count, len(x) // count, *x.shape[1:]) for name, x in rows.items()}
            self._parts[index].append(shaped)

    def episodes(self) -> Episodes:
        """Return what was run."""
        groups = [{name: np.concatenate([x[name] for x in part], axis=1) for name in part[0]} for part in self._parts]
        rows: Mapping[str, np.ndarray] = {name: np.concatenate([x[name] for x in groups]) for name in groups[0]}
        state = np.concatenate([rows["state"], rows["next_state"][:, -1:]], axis=1)
        return Episodes(state, rows["action"], rows["reward"], rows["mocap_pos"][:, 0], rows["mocap_quat"][:, 0])
