"""Wave: the blocks that are made together, between the first reply of a worker and their commit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from dynsparse.dataset import DatasetDescription, finite_rows

__all__ = ["Wave", "episodes_at_once"]

Arrays = Mapping[str, np.ndarray]


def episodes_at_once(nv: int) -> int:
    """Return how many episodes are rolled out side by side: the rows of the compiled step.

    A step of 16 rows costs as little a row as one of 128 (CheetahRun 61 and 58 us, WalkerRun 251 and 218), and a data
    set of ten episodes does not pay for 118 rows of padding; but not so for the smallest models (CartpoleBalance 15
    and 3 us).

    Args:
        nv: degrees of freedom of the model.
    """
    return 64 if nv <= 2 else 16


class Wave:
    """Rows of some blocks, in the order of their numbers.

    Args:
        description: the data set.
        blocks: their numbers, in order.
    """

    def __init__(self, description: DatasetDescription, blocks: Sequence[int]) -> None:
        self._description = description
        self._blocks = list(blocks)
        places = [description.block_rows(number) for number in blocks]
        self._row = np.concatenate([np.arange(place.start, place.stop) for place in places])
        self._ends = np.cumsum([place.stop - place.start for place in places])
        self._held: dict[str, np.ndarray] = {}
        self._handed: set[int] = set()
        self._done = np.zeros(len(self._row), dtype=bool)

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self._row)

    @property
    def episodes(self) -> list[int]:
        """Numbers of the episodes, in order."""
        return [episode for number in self._blocks for episode in self._description.block_episodes(number)]

    def numbers(self, span: slice) -> list[int]:
        """Return the numbers, in the whole data set, of some rows of the wave."""
        numbers: list[int] = self._row[span].tolist()
        return numbers

    def begin(self, episodes: Sequence[int], arrays: Arrays) -> None:
        """Take the rolled out rows of some episodes, episode after episode; what is too long is cut."""
        steps = self._description.episode_steps
        rolled = (np.asarray(episodes)[:, None] * steps + np.arange(steps)).reshape(-1)
        wanted = rolled < self._description.rows
        self._put(np.searchsorted(self._row, rolled[wanted]), {name: x[wanted] for name, x in arrays.items()})

    def request(self, span: slice) -> dict[str, np.ndarray]:
        """Return what a worker needs to differentiate some rows."""
        return {name: array[span] for name, array in self._held.items() if name not in ("action_raw", "penetrating")}

    def finish(self, span: slice, arrays: Arrays) -> None:
        """Take the derivatives of some rows."""
        where = np.arange(span.start, span.stop)
        self._put(where, arrays)
        self._done[where] = True

    def whole_blocks(self) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
        """Hand out each block once, as soon as all of its rows are there."""
        begin = 0
        for place, end in enumerate(self._ends.tolist()):
            number = self._blocks[place]
            if number not in self._handed and self._done[begin:end].all():
                self._handed.add(number)
                yield number, self._fields(number, slice(begin, end))
            begin = end

    def _put(self, where: np.ndarray, arrays: Arrays) -> None:
        for name, array in arrays.items():
            if name not in self._held:
                self._held[name] = np.empty((self.rows, *array.shape[1:]), dtype=array.dtype)
            self._held[name][where] = array

    def _fields(self, number: int, span: slice) -> dict[str, np.ndarray]:
        """Return a block's arrays as they are stored."""
        specs = self._description.fields()
        episode, t = np.divmod(self._row[span], self._description.episode_steps)
        last = (t == self._description.episode_steps - 1) | (self._row[span] == self._description.rows - 1)
        # Playground ends an episode when a position or velocity is NaN; here it runs to its end, flagged row by row.
        lost = ~np.isfinite(self._held["next_state"][span]).all(axis=1)
        found = {name: array[span] for name, array in self._held.items() if name in specs}
        found |= {"episode": episode, "t": t, "terminated": last & lost, "truncated": last & ~lost}
        found = {name: np.asarray(array, dtype=specs[name].dtype) for name, array in found.items()}
        return found | {"finite": finite_rows(found)}
