from __future__ import annotations

import csv
from pathlib import Path

import pytest

from dynsparse.cli import main
from dynsparse.workers import WorkerPool


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["all"], "expected one environment, got all; train them one by one"),
        (["CheetahRun,WalkerRun"], "expected one environment, got CheetahRun,WalkerRun; train them one by one"),
        (["ChetahRun"], "nearest: CheetahRun"),
        (["CheetahRun", "--target-return", "nan"], "target return must be a finite number, got nan; try 500"),
        (["CheetahRun", "--steps", "100"], "steps must be a whole number of at least 16384, got 100"),
        (["CheetahRun", "--evaluations", "0"], "evaluations must be a whole number of at least 1, got 0"),
        (["CheetahRun", "--seed=-1"], "seed must be"),
        (["CheetahRun", "--resume", "--overwrite"], "expected --resume or --overwrite, got both"),
        (["CheetahRun", "--out", "notes.txt"], "expected a folder, notes.txt is a file; choose another --out"),
        (["CheetahRun", "--out", "."], ". holds something that is no training of this version; choose another --out"),
    ],
)
def test_bad_usage_is_one_line_and_starts_nothing(words, told, own_folder, monkeypatch, no_worker, only_line):
    def refuse(_name):
        raise AssertionError("an environment was loaded")

    monkeypatch.setattr("dynsparse.physics.environment.load_environment", refuse)
    (own_folder / "notes.txt").write_text("mine")
    assert main(["train-expert", *words, *([] if "--out" in words else ["--out", "run"])]) == 2
    assert told in only_line()
    assert [(path.name, path.read_text()) for path in own_folder.iterdir()] == [("notes.txt", "mine")]


def test_a_training_tells_where_the_policy_is_and_whether_the_target_was_reached(
    own_folder, capsys, monkeypatch, only_line
):
    # Two updates of 512 x 32 control steps; an episode of twenty can not earn more than twenty.
    options = "--out run --steps 40000 --evaluations 1 --evaluation-episodes 2 --episode-steps 20"
    command = ["train-expert", "CartpoleBalance", *options.split()]
    assert main([*command, "--target-return", "21"]) == 1
    told = capsys.readouterr()
    with Path("run/curve.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert (row["steps"], row["episodes"]) == ("32768", "2")
    mean = f"{float(row['mean_return']):.1f}"
    policy, target = told.out.splitlines()
    assert policy.startswith(f"run/policy.safetensors: mean return {mean} (")
    assert ", 2 episodes), the best of 1 evaluations, after 32,768 steps; 32,768 steps in " in policy
    assert target.startswith(
        "the target of 21 was not reached; give it more --steps or another --seed, in another --out"
    )
    phases = [line.partition("] ")[2] for line in told.err.splitlines()]
    assert phases[:2] == ["CartpoleBalance: load", "CartpoleBalance: compile"]
    assert phases[2].startswith("compiling: once for each model") and phases[3] == "CartpoleBalance: train"
    assert any(phase.endswith(f"return {mean} after 32,768 steps") and "steps/s, ETA" in phase for phase in phases)
    assert Path("run/curve.png").read_bytes()[:4] == b"\x89PNG"

    # It is finished: going on starts nothing, and says the same.
    with monkeypatch.context() as patch:
        patch.setattr(WorkerPool, "start", None)
        assert main([*command, "--resume"]) == 0
    assert capsys.readouterr().out == f"{policy}\n"
    assert main(command) == 2
    assert "run holds a training already; go on with it by --resume" in only_line()
