"""Small tasks for workers: what a real one does wrong, each on demand."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from dynsparse.workers import Message


def echo(start: Message) -> Callable[[Message], Message]:
    """Send every request back, with the start message's meta."""

    def handle(request: Message) -> Message:
        return Message(request.kind, {**request.meta, "start": dict(start.meta)}, request.arrays)

    return handle


class Obedient:
    """Does what the request's kind says."""

    def __init__(self) -> None:
        self.ready_meta = {"compile_seconds": 1.5, "folder": os.getcwd()}

    def __call__(self, request: Message) -> Message:
        """Obey."""
        return getattr(self, request.kind)(request)

    def double(self, request: Message) -> Message:
        """Double an array, after a while where one is asked for."""
        time.sleep(float(request.meta.get("seconds", 0.0)))
        return Message("doubled", {"pid": os.getpid()}, {"x": 2 * request.arrays["x"]})

    def die(self, request: Message) -> Message:
        """End at once, by a signal or with a code."""
        print("these are the last\nwords", flush=True)
        if "signal" in request.meta:
            os.kill(os.getpid(), int(request.meta["signal"]))
            time.sleep(60)
        os._exit(int(request.meta["code"]))

    def stop(self, request: Message) -> Message:
        """Be stopped, as by a debugger."""
        os.kill(os.getpid(), signal.SIGSTOP)
        return Message("stopped")

    def hang(self, request: Message) -> Message:
        """Never answer; say so in a file."""
        if "sign" in request.meta:
            Path(str(request.meta["sign"])).write_text(str(os.getpid()))
        time.sleep(60)
        return Message("hung")

    def mark(self, request: Message) -> Message:
        """Leave a file."""
        Path(str(request.meta["sign"])).touch()
        return Message("marked")

    def employ(self, request: Message) -> Message:
        """Start a process of its own, as to run a compiler, and wait for it."""
        grandchild = subprocess.Popen(["sleep", "60"])
        Path(str(request.meta["sign"])).write_text(str(grandchild.pid))
        grandchild.wait()
        return Message("waited")

    def fail(self, request: Message) -> Message:
        """Raise."""
        raise {"ValueError": ValueError, "SystemExit": SystemExit}[str(request.meta["type"])]("no such\nthing")

    def chat(self, request: Message) -> Message:
        """Print in every way that there is, and read what is not meant for it."""
        print("python")
        os.write(1, b"native\n")
        os.system("echo grandchild")
        return Message("chatted", {"read": sys.stdin.read(), "argv": list(sys.argv[1:])})

    def unsendable(self, request: Message) -> Message:
        """Answer with what can not be sent."""
        return Message("object", {}, {"x": np.array([None])})

    def garble(self, request: Message) -> Message:
        """Write nonsense into the replies' pipe, whichever descriptor that is."""
        for descriptor in range(3, 20):
            try:
                os.write(descriptor, b"nonsense" * 10)
            except OSError:
                continue
        time.sleep(60)
        return Message("garbled")

    def environment(self, request: Message) -> Message:
        """Tell what this process sees of its surroundings."""
        return Message(
            "seen",
            {
                "variable": os.environ.get("TOY_VARIABLE"),
                "pythonpath": os.environ.get("PYTHONPATH"),
                "main": str(getattr(sys.modules["__main__"], "__file__", None)),
                "folder": os.getcwd(),
                "listing": sorted(os.listdir()),
                "path": list(sys.path),
            },
        )


def obedient(start: Message) -> Obedient:
    """Return a handler with a method for each kind of request."""
    return Obedient()


def hopeless(start: Message) -> Obedient:
    """Fail, leaving a mark for each attempt."""
    with open(str(start.meta["attempts"]), "a") as attempts:
        attempts.write("x")
    raise RuntimeError("no such\nmodel")


def stillborn(start: Message) -> Obedient:
    """Die while starting, leaving a mark for each attempt; live every so many attempts."""
    path = Path(str(start.meta["attempts"]))
    with path.open("a") as attempts:
        attempts.write("x")
    if len(path.read_text()) % int(start.meta.get("lives", 99)):
        os._exit(7)
    return Obedient()


def slow_to_start(start: Message) -> Obedient:
    """Hang while starting, as in a long compile; say so in a file."""
    Path(str(start.meta["sign"])).write_text(str(os.getpid()))
    time.sleep(60)
    return Obedient()


def warp_of(start: Message) -> Callable[[Message], Message]:
    """Tell whether MJX has Warp here."""
    import mujoco.mjx.warp

    installed = mujoco.mjx.warp.WARP_INSTALLED
    return lambda request: Message("told", {"installed": installed})
