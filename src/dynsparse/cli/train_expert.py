"""``dynsparse train-expert``: a policy of one's own, trained by PPO on one core."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import tyro

from dynsparse.cli.environments import environment_names
from dynsparse.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynsparse.rollout.training.curve import Point

__all__ = ["EXAMPLES", "TrainExpert"]

EXAMPLES = """\
examples:
  dynsparse train-expert CheetahRun --out experts/cheetah
  dynsparse train-expert CheetahRun --out experts/cheetah --resume
  dynsparse train-expert WalkerRun --out experts/walker --steps 10000000 --target-return 330 --seed 1
  dynsparse collect CheetahRun --policy experts/cheetah/policy.safetensors --rows 10000 --out data/expert

OUT holds curve.csv and curve.png (mean return of 32 episodes along the training), policies/STEPS.safetensors (the
policy at each point) and policy.safetensors (the best of them).  A training keeps one core busy: run two side by side.
Stopped at any moment, the same command with --resume goes on from the last point.
"""


@dataclass(frozen=True)
class TrainExpert:
    """Train a stochastic policy by PPO, with the settings of the shipped experts."""

    env: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="ENV")]
    """Environment (see dynsparse envs)."""

    out: Path
    """Folder of the training."""

    steps: int | None = None
    """Control steps in all, over all episodes, down to whole updates of 16,384; left out: as for the shipped expert."""

    target_return: float | None = None
    """End as soon as the mean return of an evaluation is this or more; exit code 1 if none is."""

    seed: int | None = None
    """Seed of networks, episodes and actions; left out: as for the shipped expert."""

    evaluations: int | None = None
    """Points of the curve; at each the policy is kept; left out: 40."""

    evaluation_episodes: int | None = None
    """Episodes of each; left out: 32."""

    episode_steps: int | None = None
    """Control steps of an episode; left out: 1,000, as in the paper."""

    resume: bool = False
    """Go on with a training of the same settings."""

    overwrite: bool = False
    """Replace a training that is there."""

    def run(self) -> int:
        """Train, and say what came of it.

        Returns:
            The exit code.
        """
        from dynsparse.rollout.training.folder import refuse_training
        from dynsparse.rollout.training.settings import expert_settings

        names = environment_names([self.env])
        if len(names) != 1:
            raise SettingError(f"expected one environment, got {self.env}; train them one by one, two at a time")
        if self.target_return is not None and not math.isfinite(self.target_return):
            raise SettingError(f"target return must be a finite number, got {self.target_return!r}; try 500")
        name = names[0]
        settings = expert_settings(
            name,
            steps=self.steps,
            seed=self.seed,
            evaluations=self.evaluations,
            evaluation_episodes=self.evaluation_episodes,
            episode_steps=self.episode_steps,
        )
        refuse_training(self.out, resume=self.resume, overwrite=self.overwrite)

        from dynsparse.cli.progress import open_progress
        from dynsparse.physics.environment import load_environment
        from dynsparse.rollout.training.train import train_expert

        progress = open_progress()
        progress.add(name, settings.steps)
        progress.phase(name, "load")

        def told(point: Point) -> None:
            progress.note(name, f"return {point.mean_return:.1f} after {point.steps:,} steps")

        try:
            found = train_expert(
                load_environment(name),
                settings,
                self.out,
                resume=self.resume,
                overwrite=self.overwrite,
                target_return=self.target_return,
                on_phase=lambda phase: progress.phase(name, phase),
                on_steps=lambda done: progress.rows(name, done, 0),
                on_point=told,
                draw=lambda points: self._drawn(name, points),
            )
            progress.finish(name, "done")
        finally:
            progress.close()
        best, last = found.best, found.points[-1]
        print(
            f"{found.path}: mean return {best.mean_return:.1f} ({best.return_low:.1f} to {best.return_high:.1f}, "
            f"{best.episodes} episodes), the best of {len(found.points)} evaluations, after {best.steps:,} steps; "
            f"{last.steps:,} steps in {last.seconds:,.0f} s"
        )
        if found.reached is False:
            print(
                f"the target of {self.target_return:g} was not reached; give it more --steps or another --seed, "
                "in another --out or by --overwrite"
            )
            return 1
        return 0

    def _drawn(self, name: str, points: Sequence[Point]) -> bytes:
        from dynsparse.report.figure import render
        from dynsparse.report.learning_curve import draw_learning_curve

        rows = np.array([dataclasses.astuple(point) for point in points], dtype=np.float64)
        columns = {field.name: rows[:, i] for i, field in enumerate(dataclasses.fields(points[0]))}
        (png,) = render(lambda: draw_learning_curve(name, columns, target_return=self.target_return), ("png",))
        return png
