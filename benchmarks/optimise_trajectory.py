"""Optimise a trajectory through contact by gradients: a finger spins a hinge, beside plain MJX on the same task.

    python benchmarks/optimise_trajectory.py measure    writes results/optimise_trajectory.json (about five minutes)
    python benchmarks/optimise_trajectory.py draw       draws docs/images/optimise-trajectory.png from it

Fifty control steps (1 s) of FingerSpin from one initial state; the cost is minus the mean velocity of the hinge.  The
finger starts away from the hinge, and nothing but contact moves it.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from mujoco import mjx

import dynsparse
from dynsparse.provenance import collect_provenance, script_command

RESULT = Path(__file__).resolve().parent.parent / "results" / "optimise_trajectory.json"
PICTURE = RESULT.parent.parent / "docs" / "images" / "optimise-trajectory.png"
STEPS, ITERATIONS, RATE, LARGEST_NORM = 50, 80, 0.02, 2.0
FIRST_ACTION = (-0.5, 0.0)
"""Held, it sweeps the finger into the hinge once: without a touch every gradient is zero."""

Step = Callable[[jax.Array, jax.Array, jax.Array], tuple[jax.Array, jax.Array]]


def cost_of(step: Step, env: dynsparse.Environment) -> Callable[[jax.Array], jax.Array]:
    """Minus the mean velocity of the hinge, rad/s, as a function of (STEPS, da) unbounded actions."""
    hinge = env.state_names.index("qvel hinge")
    first = env.sample_initial_state(1)

    def cost(raw: jax.Array) -> jax.Array:
        def body(
            carry: tuple[jax.Array, jax.Array], action: jax.Array
        ) -> tuple[tuple[jax.Array, jax.Array], jax.Array]:
            state, warmstart = step(carry[0], action, carry[1])
            return (state, warmstart), state[hinge]

        start = jnp.asarray(first), jnp.zeros(env.nv)
        return -jax.lax.scan(body, start, jnp.tanh(raw))[1].mean()

    return cost


def plain_mjx(env: dynsparse.Environment) -> Step:
    """The control step as one writes it with MJX alone."""
    model = mjx.put_model(env.model, impl="jax")
    data = mjx.make_data(env.model, impl="jax")

    def step(state: jax.Array, action: jax.Array, warmstart: jax.Array) -> tuple[jax.Array, jax.Array]:
        def substep(carry: tuple[jax.Array, ...], _: None) -> tuple[tuple[jax.Array, ...], None]:
            qpos, qvel, start = carry
            after = mjx.step(model, data.replace(qpos=qpos, qvel=qvel, ctrl=action, qacc_warmstart=start))
            return (after.qpos, after.qvel, after.qacc_warmstart), None

        start = state[: env.nq], state[env.nq :], warmstart
        (qpos, qvel, warmstart), _ = jax.lax.scan(substep, start, None, length=env.substeps)
        return jnp.concatenate([qpos, qvel]), warmstart

    return step


def descend(value_and_grad: Callable[[jax.Array], tuple[jax.Array, jax.Array]], raw: np.ndarray) -> dict[str, object]:
    """Adam with clipped gradients, and the cost before each of its steps."""
    compiled = jax.jit(value_and_grad).lower(raw).compile(compiler_options={"xla_cpu_use_fusion_emitters": False})
    mean, square, costs, norms = np.zeros_like(raw), np.zeros_like(raw), [], []
    began = time.perf_counter()
    for i in range(1, ITERATIONS + 1):
        cost, gradient = (np.asarray(x) for x in compiled(raw))
        costs.append(float(cost))
        norms.append(float(np.linalg.norm(gradient)))
        gradient = gradient * min(1.0, LARGEST_NORM / norms[-1])  # where a touch comes or goes slopes are steep
        mean, square = 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2
        raw = raw - RATE * (mean / (1 - 0.9**i)) / (np.sqrt(square / (1 - 0.999**i)) + 1e-8)
    seconds = (time.perf_counter() - began) / ITERATIONS
    return {"costs": costs, "gradient_norms": norms, "seconds_per_gradient": seconds}


def forward_mode(cost: Callable[[jax.Array], jax.Array]) -> Callable[[jax.Array], tuple[jax.Array, jax.Array]]:
    """Value and gradient, column by column: all that a loop without a reverse mode leaves."""
    return lambda raw: (cost(raw), jax.jacfwd(cost)(raw))


def measure() -> None:
    """Optimise three times: exact in reverse mode, plain MJX in reverse mode (it fails) and in forward mode."""
    env = dynsparse.load_environment("FingerSpin")
    raw = np.tile(np.arctanh(FIRST_ACTION), (STEPS, 1))
    with jax.enable_x64(True):
        exact = cost_of(dynsparse.transition(env), env)
        plain = cost_of(plain_mjx(env), env)
        try:
            jax.grad(plain)(raw)
            error = None
        except ValueError as found:
            error = str(found).splitlines()[0]
        runs = {
            "exact": descend(jax.value_and_grad(exact), raw),
            "plain": descend(forward_mode(plain), raw),
        }
    record = {
        "schema": 1,
        "environment": env.name,
        "steps": STEPS,
        "iterations": ITERATIONS,
        "learning_rate": RATE,
        "largest_gradient_norm": LARGEST_NORM,
        "first_action": FIRST_ACTION,
        "plain_reverse_mode_error": error,
        **runs,
        "provenance": collect_provenance(script_command(), 1).to_dict(),
    }
    RESULT.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    for name, run in runs.items():
        print(name, run["costs"][0], min(run["costs"]), run["costs"][-1], f"{run['seconds_per_gradient']:.2f} s")


def draw() -> None:
    """Draw both costs against the iteration."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    record = json.loads(RESULT.read_text(encoding="utf-8"))
    figure, axes = plt.subplots(figsize=(7.0, 3.8), layout="constrained")
    for name, label, style in (
        ("plain", "plain MJX, forward mode", "C1--"),
        ("exact", "dynsparse.transition, reverse mode", "C0-"),
    ):
        axes.plot(-np.array(record[name]["costs"]), style, label=label)
    axes.set_xlabel("gradient step")
    axes.set_ylabel("mean velocity of the hinge (rad/s)")
    axes.set_title("FingerSpin, 50 control steps, Adam on the actions, gradients clipped", loc="left", fontsize=11)
    axes.legend(frameon=False)
    axes.grid(alpha=0.3)
    figure.savefig(PICTURE, dpi=110, metadata={"Software": None})


if __name__ == "__main__":
    if sys.argv[1:] == ["measure"]:
        measure()
    elif sys.argv[1:] == ["draw"]:
        draw()
    else:
        sys.exit(__doc__)
