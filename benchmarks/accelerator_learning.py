"""World models trained on whatever device JAX finds, all seeds together, beside PyTorch one seed at a time.

    python benchmarks/accelerator_learning.py --json results/accelerator_learning.json

For a GPU, where both libraries find it; each is timed alone, without dropout, on the same rows, batches and first
weights, in float32, with or without TF32 (what was on is in the file).  Then it runs 5 % of the gradient steps of one
training of the paper (100 epochs of 900,000 rows) with its dropout, and extrapolates to the gradient steps of its 600:
eight environments' dimensions, five losses, fifteen seeds; tests after each epoch are not among them.
On a CPU it serves to try the script:

    python benchmarks/accelerator_learning.py --envs ReacherHard --seeds 2 --share 1e-4 --rows 2048 --json try.json
"""

from __future__ import annotations

import argparse
import json
import time
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from dynsparse import ENVIRONMENT_NAMES, load_environment
from dynsparse.learning.epoch import Progress, Recipe, Strengths, TrainData, run_epoch, start
from dynsparse.learning.losses import LOSSES, needs_jacobian, needs_zero
from dynsparse.learning.network import init_network
from dynsparse.learning.trainer import epoch_order
from dynsparse.provenance import collect_provenance, script_command

BATCH, WIDTH = 512, 512
PAPERS_STEPS = 900_000 // BATCH * 100
PAPERS_SEEDS = 15
_BLOCK = 50
_COMPARED_STEPS = 1_000


def own(loss: str, rows: dict[str, np.ndarray], seeds: int, steps: int, precision: str, dropout: float) -> float:
    """Return seconds of a gradient step of all seeds together, after compiling."""
    ds, width = rows["outputs"].shape[1], rows["inputs"].shape[1]
    recipe = Recipe(loss, "elu", dropout=dropout > 0, directions=0, chunk=BATCH)
    strengths = Strengths(2e-3, 1e-3, dropout, 1.0)
    compared = needs_jacobian(loss) and loss != "state-jacobian-l1-regularizer"
    data = TrainData(
        jnp.asarray(rows["inputs"]),
        jnp.asarray(rows["outputs"]),
        jnp.asarray(rows["jacobians"]) if compared else None,
        jnp.asarray(rows["zero"]) if needs_zero(loss) else None,
    )

    def begin(key: jax.Array) -> Progress:
        return start(init_network(key, (width, WIDTH, WIDTH, ds)), key)

    progress = jax.vmap(begin)(keys(seeds))
    epoch = jax.jit(jax.vmap(partial(run_epoch.__wrapped__, recipe), in_axes=(0, None, None, 0)), donate_argnums=0)
    with jax.default_matmul_precision(precision):
        order = orders(len(rows["inputs"]), seeds)
        progress, terms = jax.block_until_ready(epoch(progress, strengths, data, order))
        done, began = 0, time.perf_counter()
        while done < steps:
            progress, terms = epoch(progress, strengths, data, orders(len(rows["inputs"]), seeds, done + 1))
            done += terms.shape[1]
        jax.block_until_ready(terms)
    return (time.perf_counter() - began) / done


def keys(seeds: int) -> jax.Array:
    """Return (seeds, 2): what networks are drawn from."""
    return jax.random.split(jax.random.PRNGKey(0), seeds)


def orders(rows: int, seeds: int, epoch: int = 0) -> np.ndarray:
    """Return (seeds, steps, BATCH) places."""
    return np.stack([epoch_order(np.random.default_rng([seed, epoch]), rows, BATCH) for seed in range(seeds)])


