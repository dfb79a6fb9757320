"""The command that goes on with a folder, as its own files tell it."""

from __future__ import annotations

import json

import pytest

from dynsparse.report.study_command import read_asked, read_command
from dynsparse.report.study_folder import read_study
from dynsparse.report.study_sections import sections_of

from .switched import switched_report

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
    example = "FingerSpin" if environments is None or "FingerSpin" in environments else "Two"
    assert f" --embed {example} " in read_command(tmp_path).to_make("--embed ENV")


@pytest.mark.parametrize("content", [None, "{", "[]", "{}", '{"settings": 3, "environments": "One"}'])
def test_a_folder_that_does_not_tell_is_no_error(tmp_path, content):
    if content is not None:
        (tmp_path / "settings.json").write_text(content)
        (tmp_path / "asked.json").write_text(content)
    assert read_command(tmp_path).to_make("--only q4") == "dynsparse reproduce --only q4 --out DIR"
    assert read_asked(tmp_path, "environments") == ()


def test_environments_that_were_asked_for_are_expected_and_missing_ones_name_the_command(tmp_path):
    folder = tmp_path / "analysis" / "ReacherHard"
    folder.mkdir(parents=True)
    switched_report("ReacherHard").save(folder)
    settings = {"preset": "smoke", "settings": {"rows": 300, "policy": "random"}}
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    (tmp_path / "asked.json").write_text(json.dumps({"environments": ["WalkerRun", "ReacherHard"]}))
    results = read_study(tmp_path)
    assert results.expected == ("ReacherHard", "WalkerRun") and results.missing == ("WalkerRun",)
    commands = {one.what: one.command for section in sections_of(results) for one in section.missing}
    again = "dynsparse reproduce --preset smoke --envs WalkerRun ReacherHard --rows 300 --policy random"
    assert commands["WalkerRun"] == f"{again} --out DIR"
    assert commands["Sparsity over a planning horizon"] == f"{again} --only horizon --out DIR"
    # FingerSpin, of which the paper's is, is not in this study.
    assert commands["Figure 4"] == f"{again} --only q2 --embed WalkerRun --out DIR"
