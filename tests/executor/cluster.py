"""A real Ray cluster on this machine: nodes with raylets of their own, that can be killed as a machine is."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Collection, Sequence
from pathlib import Path

from .conftest import running, wait_until

_MARK = "DYNSPARSE_TEST_NODE"
_QUICK = {
    # A node that is gone is found gone within two seconds, not fifteen.
    "RAY_health_check_initial_delay_ms": "500",
    "RAY_health_check_period_ms": "500",
    "RAY_health_check_timeout_ms": "1000",
    "RAY_health_check_failure_threshold": "3",
    "RAY_USAGE_STATS_ENABLED": "0",
}


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def marked(mark: str, sessions: Collection[int]) -> list[int]:
    """Return the process ids of what was started with a mark in its environment, or is in one of some sessions.

    Neither would do alone: Ray's agents write their titles over their environment, its workers may begin a session.
    """
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                session = int((folder / "stat").read_text().rpartition(")")[2].split()[3])
                if session in sessions or f"{_MARK}={mark}".encode() in (folder / "environ").read_bytes():
                    found.append(int(folder.name))
            except OSError:
                continue  # ended meanwhile, or another user's
    return [pid for pid in found if running(pid)]


class Cluster:
    """A head, which is a node too, and other nodes, each with one CPU."""

    def __init__(self) -> None:
        # Ray's sockets are in here, and the path of a socket has to be short: not below pytest's folder.
        self._folder = Path(tempfile.mkdtemp(prefix="dsr-", dir="/tmp"))
        self._mark = uuid.uuid4().hex
        self._sessions: dict[str, int] = {}
        self.address = f"127.0.0.1:{free_port()}"
        self._start(["--head", f"--port={self.address.partition(':')[2]}", "--include-dashboard=false"])

    def add(self, prefix: Sequence[str] = (), variables: dict[str, str] | None = None) -> str:
        """Start a node, in another way or with other variables where such are given; return its mark."""
        return self._start([f"--address={self.address}"], prefix, variables or {})

    def kill(self, mark: str) -> None:
        """Kill every process of a node at once, as when its machine loses power."""
        sessions = [pid for name, pid in self._sessions.items() if name.startswith(mark)]

        def gone() -> bool:
            pids = marked(mark, sessions)
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            return not pids

        assert wait_until(gone)  # again and again: one may just be starting another

    def close(self) -> None:
        """Kill what is left, and remove what it wrote."""
        self.kill(self._mark)
        shutil.rmtree(self._folder)

    def _start(self, options: list[str], prefix: Sequence[str] = (), variables: dict[str, str] | None = None) -> str:
        mark = f"{self._mark}-{len(self._sessions)}."
        output = self._folder / f"{mark}txt"
        with output.open("w") as file:
            process = subprocess.Popen(
                [
                    *prefix,
                    *(sys.executable, "-m", "ray.scripts.scripts", "start", *options, f"--temp-dir={self._folder}"),
                    *("--num-cpus=1", "--object-store-memory=80000000", "--node-ip-address=127.0.0.1"),
                    *("--disable-usage-stats", "--include-log-monitor=false", "--block"),
                ],
                stdout=file,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **_QUICK, **(variables or {}), _MARK: mark},
                start_new_session=True,
            )
        self._sessions[mark] = process.pid
        # Killed by its number later; a process object that is dropped while its process runs would warn.
        process.returncode = 0
        try:
            assert wait_until(lambda: "Ray runtime started" in output.read_text(), 60), output.read_text()
        except BaseException:
            self.close()
            raise
        return mark
