"""The policies that come with the package, whichever are there: they load, fit, and are as good as the table says."""

from __future__ import annotations

import csv
import dataclasses
import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest

import dynsparse.rollout.experts
from dynsparse.cli import main
from dynsparse.errors import PolicyError
from dynsparse.physics.environment import ENVIRONMENT_NAMES, float64_on_cpu, load_environment
from dynsparse.rollout.experts import LEVELS, PAPER_RETURNS, policy_path, shipped_experts, shipped_file
from dynsparse.rollout.policy_file import load_policy, read_weights
from dynsparse.rollout.training.settings import EXPERT_SETTINGS, TrainSettings

FOLDER = Path(dynsparse.rollout.experts.__file__).parent / "weights"
FILES = sorted(FOLDER.iterdir())


@pytest.fixture(scope="module")
def opened():
    """Each environment with the length of its observation."""
    kept = {}

    def environment(name):
        if name not in kept:
            env = load_environment(name)
            with float64_on_cpu():
                kept[name] = env, env.playground.observation_size
        return kept[name]

    return environment


@pytest.fixture(scope="module")
def script(checkout):
    """What ships and measures experts: what a level is to reach stands there."""
    spec = importlib.util.spec_from_file_location("experts_script", checkout / "results" / "experts.py")
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, spec.name, module)  # where a dataclass looks for its module
        spec.loader.exec_module(module)
    return module


def test_files_are_named_after_known_environments_and_levels_and_are_small():
    files = sorted(FOLDER.iterdir())
    assert files
    known = [f"{environment}-{level}.safetensors" for environment in ENVIRONMENT_NAMES for level in LEVELS]
    assert {file.name for file in files} <= set(known)
    assert sum(file.stat().st_size for file in files) < 8 * 2**20
    listed = [expert for name in ENVIRONMENT_NAMES for expert in shipped_experts(name).values()]
    assert sorted(expert.path for expert in listed) == files
    assert [shipped_file(expert.environment, expert.level) for expert in listed] == [expert.path for expert in listed]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_policy_fits_its_environment_and_tells_how_good_it_is(file, opened):
    name, level = file.stem.split("-")
    env, observation_dim = opened(name)
    policy = load_policy(file, action_low=env.action_low, action_high=env.action_high, observation_dim=observation_dim)
    weights, notes = policy.weights, policy.weights.notes
    assert (weights.name, weights.environment, notes["level"]) == (file.stem, name, level)
    assert weights.action_dim == env.action_dim
    actions = policy.act(np.zeros((1, observation_dim)))[1]
    assert (actions >= env.action_low).all() and (actions <= env.action_high).all()
    expert = shipped_experts(name)[level]
    assert expert.path == file
    assert f"{expert.mean_return:.2f}" == notes["mean_return"]
    assert f"{expert.return_low:.2f} {expert.return_high:.2f}" == notes["return_interval_95"]
    assert 0 <= expert.mean_return <= 1000  # rewards of 0 to 1, 1,000 steps
    assert expert.return_low <= expert.mean_return <= expert.return_high
    assert (expert.episodes, expert.steps) == (int(notes["return_episodes"]), int(notes["steps"]))
    assert expert.episodes >= 30 and expert.steps > 0
    trained = TrainSettings.from_dict(json.loads(notes["settings"]))
    # Early policies come from the same training, evaluated more often.
    assert dataclasses.replace(trained, evaluations=EXPERT_SETTINGS[name].evaluations) == EXPERT_SETTINGS[name]


def test_the_committed_table_tells_of_every_shipped_policy_and_of_no_other(checkout, script):
    with (checkout / "results" / "experts.csv").open() as file:
        rows = {f"{row['environment']}-{row['level']}": row for row in csv.DictReader(file)}
    assert sorted(rows) == [file.stem for file in FILES]
    assert len(rows) == len(ENVIRONMENT_NAMES) * len(LEVELS)
    record = json.loads((checkout / "results" / "experts.json").read_text())
    assert [{name: str(value) for name, value in row.items()} for row in record["experts"]] == list(rows.values())
    assert record["paper_returns"] == PAPER_RETURNS
    for name, row in rows.items():
        environment, level = name.split("-")
        weights, mean = read_weights(shipped_file(environment, level)), float(row["mean_return"])
        told = f"{mean:.2f}", f"{float(row['return_low']):.2f} {float(row['return_high']):.2f}", row["episodes"]
        assert told == tuple(weights.notes[key] for key in ("mean_return", "return_interval_95", "return_episodes"))
        assert (row["sha256"], row["steps_learned"]) == (weights.fingerprint, weights.notes["steps"])
        told = row["training_seconds"], int(row["training_seed"])
        assert told == (weights.notes["training_seconds"], json.loads(weights.notes["settings"])["seed"])
        assert float(row["lowest"]) <= mean <= float(row["highest"])
        goal = script.aim(environment, level, float(rows[f"{environment}-expert"]["mean_return"]))
        assert float(row["aim"]) == pytest.approx(goal, abs=0.006)  # two decimals
        assert row["reached"] == ("yes" if script.reached(level, mean, goal) else "no")


