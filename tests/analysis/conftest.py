from __future__ import annotations

import dataclasses
from itertools import pairwise

import numpy as np
import pytest

from dynsparse.analysis.source import RowDescription
from dynsparse.analysis.streaming import analyze

# A body (position x, velocity y) pushed by u, that sticks to the ground in mode B.  Row = output, column = input.
FREE = [[1.0, 0.5, 0.0], [0.0, 0.9, 1.0]]  # A: x' = x + 0.5 y, y' = 0.9 y + u
STUCK = [[1.0, 0.0, 0.0], [0.2, 0.0, 0.0]]  # B: x' = x, y' = 0.2 x: the position drives the velocity, not the reverse
MODES = ("AABBBA", "ABBAAA", "BBB")


@dataclasses.dataclass
class Block:
    arrays: dict[str, np.ndarray]


class Source:
    """A data set of a few lines: arrays, handed out in the pieces that the cuts make."""

    def __init__(self, arrays, cuts=(), **changes):
        names = {"state_names": tuple("xyzpqr"[: arrays["jac_state"].shape[1]])}
        names["action_names"] = tuple("uvw"[: arrays["jac_action"].shape[2]])
        longest = int(arrays["t"].max(initial=0)) + 1
        known = {"environment": "Toy", "policy": {"name": "random"}, "derivative": "exact", "episode_steps": longest}
        self.description = RowDescription(**(names | known | changes))
        self.rows, self.episodes = len(arrays["t"]), len(set(arrays["episode"].tolist()))
        self._arrays, self._cuts = arrays, (0, *cuts, self.rows)

    def blocks(self, names):
        for start, stop in pairwise(self._cuts):
            yield Block({name: self._arrays[name][start:stop] for name in names})


def switched_arrays(modes=MODES):
    """Rows of the switched system: N is a row that is not finite."""
    jacobian = {"A": np.array(FREE), "B": np.array(STUCK), "N": np.full((2, 3), np.nan)}
    rows = np.stack([jacobian[mode] for episode in modes for mode in episode])
    return {
        "jac_state": rows[:, :, :2],
        "jac_action": rows[:, :, 2:],
        "finite": np.array([mode != "N" for episode in modes for mode in episode]),
        "episode": np.concatenate([np.full(len(episode), number) for number, episode in enumerate(modes)]),
        "t": np.concatenate([np.arange(len(episode)) for episode in modes]),
    }


@pytest.fixture(scope="session")
def make_source():
    return Source


@pytest.fixture(scope="session")
def make_switched():
    return switched_arrays


@pytest.fixture
def switched():
    return switched_arrays()


@pytest.fixture
def report(switched):
    return analyze(Source(switched), provenance={"seed": 0})
