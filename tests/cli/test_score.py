"""``dynsparse score`` on a real data set: tables, file, bad input, and the Python of the how-to."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest

import dynsparse
from dynsparse.cli import main

REFEREES = ["constant", "identity", "all-ones", "training-frequency", "truth"]


def run(*words):
    return main([str(word) for word in words])


@pytest.fixture(scope="module")
def stored(tmp_path_factory, shared_cache):
    """Real rows of CartpoleBalance, long enough for the cart to reach the end of the rail."""
    path = tmp_path_factory.mktemp("stored") / "cartpole"
    assert run("collect", "CartpoleBalance", "--rows", 600, "--episode-steps", 300, "--out", path, "--workers", 1) == 0
    return path


@pytest.fixture(scope="module")
def arrays(stored):
    return dynsparse.open_dataset(stored).load()


@pytest.fixture
def model(arrays, own_folder):
    noise = np.random.default_rng(0).normal(size=arrays["jac_state"].shape)
    np.savez(
        "model.npz",
        jac_state=arrays["jac_state"] + 1e-3 * noise,
        jac_action=arrays["jac_action"],
        next_state=arrays["next_state"] + 1e-3,
    )
    return Path("model.npz")


def test_the_tables_and_the_file_hold_the_model_and_every_referee(stored, model, capsys):
    assert run("score", model, stored, "--json", "score.json") == 0
    told = capsys.readouterr().out
    assert "CartpoleBalance, policy random: 600 of 600 rows. The model gives Jacobians." in told
    assert "the simulator's below 1e-12 in the data set's units, the model's below 1e-06" in told
    lines = [re.split(r"\s{2,}", line.strip()) for line in told.splitlines()]
    names = [cells[0] for cells in lines if len(cells) > 5 and cells[0] not in ("normalized", "raw")]
    assert names[:12] == ["model.npz", *REFEREES] * 2
    (columns,) = [cells for cells in lines if cells[0] == "normalized"]
    (shown,) = [cells for cells in lines if cells[0] == "truth" and len(cells) == len(columns)]
    truth = dict(zip(columns, shown, strict=True))
    assert {
        truth[name] for name in ("auprc", "auroc", "auprc changing", "auroc changing", "auroc within", "cosine", "R2")
    } == {"1"}
    assert {truth[name] for name in ("leak", "miss", "Frobenius", "one-step MSE", "MSE after 10", "MSE after 50")} == {
        "0"
    }
    (ones,) = [cells for cells in lines if cells[0] == "all-ones" and len(cells) == len(columns)]
    assert dict(zip(columns, ones, strict=True))["auroc within"] == "0.5"
    assert ones.count("-") == 7  # no miss, no size of an error, no prediction

    record = json.loads(Path("score.json").read_text())
    found = dynsparse.score(dict(np.load(model)), dynsparse.open_dataset(stored)).to_dict()
    assert {name: record[name] for name in found} == json.loads(json.dumps(found))
    assert set(record) - set(found) == {"provenance"}
    assert list(record["referees"]) == REFEREES
    assert record["provenance"]["command"].endswith(
        "score model.npz cartpole --rows 10000 --seed 0 --atol 1e-06 --zero-atol 1e-12 --json score.json"
    )
    assert len(record["provenance"]["extra"]["model"]["sha256"]) == 64


def test_the_truth_attains_the_best_on_real_rows(stored, arrays):
    found = dynsparse.score(
        {name: arrays[name] for name in ("jac_state", "jac_action")}, dynsparse.open_dataset(stored)
    )
    truth = found.referees["truth"]
    for scores in (truth.normalized, truth.raw, found.normalized, found.raw):
        best = scores.auprc, scores.auroc, scores.auprc_changing, scores.auroc_changing, scores.auroc_within
        assert best == (1, 1, 1, 1, 1)
        assert (scores.miss, scores.frobenius_error < 1e-12) == (0, True)
        assert scores.leak < 1e-12  # what is below the simulator's threshold
        assert scores.cosine == pytest.approx(1, abs=1e-14)
    assert truth.leak == 0
    assert (truth.mse, truth.r2) == (0, 1)
    assert [told.mse for told in truth.prediction.open_loop] == [0] * 5
    assert min(part.rows for part in truth.contact.values()) > 0


def test_rows_seed_and_threshold_reach_the_score(stored, model):
    for words, file in (([], "a.json"), (["--seed", 1], "b.json"), (["--atol", "1e-3"], "c.json")):
        assert run("score", model, stored, "--rows", 100, "--json", file, *words) == 0
    a, b, c = (json.loads(Path(file).read_text()) for file in ("a.json", "b.json", "c.json"))
    assert a["rows"] == b["rows"] == 100
    assert a["normalized"]["auroc"] != b["normalized"]["auroc"]
    assert c["normalized"]["auroc"] == a["normalized"]["auroc"]
    assert c["normalized"]["miss"] > a["normalized"]["miss"]


def test_the_threshold_of_the_simulators_zeros_reaches_the_score(stored, model, arrays, capsys):
    assert run("score", model, stored, "--zero-atol", "1e-3", "--json", "coarse.json") == 0
    assert (
        "Zeros: the simulator's below 0.001 in the data set's units, the model's below 1e-06."
        in capsys.readouterr().out
    )
    record = json.loads(Path("coarse.json").read_text())
    truth = np.concatenate([arrays["jac_state"], arrays["jac_action"]], axis=2)
    shares = [(np.abs(truth) < atol).mean() for atol in (1e-12, 1e-3)]
    assert shares[0] < shares[1]
    assert record["zero_atol"] == 1e-3
    assert record["normalized"]["true_sparsity"] == record["raw"]["true_sparsity"] == pytest.approx(shares[1])
    assert record["normalized"]["atol"] == 1e-6
    assert "--atol 1e-06 --zero-atol 0.001 --json" in record["provenance"]["command"]


def test_sizes_of_dependence_have_dashes_for_what_they_can_not_tell(stored, own_folder, capsys):
    np.savez("graph.npz", dependency_state=np.eye(4), dependency_action=np.ones((4, 1), dtype=bool))
    assert run("score", "graph.npz", stored) == 0
    told = capsys.readouterr().out
    assert "sizes of dependence, used as they are" in told
    (cells, *_) = [line.split() for line in told.splitlines() if line.strip().startswith("graph.npz")]
    assert cells.count("-") == 7


@pytest.mark.parametrize(
    ("change", "code", "told"),
    [
        ({"jac_state": None}, 2, "jac_state is missing"),
        ({"jac_state": np.ones((600, 4, 5))}, 2, "expected jac_state of shape (600, 4, 4) or (4, 4), got (600, 4, 5)"),
        ({"jac_state": np.full((600, 4, 4), math.nan)}, 2, "at row 0 of the data set (600 of 600 rows)"),
        ({"jac_state": np.array([{}])}, 2, "jac_state holds pickled objects, which are not read"),
        ({"more": np.ones(3)}, 2, "a model has no array 'more'"),
    ],
)
def test_bad_models_get_one_line(stored, arrays, own_folder, only_line, change, code, told):
    given = {"jac_state": arrays["jac_state"], "jac_action": arrays["jac_action"], **change}
    np.savez("bad.npz", **{name: array for name, array in given.items() if array is not None})
    assert run("score", "bad.npz", stored) == code
    assert told in only_line()


def test_bad_usage_gets_one_line_and_nothing_is_written(stored, model, own_folder, only_line):
    Path("mine.json").write_text("mine")
    for words, code, told in (
        ((model, stored, "--json", "mine.json"), 2, "add --overwrite"),
        ((model, stored, "--rows", 0), 2, "rows must be a whole number of at least 1, got 0"),
        ((model, stored, "--seed", -1), 2, "seed must be a whole number of at least 0"),
        ((model, stored, "--atol", 0), 2, "--atol: atol must be a finite number above 0"),
        ((model, stored, "--zero-atol", "nan"), 2, "--zero-atol: atol must be a finite number above 0"),
        (("gone.npz", stored), 2, "can not read gone.npz: No such file"),
        ((stored / "zarr.json", stored), 2, "expected an .npz file of arrays"),
        ((model, "nowhere"), 1, "nowhere"),
    ):
        assert run("score", *words) == code
        assert told in only_line()
    assert Path("mine.json").read_text() == "mine"
    assert {path.name for path in own_folder.iterdir()} == {"model.npz", "mine.json"}


def test_help_has_examples_and_the_layout_of_the_file(capsys):
    assert run("score", "--help") == 0
    told = capsys.readouterr().out
    assert "dynsparse score model.npz data/cheetah --json score.json" in told
    assert "jac_state (n, ds, ds)" in told


def test_the_python_of_the_how_to_runs(stored, own_folder, checkout, capsys):
    page = (checkout / "docs/how-to/score-a-model.md").read_text(encoding="utf-8")
    blocks = [code for code in re.findall(r"^```py\n(.*?)^```$", page, re.MULTILINE | re.DOTALL) if "torch" not in code]
    assert len(blocks) == 4
    Path("data").mkdir()
    Path("data/cartpole").symlink_to(stored)
    known = {}
    for code in blocks:
        exec(code, known)
    told = capsys.readouterr().out
    assert "<score CartpoleBalance, 600 rows, jax: auprc 0.9" in told
    assert "<score CartpoleBalance, 600 rows, finite-difference: " in told
    assert re.search(r"^truth +1 +1 +0 +0 +0$", told, re.MULTILINE)
    with np.load("rows.npz", allow_pickle=False) as rows:
        assert set(rows) == {"state", "action", "next_state", "finite"}
