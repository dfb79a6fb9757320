"""``dynsparse bench``: Jacobians, or gradient steps, per second, beside what people use today."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from dynsparse.cli.json_file import JsonFile

if TYPE_CHECKING:
    from dynsparse.cli.progress import Progress
    from dynsparse.learning.benchmark import LearningSpeed
    from dynsparse.physics.benchmark import BenchSettings, JacobianSpeed

__all__ = ["EXAMPLES", "Bench"]

EXAMPLES = """\
examples:
  dynsparse bench jacobian --env CheetahRun --json cheetah.json
  dynsparse bench jacobian --json bench_jacobian.json
  dynsparse bench learning --env CheetahRun --losses state,state-jacobian --json learning.json
  dynsparse bench learning --torch-python ~/torch/bin/python --json bench_learning.json

learning needs a Python that has PyTorch to compare with: this one, or the one that --torch-python names.
"""

_COLUMNS = (
    "environment",
    "exact /s",
    "C rollout /s",
    "C chain /s",
    "plain JAX /s",
    "to rollout",
    "to plain",
    "cold s",
    "warm s",
    "MiB",
)


@dataclass(frozen=True)
class Bench:
    """Measure speed on this machine, beside what else there is.

    jacobian: exact Jacobians per second beside finite differences in C and plain autodiff; learning: gradient steps per
    second of world models beside torch.func.  Give it the machine alone: other work changes the figures.

    Of learning, dynsparse_steps_per_s counts the steps of a seed on each core, a process each, as learn trains them;
    torch_steps_per_s is one seed at a time, with the better of one thread and of all and of jacrev and jacfwd, and
    torch_side_by_side_steps_per_s a seed on each core.
    """

    what: Annotated[Literal["jacobian", "learning"], tyro.conf.Positional]
    """What is measured."""

    json: Path
    """File for the results."""

    env: tuple[str, ...] = ()
    """Environments, by default all eight (see dynsparse envs)."""

    rows: int | None = None
    """jacobian: rows of a batch, from random roll-outs (4,096); learning: rows to train on (10,240)."""

    seed: int = 0
    """Seed of the rows."""

    plain_timeout: float = 180.0
    """jacobian: give plain JAX up after this long, s."""

    losses: str = "state,state-jacobian"
    """learning: losses, separated by commas, or all."""

    torch_python: str | None = None
    """learning: a Python that has PyTorch; left out: this one."""

    overwrite: bool = False
    """Replace the file if it exists."""

    def run(self) -> int:
        """Measure; print a table and write the file.

        Returns:
            The exit code.
        """
        if self.what == "learning":
            return self._learning()
        from dynsparse.cli.environments import environment_names
        from dynsparse.physics.benchmark import BenchSettings
        from dynsparse.physics.probe import check_probe

        names = environment_names(self.env)
        rows = 4096 if self.rows is None else self.rows
        check_probe(rows, self.seed)
        settings = BenchSettings(rows=rows, seed=self.seed, plain_timeout_s=self.plain_timeout)
        file = JsonFile(self.json, self.overwrite)

        from dynsparse.cli.output import table, wide_console
        from dynsparse.cli.progress import open_progress

        progress = open_progress()
        for name in names:
            progress.add(name, rows)
        try:
            speeds = [_measure(name, settings, progress) for name in names]
        finally:
            progress.close()
        file.write(self._records(speeds))
        console = wide_console()
        console.print(table(_COLUMNS, [_cells(speed) for speed in speeds]))
        for speed in speeds:
            for reason in filter(None, [speed.plain_jax_reason, *speed.reasons.values()]):
                console.print(f"{speed.environment}: {reason}")
        console.print(f"wrote {file.path}")
        return 0

    def _learning(self) -> int:
        from dynsparse.cli.bench_learning import measure_and_tell
        from dynsparse.cli.environments import environment_names
        from dynsparse.cli.learn import losses_of
        from dynsparse.learning.benchmark import LearningBench
        from dynsparse.workers import worker_count

        names, losses = environment_names(self.env), losses_of(self.losses)
        own = {"rows": self.rows, "torch_python": self.torch_python}
        given: dict[str, Any] = {name: value for name, value in own.items() if value is not None}
        bench = LearningBench(seed=self.seed, cores=worker_count(0), **given)
        file = JsonFile(self.json, self.overwrite)
        speeds = measure_and_tell(names, losses, bench)
        file.write(self._records(speeds))
        print(f"wrote {file.path}")
        return 0

    def _records(self, speeds: Sequence[JacobianSpeed | LearningSpeed]) -> list[dict[str, Any]]:
        from dynsparse.provenance import collect_provenance

        words = ["dynsparse", "bench", self.what]
        words += ["--env", *self.env] if self.env else []
        # The folder is the machine's own.
        words += [] if self.rows is None else ["--rows", str(self.rows)]
        words += ["--losses", self.losses] if self.what == "learning" else []
        words += ["--seed", str(self.seed), "--json", self.json.name]
        provenance = collect_provenance(shlex.join(words), self.seed).to_dict()
        return [{**speed.to_dict(), "provenance": provenance} for speed in speeds]


def _measure(name: str, settings: BenchSettings, progress: Progress) -> JacobianSpeed:
    from dynsparse.physics.benchmark import measure_jacobians
    from dynsparse.physics.environment import load_environment

    progress.phase(name, "load")
    speed = measure_jacobians(load_environment(name), settings, lambda phase: progress.phase(name, phase))
    record = speed.to_dict()
    progress.finish(name, f"{record['dynsparse_per_s']:,.0f} exact Jacobians/s")
    return speed


def _cells(speed: JacobianSpeed) -> list[str]:
    record = speed.to_dict()

    def shown(name: str, digits: int = 0) -> str:
        return "none" if record[name] is None else f"{record[name]:,.{digits}f}"

    return [
        speed.environment,
        shown("dynsparse_per_s"),
        shown("mujoco_fd_per_s"),
        shown("mujoco_chain_per_s"),
        shown("plain_jax_per_s"),
        shown("ratio_mujoco_fd", 2),
        shown("ratio_plain_jax", 1),
        shown("first_result_cold_s"),
        shown("first_result_warm_s"),
        shown("peak_rss_mib"),
    ]
