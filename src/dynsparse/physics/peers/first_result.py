"""How long a user waits for the first Jacobians: a fresh process that imports, loads, compiles and computes.

Run as ``python -P -m dynsparse.physics.peers.first_result ENVIRONMENT ROWS``; it ends after one line.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time

from dynsparse.errors import WorkerError

__all__ = ["first_result_seconds"]


def first_result_seconds(environment: str, rows: int, cache: str, timeout_s: float = 600.0) -> float:
    """Start Python, import dynsparse, load, compile, linearize some rows on all cores; s until the result is there.

    Args:
        environment: its name.
        rows: how many rows, initial states set in motion.
        cache: folder for compiled code; empty for a cold start, used before for a warm one.
        timeout_s: give up after this long, s.

    Raises:
        WorkerError: the process failed or took too long.
    """
    command = [sys.executable, "-P", "-m", "dynsparse.physics.peers.first_result", environment, str(rows)]
    # The children see modules where this process sees them, whatever folder they run in.
    paths = os.pathsep.join(os.path.abspath(path) for path in sys.path if path)
    variables = os.environ | {"DYNSPARSE_CACHE": cache, "PYTHONPATH": paths}
    began = time.time()
    with tempfile.TemporaryDirectory(prefix="dynsparse-") as folder:
        try:
            done = subprocess.run(
                command, cwd=folder, env=variables, capture_output=True, text=True, timeout=timeout_s, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise WorkerError(f"{environment}: no first result within {timeout_s:g} s") from error
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise WorkerError(f"{environment}: a fresh process failed with exit code {done.returncode}: {last}")
    # The clock of the wall, because it is the same in both processes; shutting down is not waited for.
    return float(done.stdout.split()[-1]) - began


def _main(environment: str, rows: int) -> None:
    import numpy as np

    from dynsparse.physics.environment import load_environment
    from dynsparse.physics.linearize import linearize_batch

    env = load_environment(environment)
    rng = np.random.default_rng(0)
    states = np.stack([env.sample_initial_state(key) for key in range(rows)])
    # In motion, so that solver calls of both kinds occur where the environment has them.
    states[:, env.nq :] += rng.normal(size=(rows, env.nv))
    linearize_batch(env, states, rng.uniform(env.action_low, env.action_high, (rows, env.action_dim)))
    sys.stdout.write(f"{time.time()}\n")


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]))
