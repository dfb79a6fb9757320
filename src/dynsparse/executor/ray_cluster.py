"""Connection to a Ray cluster: is Ray there, is the cluster there, and not for ever waiting to find out."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from dynsparse.errors import ExecutorError, SettingError

__all__ = ["cluster_address", "connected", "load_ray", "probe"]

_DEFAULT = "127.0.0.1:6379"
"""Where ``ray start --head`` puts a cluster."""

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
"""How an HTTP/2 client begins (RFC 9113, section 3.4): the preface and an empty SETTINGS frame."""

_SETTINGS, _HEADER_BYTES = 4, 9


def load_ray() -> Any:
    """Return the module ``ray``.

    Raises:
        ExecutorError: It is not installed.
    """
    try:
        import ray
    except ImportError as error:
        raise ExecutorError(
            f'expected Ray to be installed, got: {error}; pip install "dynsparse[ray]", on every machine'
        ) from error
    return ray


def cluster_address(address: str | None) -> str:
    """Return ``HOST:PORT`` of a cluster: the one asked for, that of ``RAY_ADDRESS``, or the usual one of this machine.

    Raises:
        SettingError: It has another form.
    """
    chosen = address or os.environ.get("RAY_ADDRESS") or _DEFAULT
    host, colon, port = chosen.rpartition(":")
    if not (host and colon and port.isdecimal() and 0 < int(port) < 2**16) or "/" in chosen:
        raise SettingError(
            f"expected the address of a Ray cluster as HOST:PORT, such as {_DEFAULT}, got {chosen!r}; "
            "ray start --head prints it"
        )
    return chosen


def probe(address: str, seconds: float = 5.0) -> None:
    """See whether a Ray cluster answers; Ray itself would wait for minutes.

    Args:
        address: ``HOST:PORT``.
        seconds: How long to wait for each sign of it, s.

    Raises:
        ExecutorError: Nothing answers, or something else does.
    """
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), seconds) as connection:
            if os.environ.get("RAY_USE_TLS", "0") == "1":
                return  # it says nothing in the clear
            connection.settimeout(seconds)
            connection.sendall(_PREFACE)
            reply = connection.recv(_HEADER_BYTES, socket.MSG_WAITALL)
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise ExecutorError(
            f"expected a Ray cluster at {address}, got: {why}; start one there by ray start --head, or give another "
            "--address"
        ) from error
    # Its server speaks HTTP/2 (gRPC), and begins with a SETTINGS frame.
    if len(reply) < _HEADER_BYTES or reply[3] != _SETTINGS:
        raise ExecutorError(
            f"expected a Ray cluster at {address}, something else answers there; give another --address"
        )


@contextmanager
def connected(address: str | None) -> Iterator[Any]:
    """Be connected to a cluster; a program that is connected already stays as it is.

    Args:
        address: ``HOST:PORT``; None: see ``cluster_address``.

    Yields:
        The module ``ray``.

    Raises:
        ExecutorError: Ray is not installed, the cluster can not be reached, or has other versions.
    """
    ray = load_ray()
    if ray.is_initialized():
        yield ray
        return
    chosen = cluster_address(address)
    probe(chosen)
    with _own_handler() as keep:
        _join(ray, chosen)
        keep()
        try:
            with _quiet(ray):
                yield ray
        finally:
            ray.shutdown()


def _join(ray: Any, chosen: str) -> None:
    try:
        ray.init(address=chosen, log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, RuntimeError, ValueError) as error:
        ray.shutdown()
        text = " ".join(str(error).split())
        raise ExecutorError(
            f"the Ray cluster at {chosen} can not be used from here: {text[:500]}; run this on a machine of the "
            "cluster, with the same versions of Python and Ray"
        ) from error


@contextmanager
def _own_handler() -> Iterator[Callable[[], None]]:
    """Leave SIGTERM to whoever handled it before: Ray puts a handler of its own in its place.

    Yields:
        What puts a handler back that the program had; where it had none, Ray's closes the connection.
    """
    is_main = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGTERM)

    def keep() -> None:
        if is_main and callable(before):
            signal.signal(signal.SIGTERM, before)

    try:
        yield keep
    finally:
        if is_main and before is not None:
            signal.signal(signal.SIGTERM, before)


@contextmanager
def _quiet(ray: Any) -> Iterator[None]:
    """Keep Ray from printing on standard output when a worker or node dies: whoever runs units is told of each."""
    worker = ray._private.worker
    before = getattr(worker, "_worker_logs_enabled", True)
    worker._worker_logs_enabled = False
    try:
        yield
    finally:
        worker._worker_logs_enabled = before
