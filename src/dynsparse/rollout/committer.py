"""Committer: stores blocks in a thread of its own, while workers make the next ones."""

from __future__ import annotations

import queue
import threading
from collections.abc import Mapping
from types import TracebackType

import numpy as np

from dynsparse.dataset import DatasetWriter

__all__ = ["Committer"]

_MOST_WAITING = 8
"""Blocks that wait to be stored; whoever makes more waits for the disk."""

Block = tuple[int, Mapping[str, np.ndarray]]


class Committer:
    """Hands blocks to a writer from one thread; a context manager.

    Compressing, hashing and flushing release Python's lock, so that the thread that feeds the workers is not held up.

    Args:
        writer: where the blocks go.
    """

    def __init__(self, writer: DatasetWriter) -> None:
        self._writer = writer
        self._waiting: queue.Queue[Block | None] = queue.Queue(_MOST_WAITING)
        self._failure: BaseException | None = None
        self._dropping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="dynsparse-committer", daemon=True)
        self._thread.start()

    def commit(self, number: int, arrays: Mapping[str, np.ndarray]) -> None:
        """Store a block soon.

        Args:
            number: its number.
            arrays: its fields; not to be changed any more.

        Raises:
            OutputError: an earlier block could not be stored.
        """
        self._raise_failure()
        self._waiting.put((number, arrays))

    def __enter__(self) -> Committer:
        """Return the committer itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait until everything is stored, after an error too; after Ctrl-C only until the block in hand is."""
        if error is not None and not isinstance(error, Exception):
            self._dropping.set()
        self._waiting.put(None)
        self._thread.join()
        if error is None:
            self._raise_failure()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _work(self) -> None:
        # It takes blocks until it is told the end even where it stores none: nobody may wait for room for ever.
        while (block := self._waiting.get()) is not None:
            if self._failure is None and not self._dropping.is_set():
                try:
                    self._writer.commit(*block)
                except BaseException as failure:  # kept for the thread that collects, which raises it
                    self._failure = failure
