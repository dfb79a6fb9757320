"""``dynsparse collect``: a data set of transitions with their exact Jacobians."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from dynsparse.cli.environments import environment_names, open_environment
from dynsparse.config import EPISODE_STEPS
from dynsparse.errors import SettingError

if TYPE_CHECKING:
    from dynsparse.cli.progress import Progress
    from dynsparse.physics.environment import Environment
    from dynsparse.rollout.collect import Collected
    from dynsparse.rollout.settings import CollectSettings

__all__ = ["EXAMPLES", "Collect"]

EXAMPLES = """\
examples:
  dynsparse collect CheetahRun --rows 10000 --out data/cheetah
  dynsparse collect CheetahRun --rows 10000 --out data/cheetah --resume
  dynsparse collect FingerSpin --rows 4096 --states coverage --out data/finger --seed 3
  dynsparse collect CheetahRun --rows 50000 --policy expert --out data/expert
  dynsparse collect CheetahRun --rows 50000 --policy my_agent.safetensors --out data/agent
  dynsparse collect robots/arm.xml --substeps 5 --rows 10000 --out data/arm
  dynsparse collect HalfCheetah-v5 --derivative finite-difference --rows 1000 --out data/gym
  dynsparse collect examples/ring.py:ring --rows 5000 --out data/ring

Stopped (Ctrl-C), the same command with --resume goes on and ends with the same bytes as without the stop.
"""


@dataclass(frozen=True)
class Collect:
    """Roll a policy out and store every transition with its Jacobian, in a Zarr group.

    A folder that holds anything is refused without --resume or --overwrite, and so is --resume with another seed,
    policy, number of rows, type or version; each difference is named.
    """

    env: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="ENV")]
    """Environment (see dynsparse envs), model file (.xml), or Gymnasium MuJoCo task; FILE.py:NAME for one that a Python
    file of your own makes."""

    rows: int
    """Transitions of the whole data set."""

    out: Path
    """Folder of the data set."""

    policy: str = "random"
    """random (uniform actions, each held for a few control steps); novice, paper (as good as the paper's agent) or
    expert, which come with dynsparse; or a policy file (.safetensors)."""

    states: Literal["rollout", "coverage"] = "rollout"
    """rollout: episodes; coverage: one-step episodes spread over the whole admissible range."""

    episode_steps: int = EPISODE_STEPS
    """Control steps of an episode; the last one may be shorter."""

    derivative: Literal["exact", "autodiff", "finite-difference"] = "exact"
    """Which transition Jacobian; finite-difference runs a model file or a Gymnasium task in MuJoCo's C code, which
    takes models that the others can not."""

    substeps: int | None = None
    """Simulation steps in one control step, of a model file; left out: 1."""

    initial_noise: float | None = None
    """Scale of the noise where episodes of a model file or a Gymnasium task start; left out: 0.1, or the task's own."""

    dtype: Literal["float64", "float32"] = "float64"
    """How numbers are stored; all are computed in float64, and float32 takes half the room."""

    seed: int = 0
    """Seed of initial states and actions."""

    workers: int = 0
    """Worker processes; 0 for one on each usable core.  The bytes do not depend on it."""

    resume: bool = False
    """Go on with a data set of the same settings."""

    overwrite: bool = False
    """Replace a data set that is there."""

    def run(self) -> int:
        """Collect, and say what there is.

        Returns:
            The exit code.
        """
        from dynsparse.dataset.creation import refuse_taken
        from dynsparse.physics.sources.catalog import ALL_ENVIRONMENT_NAMES, check_options
        from dynsparse.rollout.experts import policy_path
        from dynsparse.rollout.settings import CollectSettings
        from dynsparse.workers import worker_count

        (name,) = environment_names([self.env], models=True) if self.env != "all" else ("",)
        if not name:
            raise SettingError("expected one environment, got all; collect them one by one")
        settings = CollectSettings(
            self.rows,
            self.policy,
            states=self.states,
            seed=self.seed,
            derivative=self.derivative,
            dtype=self.dtype,
            episode_steps=self.episode_steps,
        )
        worker_count(self.workers)
        check_options(name, substeps=self.substeps, initial_noise=self.initial_noise)
        policy_path(name, self.policy)  # refused before anything is loaded
        if name in ALL_ENVIRONMENT_NAMES:  # else what can be wrong with the environment is told before
            refuse_taken(self.out, resume=self.resume, overwrite=self.overwrite)

        from dynsparse.cli.progress import open_progress
        from dynsparse.rollout.collect import describe

        progress = open_progress()
        progress.add(name, self.rows)
        progress.phase(name, "load")
        try:
            env = open_environment(
                name, substeps=self.substeps, derivative=self.derivative, initial_noise=self.initial_noise
            )
            describe(env, settings)
            found = self._fill(env, settings, progress, name)
            progress.finish(name, "done")
        finally:
            progress.close()
        if not env.action_dim:
            print(f"{env.name} has no actuators: the data set has no actions")
        rate = f", in {found.seconds:,.1f} s after {found.compile_seconds:,.0f} s of start-up" if found.seconds else ""
        lost = f", {found.nonfinite_rows:,} of them not finite" if found.nonfinite_rows else ""
        print(f"{self.out}: {found.rows:,} rows ({found.new_rows:,} new{lost}{rate})")
        return 0

    def _fill(self, env: Environment, settings: CollectSettings, progress: Progress, name: str) -> Collected:
        from dynsparse.rollout.collect import collect

        writing: list[bool] = []

        def begin(phase: str) -> None:
            if phase == "collect":
                writing.append(True)
            in_c = phase == "compile" and env.engine == "mujoco-c"  # which has nothing to compile
            progress.phase(name, "start" if in_c else phase)

        try:
            return collect(
                env,
                settings,
                self.out,
                workers=self.workers,
                resume=self.resume,
                overwrite=self.overwrite,
                on_phase=begin,
                on_rows=lambda done, nonfinite: progress.rows(name, done, nonfinite),
            )
        except KeyboardInterrupt as stop:
            if writing:
                raise
            raise KeyboardInterrupt("nothing was written; run the same command again") from stop
