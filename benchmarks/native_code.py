"""Machine code beside XLA: the three functions of a substep, the same rows, the same core, in turns.

    python benchmarks/native_code.py --json results/native_code.json
    python benchmarks/native_code.py --lanes 8 --envs CheetahRun --json results/native_code_eight.json

XLA runs them as batches with the flags that it is fastest with here (docs/how-to/flags-and-caches.md).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from dynsparse.physics.native import lanes
from dynsparse.physics.processes import worker_environment

os.environ.update(worker_environment())
if "--lanes" in sys.argv[:-1]:  # before it is read
    lanes.LANES = int(sys.argv[sys.argv.index("--lanes") + 1])

import jax
import numpy as np

import dynsparse
from dynsparse.physics.batch import BatchFunction
from dynsparse.physics.control_step import control_step
from dynsparse.physics.engine import Engine
from dynsparse.physics.environment import float64_on_cpu
from dynsparse.physics.implicit import implicit_slope
from dynsparse.physics.native.function import RowFunction
from dynsparse.physics.native.tracing import trace
from dynsparse.physics.unrolled import unrolled_slope
from dynsparse.provenance import collect_provenance, script_command

ROWS = 1024
FUNCTIONS = {"value": (control_step, 128), "implicit": (implicit_slope, 128), "unrolled": (unrolled_slope, 32)}


def measure(name: str, rounds: int) -> list[dict[str, object]]:
    """Measure the functions of one environment."""
    env = dynsparse.load_environment(name)
    engine = Engine(env.model, env.substeps)
    sim = replace(engine.simulator, substeps=1)
    rng = np.random.default_rng(0)
    actions = rng.uniform(env.action_low, env.action_high, (32, ROWS // 32, env.action_dim))
    start = np.repeat(env.default_state()[None], len(actions), axis=0)
    rolled = engine.roll_out(start, actions, np.zeros((len(actions), env.nv)))
    states = rolled.states[:, :-1].reshape(ROWS, -1)
    columns = [states[:, : env.nq], states[:, env.nq :], actions.reshape(ROWS, -1)]
    columns.append(rolled.warmstarts[:, :-1].reshape(ROWS, -1))
    found = []
    for function, (code, size) in FUNCTIONS.items():
        of_row = partial(code, sim)
        with float64_on_cpu():
            graph, results = trace(of_row, [column.shape[1:] for column in columns])
            needed = graph.needed(node for result in results for node in result.nodes.reshape(-1).tolist())
            native = RowFunction(partial(leaves, of_row), function, list, rows=size)
            by_xla = BatchFunction(partial(leaves, of_row), size)
            first, times, apart = {}, {}, 0.0
            for kind, run in (("native", native), ("xla", by_xla)):
                began = time.perf_counter()
                run(*(column[:size] for column in columns))
                first[kind] = time.perf_counter() - began
                times[kind] = []
            for _ in range(rounds):
                for kind, run in (("native", native), ("xla", by_xla)):
                    began = time.perf_counter()
                    found_now = run(*columns)
                    times[kind].append(time.perf_counter() - began)
                    apart = found_now if kind == "native" else difference(apart, found_now)
        found.append(
            {
                "environment": name,
                "function": function,
                "operations": sum(graph.operations[node] not in ("constant", "input") for node in needed),
                "native_us": float(np.median(times["native"])) / ROWS * 1e6,
                "xla_us": float(np.median(times["xla"])) / ROWS * 1e6,
                "native_first_s": first["native"],
                "xla_first_s": first["xla"],
                "largest_difference": apart,
            }
        )
        print(found[-1], flush=True)
    return found


def leaves(function: Callable[..., object], *row: object) -> list[object]:
    """Return a function's arrays as a list."""
    return jax.tree.leaves(function(*row))


def difference(found: list[np.ndarray], wanted: list[np.ndarray]) -> float:
    """Return the largest difference of a row, relative to max(1, its largest number)."""
    largest = 0.0
    for got, one in zip(found, wanted, strict=True):
        if one.dtype != bool and one.size:
            rows = (x.reshape(len(one), -1) for x in (got, one))
            got, one = rows
            scale = np.maximum(1.0, np.abs(one).max(axis=1))
            largest = max(largest, float((np.abs(got - one).max(axis=1) / scale).max()))
    return largest


def main() -> None:
    """Measure all environments, and write one file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--envs", nargs="*", default=list(dynsparse.ENVIRONMENT_NAMES))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--lanes", type=int, choices=[2, 4, 8], help="rows of a vector (default: the processor's)")
    parser.add_argument("--json", type=Path, required=True)
    options = parser.parse_args()
    if options.lanes not in (None, lanes.LANES):
        parser.error("expected --lanes and its number as two words")
    found: list[dict[str, object]] = []
    for name in options.envs:
        found += measure(name, options.rounds)
        record = {"schema": 2, "lanes": lanes.LANES, "functions": found}
        record["provenance"] = collect_provenance(script_command(), 0).to_dict()
        options.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
