"""The training of this package, in a process that answers as the peers do."""

from __future__ import annotations

import json
import resource
import sys
import time
from typing import Any

import numpy as np

from dynsparse.learning.settings import LearnSettings
from dynsparse.learning.trainer import Trainer, TrainRows

__all__ = ["main"]


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
            # Of Linux, in KiB.
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            answer = {"steps": done, "seconds": elapsed, "peak_rss_mib": peak}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
