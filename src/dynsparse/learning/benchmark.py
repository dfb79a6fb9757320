"""The speed of trainings of world models, beside PyTorch's, all in one run."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynsparse.config import check_count
from dynsparse.errors import SettingError, WorkerError
from dynsparse.learning.network import activation, init_network, with_jacobian
from dynsparse.learning.settings import LearnSettings
from dynsparse.learning.trainer import Trainer, TrainRows, epoch_order

__all__ = ["LearningBench", "LearningSpeed", "measure_training"]

_TORCH = Path(__file__).parent / "peers" / "torch_func.py"
_OWN = "dynsparse.learning.peers.own"
_KINDS = ("jacrev", "jacfwd")
_CURVE_STEPS = 20


@dataclass(frozen=True)
class LearningBench:
    """How the speed is measured.

    Attributes:
        rows: Rows to train on.
        rounds: How often the contestants take turns.
        seconds: Each turn's least duration, s.
        cores: Seeds that are trained side by side, and threads of PyTorch.
        seed: Of rows, weights and order.
        layer_width: Units of each hidden layer.
        batch_size: Rows of a gradient step.
        torch_python: A Python that has PyTorch.
    """

    rows: int = 10_240
    rounds: int = 3
    seconds: float = 3.0
    cores: int = 2
    seed: int = 0
    layer_width: int = 512
    batch_size: int = 512
    torch_python: str = sys.executable

    def __post_init__(self) -> None:
        """Check the settings as a whole."""
        for name in ("rounds", "cores", "layer_width", "batch_size"):
            check_count(name, getattr(self, name), 1, "leave it at its default")
        check_count("rows", self.rows, self.batch_size, "one batch at least")
        check_count("seed", self.seed, 0, "try 0")
        if not self.seconds > 0:
            raise SettingError(f"seconds must be above 0, got {self.seconds!r}; leave it at its default")


@dataclass(frozen=True)
class LearningSpeed:
    """Gradient steps per second of one loss at the dimensions of one environment.

    Attributes:
        environment: Name of the environment.
        loss: Name of the loss.
        rates: Steps/s of each round, by contestant: ``"dynsparse"`` trains a seed on each core, a process each, and
            counts the steps of all; ``"dynsparse, one seed"``; ``"torch KIND, N threads"`` one seed at a time;
            ``"torch KIND, side by side"`` a seed on each core.
        peak_rss_mib: Most memory of one of its processes, by contestant, MiB.
        reason: Why there is no figure of PyTorch; None where there is one.
        differences: Largest relative difference of the losses of the first steps, without dropout, by precision.
        torch_version: Version of PyTorch.
        settings: What was measured with.
    """

    environment: str
    loss: str
    rates: dict[str, tuple[float, ...]]
    peak_rss_mib: dict[str, float]
    reason: str | None
    differences: dict[str, float]
    torch_version: str | None
    settings: LearningBench = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain JSON values; rates are medians of the rounds."""
        medians = {name: statistics.median(rates) for name, rates in self.rates.items()}
        single = {name: rate for name, rate in medians.items() if name.startswith("torch") and "side" not in name}
        beside = [rate for name, rate in medians.items() if "side by side" in name]
        best = max(single, key=lambda name: single[name], default=None)
        peer = None if best is None else single[best]
        own, alone = medians["dynsparse"], medians["dynsparse, one seed"]
        return {
            "environment": self.environment,
            "loss": self.loss,
            "rows": self.settings.rows,
            "batch_size": self.settings.batch_size,
            "layer_width": self.settings.layer_width,
            "cores": self.settings.cores,
            "dynsparse_steps_per_s": own,
            "dynsparse_one_seed_steps_per_s": alone,
            "torch_steps_per_s": peer,
            "torch_kind": best,
            "torch_side_by_side_steps_per_s": max(beside, default=None),
            "torch_reason": self.reason,
            "torch_version": self.torch_version,
            "dynsparse_peak_rss_mib": self.peak_rss_mib.get("dynsparse"),
            "torch_peak_rss_mib": None if best is None else self.peak_rss_mib.get(best),
            "ratio": None if peer is None else own / peer,
            "ratio_one_seed": None if peer is None else alone / peer,
            "ratio_side_by_side": own / max(beside) if beside else None,
            "max_relative_difference": self.differences,
            "compared_steps": _CURVE_STEPS,
            "rounds": self.rates,
        }


