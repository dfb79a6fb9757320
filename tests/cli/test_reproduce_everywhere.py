"""``reproduce --executor ray``: data are collected by units as well, and what is there is not collected again."""

from __future__ import annotations

import json

import pytest

from dynsparse.cli import main

COMMAND = [
    "reproduce",
    "--executor",
    "ray",
    "--only",
    "q1",
    "--rows",
    "20",
    "--out",
    "out",
    "--no-explore",
    "--policy",
    "random",
]


@pytest.fixture
def cluster(lab, units_here):
    """A cluster that needs no Ray, and a laboratory."""
    return units_here


def test_each_environment_is_collected_by_a_unit_the_longest_first(cluster, lab, own_folder):
    assert main([*COMMAND, "--envs", "CartpoleBalance", "WalkerRun"]) == 0
    assert cluster.ran == [("collect_environment", "WalkerRun"), ("collect_environment", "CartpoleBalance")]
    for name in ("CartpoleBalance", "WalkerRun"):
        found = json.loads((own_folder / "out/analysis" / name / "analysis.json").read_text())
        assert (found["rows"], found["environment"], found["audit"]["clean"]) == (20, name, True)
    assert sorted(lab.closed) == ["CartpoleBalance", "WalkerRun"]


def test_the_same_bytes_as_at_home(cluster, own_folder):
    assert main([*COMMAND, "--envs", "CartpoleBalance"]) == 0
    at_home = [word for word in COMMAND if word not in ("--executor", "ray")]
    assert main([*at_home, "--envs", "CartpoleBalance", "--out", "home"]) == 0
    for name in ("out", "home"):
        assert (own_folder / name / "analysis/CartpoleBalance/analysis.npz").exists()
    contents = [
        {
            path.relative_to(own_folder / name).as_posix(): path.read_bytes()
            for path in sorted((own_folder / name / "data").rglob("*"))
            if path.is_file()
        }
        for name in ("out", "home")
    ]
    assert contents[0] == contents[1] and len(contents[0]) > 5


def test_finished_environments_are_not_collected_again_and_lost_ones_are(cluster, own_folder):
    assert main([*COMMAND, "--envs", "CartpoleBalance"]) == 0
    assert main([*COMMAND, "--envs", "CartpoleBalance"]) == 0
    assert cluster.ran == [("collect_environment", "CartpoleBalance")]
    for path in (own_folder / "out/analysis/CartpoleBalance").iterdir():
        path.unlink()
    (own_folder / "out/analysis/CartpoleBalance").rmdir()
    assert main([*COMMAND, "--envs", "CartpoleBalance"]) == 0
    assert cluster.ran == [("collect_environment", "CartpoleBalance")] * 2


def test_one_that_fails_is_named_and_the_others_go_on(cluster, lab, own_folder, only_line):
    lab.failing.add("WalkerRun")
    assert main([*COMMAND, "--envs", "CartpoleBalance", "WalkerRun"]) == 1
    assert "WalkerRun: WorkerError: WalkerRun: worker 7 was killed by SIGKILL" in only_line()
    assert (own_folder / "out/analysis/CartpoleBalance/analysis.json").exists()
