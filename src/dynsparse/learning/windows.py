"""Windows: stretches of episodes along which models are rolled forward, each step from their own prediction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["HORIZON", "WINDOWS", "WindowPlaces", "Windows", "window_places"]

Array = NDArray[np.float64]
Places = NDArray[np.int64]

HORIZON = 50
"""Control steps of a window, fewer where its episode ends."""

WINDOWS = 256
"""How many windows there are at most."""


class WindowPlaces(NamedTuple):
    """Where windows lie.

    Attributes:
        place: (w,) place of each window's first row among the scored rows.
        first: (w,) place of that row in the data set.
        length: (w,) control steps, from 1 to ``HORIZON``.
    """

    place: Places
    first: Places
    length: Places

    @property
    def inside(self) -> NDArray[np.bool_]:
        """(w, HORIZON) true up to a window's end."""
        return np.arange(HORIZON) < self.length[:, None]

    @property
    def rows(self) -> Places:
        """(k,) places in the data set of all rows that windows are made of, increasing, each once."""
        return np.unique((self.first[:, None] + np.arange(HORIZON))[self.inside])


@dataclass(frozen=True, eq=False)
class Windows:
    """Stretches of consecutive control steps, each inside one episode, all its rows finite.

    Attributes:
        place: (w,) place among the scored rows of the row with which a window starts.
        length: (w,) control steps, from 1 to ``HORIZON``.
        state: (w, ds) state from which a window starts.
        action: (w, HORIZON, da) actions that were taken; NaN after the window's end.
        next_state: (w, HORIZON, ds) states that followed; NaN after the window's end.
    """

    place: Places
    length: Places
    state: Array
    action: Array
    next_state: Array

    @classmethod
    def gather(cls, rows: Mapping[str, NDArray[Any]], places: WindowPlaces) -> Windows:
        """Make windows of rows.

        Args:
            rows: ``state`` (k, ds), ``action`` (k, da) and ``next_state`` (k, ds) of the rows ``places.rows``.
            places: Where the windows lie.

        Returns:
            The windows.
        """
        inside, first = places.inside, places.first[:, None]
        at = np.searchsorted(places.rows, np.where(inside, first + np.arange(HORIZON), first))
        action, following = (
            np.where(inside[..., None], np.asarray(rows[name], dtype=np.float64)[at], np.nan)
            for name in ("action", "next_state")
        )
        state = np.asarray(rows["state"], dtype=np.float64)[at[:, 0]]
        return cls(places.place, places.length, state, action, following)


def window_places(
    index: Places, episode: NDArray[np.integer], t: NDArray[np.integer], finite: NDArray[np.bool_]
) -> WindowPlaces:
    """Choose windows that start at scored rows: at all of them, or at ``WINDOWS`` evenly spaced ones.

    Args:
        index: (m,) places of the scored rows in the data set, increasing, all finite.
        episode: (n,) number of each row's episode.
        t: (n,) control step inside it.
        finite: (n,) a window ends before a row that is not.

    Returns:
        Their places.
    """
    rows = len(finite)
    goes_on = np.zeros(rows, dtype=bool)
    goes_on[:-1] = (episode[1:] == episode[:-1]) & (t[1:] == t[:-1] + 1)
    # A window ends after the last row of its episode or before the first that is not finite, whichever comes first.
    ends = np.where(finite, np.where(goes_on, rows, np.arange(1, rows + 1)), np.arange(rows))
    ends = np.minimum.accumulate(ends[::-1])[::-1]
    place = np.unique(np.linspace(0, len(index) - 1, min(WINDOWS, len(index))).round().astype(np.int64))
    first = index[place]
    return WindowPlaces(place, first, np.minimum(ends[first] - first, HORIZON))
