"""One worker as its parent sees it: a process, two pipes that never block, and what it printed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path

from dynsparse.errors import WorkerError
from dynsparse.workers.protocol import Message, MessageReader, encode

__all__ = ["WorkerProcess", "start_message"]

_LIBRARY = str(Path(__file__).resolve().parents[2])
_MOST_STDERR_BYTES = 2**20
_TAIL_BYTES = 4096
_TAIL_CHARACTERS = 400
_EXIT_S = 2.0
_PIPE_BYTES = 2**20
"""The most that Linux gives to anybody."""


class WorkerProcess:
    """A started worker process; it answers what it is told, one thing after the other.

    Attributes:
        pid: its process id.
        deadline: when the answer that is waited for is overdue (`time.monotonic`, s).
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Start the process.

        Args:
            environment: what is set for it beyond the parent's own environment.

        Raises:
            WorkerError: it can not be started, or has no place for its private folder.
        """
        if not sys.executable:
            raise WorkerError("Expected to know Python's executable to start workers, got none; set sys.executable.")
        try:
            self._folder = tempfile.mkdtemp(prefix="dynsparse-worker-")
        except OSError as error:
            raise WorkerError(f"A worker needs a temporary folder: {error}; try another TMPDIR.") from error
        try:
            self._launch(environment)
        except OSError as error:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise WorkerError(f"A worker process could not be started: {error}; try fewer workers.") from error
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise
        self.pid = self._process.pid
        self.deadline = 0.0
        self._told: deque[tuple[str, float]] = deque()
        self._outgoing: deque[memoryview] = deque()
        self._reader = MessageReader()

    def _launch(self, environment: Mapping[str, str]) -> None:
        # A file and not a pipe: nobody has to read along for the worker to go on.
        self._stderr = os.open(os.path.join(self._folder, "stderr"), os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            work = os.path.join(self._folder, "work")
            os.mkdir(work)
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "dynsparse.workers.child", self._folder, str(os.getpid())],
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                cwd=work,
                env={**os.environ, **environment, "PYTHONPATH": os.pathsep.join(_search_path())},
                # A group of its own: a terminal's Ctrl-C does not reach it even before it can ignore
                # it, and whatever the worker starts is killed along with it.
                process_group=0,
            )
        except BaseException:
            os.close(self._stderr)
            raise
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise OSError("the process has no pipes")
        self._stdin, self._stdout = stdin, stdout
        self.write_descriptor, self.read_descriptor = stdin.fileno(), stdout.fileno()
        os.set_blocking(self.write_descriptor, False)
        os.set_blocking(self.read_descriptor, False)
        if hasattr(fcntl, "F_SETPIPE_SZ"):
            # Most replies then fit: the worker goes on before this process has read them.
            with contextlib.suppress(OSError):
                fcntl.fcntl(self.read_descriptor, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)

    @property
    def doing(self) -> str | None:
        """What it does just now, for messages ("started"), or None when it has answered everything."""
        return self._told[0][0] if self._told else None

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    @property
    def wants_to_write(self) -> bool:
        """Whether a part of what it was told waits for room in the pipe."""
        return bool(self._outgoing)

    def tell(self, pieces: list[bytes | memoryview], doing: str, seconds: float) -> None:
        """Begin to send an encoded message, to be answered within so many seconds of the answer to the one before."""
        if os.fstat(self._stderr).st_size > _MOST_STDERR_BYTES:
            os.ftruncate(self._stderr, 0)
        if not self._told:
            self.deadline = time.monotonic() + seconds
        self._told.append((doing, seconds))
        self._outgoing.extend(memoryview(piece) for piece in pieces if len(piece))
        self._write()

    def pump(self) -> Message | None:
        """Move what the pipes take and hold just now; return an answer once it is whole.

        Raises:
            WorkerError: the worker has died, or sent something else than a message.
        """
        self._write()
        while True:
            try:
                count = os.readv(self.read_descriptor, [self._reader.wanted])
            except BlockingIOError:
                return None
            except OSError:
                count = 0
            if not count:
                raise WorkerError(self._obituary())
            try:
                answer = self._reader.advance(count)
            except WorkerError as error:
                raise WorkerError(f"Worker {self.pid} sent no message while it {self.doing}: {error}") from error
            if answer is not None:
                self._reader = MessageReader()
                self._told.popleft()
                if self._told:
                    self.deadline = time.monotonic() + self._told[0][1]
                return answer

    def _write(self) -> None:
        while self._outgoing:
            try:
                count = os.write(self.write_descriptor, self._outgoing[0])
            except BlockingIOError:
                return
            except OSError:  # its reading end is gone: reading tells how it ended
                self._outgoing.clear()
                return
            if count == len(self._outgoing[0]):
                self._outgoing.popleft()
            else:
                self._outgoing[0] = self._outgoing[0][count:]

    def overdue(self, seconds: float) -> WorkerError:
        """Return the error of a worker that has not answered in so many seconds."""
        return WorkerError(
            f"Worker {self.pid} hung for {seconds:g} s while it {self.doing}{self._last_words()}; "
            "try fewer rows at a time or a longer timeout."
        )

    def _obituary(self) -> str:
        try:
            code = self._process.wait(_EXIT_S)
        except subprocess.TimeoutExpired:
            return f"Worker {self.pid} closed its pipe while it {self.doing}{self._last_words()}."
        if code >= 0:
            end, advice = f"ended with exit code {code}", "run with workers=1 and fewer rows to see which row does it"
        elif code == -signal.SIGKILL:
            end, advice = "was killed by SIGKILL", "where memory ran out, try fewer workers or fewer rows"
        else:
            name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
            end, advice = f"was killed by {name}", "run with workers=1 and fewer rows to see which row does it"
        return f"Worker {self.pid} {end} while it {self.doing}{self._last_words()}; {advice}."

    def _last_words(self) -> str:
        """Return the end of what it printed, in one line, as a clause of a message."""
        size = os.fstat(self._stderr).st_size
        tail = os.pread(self._stderr, _TAIL_BYTES, max(0, size - _TAIL_BYTES)).decode("utf-8", "replace")
        text = " ".join("".join(c if c.isprintable() else " " for c in tail).split())
        return f", having printed last: {text[-_TAIL_CHARACTERS:]!r}" if text else ""

    def kill(self) -> None:
        """Kill the process and all that it has started; say `clean_up` afterwards."""
        if self._process.poll() is None:
            try:
                os.killpg(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                return

    def clean_up(self) -> None:
        """Wait for the killed process, close the pipes and remove its folder; harmless when repeated."""
        # In an uninterruptible system call it ends when that does, and nothing here can hasten it.
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_EXIT_S)
        self._stdin.close()
        self._stdout.close()
        if self._stderr >= 0:
            os.close(self._stderr)
            self._stderr = -1
        shutil.rmtree(self._folder, ignore_errors=True)


def start_message(task: str, start: Message) -> list[bytes | memoryview]:
    """Return the encoded message that makes a worker load a task ("package.module:factory")."""
    return encode(Message("start", {**start.meta, "task": task}, start.arrays))


def _search_path() -> list[str]:
    """Return the parent's module search path as the worker is to have it, in the parent's order.

    The current directory and the directory that Python put there for the user's script are left out,
    so that a file beside a script can not stand in for one of the worker's modules.
    """
    entries = [os.path.abspath(entry) for entry in sys.path if isinstance(entry, str) and entry]
    script = getattr(sys.modules.get("__main__"), "__file__", None)
    if isinstance(script, str) and not sys.flags.safe_path:
        beside = os.path.dirname(os.path.abspath(script))
        if beside in entries:
            entries.remove(beside)  # the first: one that the user named too stays
    return list(dict.fromkeys([*entries, _LIBRARY]))