def test_levels_are_judged_as_the_script_says(script):
    assert sorted(script.EXPERT_TARGETS) == sorted(PAPER_RETURNS) == sorted(ENVIRONMENT_NAMES)
    assert [script.aim("CheetahRun", level, 880.0) for level in LEVELS] == [220.0, 351.75, 850.0]
    assert [script.reached("novice", mean, 200.0) for mean in (99.0, 100.0, 400.0, 401.0)] == [False, True, True, False]
    assert [script.reached("paper", mean, 500.0) for mean in (449.0, 450.0, 550.0, 551.0)] == [False, True, True, False]
    assert [script.reached("expert", mean, 850.0) for mean in (849.9, 850.0, 999.0)] == [False, True, True]


def test_a_policy_is_found_by_level_or_by_path(own_folder):
    name, level = FILES[0].stem.split("-")
    assert policy_path(name, "random") == ""
    assert policy_path(name, level) == str(FILES[0])
    (own_folder / level).write_text("mine")
    assert policy_path(name, level) == str(FILES[0])  # a file of that name needs its folder
    assert policy_path(name, f"./{level}") == f"./{level}"
    assert policy_path(name, "not_there.safetensors") == "not_there.safetensors"  # reading it will say so
    with pytest.raises(PolicyError, match=r"random, novice, paper, expert or the path .* did you mean 'expert'\?"):
        policy_path(name, "expret")
    with pytest.raises(PolicyError, match="no paper policy comes with dynsparse for Nowhere; train one with"):
        policy_path("Nowhere", "paper")


def test_the_list_of_environments_tells_what_is_shipped(capsys, monkeypatch):
    name = FILES[0].stem.split("-")[0]
    monkeypatch.setattr("dynsparse.physics.environment.ENVIRONMENT_NAMES", (name,))
    monkeypatch.setattr("dynsparse.physics.sources.catalog.ALL_ENVIRONMENT_NAMES", (name,))
    assert main(["envs", "--json"]) == 0
    (entry,) = json.loads(capsys.readouterr().out)
    assert entry["experts"] == {
        level: {
            "mean_return": expert.mean_return,
            "return_interval_95": [expert.return_low, expert.return_high],
            "episodes": expert.episodes,
            "steps": expert.steps,
        }
        for level, expert in shipped_experts(name).items()
    }
    assert entry["experts"]


def test_the_page_tells_the_returns_that_were_measured(checkout):
    with (checkout / "results" / "experts.csv").open() as file:
        rows = {(row["environment"], row["level"]): row for row in csv.DictReader(file)}
    page = (checkout / "docs" / "explanation" / "experts.md").read_text()
    for environment in ENVIRONMENT_NAMES:
        novice, paper, expert = (f"{float(rows[environment, level]['mean_return']):.1f}" for level in LEVELS)
        theirs, aim = f"{PAPER_RETURNS[environment]:.2f}", f"{float(rows[environment, 'expert']['aim']):.0f}"
        assert f"| {environment} | {novice} | {paper} | {theirs} | {expert} | {aim} |" in page
        assert f"../images/experts/{environment}.png" in page


def test_every_policy_is_a_point_of_a_committed_curve_and_every_expert_the_best_of_its_own(checkout):
    for environment in ENVIRONMENT_NAMES:
        curves = []
        for path in sorted((checkout / "results" / "training").glob(f"{environment}*.csv")):
            with path.open() as file:
                curves.append({int(row["steps"]): float(row["mean_return"]) for row in csv.DictReader(file)})
        shipped = shipped_experts(environment)
        assert {expert.steps for expert in shipped.values()} <= {steps for curve in curves for steps in curve}
        assert max(curves[-1].values()) == curves[-1][shipped["expert"].steps]
