"""Exact Jacobians on whatever device JAX finds: rows a second in float64, and the time for a million rows.

    python benchmarks/accelerator_jacobian.py --json results/accelerator_jacobian.json

On a GPU this is the way: machine code (docs/explanation/speed.md) is for processors.  It differentiates
``dynsparse.transition`` under ``jit`` and ``vmap``.  On a CPU it serves to try the script, with a flag without which
large batches may wait for ever:

    XLA_FLAGS=--xla_cpu_multi_thread_eigen=false python benchmarks/accelerator_jacobian.py --batches 64 --json try.json
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import jax
import numpy as np

import dynsparse
from dynsparse.physics.linearizer import Linearizer
from dynsparse.physics.probe import random_rows
from dynsparse.provenance import collect_provenance, script_command

MILLION = 1_000_000


def measure(name: str, batches: list[int], rounds: int) -> dict[str, object]:
    """Measure one environment with growing batches; the fastest counts."""
    env = dynsparse.load_environment(name)
    with Linearizer(env) as runner:  # in worker processes, on the CPU
        probe = random_rows(env, runner, max(batches), 0)
    options = {"xla_cpu_use_fusion_emitters": False} if jax.default_backend() == "cpu" else None
    with jax.enable_x64(True):
        slope = jax.vmap(jax.jacfwd(lambda *row: dynsparse.transition(env)(*row)[0], argnums=(0, 1)))
        speeds = []
        for batch in batches:
            rows = [jax.device_put(x[:batch]) for x in (probe.states, probe.actions, probe.warmstarts)]
            began = time.perf_counter()
            compiled = jax.jit(slope, compiler_options=options).lower(*rows).compile()
            compiling = time.perf_counter() - began
            found = jax.block_until_ready(compiled(*rows))
            seconds = []
            for _ in range(rounds):
                began = time.perf_counter()
                found = jax.block_until_ready(compiled(*rows))
                seconds.append(time.perf_counter() - began)
            rate = batch / float(np.median(seconds))
            finite = np.isfinite(np.asarray(found[0])).all(axis=(1, 2)).mean()
            speeds.append({"batch": batch, "per_s": rate, "compile_s": compiling, "finite": float(finite)})
            print(name, speeds[-1], flush=True)
    best = max(float(one["per_s"]) for one in speeds)
    return {"environment": name, "per_s": best, "million_rows_s": MILLION / best, "batches": speeds}


def main() -> None:
    """Measure all that were asked for, and write one file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--envs", nargs="*", default=list(dynsparse.ENVIRONMENT_NAMES))
    parser.add_argument("--batches", nargs="*", type=int, default=[1024, 8192, 32768])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, required=True)
    options = parser.parse_args()
    device = jax.devices()[0]
    found = [measure(name, options.batches, options.rounds) for name in options.envs]
    record = {"schema": 1, "device": f"{device.platform} {device.device_kind}", "environments": found}
    record["provenance"] = collect_provenance(script_command(), 0).to_dict()
    options.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
