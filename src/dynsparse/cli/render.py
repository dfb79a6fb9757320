"""``dynsparse render``: a policy at work, as an animated picture and as a strip of frames."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
import tyro

from dynsparse.cli.environments import environment_names, open_environment
from dynsparse.cli.opengl import no_opengl_here
from dynsparse.config import check_count
from dynsparse.errors import OutputExistsError, SettingError

if TYPE_CHECKING:
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

_MOST_BYTES = 2**31
"""Most memory for all frames."""

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

    substeps: int | None = None
    """Simulation steps in one control step, of a model file; left out: 1."""

    derivative: Literal["exact", "finite-difference"] = "exact"
    """finite-difference: a model file or a Gymnasium task that MJX can not take is run by MuJoCo's C code."""

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
        from dynsparse.rollout.experts import policy_path

        strip = self._check_place()
        check_count("steps", self.steps, 1, "try 250")
        with no_opengl_here() as backend:
            names = environment_names([self.env], models=True)
            if len(names) != 1:
                raise SettingError(f"expected one environment, got {self.env}; draw them one by one")
            policy_path(names[0], self.policy)  # refused before anything is loaded
            return self._run(names[0], strip, backend)

    def _run(self, name: str, strip: Path, backend: str | None) -> int:
        from dynsparse.cli.progress import open_progress
        from dynsparse.physics.renderer import Renderer
        from dynsparse.report.clip import draw_strip, encode_gif
        from dynsparse.report.figure import render
        from dynsparse.report.files import write_file
        from dynsparse.rollout.collect import describe
        from dynsparse.rollout.collector import Collector
        from dynsparse.rollout.settings import CollectSettings

        settings = CollectSettings(self.steps, self.policy, seed=self.seed, episode_steps=self.steps)
        progress = open_progress()
        progress.add(name, self.steps)
        progress.phase(name, "load")
        try:
            env = open_environment(name, substeps=self.substeps, derivative=self.derivative)
            settings = replace(settings, derivative=env.derivatives[0])
            policy = describe(env, settings).policy
            stride = max(1, round(_FRAME_SECONDS / env.dt))
            moments = np.arange(0, self.steps + 1, stride)
            some = np.unique(np.linspace(0, self.steps, _STRIP).round().astype(int))
            self._check_size(len(moments))
            # Before the episode: without OpenGL there is no use in it.
            with Renderer(env, width=self.width, height=self.height, camera=self.camera, backend=backend) as renderer:
                progress.phase(name, "roll out")
                with Collector(env, settings, workers=1, policy_sha256=policy["sha256"]) as collector:
                    episodes = collector.roll_out(1, self.steps)
                progress.phase(name, "draw")
                frames = _drawn(renderer, env.nq, episodes, moments)
                chosen = _drawn(renderer, env.nq, episodes, some)
                drawn_by = renderer.backend or "the default OpenGL"
            so_far = np.concatenate([[0.0], np.cumsum(episodes.reward[0])])
            labels = [f"{step * env.dt:.2f} s, return {so_far[step]:.1f}" for step in some]
            (png,) = render(
                lambda: draw_strip(chosen, labels, f"{env.name}, policy {policy['name']}, seed {self.seed}"), ("png",)
            )
            write_file(self.out, encode_gif(frames, stride * env.dt))
            write_file(strip, png)
            progress.finish(name, "done")
        finally:
            progress.close()
        print(
            f"{self.out}: {len(frames)} frames of {self.steps:,} steps ({self.steps * env.dt:.1f} s, return "
            f"{so_far[-1]:.1f}), drawn by {drawn_by}; {strip}: {len(some)} frames"
        )
        return 0

    def _check_place(self) -> Path:
        from dynsparse.dataset.place import output_errors

        if self.out.suffix.lower() != ".gif":
            raise SettingError(f"expected --out to be a file that ends in .gif, got {self.out}; try clip.gif")
        strip = self.out.with_suffix(".png")
        with output_errors(self.out):
            taken = [str(path) for path in (self.out, strip) if path.exists()]
        if taken and not self.overwrite:
            are = "is" if len(taken) == 1 else "are"
            raise OutputExistsError(
                f"{' and '.join(taken)} {are} there already; choose another --out or pass --overwrite"
            )
        return strip

    def _check_size(self, frames: int) -> None:
        size = frames * self.width * self.height * 3
        if size > _MOST_BYTES:
            raise SettingError(
                f"{frames:,} frames of {self.width} x {self.height} pixels would take {size / 2**30:.1f} GiB of "
                "memory; ask for fewer --steps, or smaller frames"
            )


def _drawn(renderer: Renderer, nq: int, episodes: Episodes, moments: np.ndarray) -> np.ndarray:
    count = len(moments)
    mocap = (np.repeat(x, count, axis=0) for x in (episodes.mocap_pos, episodes.mocap_quat))
    return renderer.frames(episodes.state[0, moments, :nq], *mocap)
