"""How the cost of an exact Jacobian grows with joints, contacts and substeps: chains made for it, and known models.

    python benchmarks/jacobian_scaling.py --json results/jacobian_scaling.json

One process, one core; rows from short random roll-outs.  Each figure is the best of the rounds, for one substep.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

from dynsparse.physics.processes import worker_environment

os.environ.update(worker_environment())

import mujoco  # JAX reads its environment when it is imported
import numpy as np

import dynsparse
from dynsparse.physics.convergence import CONVERGED
from dynsparse.physics.engine import Engine
from dynsparse.physics.environment import Environment, environment_from_model, float64_on_cpu
from dynsparse.provenance import collect_provenance, script_command

ROWS = 2048
PLAYGROUND = ("AcrobotSwingup", "HopperHop", "HumanoidStand")


def chain(links: int, feet: int, substeps: int) -> Environment:
    """Return a planar chain of hinges over a floor; ``feet`` of its links touch it."""
    body, ends = "", ""
    for link in range(links):
        foot = '<geom type="sphere" size="0.05" mass="0.1" contype="1" conaffinity="1"/>' if link < feet else ""
        body += f"""<body pos="{0.2 if link else 0} 0 {0 if link else 0.06}"><joint type="hinge" axis="0 1 0"
            damping="0.1"/><geom type="capsule" size="0.02" fromto="0 0 0 0.2 0 0" mass="0.2"/>{foot}"""
        ends += "</body>"
    text = f"""<mujoco><option timestep="0.002" iterations="4" ls_iterations="8"/><default>
        <geom contype="0" conaffinity="0"/></default><worldbody>
        <geom type="plane" size="9 9 1" contype="1" conaffinity="1"/>{body}{ends}</worldbody>
        <actuator><motor joint="j" ctrllimited="true" ctrlrange="-1 1"/></actuator></mujoco>"""
    text = text.replace('<joint type="hinge"', '<joint name="j" type="hinge"', 1)
    name = f"chain of {links}, {feet} feet, {substeps} substeps"
    return environment_from_model(name, mujoco.MjModel.from_xml_string(text), substeps)


def playground(name: str) -> Environment:
    """Return the model of another Playground task."""
    from mujoco_playground import dm_control_suite

    with float64_on_cpu():
        task = dm_control_suite.load(name, config_overrides={"impl": "jax"})
    return environment_from_model(name, task.mj_model, int(task.n_substeps))


def measure(env: Environment, rounds: int) -> dict[str, object]:
    """Measure one environment."""
    engine = Engine(env.model, env.substeps)
    rng = np.random.default_rng(0)
    count, steps = 64, 32
    low, high = np.maximum(env.action_low, -1.0), np.minimum(env.action_high, 1.0)
    actions = rng.uniform(low, high, (count, steps, env.action_dim))
    start = np.repeat(env.default_state()[None], count, axis=0)
    start[:, env.nq :] += 0.1 * rng.normal(size=(count, env.nv))
    began = time.perf_counter()
    rolled = engine.roll_out(start, actions, np.zeros((count, env.nv)))
    states = rolled.states[:, :-1].reshape(count * steps, -1)[:ROWS]
    warmstarts = rolled.warmstarts[:, :-1].reshape(count * steps, -1)[:ROWS]
    actions = actions.reshape(count * steps, -1)[:ROWS]
    value = engine.step(states, actions, warmstarts)
    engine.differentiate(states, actions, warmstarts, value)
    first = time.perf_counter() - began
    stepping, differentiating = [], []
    for _ in range(rounds):
        began = time.perf_counter()
        engine.step(states, actions, warmstarts)
        stepping.append(time.perf_counter() - began)
        began = time.perf_counter()
        engine.differentiate(states, actions, warmstarts, value)
        differentiating.append(time.perf_counter() - began)
    scale = 1e6 / (len(states) * env.substeps)
    return {
        "model": env.name,
        "nv": env.nv,
        "constraint_rows": int(engine.simulator.constraint_types.size),
        "substeps": env.substeps,
        "native": engine.stepper.is_native,
        "unconverged": float((value.calls.residual >= CONVERGED).mean()),
        "first_s": first,
        "step_us": min(stepping) * scale,
        "slope_us": min(differentiating) * scale,
    }


def main() -> None:
    """Measure all, and write one file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="two small chains alone")
    parser.add_argument("--json", type=Path, required=True)
    options = parser.parse_args()
    models = [lambda n=n: chain(n, 0, 1) for n in (1, 2, 4, 8, 16)]
    if options.quick:
        models = models[:2]
    else:
        models += [lambda n=n: chain(8, n, 1) for n in (1, 2, 4, 8)]
        models += [lambda n=n: chain(4, 1, n) for n in (1, 2, 5, 10)]
        models += [lambda name=name: dynsparse.load_environment(name) for name in dynsparse.ENVIRONMENT_NAMES]
        models += [lambda name=name: playground(name) for name in PLAYGROUND]
    found = []
    for make in models:
        found.append(measure(make(), options.rounds))
        print(found[-1], flush=True)
        record = {"schema": 1, "models": found}
        record["provenance"] = collect_provenance(script_command(), 0).to_dict()
        options.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
