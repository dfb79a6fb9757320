"""What a worker process does: build one environment's engine, then serve batches of rows.

Imported in worker processes only: it decides there how JAX is configured.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dynsparse.workers import Message

if TYPE_CHECKING:
    from dynsparse.physics.batch import Compilation

__all__ = ["BatchServer", "serve", "start_compilation"]

# MJX imports NVIDIA Warp where it finds it, which takes 4 s of each worker's start and is never used here.
sys.modules.setdefault("warp", None)  # type: ignore[arg-type] # None makes an import fail: documented by Python


class BatchServer:
    """Serves requests of one environment.

    Attributes:
        ready_meta: what the parent learns when this worker is ready.
    """

    def __init__(self, start: Message) -> None:
        """Make the environment that the start message carries, and compile for it.

        Args:
            start: what ``passing.pack`` gave; meta ``derivative`` and ``cache``.
        """
        from dynsparse.physics.engines import make_engine
        from dynsparse.physics.passing import unpack

        derivative = str(start.meta["derivative"])
        compilation, problem = start_compilation(start, derivative)
        self.ready_meta: dict[str, Any] = {"cache_problem": problem}
        self._engine = make_engine(unpack(start), derivative, compilation=compilation)
        self._serve: dict[str, Callable[..., Any]] = {
            "linearize": self._engine.linearize,
            "evaluate": self._engine.evaluate,
            "roll_out": self._engine.roll_out,
        }

    def __call__(self, request: Message) -> Message:
        """Answer a request of kind ``linearize``, ``evaluate`` or ``roll_out``."""
        arrays = request.arrays
        result = self._serve[request.kind](arrays["states"], arrays["actions"], arrays["warmstarts"])
        fields = {name: value for name, value in vars(result).items() if isinstance(value, np.ndarray)}
        return Message(request.kind, {}, {name: np.ascontiguousarray(value) for name, value in fields.items()})


def serve(start: Message) -> BatchServer:
    """Make the handler of a worker (the task that the parent names)."""
    return BatchServer(start)


def start_compilation(start: Message, purpose: str) -> tuple[Compilation | None, str]:
    """Switch the cache of compiled code on, as the start message says.

    Args:
        start: meta ``cache``, a folder or empty, and ``fingerprint``; array ``model`` where there is one.
        purpose: what is compiled; workers of one model and purpose take turns.

    Returns:
        How functions are compiled, and why the cache is not used (empty where it is).
    """
    from dynsparse.physics.batch import Compilation

    cache = str(start.meta["cache"])
    problem = _use_cache(cache)
    if not cache or problem:
        return None, problem
    fingerprint = str(start.meta["fingerprint"])
    if "model" in start.arrays:  # substep functions are shared by environments of one model
        fingerprint = hashlib.sha256(start.arrays["model"].tobytes()).hexdigest()
    lock = Path(cache, f"{fingerprint[:16]}-{purpose}.lock")
    return Compilation(turn=partial(_turn, lock), cache=cache, fingerprint=fingerprint), ""


@contextlib.contextmanager
def _turn(lock: Path) -> Iterator[None]:
    """Wait while another worker compiles for the same model; the system frees the lock of one that died."""
    with contextlib.ExitStack() as held:
        # A lock that another user made, or a file system without locks, costs no more than compiling twice.
        with contextlib.suppress(OSError):
            fcntl.flock(held.enter_context(lock.open("a")), fcntl.LOCK_EX)
        yield


def _use_cache(folder: str) -> str:
    """Keep compiled code in ``folder``; return why not, or an empty string."""
    import jax

    if not folder:
        return ""
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        return f"{folder} can not be written ({error.strerror or error})"
    settings = {
        "jax_compilation_cache_dir": os.path.join(folder, "xla"),
        "jax_persistent_cache_min_compile_time_secs": 0.5,
        "jax_persistent_cache_min_entry_size_bytes": -1,
    }
    for name, value in settings.items():
        jax.config.update(name, value)  # type: ignore[no-untyped-call] # JAX leaves this one untyped
    return ""
