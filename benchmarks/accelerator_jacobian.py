"""Exact Jacobians on whatever device JAX finds, beside plain autodiff through MJX on the same device and rows.

On a GPU this is the way: machine code (docs/explanation/speed.md) is for processors.  It differentiates
``dynsparse.transition`` under ``jit`` and ``vmap``, in float64, and the simulator's own step likewise.  Machine code
draws the rows, and its Jacobians are the referee of both.

    python benchmarks/accelerator_jacobian.py --save-rows rows.npz
    python benchmarks/accelerator_jacobian.py --rows rows.npz --json accelerator.json

The first command needs the versions of the lock file, and a processor; the second one runs where the device is, with
any version of JAX that MJX takes.  On a CPU it serves to try the script (``--batches 64 --plain-batches 64``), under
``XLA_FLAGS=--xla_cpu_multi_thread_eigen=false``, without which large batches may wait for ever.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
from mujoco import mjx

import dynsparse
from dynsparse.physics.linearizer import Linearizer
from dynsparse.physics.plain import plain_step
from dynsparse.physics.probe import random_rows
from dynsparse.provenance import collect_provenance, script_command

MILLION = 1_000_000
ROWS, REFEREED = 4_096, 512
_ARRAYS = ("states", "actions", "warmstarts")


def save_rows(names: list[str], rows: int, path: Path) -> None:
    """Draw rows of each environment's random roll-outs, with the exact Jacobians of the first ones by machine code."""
    found: dict[str, np.ndarray] = {}
    for name in names:
        env = dynsparse.load_environment(name)
        with Linearizer(env) as runner:
            drawn = random_rows(env, runner, rows, 0)
            arrays = [getattr(drawn, each) for each in _ARRAYS]
            exact = runner.linearize(*(array[:REFEREED] for array in arrays))
        found |= {f"{name}.{each}": array for each, array in zip(_ARRAYS, arrays, strict=True)}
        found[f"{name}.jac"] = np.concatenate([exact.jac_state, exact.jac_action], axis=2)
        print(name, len(drawn.states), flush=True)
    np.savez_compressed(path, **found)


def measure(name: str, rows: dict[str, np.ndarray], options: argparse.Namespace) -> dict[str, Any]:
    """Measure one environment with growing batches, exact and plain."""
    env = dynsparse.load_environment(name)
    model = mjx.put_model(env.model, impl="jax")
    plain = partial(plain_step, model, mjx.make_data(env.model, impl="jax"), env.substeps)
    exact = dynsparse.transition(env)
    record: dict[str, Any] = {"environment": name}
    for kind, step in (("exact", lambda *row: exact(*row)[0]), ("plain", plain)):
        batches = options.batches if kind == "exact" else options.plain_batches
        found = []
        for batch in batches:
            try:
                found.append(timed(step, rows, batch, options.rounds))
            except jax.errors.JaxRuntimeError as error:  # a batch that the device has no memory for
                found.append({"batch": batch, "failed": str(error).splitlines()[0][:200]})
            print(name, kind, found[-1], flush=True)
        best = max((float(one["per_s"]) for one in found if "per_s" in one), default=None)
        record[kind] = {"per_s": best, "batches": found}
        if best:
            record[kind]["million_rows_s"] = MILLION / best
    if record["plain"]["per_s"] and record["exact"]["per_s"]:
        record["ratio"] = record["exact"]["per_s"] / record["plain"]["per_s"]
    return record


def timed(step: Callable[..., Any], rows: dict[str, np.ndarray], batch: int, rounds: int) -> dict[str, Any]:
    """Return Jacobians a second in batches of one size, and how far they are from the referee's."""
    options = None
    if jax.default_backend() == "cpu" and jax.__version_info__ < (0, 11):  # later ones lack the option
        options = {"xla_cpu_use_fusion_emitters": False}
    repeated = [np.resize(rows[each], (batch, rows[each].shape[1])) for each in _ARRAYS]
    given = [jax.device_put(x) for x in repeated]
    slope = jax.vmap(jax.jacfwd(step, argnums=(0, 1)))
    began = time.perf_counter()
    compiled = jax.jit(slope, compiler_options=options).lower(*given).compile()
    compiling = time.perf_counter() - began
    found = jax.block_until_ready(compiled(*given))
    seconds = []
    for _ in range(rounds):
        began = time.perf_counter()
        found = jax.block_until_ready(compiled(*given))
        seconds.append(time.perf_counter() - began)
    record: dict[str, Any] = {"batch": batch, "per_s": batch / float(np.median(seconds)), "compile_s": compiling}
    jac, referee = np.concatenate([np.asarray(x) for x in found], axis=2), rows["jac"][:batch]
    record["finite"] = float(np.isfinite(jac).all(axis=(1, 2)).mean())
    error = np.abs(jac[: len(referee)] - referee).max(axis=(1, 2)) / np.maximum(np.abs(referee).max(axis=(1, 2)), 1.0)
    return record | {
        "refereed_rows": len(referee),
        "relative_error_median": float(np.median(error)),
        "rows_off_by_1e-6": int((~(error <= 1e-6)).sum()),
        "relative_error_max": float(error.max()) if np.isfinite(error).all() else None,
    }


def main() -> None:
    """Draw rows, or measure all that were asked for and write the file anew after each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--envs", nargs="*", default=list(dynsparse.ENVIRONMENT_NAMES))
    parser.add_argument("--count", type=int, default=ROWS, help="rows of each environment that are drawn")
    parser.add_argument("--save-rows", type=Path, help="draw rows, write them to this file, and end")
    parser.add_argument("--rows", type=Path, help="such a file")
    parser.add_argument("--batches", nargs="*", type=int, default=[4096, 32768])
    parser.add_argument("--plain-batches", nargs="*", type=int, default=[4096])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.save_rows:
        save_rows(options.envs, options.count, options.save_rows)
        return
    if not options.rows or not options.json:
        parser.error("expected --save-rows FILE, or --rows FILE and --json FILE")
    device, found = jax.devices()[0], []
    with np.load(options.rows, allow_pickle=False) as file:
        stored = dict(file)
    for name in options.envs:
        own = {each: stored[f"{name}.{each}"] for each in (*_ARRAYS, "jac")}
        with jax.enable_x64(True):
            found.append(measure(name, own, options))
        record = {"schema": 2, "device": f"{device.platform} {device.device_kind}", "environments": found}
        record["provenance"] = collect_provenance(script_command(), 0).to_dict()
        options.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
