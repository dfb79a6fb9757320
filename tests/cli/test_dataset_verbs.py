"""collect, verify, audit, analyze and report, one after the other as a user runs them, and what bad input gets."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from dynsparse.analysis import AboveRoundOff, SparsityReport
from dynsparse.cli import main
from dynsparse.dataset import open_dataset


def run(*words):
    return main([str(word) for word in words])


@pytest.fixture(scope="module")
def stored(tmp_path_factory, shared_cache):
    """A data set of CartpoleBalance, as the command makes it."""
    path = tmp_path_factory.mktemp("stored") / "cartpole"
    assert run("collect", "CartpoleBalance", "--rows", 300, "--episode-steps", 60, "--out", path, "--workers", 1) == 0
    return path


@pytest.fixture
def copy(stored, own_folder):
    return Path(shutil.copytree(stored, own_folder / "copy"))


def test_the_whole_way(stored, own_folder, capsys):
    assert run("verify", stored, "--recompute", 50, "--workers", 1) == 0
    told = capsys.readouterr().out
    assert "300 rows in 1 block, 5 episodes: every hash and rule holds" in told
    assert "50 of 50 rows are equal bit for bit" in told
    assert run("audit", stored, "--rows", 40, "--json", "audit.json", "--workers", 1) == 0
    assert json.loads(Path("audit.json").read_text())["environments"][0]["dataset"]["name"] == "cartpole"
    assert "exact: off on none of" in capsys.readouterr().out
    assert run("analyze", stored, "--out", "out/one", "--audit", "audit.json") == 0
    assert "3 of 16 state elements" in capsys.readouterr().out
    found = json.loads(Path("out/one/analysis.json").read_text())
    assert (found["rows"], found["episodes"], found["audit"]["rows"]) == (300, 5, 40)
    assert found["audit"]["clean"] is True
    assert found["global"]["state"]["always_zero"] == 3
    assert found["provenance"]["extra"]["dataset"]["episode_steps"] == 60
    # Beside it stand the same numbers above round-off, made in the same pass.
    AboveRoundOff.load("out/one").check(SparsityReport.load("out/one"))
    with np.load("out/one/analysis.npz", allow_pickle=False) as arrays:
        assert arrays["timeline_combined"].shape == (60,)
        assert len(arrays["zero_duration_counts"]) == 61
    before = sorted(Path("out").rglob("*"))
    assert run("report", "out/one", "--out", "page.html") == 0
    assert "CartpoleBalance" in Path("page.html").read_text()
    assert Path("page_files/figures/durations-CartpoleBalance.pdf").exists()
    assert Path("page_files/tables/table-1.csv").exists()
    # Whoever names a page gets nothing elsewhere.
    assert sorted(Path("out").rglob("*")) == before
    told = capsys.readouterr().out
    assert "page.html" in told
    assert "page_files/figures: " in told
    # A second time nothing is overwritten without being told to.
    assert run("report", "out/one", "--out", "page.html") == 2
    Path("page.html").unlink()
    assert run("report", "out/one", "--out", "page.html") == 2
    assert "page_files exists and is kept" in capsys.readouterr().err
    assert run("report", "out/one", "--out", "page.html", "--overwrite") == 0
    assert run("analyze", stored, "--out", "out/one") == 2
    assert run("analyze", stored, "--out", "out/one", "--overwrite", "--atol", "1e-9") == 0
    assert json.loads(Path("out/one/analysis.json").read_text())["atol"] == 1e-9
    assert not AboveRoundOff.is_in("out/one")  # at 1e-9 there is one number, and that of before is gone
    # Figures are of the analysis that is there now.
    before = Path("page_files/figures/thresholds-CartpoleBalance.png").read_bytes()
    assert run("report", "out/one") == 0
    assert run("report", "out/one", "--out", "out/one/report.html") == 0  # the same page by its name
    assert not Path("out/one/report_files").exists()
    assert Path("out/one/figures/thresholds-CartpoleBalance.png").read_bytes() != before


def test_an_audit_of_other_rows_is_not_taken_for_this_one(stored, own_folder, only_line):
    record = {"environment": "CartpoleBalance", "judged": "autodiff", "clean": True, "dataset": None}
    for change in ({}, {"judged": "exact", "dataset": {"name": "x", "description_sha256": "0" * 64}}):
        Path("audit.json").write_text(json.dumps({"environments": [record | change]}))
        assert run("analyze", stored, "--out", "out", "--audit", "audit.json") == 2
        assert "expected an audit of" in only_line()
    Path("audit.json").write_text(json.dumps({"environments": [record | {"judged": "exact"}]}))
    assert run("analyze", stored, "--out", "out", "--audit", "audit.json") == 0


def test_half_written_analyses_are_not_reported(stored, own_folder, only_line):
    assert run("analyze", stored, "--out", "out/analysis/.partial-CartpoleBalance") == 0
    assert run("report", "out") == 2
    assert "found none" in only_line()


def test_coverage_has_no_time(own_folder, capsys):
    words = ["collect", "CartpoleBalance", "--rows", 64, "--states", "coverage", "--out", "data", "--workers", 1]
    assert run(*words) == 0
    assert run("analyze", "data", "--out", "out") == 0
    assert json.loads(Path("out/analysis.json").read_text())["temporal"] is None
    assert run("report", "out") == 0
    assert not list(Path("out/figures").glob("durations*"))


def test_collecting_again_is_refused_and_resuming_does_nothing(stored, copy, capsys, only_line):
    words = ["collect", "CartpoleBalance", "--rows", 300, "--episode-steps", 60, "--out", copy, "--workers", 1]
    before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    assert run(*words) == 2
    assert "--resume" in only_line()
    assert run(*words, "--resume") == 0
    assert "300 rows (0 new)" in capsys.readouterr().out
    for change, told in (
        (["--seed", 1], "seed is 0 there and 1 here"),
        (["--dtype", "float32"], "dtype is 'float64' there and 'float32' here"),
        (["--rows", 301], "rows is 300 there and 301 here"),
    ):
        assert run(*words, "--resume", *change) == 2
        assert told in only_line()
    assert {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()} == before


def test_damage_is_found_by_every_verb(copy, capsys, own_folder, only_line):
    chunk = copy / "jac_state/c/0/0/0"
    content = bytearray(chunk.read_bytes())
    content[len(content) // 2] ^= 1
    chunk.write_bytes(content)
    assert run("verify", copy) == 1
    assert "jac_state/c/0/0/0" in capsys.readouterr().out
    assert run("analyze", copy, "--out", "out") == 1
    assert "jac_state/c/0/0/0" in only_line()
    assert not Path("out").exists()
    assert run("audit", copy, "--workers", 1) == 1
    assert "jac_state/c/0/0/0" in only_line()


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["collect", "ChetahRun", "--rows", 5, "--out", "x"], 2, "CheetahRun"),
        (["collect", "CheetahRun", "--rows", 0, "--out", "x"], 2, "rows must be a whole number of at least 1, got 0"),
        (["collect", "CheetahRun", "--rows", 5, "--out", "x", "--policy", "none.safetensors"], 2, "none.safetensors"),
        (["collect", "CheetahRun", "--rows", 5, "--out", "x", "--seed=-1"], 2, "seed must be"),
        (["collect", "CheetahRun", "--rows", 5, "--out", "x", "--workers=-1"], 2, "workers"),
        (["verify", "nothing"], 1, "nothing"),
        (["verify", "."], 1, "data set"),
        (["audit", "."], 1, "data set"),
        (["analyze", "nothing", "--out", "x"], 1, "nothing"),
        (["analyze", ".", "--out", "x", "--atol", "nan"], 2, "atol must be a finite number above 0"),
        (["report", "nothing"], 2, "expected analyses in nothing, found none"),
    ],
)
def test_bad_input_is_one_line(words, code, told, own_folder, only_line):
    (own_folder / "notes.txt").write_text("mine")
    assert run(*words) == code
    assert told in only_line()
    assert [path.name for path in own_folder.iterdir()] == ["notes.txt"]


def test_a_policy_of_another_shape_is_refused(own_folder, only_line):
    from dynsparse.rollout.policy_file import save_policy
    from dynsparse.rollout.policy_weights import PolicyWeights

    layers = ((np.zeros((3, 2), np.float32), np.zeros(2, np.float32)),)
    save_policy("p.safetensors", PolicyWeights("p", "X", "tanh-normal", "swish", layers, action_scaling="range"))
    words = ["collect", "CartpoleBalance", "--rows", 50, "--policy", "p.safetensors", "--out", "data", "--workers", 1]
    assert run(*words) == 2
    told = only_line()
    assert "p.safetensors" in told
    assert "3" in told
    assert "5" in told


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes where Linux lists them")
def test_ctrl_c_ends_with_130_and_says_how_to_go_on(own_folder):
    command = [sys.executable, "-m", "dynsparse.cli", "collect", "CartpoleBalance", "--rows", "200000", "--out", "data"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        deadline = time.monotonic() + 300
        while not list(Path("data/blocks").glob("[0-9]*.json")):
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        errors = process.stderr.read()
        assert process.wait(30) == 130
    assert errors.splitlines()[-1] == "dynsparse: interrupted; run the same command with --resume to continue"
    assert "Traceback" not in errors
    assert open_dataset("data").rows > 0
