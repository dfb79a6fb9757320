"""Measure how much memory an analysis needs, at 10,000 and at 100,000 rows of the size of CheetahRun's.

    python benchmarks/analysis_memory.py [--out results/analysis_memory.json]

Each case runs in a process of its own.  Rows are made up block by block, an episode of 1,000 steps each, so that
what is measured is the analysis and not a data set in memory.  In the first two cases a pattern lasts for some steps
and is one of 2,000; in the third every row has a pattern of its own, the worst case for the count of patterns.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynsparse.analysis.source import RowDescription
from dynsparse.analysis.streaming import analyze
from dynsparse.provenance import collect_provenance, script_command

STATES, ACTIONS, STEPS, SEED = 18, 6, 1_000, 0
CASES = ((10_000, 2_000), (100_000, 2_000), (100_000, 0))
OUT = Path(__file__).resolve().parent.parent / "results" / "analysis_memory.json"


@dataclass
class Block:
    """One episode."""

    arrays: dict[str, NDArray[Any]]


class MadeUpRows:
    """Rows with zeros that come and go, made when they are asked for."""

    def __init__(self, rows: int, patterns: int) -> None:
        """Describe them.

        Args:
            rows: Number of rows, a multiple of an episode's steps.
            patterns: Patterns to choose from; 0 gives every row its own.
        """
        names = tuple(f"state {index}" for index in range(STATES)), tuple(f"action {index}" for index in range(ACTIONS))
        self.description = RowDescription("made up, size of CheetahRun", *names, {"name": "none"}, "none", STEPS)
        self.rows, self.episodes = rows, rows // STEPS
        self._pool = np.random.default_rng(SEED).random((patterns, STATES, STATES + ACTIONS)) < 0.2

    def blocks(self, names: Sequence[str], /) -> Iterator[Block]:
        """Make one episode after the other; each depends on its number alone."""
        for episode in range(self.episodes):
            rng = np.random.default_rng((SEED, episode))
            values = rng.normal(size=(STEPS, STATES, STATES + ACTIONS))
            if len(self._pool):
                # A new pattern at about every fifth step.
                chosen = rng.integers(0, len(self._pool), STEPS)[np.cumsum(rng.random(STEPS) < 0.2)]
                values[self._pool[chosen]] = 0.0
            else:
                values[rng.random(values.shape) < 0.2] = 0.0
            arrays = {"jac_state": values[:, :, :STATES], "jac_action": values[:, :, STATES:]}
            numbers = {"episode": np.full(STEPS, episode), "t": np.arange(STEPS)}
            yield Block({**arrays, **numbers, "finite": np.ones(STEPS, dtype=bool)})


def peak_rss_mib() -> float:
    """Return the most memory that this process ever had."""
    try:
        told = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:  # not Linux: KiB elsewhere, bytes on macOS
        unit = 2**20 if sys.platform == "darwin" else 2**10
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    # Not ru_maxrss here: Linux starts that one at what the parent had.
    return next(int(line.split()[1]) for line in told.splitlines() if line.startswith("VmHWM")) / 2**10


def measure(rows: int, patterns: int) -> dict[str, Any]:
    """Analyse made-up rows in this process."""
    source = MadeUpRows(rows, patterns)
    before, start = peak_rss_mib(), time.perf_counter()
    report = analyze(source, provenance={})
    return {
        "rows": rows,
        "distinct_patterns": report.local.distinct_patterns,
        "peak_rss_mib": round(peak_rss_mib(), 1),
        "of_which_before_the_analysis_mib": round(before, 1),
        "jacobians_mib": round(rows * STATES * (STATES + ACTIONS) * 8 / 2**20, 1),
        "seconds_with_making_the_rows": round(time.perf_counter() - start, 1),
    }


def main() -> None:
    """Run all cases, print and write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--case", type=int, nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.case:
        print(json.dumps(measure(*options.case)))
        return
    cases = []
    for rows, patterns in CASES:
        command = [sys.executable, __file__, "--case", str(rows), str(patterns)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        cases.append(json.loads(done.stdout))
        print(cases[-1], flush=True)
    provenance = collect_provenance(script_command(), SEED).to_dict()
    content = {"cases": cases, "provenance": provenance}
    options.out.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    print(f"written: {options.out}")


if __name__ == "__main__":
    main()