def measure_training(
    environment: str,
    dimensions: tuple[int, int],
    loss: str,
    bench: LearningBench,
    on_phase: Callable[[str], None] = lambda phase: None,
) -> LearningSpeed:
    """Measure one loss: the contestants take turns, because other work on the machine comes and goes.

    Args:
        environment: Its name, for the record.
        dimensions: ds and da.
        loss: One of ``LOSSES``.
        bench: How.
        on_phase: Told what begins.

    Returns:
        The speeds.

    Raises:
        WorkerError: If a training failed; PyTorch's is left out with its reason instead.
    """
    if bench.rows // bench.batch_size < _CURVE_STEPS:
        raise SettingError(
            f"expected rows for {_CURVE_STEPS} batches to compare, got {bench.rows // bench.batch_size}; take more rows"
        )
    version, reason = _torch_version(bench.torch_python)
    kinds = _KINDS if loss != "state" else _KINDS[:1]
    differences: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="dynsparse-") as name:
        folder = Path(name)
        if reason is None:
            on_phase("compare losses")
            differences = {
                precision: _difference(folder, dimensions, loss, bench, precision)
                for precision in ("float32", "float64")
            }
        on_phase("compile")
        job = _write_job(folder / "job.npz", dimensions, loss, bench, "float32")
        with ExitStack() as stack:
            contestants: dict[str, Sequence[_Child]] = {
                "dynsparse": [stack.enter_context(_own(job, threads=1)) for _ in range(bench.cores)],
                "dynsparse, one seed": [stack.enter_context(_own(job))],
            }
            if reason is None:
                for kind in kinds:
                    for threads in sorted({1, bench.cores}):
                        child = stack.enter_context(_torch(bench, job, kind, threads))
                        contestants[f"torch {kind}, {threads} thread{'' if threads == 1 else 's'}"] = [child]
                    # The first of them has been started with one thread already.
                    more = [stack.enter_context(_torch(bench, job, kind, 1)) for _ in range(bench.cores - 1)]
                    contestants[f"torch {kind}, side by side"] = [*contestants[f"torch {kind}, 1 thread"], *more]
            rates: dict[str, list[float]] = {name: [] for name in contestants}
            memory: dict[str, float] = {}
            for children in contestants.values():
                _run(children, 0.1)
            for turn in range(bench.rounds):
                on_phase(f"measure {turn + 1} of {bench.rounds}")
                for name, children in contestants.items():
                    answers = _run(children, bench.seconds)
                    rates[name].append(float(sum(answer["steps"] / answer["seconds"] for answer in answers)))
                    told = [answer["peak_rss_mib"] for answer in answers if answer["peak_rss_mib"] is not None]
                    if told:
                        memory[name] = max(told)
    return LearningSpeed(
        environment, loss, {k: tuple(v) for k, v in rates.items()}, memory, reason, differences, version, bench
    )


def _difference(folder: Path, dimensions: tuple[int, int], loss: str, bench: LearningBench, precision: str) -> float:
    """Return the largest relative difference of the losses of the first steps."""
    job = _write_job(folder / f"{precision}.npz", dimensions, loss, bench, precision)
    with _own(job) as own, _torch(bench, job, "jacrev", bench.cores) as peer:
        losses = [np.array(child.ask({"steps": _CURVE_STEPS})["losses"]) for child in (own, peer)]
    return float(np.max(np.abs(losses[0] / losses[1] - 1)))


