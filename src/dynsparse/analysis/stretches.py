"""Stretches: consecutive control steps out of many episodes, few enough to be computed again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dynsparse.config import check_count
from dynsparse.errors import ArrayError

__all__ = ["Stretches", "choose_stretches"]


@dataclass(frozen=True, eq=False)
class Stretches:
    """Rows of a data set: one run of consecutive control steps of each of some episodes.

    Attributes:
        places: (k,) which rows, in increasing order.
        number: (k,) which stretch each belongs to, from 0.
        t: (k,) control steps since the stretch began.
        episode: (e,) the episode that each stretch is of.
        first: (e,) the control step of its episode at which each begins.
    """

    places: NDArray[np.int64]
    number: NDArray[np.int64]
    t: NDArray[np.int64]
    episode: NDArray[np.int64]
    first: NDArray[np.int64]


def choose_stretches(episode: NDArray[np.int64], rows: int, *, episodes: int, seed: int) -> Stretches:
    """Choose stretches of equal length, one an episode, each beginning anywhere that leaves it its length.

    Args:
        episode: (n,) number of the episode of each row, an episode's rows following each other.
        rows: Rows in all at most; an episode that is shorter than its share gives all it has.
        episodes: Episodes at most; of more, some that are spread evenly.
        seed: Decides where stretches begin.

    Returns:
        The stretches.

    Raises:
        SettingError: If ``rows`` or ``episodes`` is below 1, or ``seed`` negative.
        ArrayError: If there is no row.
    """
    check_count("rows", rows, 1, "try 2000")
    check_count("episodes", episodes, 1, "three are the fewest that an interval is given for")
    check_count("seed", seed, 0, "try 0")
    if not len(episode):
        raise ArrayError("expected rows to choose from, got none")
    begins = np.flatnonzero(np.append(True, episode[1:] != episode[:-1]))
    lengths = np.diff(begins, append=len(episode))
    many = min(len(begins), episodes, rows)
    chosen = np.linspace(0, len(begins) - 1, many).round().astype(np.int64)
    steps = np.minimum(lengths[chosen], rows // many)
    rng = np.random.default_rng(seed)
    first = np.array([rng.integers(0, room + 1) for room in lengths[chosen] - steps], dtype=np.int64)
    t = np.concatenate([np.arange(count, dtype=np.int64) for count in steps])
    number = np.repeat(np.arange(many, dtype=np.int64), steps)
    return Stretches((begins[chosen] + first)[number] + t, number, t, episode[begins[chosen]].astype(np.int64), first)
