"""Wave: the blocks that are made together, between the first reply of a worker and their commit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from dynsparse.dataset import DatasetDescription, finite_rows

__all__ = ["EPISODES_AT_ONCE", "Wave"]

Arrays = Mapping[str, np.ndarray]

EPISODES_AT_ONCE = 16
"""Episodes that are rolled out side by side: the rows of the compiled step.  16 cost as little a row as 128, and a data
set of ten episodes does not pay for 118 rows of padding."""

_INPUTS = ("state", "action", "warmstart", "next_state", "mocap_pos", "mocap_quat")


class Wave:
    """Rows of some blocks, in the order of their numbers, made one segment of control steps after the other.

    What is stored is held for all rows; what only the differentiation needs (every solver call) for one segment.

    Args:
        description: the data set.
        blocks: their numbers, in order.
    """

    def __init__(self, description: DatasetDescription, blocks: Sequence[int]) -> None:
        self._description = description
        self._specs = description.fields()
        self._blocks = list(blocks)
        places = [description.block_rows(number) for number in blocks]
        self._row = np.concatenate([np.arange(place.start, place.stop) for place in places])
        self._ends = np.cumsum([place.stop - place.start for place in places])
        self._held: dict[str, np.ndarray] = {}
        self._done = np.zeros(len(self._row), dtype=bool)
        self._handed: set[int] = set()
        self._segment = np.zeros(0, dtype=np.int64)
        self._passing: dict[str, np.ndarray] = {}

    @property
    def episodes(self) -> list[int]:
        """Numbers of the episodes, in order."""
        return [episode for number in self._blocks for episode in self._description.block_episodes(number)]

    @property
    def segment_rows(self) -> int:
        """How many rows the present segment has."""
        return len(self._segment)

    def open_segment(self, first: int, steps: int) -> None:
        """Turn to ``steps`` control steps of every episode, from ``first`` on; let the last segment's calls go."""
        t = self._row % self._description.episode_steps
        self._segment = np.flatnonzero((t >= first) & (t < first + steps))
        self._passing = {}

    def begin(self, episodes: Sequence[int], first: int, steps: int, arrays: Arrays) -> None:
        """Take rolled out rows of some episodes, episode after episode; what lies behind the last row is cut.

        Args:
            episodes: their numbers.
            first: first control step.
            steps: control steps of each.
            arrays: (episodes * steps, ...).
        """
        rolled = np.asarray(episodes)[:, None] * self._description.episode_steps + first + np.arange(steps)
        rolled = rolled.reshape(-1)
        wanted = rolled < self._description.rows
        where = np.searchsorted(self._row, rolled[wanted])
        inside = _place(np.searchsorted(self._segment, where))
        place, taken = _place(where), _place(np.flatnonzero(wanted))
        for name, array in arrays.items():
            if name in self._specs or name in _INPUTS:
                _put(self._held, name, len(self._row), place, array[taken])
            else:
                _put(self._passing, name, len(self._segment), inside, array[taken])

    def numbers(self, span: slice) -> list[int]:
        """Return the numbers, in the whole data set, of some rows of the segment."""
        numbers: list[int] = self._row[self._segment[span]].tolist()
        return numbers

    def request(self, span: slice) -> dict[str, np.ndarray]:
        """Return what a worker needs to differentiate some rows of the segment."""
        rows = _place(self._segment[span])
        held = {name: self._held[name][rows] for name in _INPUTS}
        return held | {name: array[span] for name, array in self._passing.items()}

    def finish(self, span: slice, arrays: Arrays) -> None:
        """Take the derivatives of some rows of the segment."""
        where = _place(self._segment[span])
        for name, array in arrays.items():
            _put(self._held, name, len(self._row), where, array)
        self._done[where] = True

    def whole_blocks(self) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
        """Hand out each block once, as soon as all of its rows are there."""
        begin = 0
        for place, end in enumerate(self._ends.tolist()):
            number = self._blocks[place]
            if number not in self._handed and self._done[begin:end].all():
                self._handed.add(number)
                yield number, self._fields(slice(begin, end))
            begin = end

    def _fields(self, span: slice) -> dict[str, np.ndarray]:
        """Return some rows as they are stored."""
        episode, t = np.divmod(self._row[span], self._description.episode_steps)
        last = (t == self._description.episode_steps - 1) | (self._row[span] == self._description.rows - 1)
        # Playground ends an episode when a position or velocity is NaN; here it runs to its end, flagged row by row.
        lost = ~np.isfinite(self._held["next_state"][span]).all(axis=1)
        found = {name: array[span] for name, array in self._held.items() if name in self._specs}
        found |= {"episode": episode, "t": t, "terminated": last & lost, "truncated": last & ~lost}
        # A number too large for float32 becomes infinite, and its row is flagged as not finite.
        with np.errstate(over="ignore"):
            found = {name: np.asarray(array, dtype=self._specs[name].dtype) for name, array in found.items()}
        return found | {"finite": finite_rows(found)}


def _place(rows: np.ndarray) -> slice | np.ndarray:
    """Return increasing row numbers as a slice where they follow on one another: it copies nothing."""
    if len(rows) and rows[-1] - rows[0] + 1 == len(rows):
        return slice(int(rows[0]), int(rows[-1]) + 1)
    return rows


def _put(kept: dict[str, np.ndarray], name: str, rows: int, where: slice | np.ndarray, array: np.ndarray) -> None:
    if name not in kept:
        kept[name] = np.empty((rows, *array.shape[1:]), dtype=array.dtype)
    kept[name][where] = array
