"""The training as a user of PyTorch writes it: ``torch.func`` for the Jacobians, AdamW for the steps.

A script for any Python that has PyTorch and NumPy; it imports nothing of dynsparse.  It is given a job file, and then a
command in JSON on each line of its input, which it answers by a line of JSON.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np


class TorchTraining:
    """One seed.

    Args:
        job: Arrays of the job file: rows, weights, order of the rows, settings.
        kind: ``"jacrev"`` or ``"jacfwd"``: how the Jacobians are made.
        threads: Of PyTorch.
    """

    def __init__(self, job: dict[str, Any], kind: str, threads: int) -> None:
        import torch  # type: ignore[import-not-found]  # in this Python only

        self._torch = torch
        torch.set_num_threads(threads)
        self._settings = json.loads(str(job["settings"]))
        self._order = torch.from_numpy(job["order"].astype(np.int64))
        dtype = getattr(torch, self._settings["precision"])
        self._rows = [torch.from_numpy(job[name]).to(dtype) for name in ("inputs", "outputs", "jacobians")]
        self._zero = torch.from_numpy(job["zero"])
        layers: list[Any] = []
        depth = self._settings["layer_depth"] + 1
        for index in range(depth):
            kernel, bias = (torch.from_numpy(job[f"layer_{index}_{part}"]).to(dtype) for part in ("kernel", "bias"))
            layer = torch.nn.Linear(*kernel.shape, dtype=dtype)
            with torch.no_grad():
                layer.weight.copy_(kernel.T)
                layer.bias.copy_(bias)
            layers += [layer] if index == depth - 1 else [layer, torch.nn.ELU()]
        self._network = torch.nn.Sequential(*layers)
        self._optimizer = torch.optim.AdamW(
            self._network.parameters(),
            lr=self._settings["learning_rate"],
            weight_decay=self._settings["weight_decay"],
            fused=True,
        )
        parameters = dict(self._network.named_parameters())

        def twice(row: Any) -> tuple[Any, Any]:
            found = torch.func.functional_call(self._network, parameters, (row,))
            return found, found

        self._jacobians: Callable[[Any], tuple[Any, Any]] = torch.func.vmap(
            getattr(torch.func, kind)(twice, has_aux=True)
        )
        self._steps = 0

    def step(self) -> Any:
        """Make one gradient step and return the loss before it."""
        rows = self._order[self._steps % len(self._order)]
        self._steps += 1
        inputs, outputs, jacobians = (x[rows] for x in self._rows)
        self._optimizer.zero_grad(set_to_none=True)
        functional = self._torch.nn.functional
        name = self._settings["loss"]
        if name == "state":
            loss = functional.mse_loss(self._network(inputs), outputs)
        else:
            predicted, found = self._jacobians(inputs)
            loss = functional.mse_loss(found, outputs)
            if name == "state-jacobian":
                term = functional.mse_loss(predicted, jacobians)
            elif name == "state-jacobian-l1":
                term = functional.l1_loss(predicted, jacobians)
            elif name == "state-jacobian-l1-regularizer":
                term = predicted.abs().mean()
            else:
                zero = self._zero[rows]
                term = (predicted.abs() * zero).sum() / zero.sum().clamp(min=1)
            loss = loss + self._settings["jacobian_weight"] * term
        loss.backward()
        self._optimizer.step()
        return loss.detach()


def _peak_rss_mib() -> float | None:
    """Return the most memory that this process held; None where the system does not tell."""
    # Not by getrusage: a child's figure there begins with its parent's.
    try:
        with open("/proc/self/status", encoding="ascii") as file:
            return next(int(line.split()[1]) / 1024 for line in file if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        return None


def main() -> None:
    """Serve one job."""
    path, kind, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
    with np.load(path, allow_pickle=False) as file:
        job = dict(file)
    training = TorchTraining(job, kind, threads)
    for line in sys.stdin:
        command = json.loads(line)
        if "steps" in command:
            answer: dict[str, Any] = {"losses": [float(training.step()) for _ in range(command["steps"])]}
        else:
            done, began = 0, time.perf_counter()
            while (elapsed := time.perf_counter() - began) < command["seconds"] or not done:
                training.step()
                done += 1
            peak = _peak_rss_mib()
            answer = {"steps": done, "seconds": elapsed, "peak_rss_mib": peak}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
