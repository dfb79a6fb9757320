"""How worker processes are configured: XLA's flags, their platform, and the cache of compiled code."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Mapping

from dynsparse.physics.environment import Environment
from dynsparse.physics.passing import pack
from dynsparse.workers import Message, WorkerPool
from dynsparse.workers.protocol import JSON

__all__ = ["cache_folder", "open_pool", "warn_once", "worker_environment"]

_FLAGS = {
    # With the default, vmap(jacfwd(step)) never returns on two cores from 128 rows on.
    "xla_cpu_multi_thread_eigen": "false",
    # With the default, a kinematic chain is computed again for each of its links: 40 times slower.
    "xla_cpu_use_fusion_emitters": "false",
}

_warned: set[str] = set()
_warning = threading.Lock()


def worker_environment() -> dict[str, str]:
    """Return the variables of worker processes; a flag that the user set keeps the user's value.

    Always on the CPU: several processes on one accelerator would each reserve most of its memory.
    """
    flags = os.environ.get("XLA_FLAGS", "")
    present = {flag.partition("=")[0] for flag in flags.split()}
    missing = [f"--{flag}={value}" for flag, value in _FLAGS.items() if f"--{flag}" not in present]
    return {
        "XLA_FLAGS": " ".join([flags, *missing]).strip(),
        "JAX_PLATFORMS": "cpu",
        "JAX_ENABLE_X64": "1",
        "TF_CPP_MIN_LOG_LEVEL": os.environ.get("TF_CPP_MIN_LOG_LEVEL", "2"),
    }


def cache_folder() -> str:
    """Return the folder for compiled code: ``dynsparse`` in the user's cache folder.

    ``DYNSPARSE_CACHE`` names another one; set but empty it switches the cache off.
    """
    own = os.environ.get("DYNSPARSE_CACHE")
    if own is not None:
        return own
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "dynsparse")


def open_pool(
    env: Environment,
    derivative: str,
    workers: int,
    *,
    task: str = "dynsparse.physics.batches:serve",
    more: Mapping[str, JSON] | None = None,
    variables: Mapping[str, str] | None = None,
) -> WorkerPool:
    """Describe worker processes for an environment; they start with the first request.

    Args:
        env: the environment.
        derivative: what they compute; also ``"reference"``.
        workers: how many; 0 for one on each usable core.
        task: "package.module:factory", what serves the requests.
        more: what else the factory is told.
        variables: environment variables of the workers beside those of ``worker_environment``.

    Returns:
        The pool.
    """
    packed, arrays = pack(env)
    meta: dict[str, JSON] = {**packed, "derivative": derivative, "cache": cache_folder(), **(more or {})}
    start = Message("start", meta, arrays)
    return WorkerPool(task, start, workers, environment={**worker_environment(), **(variables or {})})


def warn_once(message: str) -> None:
    """Tell something on standard error, the first time only.

    A library's print is out of place, and a warning would stop a program that makes warnings errors, whose
    results do not depend on this.
    """
    with _warning:
        if message not in _warned:
            _warned.add(message)
            sys.stderr.write(f"dynsparse: {message}\n")
