"""The worker's side: ``python -P -m dynsparse.workers.child FOLDER PARENT_PID``.

FOLDER is private to this worker, its working directory, and removed at the end.  Messages come in on
file descriptor 0 and leave on file descriptor 1; both are moved out of the way before anything else
runs, so that a library that prints or reads does not touch them.
"""

from __future__ import annotations

import importlib
import os
import queue
import resource
import select
import shutil
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, TextIO, cast

from dynsparse.errors import WorkerError
from dynsparse.workers.imports import leave_out_warp
from dynsparse.workers.protocol import JSON, Message, encode, read_message

__all__ = ["main"]

Handler = Callable[[Message], Message]

_PARENT_CHECK_S = 1.0
_LONGEST_TEXT = 2000


class ParentStream:
    """The requests' pipe, which also ends where the parent is gone though the pipe stays open.

    A process that the user's program forked holds the pipe's other end open too.
    """

    def __init__(self, descriptor: int, parent: int) -> None:
        self._descriptor = descriptor
        self._parent = parent
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLIN)

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill a part of the buffer and return how many bytes; 0 where the parent closed or ended."""
        while not self._poll.poll(_PARENT_CHECK_S * 1000):
            if os.getppid() != self._parent:
                return 0
        return os.readv(self._descriptor, [buffer])


def main(arguments: list[str]) -> None:
    """Serve requests until the parent closes the pipe or ends; does not return."""
    # Ctrl-C reaches the whole process group: the parent decides what becomes of its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if len(arguments) != 2 or not arguments[1].isdigit():
        sys.exit("Expected FOLDER PARENT_PID: this module is started by dynsparse.workers.WorkerPool.")
    folder, parent = arguments
    requests, replies = _take_pipes()
    # The module search path has served its purpose; a Python started from here (a compiler's wrapper,
    # say) may be another version.
    os.environ.pop("PYTHONPATH", None)
    leave_out_warp()
    inbox: queue.SimpleQueue[Message | WorkerError] = queue.SimpleQueue()
    stream = ParentStream(requests, int(parent))
    # A thread of its own, so that the parent's end is noticed while the main thread compiles or computes.
    threading.Thread(target=_receive, args=(stream, inbox, folder), daemon=True).start()
    try:
        _serve(inbox, replies)
    except WorkerError as error:
        sys.stderr.write(f"The parent sent no message: {error}\n")
        sys.stderr.flush()
    except BrokenPipeError:
        _end(folder, 0)
    _end(folder, 1)


def _take_pipes() -> tuple[int, BinaryIO]:
    """Move the two pipes to private descriptors, which no process started from here inherits."""
    requests, replies = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    # Print at once: what is still buffered when a worker is killed would be lost.
    cast(TextIO, sys.stdout).reconfigure(line_buffering=True)  # type: ignore[attr-defined]
    return requests, os.fdopen(replies, "wb")


def _receive(stream: ParentStream, inbox: queue.SimpleQueue[Message | WorkerError], folder: str) -> None:
    try:
        while (message := read_message(stream)) is not None:
            inbox.put(message)
    except WorkerError as error:
        if os.getppid() == stream._parent:
            inbox.put(error)  # the request before it is answered first
            return
    except BaseException:
        _end(folder, 1)
    _end(folder, 0)


def _end(folder: str, code: int) -> None:
    """Remove the private folder and end at once, together with every process started from here."""
    for _ in range(10):  # the main thread may still be writing there
        shutil.rmtree(folder, ignore_errors=True)
        if not os.path.lexists(folder):
            break
        time.sleep(0.01)
    if code == 0 and os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(code)


def _serve(inbox: queue.SimpleQueue[Message | WorkerError], replies: BinaryIO) -> None:
    """Answer the start message and then every request; return after a start that failed.

    Raises:
        WorkerError: the parent sent something that is no message.
    """
    handler: Handler | None = None
    while True:
        message = inbox.get()
        if isinstance(message, WorkerError):
            raise message
        began = time.perf_counter()
        try:
            if handler is None:
                handler = _load(message)
                reply = Message("ready", getattr(handler, "ready_meta", {}))
            else:
                reply = handler(message)
                if not isinstance(reply, Message):
                    raise WorkerError(f"Expected the task to return a Message, got {type(reply).__name__}.")
            pieces = encode(_stamped(reply, began))
        # Also SystemExit: whatever a task does, its worker answers, and the parent decides.
        except BaseException as error:
            pieces = encode(_stamped(_error(error), began))
        for piece in pieces:
            replies.write(piece)
        replies.flush()
        if handler is None:
            return


def _load(message: Message) -> Handler:
    """Return the handler that the start message's task makes of it."""
    task = message.meta.get("task")
    if message.kind != "start" or not isinstance(task, str) or task.count(":") != 1:
        raise WorkerError(f"Expected a start message with a task 'module:factory', got {message.kind!r}, {task!r}.")
    module, _, name = task.partition(":")
    factory = getattr(importlib.import_module(module), name, None)
    if not callable(factory):
        raise WorkerError(f"Expected a factory {name!r} in {module}, got {factory!r}.")
    handler = factory(message)
    if not callable(handler):
        raise WorkerError(f"Expected {task} to return something callable, got {type(handler).__name__}.")
    return cast(Handler, handler)


def _stamped(reply: Message, began: float) -> Message:
    own: dict[str, JSON] = {"seconds": time.perf_counter() - began, "peak_rss_mib": _peak_rss_mib()}
    return Message(reply.kind, {**reply.meta, **own}, reply.arrays)


def _error(error: BaseException) -> Message:
    text = " ".join(str(error).split())[:_LONGEST_TEXT]
    trace = "".join(traceback.format_exception(error))[-10 * _LONGEST_TEXT :]
    return Message("error", {"type": type(error).__name__, "text": text, "traceback": trace})


def _peak_rss_mib() -> float:
    """Return the most memory that this process has held, in MiB.

    Not ``ru_maxrss`` on Linux: it survives ``exec``, and a worker started by ``vfork`` would report
    its parent's.
    """
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass  # no /proc: not Linux
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    main(sys.argv[1:])
