"""``dynsparse render``: a policy at work, as an animated picture and as a strip of frames."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import tyro

from dynsparse.cli.environments import environment_names
from dynsparse.config import check_count
from dynsparse.errors import OutputExistsError, SettingError

if TYPE_CHECKING:
    from dynsparse.physics.environment import Environment
    from dynsparse.physics.renderer import Renderer
    from dynsparse.rollout.episodes import Episodes

__all__ = ["EXAMPLES", "Render"]

EXAMPLES = """\
examples:
  dynsparse render CheetahRun --policy expert --out cheetah.gif
  dynsparse render WalkerRun --policy novice --out walker.gif --steps 1000 --seed 3 --camera back
  dynsparse render FingerSpin --policy my_agent.safetensors --out finger.gif --width 640 --height 480

Beside the GIF lies a strip of eight frames under the same name with .png.  MuJoCo draws with EGL or OSMesa, whichever
works here (MUJOCO_GL asks for one); no screen is needed.
"""

_STRIP = 8
"""Frames of the strip."""

_FRAME_SECONDS = 0.04
"""Least time between two frames: browsers can not show many more."""


@dataclass(frozen=True)
class Render:
    """Run one episode and draw it."""

    env: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="ENV")]
    """Environment (see dynsparse envs)."""

    out: Path
    """The clip, a file that ends in .gif."""

    policy: str = "random"
    """random, novice, paper, expert, or a policy file (.safetensors)."""

    steps: int = 250
    """Control steps from the start of the episode."""

    seed: int = 0
    """Seed of start and actions: the first episode that collect stores with it."""

    camera: str | None = None
    """Name or number of a camera of the model; left out: its first one."""

    width: int = 320
    """Of a frame, pixels."""

    height: int = 240
    """Of a frame, pixels."""

    overwrite: bool = False
    """Replace files that are there."""

    def run(self) -> int:
        """Draw, and say what was drawn.

        Returns:
            The exit code.
        """
        names = environment_names([self.env])
        if len(names) != 1:
            raise SettingError("expected one environment, got all; draw them one by one")
        strip = self._check_place()
        check_count("steps", self.steps, 1, "try 250")

        from dynsparse.cli.progress import open_progress
        from dynsparse.physics.environment import load_environment
        from dynsparse.physics.renderer import Renderer
        from dynsparse.report.clip import draw_strip, encode_gif
        from dynsparse.report.figure import render
        from dynsparse.report.files import write_file
        from dynsparse.rollout.experts import policy_path
        from dynsparse.rollout.policy_file import read_weights

        name = names[0]
        progress = open_progress()
        progress.add(name, self.steps)
        progress.phase(name, "load")
        try:
            env = load_environment(name)
            stride = max(1, round(_FRAME_SECONDS / env.dt))
            moments = np.arange(0, self.steps + 1, stride)
            some = np.unique(np.linspace(0, self.steps, _STRIP).round().astype(int))
            # Before the episode: without OpenGL there is no use in it.
            with Renderer(env, width=self.width, height=self.height, camera=self.camera) as renderer:
                progress.phase(name, "roll out")
                episodes = self._episodes(env)
                progress.phase(name, "draw")
                frames = _drawn(renderer, env.nq, episodes, moments)
                chosen = _drawn(renderer, env.nq, episodes, some)
                backend = renderer.backend or "the default OpenGL"
            progress.finish(name, "done")
        finally:
            progress.close()
        so_far = np.concatenate([[0.0], np.cumsum(episodes.reward[0])])
        labels = [f"{step * env.dt:.2f} s, return {so_far[step]:.1f}" for step in some]
        path = policy_path(name, self.policy)
        who = f"policy {read_weights(path).name}" if path else "random policy"
        write_file(self.out, encode_gif(frames, stride * env.dt))
        (png,) = render(lambda: draw_strip(chosen, labels, f"{name}, {who}"), ("png",))
        write_file(strip, png)
        print(
            f"{self.out}: {len(frames)} frames of {self.steps:,} steps ({self.steps * env.dt:.1f} s, return "
            f"{so_far[-1]:.1f}), drawn by {backend}; {strip}: {len(some)} of them"
        )
        return 0

    def _check_place(self) -> Path:
        if self.out.suffix.lower() != ".gif":
            raise SettingError(f"expected --out to end in .gif, got {self.out}; try {self.out.with_suffix('.gif')}")
        strip = self.out.with_suffix(".png")
        taken = [str(path) for path in (self.out, strip) if path.exists()]
        if taken and not self.overwrite:
            raise OutputExistsError(f"{' and '.join(taken)} there already; choose another --out or pass --overwrite")
        return strip

    def _episodes(self, env: Environment) -> Episodes:
        from dynsparse.rollout.collector import Collector
        from dynsparse.rollout.settings import CollectSettings

        settings = CollectSettings(self.steps, self.policy, seed=self.seed, episode_steps=self.steps)
        with Collector(env, settings, workers=1) as collector:
            return collector.roll_out(1, self.steps)


def _drawn(renderer: Renderer, nq: int, episodes: Episodes, moments: np.ndarray) -> np.ndarray:
    count = len(moments)
    mocap = (np.repeat(x, count, axis=0) for x in (episodes.mocap_pos, episodes.mocap_quat))
    return renderer.frames(episodes.state[0, moments, :nq], *mocap)
