"""Small units: what a real one does, and does wrong, each on demand.

Each begins by adding a line to the file ``log`` of its context, where it has one: how often it ran, and where.
"""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np


def note(context, text):
    if "log" in context:
        with open(context["log"], "a") as log:  # one short line in one write: whole, whoever else writes
            log.write(f"{text} {os.getpid()}\n")


def square(arguments, context, tell):
    """Square a number, after a while where one is asked for."""
    note(context, arguments["n"])
    time.sleep(arguments.get("seconds", 0.0))
    n = arguments["n"]
    return {"square": n * n}, {"x": np.arange(n, dtype=np.float32), "n": np.array(n)}, {"pid": os.getpid()}


def stages(arguments, context, tell):
    """Tell progress in three stages, slowly enough for each to be heard."""
    for done in range(3):
        tell(done + 1, 3, f"stage {done + 1}")
        time.sleep(0.4)
    return {}, {}, {}


def chatter(arguments, context, tell):
    """Tell more than anybody wants to hear."""
    for done in range(arguments["n"]):
        tell(done, arguments["n"], "")
    return {}, {}, {}


def fail(arguments, context, tell):
    note(context, "fail")
    raise {"ValueError": ValueError, "SystemExit": SystemExit}[arguments["type"]]("no such\nthing")


def die(arguments, context, tell):
    """Be killed: always, or until there is a file."""
    note(context, "die")
    survived = context.get("survive")
    if survived is None or not Path(survived).exists():
        if survived is not None:
            Path(survived).touch()
        print("last words", flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    return {"survived": True}, {}, {}


def hang(arguments, context, tell):
    note(context, "hang")
    time.sleep(60)
    return {}, {}, {}


def employ(arguments, context, tell):
    """Start a process of its own and wait for it."""
    child = subprocess.Popen(["sleep", "60"])
    note(context, f"employ {child.pid}")
    child.wait()
    return {}, {}, {}


def unfit(arguments, context, tell):
    """Return what can not be stored."""
    return {
        "nan": ({"x": float("nan")}, {}, {}),
        "object": ({"x": object()}, {}, {}),
        "array": ({}, {"x": np.array(["text"])}, {}),
        "none": None,
    }[arguments["what"]]


def surroundings(arguments, context, tell):
    """Tell the variables that decide numbers, and what this process has imported."""
    names = ("NPROC", "XLA_FLAGS", "JAX_PLATFORMS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    return {"variables": {name: os.environ.get(name) for name in names}, "jax": "jax" in sys.modules}, {}, {}


@functools.cache
def gradient_step():
    """Return a compiled gradient step of a small network, compiled once in a process."""
    import jax
    import jax.numpy as jnp

    def loss(weights, inputs, targets):
        return jnp.mean((jax.nn.elu(inputs @ weights[0]) @ weights[1] - targets) ** 2)

    def step(weights, inputs, targets):
        value, slopes = jax.value_and_grad(loss)(weights, inputs, targets)
        return [w - 0.5 * slope for w, slope in zip(weights, slopes, strict=True)], value

    return jax.jit(step)


def learn(arguments, context, tell):
    """Fit a small network in float32: many steps carry a difference in the last bit far."""
    note(context, f"learn {arguments['seed']}")
    rng = np.random.default_rng(arguments["seed"])
    inputs = rng.normal(size=(512, 24)).astype(np.float32)
    targets = np.tanh(inputs @ rng.normal(size=(24, 18)).astype(np.float32))
    weights = [rng.normal(size=shape).astype(np.float32) / 8 for shape in ((24, 96), (96, 18))]
    curve, steps = [], arguments.get("steps", 100)
    for done in range(steps):
        weights, value = gradient_step()(weights, inputs, targets)
        curve.append(float(value))
        time.sleep(arguments.get("seconds", 0.0) / steps)
        tell(done + 1, steps, f"loss {curve[-1]:.3f}")
    arrays = {f"w{i}": np.asarray(w) for i, w in enumerate(weights)}
    product = arrays["w0"].astype(np.float64) @ arrays["w1"]  # by NumPy's BLAS
    return {"curve": curve, "trace": float(product.sum())}, arrays, {"pid": os.getpid()}
