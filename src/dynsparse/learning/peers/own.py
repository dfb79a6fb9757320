"""The training of this package, in a process that answers as the peers do."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import numpy as np

from dynsparse.learning.settings import LearnSettings
from dynsparse.learning.trainer import Trainer, TrainRows

__all__ = ["main"]


def _peak_rss_mib() -> float | None:
    """Return the most memory that this process held; None where the system does not tell."""
    # Not by getrusage: a child's figure there begins with its parent's.
    try:
        with open("/proc/self/status", encoding="ascii") as file:
            return next(int(line.split()[1]) / 1024 for line in file if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        return None


def main() -> None:
    """Serve one job: whole epochs until the time is over, or the losses of the first steps."""
    with np.load(sys.argv[1], allow_pickle=False) as file:
        job = dict(file)
    settings = LearnSettings(**json.loads(str(job["settings"])))
    trainer = Trainer(settings, TrainRows(*(job[name] for name in ("inputs", "outputs", "jacobians", "zero"))))
    for line in sys.stdin:
        command = json.loads(line)
        if "steps" in command:
            terms = np.concatenate([trainer.epoch() for _ in range(-(-command["steps"] // len(job["order"])))])
            losses = terms[: command["steps"]] @ [1.0, settings.jacobian_weight]
            answer: dict[str, Any] = {"losses": losses.tolist()}
        else:
            done, began = 0, time.perf_counter()
            while (elapsed := time.perf_counter() - began) < command["seconds"] or not done:
                done += len(trainer.epoch())
            peak = _peak_rss_mib()
            answer = {"steps": done, "seconds": elapsed, "peak_rss_mib": peak}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