def _run(children: Sequence[_Child], seconds: float) -> list[dict[str, Any]]:
    """Let all of them train at the same time."""
    for child in children:
        child.tell({"seconds": seconds})
    return [child.hear() for child in children]


def _write_job(path: Path, dimensions: tuple[int, int], loss: str, bench: LearningBench, precision: str) -> Path:
    """Write rows whose truth is a small network of its own, first weights, and order of the rows."""
    import jax

    ds, da = dimensions
    settings = LearnSettings(
        loss=loss,
        seed=bench.seed,
        layer_width=bench.layer_width,
        batch_size=bench.batch_size,
        dropout_rate=0.0,
        precision=precision,
    )
    teacher = init_network(jax.random.PRNGKey(bench.seed + 1), (ds + da, 32, 32, ds))
    inputs = np.random.default_rng(bench.seed).normal(size=(bench.rows, ds + da)).astype(np.float32)
    outputs, jacobians = (np.array(x) for x in with_jacobian(teacher, activation("elu"), jax.numpy.asarray(inputs)))
    zero = np.abs(jacobians) < np.quantile(np.abs(jacobians), 0.3)
    jacobians[zero] = 0
    trainer = Trainer(settings, TrainRows(inputs, outputs, jacobians, zero))
    arrays: dict[str, NDArray[Any]] = {}
    for index, layer in enumerate(trainer.params):
        arrays |= {f"layer_{index}_kernel": np.asarray(layer.kernel), f"layer_{index}_bias": np.asarray(layer.bias)}
    order = epoch_order(np.random.default_rng([bench.seed, 1]), bench.rows, bench.batch_size)
    told = np.array(json.dumps(settings.to_dict()))
    np.savez(
        path,
        allow_pickle=False,
        inputs=inputs,
        outputs=outputs,
        jacobians=jacobians,
        zero=zero,
        order=order,
        settings=told,
        **arrays,
    )
    return path


class _Child:
    """A process that is told and answers by lines of JSON."""

    def __init__(self, command: Sequence[str], environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def tell(self, command: dict[str, Any]) -> None:
        pipe = self._process.stdin
        try:
            if pipe is not None:
                pipe.write(json.dumps(command) + "\n")
                pipe.flush()
        except BrokenPipeError:
            self._fail()

    def hear(self) -> dict[str, Any]:
        line = self._process.stdout.readline() if self._process.stdout is not None else ""
        if not line:
            self._fail()
        answer: dict[str, Any] = json.loads(line)
        return answer

    def ask(self, command: dict[str, Any]) -> dict[str, Any]:
        self.tell(command)
        return self.hear()

    def _fail(self) -> None:
        told = self._process.stderr.read().strip().splitlines() if self._process.stderr is not None else []
        raise WorkerError(f"a training that is timed stopped: {told[-1] if told else 'it said nothing'}; run again")

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


@contextmanager
def _running(command: Sequence[str], environment: dict[str, str]) -> Iterator[_Child]:
    child = _Child(command, environment)
    try:
        yield child
    finally:
        child.close()


def _own(job: Path, threads: int | None = None) -> AbstractContextManager[_Child]:
    # XLA takes as many threads as NPROC says; without it, one for each core.
    own = {} if threads is None else {"NPROC": str(threads)}
    return _running([sys.executable, "-m", _OWN, str(job)], {**os.environ, "JAX_PLATFORMS": "cpu", **own})


def _torch(bench: LearningBench, job: Path, kind: str, threads: int) -> AbstractContextManager[_Child]:
    return _running([bench.torch_python, str(_TORCH), str(job), kind, str(threads)], dict(os.environ))


def _torch_version(python: str) -> tuple[str | None, str | None]:
    """Return the version of PyTorch, or why there is none."""
    try:
        done = subprocess.run(
            [python, "-c", "import torch; print(torch.__version__)"],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        return None, f"{Path(python).name} can not be run: {error}"
    if done.returncode:
        return None, "that Python has no PyTorch: pip install torch, or name one that has it by --torch-python"
    return done.stdout.strip(), None
