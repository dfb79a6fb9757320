"""A model file on the command line, from collect to analyze: in MuJoCo's C code, where nothing is compiled."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dynsparse.cli import main

SLOW_ARM = """<mujoco><worldbody><body><joint name="shoulder" axis="0 1 0" range="-90 90"/>
  <geom type="capsule" fromto="0 0 0 .3 0 0" size=".03"/></body></worldbody>
  <actuator><position name="push" joint="shoulder" kp="5" timeconst="0.05" ctrlrange="-1 1"/></actuator></mujoco>"""


def run(capsys, *words):
    code = main(list(words))
    told = capsys.readouterr()
    return code, told.out + told.err


@pytest.fixture
def model(own_folder):
    Path("models").mkdir()
    path = Path("models", "slow.xml")
    path.write_text(SLOW_ARM)
    return str(path)


def test_a_model_goes_the_whole_way(model, capsys):
    common = ("--rows", "40", "--episode-steps", "20", "--workers", "1")
    code, told = run(capsys, "collect", model, *common, "--out", "exact")
    assert code == 1 and "1 actuator activation states" in told and not Path("exact").exists()
    by_differences = ("--derivative", "finite-difference", "--substeps", "3")
    code, told = run(capsys, "collect", model, *common, *by_differences, "--out", "data")
    assert code == 0, told
    code, told = run(capsys, "verify", "data", "--recompute", "10", "--workers", "1")
    assert code == 1 and "which it does not hold; say where it is with --env PATH/slow.xml" in told
    code, told = run(capsys, "verify", "data", "--recompute", "10", "--env", model, "--workers", "1")
    assert code == 0 and "10 of 10 rows are equal bit for bit" in told
    code, told = run(capsys, "audit", "data", "--env", model, "--rows", "10", "--workers", "1")
    assert code == 0 and "finite-difference: off on none" in told
    code, told = run(capsys, "analyze", "data", "--out", "out", "--atol", "1e-15")
    assert code == 2 and "at least 1e-08 for finite-difference Jacobians" in told
    code, told = run(capsys, "analyze", "data", "--out", "out")
    record = json.loads(Path("out/analysis.json").read_text())
    assert code == 0 and record["atol"] == 1e-8 and record["derivative"] == "finite-difference"
    assert record["global"]["state"]["always_zero"] == 2  # the filter of the activation depends on itself alone
    Path(model).write_text(SLOW_ARM.replace(".03", ".04"))
    code, told = run(capsys, "verify", "data", "--recompute", "10", "--env", model, "--workers", "1")
    assert code == 1 and "was made with another model than" in told


def test_a_missing_file_and_a_verb_that_takes_no_models_are_told(model, capsys):
    code, told = run(capsys, "collect", "models/none.xml", "--rows", "4", "--out", "data")
    assert code == 2 and "there is no file models/none.xml" in told
    code, told = run(capsys, "collect", "models/", "--rows", "4", "--out", "data")
    assert code == 2 and "models is a folder" in told and "there are models/slow.xml" in told
    Path("models/slow.txt").write_text(SLOW_ARM)
    for verb in (("collect", "--rows", "4", "--out", "data"), ("audit",)):
        code, told = run(capsys, verb[0], "models/slow.txt", *verb[1:])
        assert code == 2 and "expected a model file that ends in .xml, got models/slow.txt" in told
    code, told = run(capsys, "reproduce", "--preset", "smoke", "--envs", model, "--out", "out")
    assert code == 2 and "collect, audit and render take model files" in told


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--substeps", "0"), "substeps must be at least 1, got 0"),
        (("--initial-noise", "-1"), "initial_noise must be a number from 0, got -1"),
        ((), "1 actuator activation states, of push"),
    ],
)
def test_what_is_wrong_is_told_before_what_lies_in_out(model, no_worker, capsys, words, told):
    Path("out").mkdir()
    Path("out/mine.txt").write_text("kept")
    code, said = run(capsys, "collect", model, "--rows", "4", "--out", "out", *words)
    assert code == 2 or not words
    assert told in said and "mine" not in said
    Path("free.xml").write_text(Path(model).read_text().replace('timeconst="0.05" ctrlrange="-1 1"', ""))
    code, said = run(capsys, "collect", "free.xml", "--rows", "4", "--out", "out")
    assert code == 2 and "free has actuators without one: push; give each a ctrlrange" in said
    Path(model).write_text("<mujoco><worldbody>")
    code, said = run(capsys, "collect", model, "--rows", "4", "--out", "out")
    assert code == 2 and "slow.xml is no XML" in said
    code, said = run(capsys, "collect", "FishSwim", "--rows", "4", "--out", "out", "--substeps", "3")
    assert code == 2 and "substeps is for models of your own, got it with FishSwim; leave it out" in said
    code, said = run(capsys, "audit", "FishSwim", "--substeps", "3")
    assert code == 2 and "--substeps is for model files" in said


def test_a_model_without_actuators_is_collected_and_said_to_have_no_actions(own_folder, capsys):
    Path("ball.xml").write_text(
        '<mujoco><worldbody><body pos="0 0 1"><joint type="slide"/><geom size=".1"/></body></worldbody></mujoco>'
    )
    words = ("--rows", "5", "--derivative", "finite-difference", "--out", "data", "--workers", "1")
    code, told = run(capsys, "collect", "ball.xml", *words)
    assert code == 0 and "ball has no actuators: the data set has no actions" in told
    assert "compiling" not in told  # MuJoCo's C code


def test_a_stop_before_the_first_row_does_not_offer_to_go_on(model, monkeypatch, capsys):
    def stop(self):
        raise KeyboardInterrupt

    monkeypatch.setattr("dynsparse.rollout.collector.Collector.warm_up", stop)
    words = ("--rows", "5", "--derivative", "finite-difference", "--out", "data", "--workers", "1")
    code, told = run(capsys, "collect", model, *words)
    assert code == 130 and told.endswith("dynsparse: interrupted; nothing was written; run the same command again\n")
    assert not Path("data").exists()
    monkeypatch.setattr("dynsparse.rollout.collector.Collector.warm_up", lambda self: None)
    monkeypatch.setattr("dynsparse.rollout.collector.Collector.make", lambda *a, **k: stop(None))
    code, told = run(capsys, "collect", model, *words)
    assert code == 130 and told.endswith("interrupted; run the same command with --resume to continue\n")
