"""Heard process: another command beside this one, listened to until its end."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Sequence

from dynsparse.cli.time_span import TimeSpan

__all__ = ["HeardProcess"]


class HeardProcess:
    """A process that knows when it ended, though whoever started it may look much later."""

    def __init__(self, command: Sequence[str]) -> None:
        """Start it.

        Args:
            command: Program and arguments.

        Raises:
            OSError: It can not be started.
        """
        self._began, self._clock = time.time(), time.monotonic()
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self._said = ("", "")
        self._seconds = 0.0
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        self._said = self._process.communicate()
        self._seconds = time.monotonic() - self._clock

    def wait(self) -> tuple[str, str]:
        """Return what it wrote on its standard output and error, once it has ended."""
        self._thread.join()
        return self._said

    def kill(self) -> None:
        """End it at once; one that has ended is left alone."""
        self._process.kill()

    @property
    def span(self) -> TimeSpan:
        """When it ran; after ``wait``."""
        return TimeSpan(self._began, self._seconds)

    @property
    def failed(self) -> bool:
        """Whether it ended otherwise than well; after ``wait``."""
        return self._process.returncode != 0
