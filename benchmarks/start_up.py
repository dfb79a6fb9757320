"""How long a process takes to load an environment, with MJX as it is and without Warp, in turns.

python benchmarks/start_up.py --json results/start_up.json
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from dynsparse.provenance import collect_provenance, script_command

LOAD = "import dynsparse; dynsparse.load_environment('CartpoleBalance')"
PROGRAMS = {
    "as_it_is": LOAD,
    "without_warp": f"from dynsparse.workers.imports import leave_out_warp; leave_out_warp(); {LOAD}",
}


def measure(program: str) -> tuple[float, float]:
    """Run a program; return the seconds of wall clock and of processor that it took."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measure both in turns, and write one file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path, required=True)
    options = parser.parse_args()
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in PROGRAMS}
    for program in PROGRAMS.values():
        measure(program)  # files into the system's cache
    for _ in range(options.rounds):
        for name, program in PROGRAMS.items():
            found[name].append(measure(program))
            print(name, *(f"{seconds:.2f} s" for seconds in found[name][-1]), flush=True)
    middle = {name: np.median(times, axis=0).tolist() for name, times in found.items()}
    record = {
        "schema": 1,
        "rounds": options.rounds,
        **{name: {"wall_s": wall, "cpu_s": cpu} for name, (wall, cpu) in middle.items()},
        "provenance": collect_provenance(script_command(), 0).to_dict(),
    }
    options.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
