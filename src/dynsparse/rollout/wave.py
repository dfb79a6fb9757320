"""Wave: the blocks that are made together, between the first reply of a worker and their commit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from dynsparse.dataset import DatasetDescription, finite_rows

__all__ = ["Wave", "row_numbers"]

Arrays = Mapping[str, np.ndarray]


class Wave:
    """Rows of some blocks, in the order of their numbers.

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

    @property
    def is_whole(self) -> bool:
        """Whether every row is there."""
        return bool(self._done.all())

    def put(self, episodes: np.ndarray, first: int, steps: int, arrays: Arrays) -> None:
        """Take rows of some episodes, episode after episode; there is none behind the data set's last row.

        Args:
            episodes: (e,) their numbers.
            first: first control step.
            steps: control steps of each.
            arrays: (n, ...), n = e * steps where the last row is not among them.
        """
        made = row_numbers(episodes, first, steps, self._description.episode_steps)
        where = np.searchsorted(self._row, made[made < self._description.rows])
        for name, array in arrays.items():
            if name in self._specs or name == "next_state":
                if name not in self._held:
                    self._held[name] = np.empty((len(self._row), *array.shape[1:]), dtype=array.dtype)
                self._held[name][where] = array
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


def row_numbers(episodes: np.ndarray, first: int, steps: int, episode_steps: int) -> np.ndarray:
    """Return the (e * steps,) numbers of rows in a data set without an end, episode after episode.

    Args:
        episodes: (e,) their numbers.
        first: first control step.
        steps: control steps of each.
        episode_steps: control steps of a whole episode.
    """
    return (episodes[:, None] * episode_steps + first + np.arange(steps)).reshape(-1)
