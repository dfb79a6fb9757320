"""The command that goes on with a folder, as its own files tell it."""

from __future__ import annotations

import json

import pytest

from dynsparse.report.study_command import read_asked, read_command

EIGHT = [
    "BallInCup", "CartpoleBalance", "CheetahRun", "FingerSpin", "FingerTurnEasy", "ReacherHard", "SwimmerSwimmer6",
    "WalkerRun",
]  # fmt: skip


@pytest.mark.parametrize(
    ("preset", "settings", "environments", "command"),
    [
        ("small", {"rows": 20_000, "policy": "paper", "seed": 0, "atol": 1e-15}, EIGHT, "--preset small"),
        ("smoke", {"rows": 300, "policy": "random", "seed": 4, "atol": 1e-12}, ["Two", "One"],
         "--preset smoke --envs Two One --rows 300 --policy random --seed 4 --atol 1e-12"),
        (None, {"rows": 4000, "policy": "paper"}, None, "--rows 4000"),
    ],
)  # fmt: skip
def test_what_differs_from_the_defaults_is_said(tmp_path, preset, settings, environments, command):
    found = {"settings": settings} | ({} if preset is None else {"preset": preset})
    (tmp_path / "settings.json").write_text(json.dumps(found))
    if environments is not None:
        (tmp_path / "asked.json").write_text(json.dumps({"questions": ["q1"], "environments": environments}))
    made = read_command(tmp_path).to_make("--only horizon", "out/it")
    assert made == f"dynsparse reproduce {command} --only horizon --out out/it"


@pytest.mark.parametrize("content", [None, "{", "[]", "{}", '{"settings": 3, "environments": "One"}'])
def test_a_folder_that_does_not_tell_is_no_error(tmp_path, content):
    if content is not None:
        (tmp_path / "settings.json").write_text(content)
        (tmp_path / "asked.json").write_text(content)
    assert read_command(tmp_path).to_make("--only q4") == "dynsparse reproduce --only q4 --out DIR"
    assert read_asked(tmp_path, "environments") == ()
