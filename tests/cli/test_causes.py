"""causes and report, as a user runs them on CartpoleBalance, and what bad input gets."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dynsparse.analysis import CauseRecord
from dynsparse.cli import main
from dynsparse.cli.explanation import read_evidence
from dynsparse.dataset import open_dataset


def run(*words):
    return main([str(word) for word in words])


@pytest.fixture(scope="module")
def stored(tmp_path_factory, shared_cache):
    """Rows in which the cart never reaches the end of its rail."""
    path = tmp_path_factory.mktemp("stored") / "cartpole"
    assert run("collect", "CartpoleBalance", "--rows", 60, "--episode-steps", 30, "--out", path, "--workers", 1) == 0
    return path


def test_the_whole_way(stored, own_folder, capsys):
    assert run("analyze", stored, "--out", "out/one") == 0
    assert run("report", "out/one") == 0
    out = capsys.readouterr().out
    assert "no causes.json beside the analysis of CartpoleBalance: dynsparse causes" in out
    assert "on record, not measured here" in out
    words = ("causes", stored, "--out", "out/one", "--rows", 16, "--workers", 1)
    assert run(*words) == 0
    told = capsys.readouterr()
    record = CauseRecord.load("out/one")
    looked_at = 16 + record.evidence_rows
    sentence = (
        f"3 of CartpoleBalance's 3 always-zero state elements are zero while joint limit slider is off ({looked_at} "
        "rows looked at); until then the step commutes with translation of cart along x."
    )
    assert sentence in told.out
    assert "limit-off" in told.out and "causes.npz" in told.out
    phases = [
        phase for phase in ("load", "read", "evidence", "symmetry", "trace") if f"CartpoleBalance: {phase}" in told.err
    ]
    assert phases == ["load", "read", "evidence", "symmetry", "trace"]
    assert (record.environment, record.rows, record.atol) == ("CartpoleBalance", 16, 1e-15)
    # By hand: the slider's column but for its own element, in every row, and nothing else.
    counts = {label: entry["combined"] for label, entry in record.to_dict()["counts"].items() if entry["combined"]}
    assert counts == {"none": 16 * 20 - 16 * 3, "limit-off": 16 * 3}
    assert np.argwhere(record.state.always_zero).tolist() == [[1, 0], [2, 0], [3, 0]]
    assert record.off == {"joint limit slider": 48}
    # All 60 rows of the data set, 16 of them explained, and those of 256 made ones whose solver converged.
    assert (record.data_rows, record.evidence_stored) == (60, 44)
    assert 44 + 128 < record.evidence_rows < 44 + 256
    assert record.active_rows[0] > 0 and record.state.real[1:, 0].sum() == 0 and record.state.real[0, 0] == 60
    assert f"Joint limit slider was on in {record.active_rows[0]} of {looked_at} rows." in told.out
    assert record.provenance["command"] == "dynsparse causes cartpole --rows 16 --seed 0 --atol 1e-15"
    assert record.provenance["extra"]["dataset"]["name"] == "cartpole"
    assert run("report", "out/one") == 0
    out = capsys.readouterr().out
    assert "on record" not in out and "no causes.json" not in out
    assert f"qpos slider (3 elements): zero while joint limit slider is off ({looked_at} rows looked at)" in out
    # An apostrophe is written otherwise in HTML.
    assert sentence.partition("'s 3 ")[2] in Path("out/one/report.html").read_text()
    for name in ("causes-CartpoleBalance", "causes"):
        assert Path(f"out/one/figures/{name}.png").exists() and Path(f"out/one/figures/{name}.pdf").exists()
    assert (
        "while joint limit slider is off"
        in json.loads(Path("out/one/tables/table-1.json").read_text())["causes"][0]["sentence"]
    )
    # Nothing is overwritten without being told to, and nothing is computed before that is known.
    assert run(*words) == 2
    assert "add --overwrite" in capsys.readouterr().err


def test_of_many_rows_some_are_kept_that_are_spread_evenly(stored):
    dataset = open_dataset(stored)
    explained = np.array([0, 7])
    (state, action, active), sizes = read_evidence(dataset, explained, most=20 * 20)
    whole = dataset.load()
    kept = np.setdiff1d(np.arange(60), explained)[np.linspace(0, 57, 20).astype(int)]
    assert np.array_equal(state, whole["jac_state"][kept]) and np.array_equal(action, whole["jac_action"][kept])
    assert np.array_equal(active, whole["constraint_active"][kept])
    # Sizes are of all rows.
    assert sizes.rows == 60 and np.array_equal(sizes.largest[:, :4], np.abs(whole["jac_state"]).max(axis=0))
    assert np.array_equal(sizes.real[:, 4:], (np.abs(whole["jac_action"]) > 1e-9).sum(axis=0))


def test_causes_at_another_threshold_are_not_drawn_beside_the_analysis(stored, own_folder, only_line, capsys):
    assert run("analyze", stored, "--out", "out", "--atol", "1e-12") == 0
    assert run("causes", stored, "--out", "out", "--rows", 8, "--workers", 1) == 0
    capsys.readouterr()
    assert run("report", "out") == 2
    assert "causes.json to be of the analysis beside it, got atol 1e-15, not 1e-12; make it again: " in only_line()


def test_differences_and_rounded_numbers_are_refused(own_folder, shared_cache, only_line, capsys):
    for option, value, said in (
        ("--derivative", "finite-difference", "collect with --derivative exact"),
        ("--dtype", "float32", "collect with --dtype float64"),
    ):
        path = Path(value)
        assert run("collect", "CartpoleBalance", "--rows", 4, option, value, "--out", path, "--workers", 1) == 0
        capsys.readouterr()
        assert run("causes", path, "--out", "out") == 2
        assert said in only_line()
        assert not Path("out").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--rows", 0), "rows"),
        (("--atol", -1), "atol"),
        (("--seed", -1), "seed"),
        (("--env", "CheetahRun"), "CheetahRun"),
    ],
)
def test_bad_options_say_so(stored, own_folder, only_line, words, said):
    assert run("causes", stored, "--out", "out", *words) in {1, 2}
    assert said in only_line()
    assert not Path("out").exists()


def test_a_file_in_place_of_the_folder_is_kept(stored, own_folder, only_line):
    Path("out").write_text("mine")
    assert run("causes", stored, "--out", "out") == 1
    assert "is a file" in only_line()
    assert Path("out").read_text() == "mine"
