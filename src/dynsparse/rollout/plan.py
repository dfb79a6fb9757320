"""Plan: the requests that make some blocks of a data set, in an order in which no worker waits for another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import overload

import numpy as np

from dynsparse.dataset import DatasetDescription
from dynsparse.rollout.wave import Wave, row_numbers
from dynsparse.workers import Message

__all__ = ["EPISODES_AT_ONCE", "REQUEST_ROWS", "Plan"]

EPISODES_AT_ONCE = 16
"""Episodes that a request runs side by side: two vectors of the machine code.  More cost as much a row, and a data set
of few episodes is shared among the workers."""

REQUEST_ROWS = 2048
"""Most rows of a request: several batches of the compiled derivative, and seconds of work where a row is slow."""

WAVE_BYTES = 2**27
"""Bytes of rows that one wave holds for each worker, about; at most two waves are made at once."""


@dataclass(frozen=True)
class _Piece:
    """What one request makes: some control steps of some episodes.

    Attributes:
        wave: index of the wave that takes the rows.
        episodes: their numbers.
        first: first control step.
        steps: how many.
        before: index of the request that makes the steps before these; -1 where they are the first.
    """

    wave: int
    episodes: np.ndarray
    first: int
    steps: int
    before: int


class Plan(Sequence[Message]):
    """Requests, each made when a worker is free for it, and what becomes of their replies.

    A request runs some episodes for some steps and differentiates every row; the next one goes on where it ended.
    Requests of different episodes take turns, so that each of several workers always has one to do.

    Args:
        description: the data set.
        blocks: numbers of the blocks to make, in order.
        workers: how many processes share the requests.
    """

    def __init__(self, description: DatasetDescription, blocks: Sequence[int], workers: int) -> None:
        self._description, self._workers = description, workers
        # More of short episodes: the compiled derivative and reward pay for 128 rows, be there 16 or 128 of them.
        self._at_once = EPISODES_AT_ONCE * max(1, REQUEST_ROWS // (EPISODES_AT_ONCE * description.episode_steps))
        self._groups = list(self._grouped(blocks))
        self._pieces: list[_Piece] = []
        for wave in range(len(self._groups)):
            self._pieces.extend(self._cut(wave, len(self._pieces)))
        self._awaited = {piece.before for piece in self._pieces}
        self._waves: dict[int, Wave] = {}
        self._whole = 0
        self._ends: dict[int, dict[str, np.ndarray]] = {}

    def __len__(self) -> int:
        """How many requests there are."""
        return len(self._pieces)

    @overload
    def __getitem__(self, index: int) -> Message: ...
    @overload
    def __getitem__(self, index: slice) -> list[Message]: ...
    def __getitem__(self, index: int | slice) -> Message | list[Message]:
        """Make a request that is ready; once."""
        if isinstance(index, slice):
            return [self[i] for i in range(len(self))[index]]
        piece = self._pieces[index]
        if self._description.states == "coverage":
            return Message("cover", {"first": int(piece.episodes[0]), "rows": len(piece.episodes)})
        whole = {"episode_steps": self._description.episode_steps, "rows": self._description.rows}
        meta = {"first": piece.first, "steps": piece.steps, **whole}
        return Message("collect", meta, {"episodes": piece.episodes, **self._ends.pop(piece.before, {})})

    def ready(self, index: int) -> bool:
        """Return whether a request can be made: where its episodes stand is known, and there is memory for its rows."""
        piece = self._pieces[index]
        return piece.wave <= self._whole + 1 and (piece.before < 0 or piece.before in self._ends)

    def take(self, index: int, reply: Message) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
        """Take the reply to a request, and hand out each block that is whole with it, once."""
        piece = self._pieces[index]
        if piece.wave not in self._waves:
            self._waves[piece.wave] = Wave(self._description, self._groups[piece.wave])
        wave = self._waves[piece.wave]
        ends = {name: array for name, array in reply.arrays.items() if name.startswith("end_")}
        if index in self._awaited:
            self._ends[index] = {name.removeprefix("end_"): np.array(array) for name, array in ends.items()}
        rows = {name: array for name, array in reply.arrays.items() if name not in ends}
        wave.put(piece.episodes, piece.first, piece.steps, rows)
        yield from wave.whole_blocks()
        while self._whole in self._waves and self._waves[self._whole].is_whole:
            del self._waves[self._whole]
            self._whole += 1

    def rows(self, index: int) -> np.ndarray:
        """Return the numbers of the rows that are lost when a request has no answer: all that would have followed."""
        piece = self._pieces[index]
        steps = self._description.episode_steps
        rows = row_numbers(piece.episodes, piece.first, steps - piece.first, steps)
        return rows[rows < self._description.rows]

    def _grouped(self, blocks: Sequence[int]) -> Iterator[list[int]]:
        """Group blocks, so that every worker has about the episodes that its requests take, and memory for them."""
        wave: list[int] = []
        held = 0
        episode_bytes = self._description.episode_steps * row_bytes(self._description)
        for number in blocks:
            more = len(self._description.block_episodes(number))
            full = held + more > self._workers * self._at_once
            if wave and (full or held * episode_bytes >= self._workers * WAVE_BYTES):
                yield wave
                wave, held = [], 0
            wave.append(number)
            held += more
        if wave:
            yield wave

    def _cut(self, wave: int, begin: int) -> Iterator[_Piece]:
        """Cut a wave into requests, the first of which has the index ``begin``."""
        episodes = np.concatenate([np.array(self._description.block_episodes(number)) for number in self._groups[wave]])
        # As many for every worker.
        count = min(-(-len(episodes) // (self._workers * self._at_once)) * self._workers, len(episodes))
        if self._description.states == "coverage":
            yield from (_Piece(wave, part, 0, 1, -1) for part in _neighbours(episodes, -(-len(episodes) // count)))
            return
        parts = np.array_split(episodes, count)
        total, steps = self._description.episode_steps, max(1, REQUEST_ROWS // len(parts[0]))
        index, before = begin, [-1] * count
        for first in range(0, total, steps):
            for place, part in enumerate(parts):
                if part[0] * total + first < self._description.rows:  # the last episode may be over
                    yield _Piece(wave, part, first, min(steps, total - first), before[place])
                    index, before[place] = index + 1, index


def _neighbours(episodes: np.ndarray, most: int) -> Iterator[np.ndarray]:
    """Cut increasing numbers into runs of consecutive ones, of at most so many."""
    cuts = [i for i, (a, b) in enumerate(pairwise(episodes.tolist()), 1) if b != a + 1]
    for run in np.split(episodes, cuts):
        yield from np.split(run, range(most, len(run), most))


def row_bytes(description: DatasetDescription) -> int:
    """Return the bytes of a row before compression, in float64."""
    fields = replace(description, dtype="float64").fields()
    return sum(spec.dtype.itemsize * int(np.prod(spec.shape)) for spec in fields.values())
