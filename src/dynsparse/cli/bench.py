"""``dynsparse bench``: Jacobians per second, beside what people use today."""

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
    from dynsparse.physics.benchmark import BenchSettings, JacobianSpeed

__all__ = ["EXAMPLES", "Bench"]

EXAMPLES = """\
examples:
  dynsparse bench jacobian --env CheetahRun --json cheetah.json
  dynsparse bench jacobian --json bench_jacobian.json
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
    """Measure exact Jacobians per second beside finite differences in C and plain autodiff, all on this machine.

    Give it the machine alone: other work changes the figures.
    """

    what: Annotated[Literal["jacobian"], tyro.conf.Positional]
    """What is measured."""

    json: Path
    """File for the results."""

    env: tuple[str, ...] = ()
    """Environments, by default all eight (see dynsparse envs)."""

    rows: int = 4096
    """Rows of a batch, from random roll-outs."""

    seed: int = 0
    """Seed of the rows."""

    plain_timeout: float = 180.0
    """Give plain JAX up after this long, s."""

    overwrite: bool = False
    """Replace the file if it exists."""

    def run(self) -> int:
        """Measure one environment after the other; print a table and write the file.

        Returns:
            The exit code.
        """
        from dynsparse.cli.environments import environment_names
        from dynsparse.physics.benchmark import BenchSettings
        from dynsparse.physics.probe import check_probe

        names = environment_names(self.env)
        check_probe(self.rows, self.seed)
        settings = BenchSettings(rows=self.rows, seed=self.seed, plain_timeout_s=self.plain_timeout)
        file = JsonFile(self.json, self.overwrite)

        from dynsparse.cli.output import table, wide_console
        from dynsparse.cli.progress import open_progress

        progress = open_progress()
        for name in names:
            progress.add(name, self.rows)
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

    def _records(self, speeds: Sequence[JacobianSpeed]) -> list[dict[str, Any]]:
        from dynsparse.provenance import collect_provenance

        words = ["dynsparse", "bench", self.what]
        words += ["--env", *self.env] if self.env else []
        # The folder is the machine's own.
        words += ["--rows", str(self.rows), "--seed", str(self.seed), "--json", self.json.name]
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
