"""Horizon starts: at which rows of a data set a window of control steps begins, spread over every episode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynsparse.config import check_count
from dynsparse.errors import ArrayError

__all__ = ["HorizonStarts", "choose_starts", "evenly", "longest_horizon"]


@dataclass(frozen=True, eq=False)
class HorizonStarts:
    """Chosen windows.

    Attributes:
        rows: (m,) places of their first rows in the data set, in rising order.
        episode: (m,) which episode each is in, as the data set numbers it.
        left_out: Episodes without a single window of finite rows.
    """

    rows: NDArray[np.int64]
    episode: NDArray[np.int64]
    left_out: int


def longest_horizon(episode: NDArray[Any], horizon: int) -> int:
    """Return the horizon, or the rows of the longest episode where there is none as long.

    Args:
        episode: (n,) number of the episode of each row.
        horizon: Control steps that are wanted.

    Raises:
        ArrayError: There is no row.
    """
    check_count("horizon", horizon, 1, "50 is that of many planners")
    if not len(episode):
        raise ArrayError("expected the rows of at least one episode, got none; collect a data set")
    return min(horizon, int(np.unique(episode, return_counts=True)[1].max()))


def choose_starts(
    episode: NDArray[Any], finite: NDArray[np.bool_], *, horizon: int, starts: int, seed: int
) -> HorizonStarts:
    """Choose windows of finite rows inside episodes, one at random in each of equal parts of an episode.

    Args:
        episode: (n,) number of the episode of each row; rows of an episode follow each other.
        finite: (n,) whether every number of the row is finite.
        horizon: Rows of a window.
        starts: Windows of an episode; all of them where there are fewer.
        seed: Decides which.  An episode's windows depend on it and the episode's number alone.

    Returns:
        The windows.

    Raises:
        ArrayError: No window of so many finite rows lies inside an episode.
    """
    check_count("starts", starts, 1, "50 an episode")
    check_count("seed", seed, 0, "try 0")
    rows, numbers = [], []
    left_out = 0
    for number in np.unique(episode):
        inside = np.flatnonzero(episode == number)
        possible = inside[: max(len(inside) - horizon + 1, 0)]
        bad = np.concatenate([[0], np.cumsum(~finite[inside])])
        possible = possible[bad[horizon:] == bad[:-horizon]] if len(possible) else possible
        left_out += not len(possible)
        chosen = possible[evenly(len(possible), starts, np.random.default_rng([seed, int(number)]))]
        rows.append(chosen)
        numbers.append(np.full(len(chosen), number, dtype=np.int64))
    found = HorizonStarts(np.concatenate(rows), np.concatenate(numbers), left_out)
    if not len(found.rows):
        raise ArrayError(
            f"expected {horizon} finite rows that follow each other in some episode, there are none; "
            "take a shorter horizon, or collect longer episodes"
        )
    return found


def evenly(count: int, wanted: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Choose some of the numbers below a count, one at random in each of equal parts.

    Args:
        count: How many there are.
        wanted: How many are wanted; all of them where there are no more.
        rng: Draws them.

    Returns:
        (min(count, wanted),) numbers in rising order.
    """
    if count <= wanted:
        return np.arange(count)
    edges = np.linspace(0, count, wanted + 1)
    low, high = np.ceil(edges[:-1]).astype(np.int64), np.ceil(edges[1:]).astype(np.int64)
    return np.asarray(low + (rng.random(wanted) * (high - low)).astype(np.int64))