def peer(loss: str, rows: dict[str, np.ndarray], seconds: float, allow_tf32: bool) -> dict[str, Any]:
    """Return seconds of a gradient step of one seed in PyTorch, by the better of jacrev and jacfwd."""
    import torch  # type: ignore[import-not-found]  # where there is one

    torch.backends.cuda.matmul.allow_tf32 = allow_tf32
    device = "cuda" if torch.cuda.is_available() else "cpu"
    tensors = {name: torch.from_numpy(array).to(device) for name, array in rows.items()}
    ds, width = rows["outputs"].shape[1], rows["inputs"].shape[1]
    first = init_network(keys(1)[0], (width, WIDTH, WIDTH, ds))
    order = torch.from_numpy(orders(len(rows["inputs"]), 1)[0].astype(np.int64)).to(device)
    functional, found = torch.nn.functional, {}
    for kind in ("jacrev", "jacfwd") if needs_jacobian(loss) else ("none",):
        layers = [torch.nn.Linear(width, WIDTH), torch.nn.ELU(), torch.nn.Linear(WIDTH, WIDTH), torch.nn.ELU()]
        network = torch.nn.Sequential(*layers, torch.nn.Linear(WIDTH, ds)).to(device)
        with torch.no_grad():
            for layer, given in zip(network[::2], first, strict=True):
                layer.weight.copy_(torch.from_numpy(np.array(given.kernel).T.copy()))
                layer.bias.copy_(torch.from_numpy(np.array(given.bias)))
        optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=1e-3, fused=True)
        parameters = dict(network.named_parameters())

        def twice(row: Any, network: Any = network, parameters: Any = parameters) -> tuple[Any, Any]:
            out = torch.func.functional_call(network, parameters, (row,))
            return out, out

        jacobian = None if kind == "none" else torch.func.vmap(getattr(torch.func, kind)(twice, has_aux=True))

        def step(at: int, network: Any = network, optimizer: Any = optimizer, jacobian: Any = jacobian) -> None:
            index = order[at % len(order)]
            x, y, j, zero = (tensors[name][index] for name in ("inputs", "outputs", "jacobians", "zero"))
            optimizer.zero_grad(set_to_none=True)
            if jacobian is None:
                total = functional.mse_loss(network(x), y)
            else:
                predicted, out = jacobian(x)
                second = {
                    "state-jacobian": lambda: functional.mse_loss(predicted, j),
                    "state-jacobian-l1": lambda: functional.l1_loss(predicted, j),
                    "state-jacobian-l1-regularizer": lambda: predicted.abs().mean(),
                    "state-jacobian-l1-sparse-only": lambda: (predicted.abs() * zero).sum() / zero.sum().clamp(min=1),
                }[loss]()
                total = functional.mse_loss(out, y) + second
            total.backward()
            optimizer.step()

        wait = torch.cuda.synchronize if device == "cuda" else (lambda: None)
        for at in range(3):
            step(at)
        wait()
        done, began = 0, time.perf_counter()
        while time.perf_counter() - began < seconds:
            # The launches of many steps may run ahead, as those of a whole epoch do on the other side.
            for at in range(_BLOCK):
                step(done + at)
            done += _BLOCK
            wait()
        found[kind] = (time.perf_counter() - began) / done
    best = min(found, key=lambda kind: found[kind])
    return {"torch_step_s": found[best], "torch_kind": best, "torch_device": device, "torch_version": torch.__version__}


def measure(name: str, options: argparse.Namespace, tf32: bool) -> list[dict[str, Any]]:
    """Measure every loss at one environment's dimensions."""
    env = load_environment(name)
    rng = np.random.default_rng(0)
    shape = (options.rows, env.state_dim, env.state_dim + env.action_dim)
    jacobians = rng.standard_normal(shape, dtype=np.float32)
    rows = {
        "inputs": rng.standard_normal((options.rows, shape[2]), dtype=np.float32),
        "outputs": rng.standard_normal((options.rows, shape[1]), dtype=np.float32),
        "jacobians": jacobians,
        "zero": np.abs(jacobians) < 0.3,
    }
    steps = max(1, int(options.share * PAPERS_STEPS))
    found = []
    for loss in options.losses:
        precision = "tensorfloat32" if tf32 else "float32"
        seconds = own(loss, rows, options.seeds, min(steps, _COMPARED_STEPS), precision, 0.0)
        with_dropout = own(loss, rows, options.seeds, steps, precision, 0.1)
        record: dict[str, Any] = {
            "environment": name,
            "loss": loss,
            "tf32": tf32,
            "seeds": options.seeds,
            "steps": steps,
            "step_of_all_seeds_s": seconds,
            "seed_steps_per_s": options.seeds / seconds,
            "seed_steps_with_dropout_per_s": options.seeds / with_dropout,
        }
        try:
            record |= peer(loss, rows, options.seconds, tf32)
            record["ratio"] = record["torch_step_s"] * record["seed_steps_per_s"]
        except ImportError as error:
            record["torch_reason"] = str(error)
        print(record, flush=True)
        found.append(record)
    return found


def main() -> None:
    """Measure all that were asked for, extrapolate, and write one file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--envs", nargs="*", default=list(ENVIRONMENT_NAMES))
    parser.add_argument("--losses", nargs="*", default=list(LOSSES), choices=LOSSES)
    parser.add_argument("--seeds", type=int, default=PAPERS_SEEDS)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--share", type=float, default=0.05, help="of the paper's gradient steps of one training")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each turn of PyTorch")
    parser.add_argument("--tf32", action="store_true", help="let both libraries round factors to TF32")
    parser.add_argument("--json", type=Path, required=True)
    options = parser.parse_args()
    device = jax.devices()[0]
    found = [record for name in options.envs for record in measure(name, options, options.tf32)]
    grid = sum(PAPERS_STEPS * PAPERS_SEEDS / record["seed_steps_with_dropout_per_s"] for record in found)
    content = {
        "schema": 1,
        "device": f"{device.platform} {device.device_kind}",
        "tf32": options.tf32,
        "trainings": found,
        "papers_grid_hours": grid / 3600,
        "papers_grid": f"{len(options.envs)} environments, {len(options.losses)} losses, {PAPERS_SEEDS} seeds, "
        f"{PAPERS_STEPS} steps each, with dropout, without tests; {100 * options.share:g} % of one seed's were run",
        "provenance": collect_provenance(script_command(), 0).to_dict(),
    }
    options.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
