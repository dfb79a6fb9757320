from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from dynsparse.physics import processes
from dynsparse.physics.processes import cache_folder, warn_once, worker_environment

EIGEN = "--xla_cpu_multi_thread_eigen=false"
FUSION = "--xla_cpu_use_fusion_emitters=false"


@pytest.fixture(autouse=True)
def bare(monkeypatch):
    for name in ("XLA_FLAGS", "JAX_PLATFORMS", "TF_CPP_MIN_LOG_LEVEL"):
        monkeypatch.delenv(name, raising=False)


def test_workers_get_both_flags_where_the_user_set_none():
    assert worker_environment()["XLA_FLAGS"].split() == [EIGEN, FUSION]


def test_a_flag_that_the_user_set_keeps_the_users_value(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--xla_cpu_use_fusion_emitters=true --xla_dump_to=/somewhere")
    assert worker_environment()["XLA_FLAGS"].split() == [
        "--xla_cpu_use_fusion_emitters=true",
        "--xla_dump_to=/somewhere",
        EIGEN,
    ]


def test_nothing_is_added_where_the_user_set_both(monkeypatch):
    chosen = "--xla_cpu_multi_thread_eigen=true --xla_cpu_use_fusion_emitters"
    monkeypatch.setenv("XLA_FLAGS", chosen)
    assert worker_environment()["XLA_FLAGS"] == chosen


def test_a_flag_whose_name_only_begins_alike_is_another_flag(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--xla_cpu_multi_thread_eigen_of_another_kind=true")
    assert EIGEN in worker_environment()["XLA_FLAGS"].split()


def test_the_platform_is_the_users_or_the_cpu(monkeypatch):
    assert worker_environment()["JAX_PLATFORMS"] == "cpu"
    monkeypatch.setenv("JAX_PLATFORMS", "cuda")
    assert worker_environment()["JAX_PLATFORMS"] == "cpu"


def test_workers_compute_in_float64():
    assert worker_environment()["JAX_ENABLE_X64"] == "1"


def test_asking_changes_nothing_here(monkeypatch):
    before = dict(os.environ)
    worker_environment()
    assert dict(os.environ) == before


def test_compiled_code_is_kept_in_the_users_cache_folder(monkeypatch):
    monkeypatch.delenv("DYNSPARSE_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert cache_folder() == os.path.join("/somewhere", "dynsparse")
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setenv("HOME", "/her/home")
    assert cache_folder() == os.path.join("/her/home", ".cache", "dynsparse")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == os.path.join("/her/home", ".cache", "dynsparse")
    monkeypatch.setenv("DYNSPARSE_CACHE", "/fast/disk")
    assert cache_folder() == "/fast/disk"
    monkeypatch.setenv("DYNSPARSE_CACHE", "")
    assert cache_folder() == ""


def test_a_problem_is_told_once_on_standard_error(monkeypatch, capsys):
    monkeypatch.setattr(processes, "_warned", set())
    for message in ("one", "two", "one"):
        warn_once(message)
    told = capsys.readouterr()
    assert told.err == "dynsparse: one\ndynsparse: two\n"
    assert told.out == ""


# A model that compiles in two seconds.
SCRIPT = """
import os, mujoco, numpy as np
from dynsparse.physics.environment import environment_from_model
from dynsparse.physics.linearizer import Linearizer
model = mujoco.MjModel.from_xml_string(
    "<mujoco><worldbody><body><joint name='a' type='slide' damping='0.5'/><geom size='0.1' mass='2'/></body>"
    "</worldbody><actuator><motor joint='a'/></actuator></mujoco>"
)
env = environment_from_model("Slider", model, 1)
for _ in range(int(os.environ['POOLS'])):
    with Linearizer(env, workers=1) as linearizer:
        found = linearizer.linearize(np.zeros((1, 2)), np.zeros((1, 1)))
print(found.jac_action.ravel().tolist())
"""


def run(pools=1, **variables):
    done = subprocess.run(
        [sys.executable, "-"],
        input=SCRIPT,
        capture_output=True,
        text=True,
        env={**os.environ, **variables, "POOLS": str(pools)},
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    # One step of 2 ms from rest with implicit damping: dv = h / (m + h d), dx = h dv.
    dv = 0.002 / (2 + 0.002 * 0.5)
    assert json.loads(done.stdout) == pytest.approx([0.002 * dv, dv], rel=1e-12)
    return done.stderr


def test_a_cache_folder_that_can_not_be_written_is_told_once_and_done_without(own_folder):
    in_the_way = own_folder / "file"
    in_the_way.write_text("not a folder")
    told = run(pools=2, DYNSPARSE_CACHE=str(in_the_way / "cache"))
    assert told.count("\n") == 1
    assert told.startswith(f"dynsparse: compiled code is not kept: {in_the_way / 'cache'} can not be written")
    assert in_the_way.read_text() == "not a folder"


def test_a_cache_that_is_switched_off_is_no_problem(own_folder):
    assert run(DYNSPARSE_CACHE="", XDG_CACHE_HOME=str(own_folder / "cache")) == ""
    assert not list(own_folder.iterdir())


def test_compiled_code_lands_in_the_chosen_folder_and_nowhere_else(own_folder):
    assert run(DYNSPARSE_CACHE=str(own_folder / "mine"), XDG_CACHE_HOME=str(own_folder / "other")) == ""
    assert [path.name for path in own_folder.iterdir()] == ["mine"]
    assert list((own_folder / "mine" / "native").iterdir())
