"""Variables of the processes that run units: what has to be the same for the numbers to be the same."""

from __future__ import annotations

import os
from collections.abc import Mapping

__all__ = ["chosen_variables", "unit_variables"]

_FLAG = "--xla_cpu_multi_thread_eigen"

_ONE_THREAD = {
    # XLA shares some sums among as many threads as there are cores, which changes their last bits.
    "NPROC": "1",
    # So does a BLAS; and Ray would set the first of these where a child process would not have it.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}

_DECIDE_NOTHING = ("CACHE", "DIR", "DUMP", "LOG")
"""Parts of the names of JAX's variables that say where files go."""


def unit_variables(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the variables that are set for a process that runs units; a flag that the user set keeps its value.

    One thread and no accelerator: results then depend neither on the number of cores nor on who runs beside.

    Args:
        more: Variables beside or in place of these.
    """
    flags = os.environ.get("XLA_FLAGS", "")
    if _FLAG not in {flag.partition("=")[0] for flag in flags.split()}:
        flags = f"{flags} {_FLAG}=false".strip()
    return {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu", **_ONE_THREAD, **(more or {})}


def chosen_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """Return those variables of an environment by which a user changes JAX's numbers.

    A child process has them from its parent; on another machine they have to be set.
    """
    return {
        name: value
        for name, value in environment.items()
        if name.startswith(("JAX_", "XLA_")) and not any(part in name for part in _DECIDE_NOTHING)
    }
