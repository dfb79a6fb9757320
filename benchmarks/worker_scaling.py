"""Cost of ``linearize_batch`` in the number of rows, and what a second worker brings, in one run.

    python benchmarks/worker_scaling.py --json results/worker_scaling.json

For each environment the number of rows is doubled until one worker is busy for half a second; then one and two
workers take turns over these rows, and over four times as many.  The process that packs requests and takes the
replies is a third one beside two workers: on two cores it takes its share of them, which is printed too.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path

import numpy as np

import dynsparse
from dynsparse.physics.linearizer import Linearizer
from dynsparse.physics.probe import random_rows
from dynsparse.provenance import collect_provenance, script_command

DRAWN = 4096
LEAST_S = 0.5


def measure(name: str, rounds: int) -> dict[str, object]:
    """Measure one environment; times are medians of the rounds."""
    env = dynsparse.load_environment(name)
    with Linearizer(env, workers=1) as one, Linearizer(env, workers=2) as two:
        drawn = random_rows(env, one, DRAWN, 0)

        def call(linearizer: Linearizer, rows: int) -> tuple[float, float]:
            which = np.arange(rows) % len(drawn)
            batch = drawn.states[which], drawn.actions[which], drawn.warmstarts[which]
            began, own = time.perf_counter(), time.process_time()
            linearizer.linearize(*batch)
            return time.perf_counter() - began, time.process_time() - own

        for linearizer in (one, two):
            call(linearizer, DRAWN)  # compiles also what only some rows need
        rows = DRAWN
        while call(one, rows)[0] < LEAST_S:
            rows *= 2
        sizes = []
        for count in (rows, 4 * rows):
            times = [[call(linearizer, count) for linearizer in (one, two)] for _ in range(rounds)]
            single, double = (statistics.median(turn[k][0] for turn in times) for k in range(2))
            sizes.append(
                {
                    "rows": count,
                    "one_worker_us_per_row": 1e6 * single / count,
                    "two_workers_us_per_row": 1e6 * double / count,
                    "ratio": single / double,
                    "parent_us_per_row": 1e6 * statistics.median(turn[1][1] for turn in times) / count,
                    "rounds_s": [[seconds for seconds, _ in turn] for turn in times],
                }
            )
    return {"environment": name, "sizes": sizes}


def main() -> None:
    """Measure all that were asked for, and write one file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--envs", nargs="*", default=list(dynsparse.ENVIRONMENT_NAMES))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, required=True)
    options = parser.parse_args()
    found = []
    for name in options.envs:
        found.append(measure(name, options.rounds))
        print(found[-1], flush=True)
    provenance = collect_provenance(script_command(), 0).to_dict()
    record = {"schema": 1, "environments": found, "provenance": provenance}
    options.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
