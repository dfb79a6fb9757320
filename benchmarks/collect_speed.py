"""Rows per second of a collection, beside ``linearize_batch`` on the very same rows, in one run.

    python benchmarks/collect_speed.py --json results/collect_speed.json

Both are measured warm: compiled, and with workers that run already.  The two take turns.  The collection rolls the
episodes out, rewards, names constraints, compresses and flushes to disk; ``linearize_batch`` gets states, actions and
warm starts and gives Jacobians back in memory.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

import dynsparse
from dynsparse.physics.linearizer import Linearizer
from dynsparse.provenance import collect_provenance, script_command
from dynsparse.rollout.collect import fill_dataset
from dynsparse.rollout.collector import Collector
from dynsparse.rollout.settings import CollectSettings


def measure(name: str, episodes: int, workers: int, rounds: int) -> dict[str, object]:
    """Measure one environment; rates are medians of the rounds."""
    env = dynsparse.load_environment(name)
    settings = CollectSettings(rows=1000 * episodes)
    collecting, linearizing = [], []
    with (
        tempfile.TemporaryDirectory() as folder,
        Collector(env, settings, workers=workers) as collector,
        Linearizer(env, workers=workers) as linearizer,
    ):
        path = Path(folder, "data")
        fill_dataset(env, settings, path, collector)  # compiles also what only some rows need
        rows = dynsparse.open_dataset(path).load(["state", "action", "warmstart"])
        batch = rows["state"], rows["action"], rows["warmstart"]
        linearizer.linearize(*batch)
        size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
        for _ in range(rounds):
            began = time.perf_counter()
            linearizer.linearize(*batch)
            linearizing.append(settings.rows / (time.perf_counter() - began))
            collector.warm_up()  # what a collection does before its first row is not counted
            found = fill_dataset(env, settings, path, collector, overwrite=True)
            collecting.append(settings.rows / found.seconds)
    collected, linearized = statistics.median(collecting), statistics.median(linearizing)
    return {
        "environment": name,
        "rows": settings.rows,
        "episodes": episodes,
        "workers": workers,
        "collect_per_s": collected,
        "linearize_batch_per_s": linearized,
        "ratio": collected / linearized,
        "bytes_per_row": size / settings.rows,
        "rounds": {"collect": collecting, "linearize_batch": linearizing},
    }


def main() -> None:
    """Measure all that were asked for, and write one file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--envs", nargs="*", default=list(dynsparse.ENVIRONMENT_NAMES))
    parser.add_argument("--episodes", type=int, default=256, help="1,000 control steps each; four times as many of")
    parser.add_argument("--small", nargs="*", default=["CartpoleBalance", "ReacherHard"], help="these environments")
    parser.add_argument("--slow", nargs="*", default=["WalkerRun"], help="a quarter of as many of these")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, required=True)
    options = parser.parse_args()
    found = []
    for name in options.envs:
        # Where a row takes a microsecond or two, starting and ending is much of it.
        episodes = options.episodes * (4 if name in options.small else 1) // (4 if name in options.slow else 1)
        found.append(measure(name, episodes, options.workers, options.rounds))
        print({key: value for key, value in found[-1].items() if key != "rounds"}, flush=True)
    record = {"schema": 1, "environments": found, "provenance": collect_provenance(script_command(), 0).to_dict()}
    options.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
