"""Playground's robots: with a small local stand-in for the Menagerie, and without one."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from dynsparse.errors import EnvironmentFileError, SettingError
from dynsparse.physics.environment import load_environment
from dynsparse.physics.passing import pack, unpack
from dynsparse.physics.sources.menagerie import VARIABLE, suite_names
from dynsparse.physics.sources.names import SUITE_NAMES
from dynsparse.workers import Message

MESHES = ("trunk", "hip", "thigh_mirror", "calf", "thigh")
"""What Playground's Go1 reads from the Menagerie; its XML comes with Playground."""


@pytest.fixture
def no_network(monkeypatch):
    """Playground must not even try to clone."""

    def refuse(*_arguments, **_options):
        raise AssertionError("something wanted to download the Menagerie")

    import mujoco_playground._src.mjx_env as mjx_env

    monkeypatch.setattr(mjx_env.subprocess, "Popen", refuse)
    monkeypatch.setattr(mjx_env.subprocess, "run", refuse)


def stand_in(folder):
    corners = 0.05 * np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    faces = [corners[list(face)].ravel() for face in ((0, 2, 1), (0, 1, 3), (0, 3, 2), (1, 2, 3))]
    body = b"".join(struct.pack("<12fH", 0, 0, 0, *face, 0) for face in faces)
    for name in MESHES:
        path = folder / "unitree_go1" / "assets" / f"{name}.stl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\0" * 80 + struct.pack("<I", 4) + body)
    return folder


def test_without_the_folder_the_error_says_what_to_do(own_folder, monkeypatch, no_network):
    from mujoco_playground._src import mjx_env

    monkeypatch.setenv(VARIABLE, "nowhere")
    with pytest.raises(EnvironmentFileError) as found:
        load_environment("Go1Getup")
    for part in ("DYNSPARSE_MENAGERIE names nowhere", "git clone", mjx_env.MENAGERIE_COMMIT_SHA):
        assert part in str(found.value)
    monkeypatch.delenv(VARIABLE)
    monkeypatch.setattr(mjx_env, "MENAGERIE_PATH", Path("not-here"))
    with pytest.raises(EnvironmentFileError, match="Playground looks in not-here"):
        load_environment("PandaPickCube")


def test_a_folder_without_the_robot_is_told(own_folder, monkeypatch, no_network):
    Path("empty").mkdir()
    monkeypatch.setenv(VARIABLE, "empty")
    with pytest.raises(EnvironmentFileError, match="Go1Getup can not be loaded with the Menagerie in empty"):
        load_environment("Go1Getup")


def test_where_the_assets_are_a_robot_loads_and_travels_like_the_others(own_folder, monkeypatch, no_network):
    from mujoco_playground._src import mjx_env

    before = mjx_env.MENAGERIE_PATH
    monkeypatch.setenv(VARIABLE, str(stand_in(own_folder / "menagerie")))
    env = load_environment("Go1Getup")
    assert before == mjx_env.MENAGERIE_PATH
    assert (env.engine, env.state_dim, env.tangent_dim, env.action_dim, env.substeps) == ("mjx", 37, 36, 12, 5)
    assert not env.is_rewarded and env.source.config["impl"] == "jax"
    there = unpack(Message("start", *pack(env)))
    assert there.fingerprint == env.fingerprint and there.state_names == env.state_names
    assert there.playground.n_substeps == 5  # loaded again by name, and the same


def test_the_names_that_are_known_without_playground_are_its_own():
    assert sorted(suite_names()) == sorted(SUITE_NAMES)


def test_options_of_models_of_ones_own_are_refused(monkeypatch):
    assert "Go1Getup" in suite_names() and "PandaPickCube" in suite_names() and "CheetahRun" not in suite_names()
    for options in ({"substeps": 2}, {"initial_noise": 0.1}, {"derivative": "finite-difference"}):
        with pytest.raises(
            SettingError, match=f"{next(iter(options))} is for models of your own, got it with Go1Getup"
        ):
            load_environment("Go1Getup", **options)
    with pytest.raises(SettingError, match=r"substeps is for models of your own, got it with FishSwim; leave it out$"):
        load_environment("FishSwim", substeps=3)
