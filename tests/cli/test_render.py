from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dynsparse.cli import main
from dynsparse.errors import RenderError
from dynsparse.physics.environment import load_environment
from dynsparse.physics.renderer import Renderer
from dynsparse.rollout.collector import Collector


@pytest.fixture
def opengl():
    try:
        Renderer(load_environment("CartpoleBalance"), width=64, height=48).close()
    except RenderError as error:
        pytest.skip(f"no OpenGL draws without a screen here: {error}")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["all", "--out", "x.gif"], "expected one environment, got all; draw them one by one"),
        (["CheetahRun,WalkerRun", "--out", "x.gif"], "expected one environment, got CheetahRun,WalkerRun; draw them"),
        (["ChetahRun", "--out", "x.gif"], "nearest: CheetahRun"),
        (["CheetahRun", "--out", "clip"], "expected --out to be a file that ends in .gif, got clip; try clip.gif"),
        (["CheetahRun", "--out", "a/b.mp4"], "expected --out to be a file that ends in .gif, got a/b.mp4"),
        (["CheetahRun", "--out", "clip.gif"], "clip.gif is there already; choose another --out or pass --overwrite"),
        (["CheetahRun", "--out", "strip.gif"], "strip.png is there already"),
        (["CheetahRun", "--out", "x.gif", "--steps", "0"], "steps must be a whole number of at least 1, got 0"),
    ],
)
def test_bad_usage_is_one_line_and_draws_nothing(words, told, own_folder, monkeypatch, only_line):
    def refuse(_name):
        raise AssertionError("an environment was loaded")

    monkeypatch.setattr("dynsparse.physics.environment.load_environment", refuse)
    for name in ("clip.gif", "strip.png"):
        (own_folder / name).write_text("mine")
    assert main(["render", *words]) == 2
    assert told in only_line()
    assert {path.name: path.read_text() for path in own_folder.iterdir()} == {"clip.gif": "mine", "strip.png": "mine"}


def test_an_unknown_camera_is_refused(own_folder, only_line):
    assert main(["render", "CartpoleBalance", "--out", "x.gif", "--camera", "fixd"]) == 2
    assert "CartpoleBalance has no camera 'fixd'; did you mean 'fixed'" in only_line()
    assert not list(own_folder.iterdir())


def test_where_nothing_can_draw_nothing_is_run(own_folder, monkeypatch, only_line):
    monkeypatch.setenv("MUJOCO_GL", "nonsense")
    monkeypatch.setattr("dynsparse.rollout.collector.Collector", None)
    assert main(["render", "CartpoleBalance", "--out", "x.gif"]) == 1
    assert "MUJOCO_GL or backend asks for 'nonsense' alone, leave it out, or install EGL" in only_line()
    assert not list(own_folder.iterdir())


def test_an_episode_is_drawn_as_a_clip_and_as_a_strip(opengl, own_folder, capsys, monkeypatch, only_line):
    run, roll_out = [], Collector.roll_out

    def noted(self, episodes, steps):
        run.append(roll_out(self, episodes, steps))
        return run[-1]

    monkeypatch.setattr(Collector, "roll_out", noted)
    options = "--out new/clip.gif --steps 16 --width 64 --height 48 --seed 3"
    words = ["render", "CartpoleBalance", *options.split()]
    assert main(words) == 0
    told = capsys.readouterr()
    earned = run[0].returns[0]
    assert run[0].action.shape == (1, 16, 1)
    # A control step is 0.01 s: every fourth one is shown, for 0.04 s.
    assert told.out.startswith(f"new/clip.gif: 5 frames of 16 steps (0.2 s, return {earned:.1f}), drawn by ")
    assert told.out.endswith("; new/clip.png: 8 frames\n")
    with Image.open("new/clip.gif") as clip:
        assert (clip.n_frames, clip.size, clip.info["duration"]) == (5, (64, 48), 40)
        first = np.array(clip.convert("RGB"))
        clip.seek(4)
        assert (np.array(clip.convert("RGB")) != first).any()
    with Image.open("new/clip.png") as strip:
        assert (strip.format, strip.width) == ("PNG", 1400)
    assert sorted(path.name for path in Path("new").iterdir()) == ["clip.gif", "clip.png"]
    assert main(words) == 2
    assert "new/clip.gif and new/clip.png are there already" in only_line()
