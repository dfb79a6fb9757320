"""``dynsparse learn``: what is trained, what is told, and that nothing is trained twice."""

from __future__ import annotations

import csv
import json

import pytest

from dynsparse.cli import executors, main
from dynsparse.learning.losses import LOSSES
from dynsparse.report import learning_publication

from ..learning.switched_rows import made_arrays, store

SMALL = ["--epochs", "2", "--layer-width", "4", "--batch-size", "16", "--test-split", "0.2"]
TWO = ["--losses", "state,state-jacobian-l1", "--seeds", "2"]


@pytest.fixture
def no_figures(monkeypatch):
    """Do without the figures, which take longest; a test that asks for them does not ask for this."""
    monkeypatch.setattr(learning_publication, "write_learning_figures", lambda drawings, folder: ())


@pytest.fixture
def data(own_folder):
    store(own_folder / "data", made_arrays(episodes=10))
    return own_folder / "data"


def records(out):
    return {path.stem: json.loads(path.read_text()) for path in (out / "units").glob("*.json")}


def test_losses_and_seeds_are_trained_and_everything_is_written(here, data, own_folder, capsys):
    assert main(["learn", "data", "--out", "out", *TWO, *SMALL]) == 0
    kinds = [("referees", "state"), ("train", "state"), ("train", "state-jacobian-l1")]
    assert here.ran == [(kind, loss, seed) for kind, loss in kinds for seed in (1, 2)]
    out = own_folder / "out"
    found = list(records(out).values())
    assert len(found) == 6
    for record in found:
        settings = record["unit"]["settings"]
        assert (settings["epochs"], settings["layer_width"], settings["split"]) == (2, 4, "both")
        command = ["dynsparse", "learn", "data", "--out", "out", *TWO, *SMALL]
        assert sorted(record["provenance"]["command"].split()) == sorted(command)
        if record["unit"]["kind"] == "train":
            assert (out / "units" / f"{record['key']}.safetensors").is_file()
    for name in ("learning.html", "learning_scores.csv", "learning_scores.md", "learning_differences.csv"):
        assert (out / name).stat().st_size > 100
    printed = capsys.readouterr()
    assert "training-frequency" in printed.out
    assert "out/learning.html: everything on one page" in printed.out
    assert "Toy: 4 models (1 of 1 environments" in printed.err


def test_a_stopped_run_goes_on_with_what_is_left_and_more_may_be_asked_for(no_figures, here, data, own_folder, capsys):
    here.stopping = ("train", "state-jacobian-l1", 1)
    assert main(["learn", "data", "--out", "out", *TWO, *SMALL]) == 130
    assert "run the same command again to continue" in capsys.readouterr().err
    first, here.ran, here.stopping = here.ran, [], None
    assert len(first) == 4
    assert main(["learn", "data", "--out", "out", *TWO, *SMALL]) == 0
    assert here.ran == [("train", "state-jacobian-l1", 1), ("train", "state-jacobian-l1", 2)]
    assert "4 of 6 units were done before" in capsys.readouterr().out
    here.ran = []
    assert main(["learn", "data", "--out", "out", "--losses", "state", "--seeds", "3", *SMALL]) == 0
    assert here.ran == [("referees", "state", 3), ("train", "state", 3)]
    # The page is of all that is there, and nothing is missing that nobody asked for.
    out = own_folder / "out"
    page = (out / "learning.html").read_text()
    assert "All 5 trainings are there." in page and "(3 of state, 2 of + MAE(J))" in page and "left out" not in page
    with (out / "learning_scores.csv").open(newline="") as file:
        runs = {
            line["label"]: (line["runs"], line["absent"])
            for line in csv.DictReader(file)
            if (line["environment"], line["split"], line["metric"]) == ("all", "step", "prediction.mse")
        }
    assert runs["state"] == ("3", "0") and runs["state-jacobian-l1"] == ("2", "0")


def test_what_failed_is_shown_as_missing_and_the_status_says_so(no_figures, here, data, own_folder, capsys):
    here.failing = [("train", "state", 2)]
    assert main(["learn", "data", "--out", "out", *TWO, *SMALL]) == 1
    told = capsys.readouterr()
    assert "failed: Toy, state, seed 2: WorkerError: no memory" in told.err
    assert "the same command tries again what did not diverge" in told.err
    assert "Toy: 3 models, 1 failed" in told.err
    line = next(line for line in told.out.splitlines() if line.strip().startswith("state "))
    assert line.split()[-1] == "1/2"
    assert "WorkerError: no memory" in (own_folder / "out" / "learning.html").read_text()
    here.failing, here.ran = (), []
    assert main(["learn", "data", "--out", "out", *TWO, *SMALL]) == 0
    assert here.ran == [("train", "state", 2)]


def test_a_folder_belongs_to_its_settings_and_data(no_figures, here, data, own_folder, only_line):
    assert main(["learn", "data", "--out", "out", "--losses", "state", "--seeds", "1", *SMALL]) == 0
    page = (own_folder / "out" / "learning.html").read_bytes()
    assert main(["learn", "data", "--out", "out", "--losses", "state", "--seeds", "1", *SMALL, "--atol", "1e-9"]) == 2
    assert "out holds trainings of other settings: atol is 1e-12 there and 1e-09 here; choose another" in only_line()
    (own_folder / "mine").mkdir()
    (own_folder / "mine" / "notes.txt").write_text("mine")
    for place in ("mine", "data"):
        assert main(["learn", "data", "--out", place, "--losses", "state", "--seeds", "1", *SMALL]) == 2
        assert f"expected an empty folder or one of trainings, {place} holds" in only_line()
    store(own_folder / "other", made_arrays(episodes=9))
    assert main(["learn", "other", "--out", "out", "--losses", "state", "--seeds", "1", *SMALL]) == 2
    assert "the data set of Toy is another one" in only_line()
    assert (own_folder / "out" / "learning.html").read_bytes() == page


def test_settings_under_which_nothing_was_trained_bind_nobody(no_figures, here, data, own_folder):
    here.stopping = ("referees", "state", 1)
    words = ["learn", "data", "--out", "out", "--losses", "state", "--seeds", "1", *SMALL]
    assert main(words) == 130
    here.stopping = None
    assert main([*words, "--atol", "1e-9"]) == 0


def test_what_diverged_is_not_trained_again(no_figures, here, data, own_folder, capsys):
    words = ["learn", "data", "--out", "out", "--losses", "state", "--seeds", "2", *SMALL]
    here.failing, here.error = [("train", "state", 2)], "DivergenceError: the loss diverged in epoch 1 of 2"
    assert main(words) == 1
    here.failing, here.ran = [], []
    assert main(words) == 1
    assert here.ran == []
    err = capsys.readouterr().err
    assert err.count("failed: Toy, state, seed 2: DivergenceError: the loss diverged in epoch 1 of 2") == 2
    assert "tries again" not in err


def test_random_directions_are_of_one_loss_alone(no_figures, here, data, own_folder):
    losses = ["--losses", "state,state-jacobian", "--seeds", "1", "--jacobian-directions", "2"]
    assert main(["learn", "data", "--out", "out", *losses, *SMALL]) == 0
    directions = {
        record["unit"]["settings"]["loss"]: record["unit"]["settings"]["jacobian_directions"]
        for record in records(own_folder / "out").values()
        if record["unit"]["kind"] == "train"
    }
    assert directions == {"state": 0, "state-jacobian": 2}


@pytest.mark.parametrize(
    ("words", "status", "why"),
    [
        (["learn", "none", "--out", "out"], 1, "none"),
        (["learn", "data", "--out", "out", "--losses", "state-jacobain"], 2, "did you mean 'state-jacobian'"),
        (["learn", "data", "--out", "out", "--seeds", "0"], 2, "seeds must be a whole number of at least 1, got 0"),
        (["learn", "data", "--out", "out", "--address", "a:1"], 2, "address is of --executor ray"),
        (["learn", "data", "--out", "out", "--executor", "ray", "--workers", "2"], 2, "Ray takes every CPU"),
        (["learn", "data", "--out", "out", "--dropout-rate", "1"], 2, "dropout_rate must be a number from 0 to below"),
    ],
)
def test_bad_usage_is_one_line_before_anything_is_trained(data, own_folder, only_line, words, status, why):
    assert main(words) == status
    assert why in only_line()
    assert not (own_folder / "out").exists()


def test_too_small_a_data_set_is_told_before_anything_is_trained(here, own_folder, only_line):
    store(own_folder / "data", made_arrays(episodes=2, steps=5))
    words = ["learn", "data", "--out", "out", "--losses", "state", "--seeds", "1"]
    assert main([*words, "--split", "step"]) == 2
    assert "at least 512 rows of Toy to train on (one batch), got 9 of 10; collect more" in only_line()
    assert main(words) == 2
    assert "a test split of 0.1 of 2 episodes leaves none to test on" in only_line()
    assert not here.ran
    assert not (own_folder / "out").exists()


def test_in_processes_of_its_own_it_is_the_same(no_figures, data, own_folder, monkeypatch, new_executor):
    words = ["learn", "data", "--losses", "state-jacobian", "--seeds", "1", *SMALL]
    assert main([*words, "--out", "out", "--workers", "1"]) == 0
    monkeypatch.setattr(executors, "make_executor", lambda *_: new_executor())
    assert main([*words, "--out", "here"]) == 0
    there, here = records(own_folder / "out"), records(own_folder / "here")
    assert set(there) == set(here)
    for key, record in there.items():
        # Threads share sums otherwise than one thread does: round-off of float32 in two epochs.
        if record["unit"]["kind"] == "train":
            found, wanted = (x["result"]["curve"]["test_step"] for x in (record, here[key]))
            assert found == pytest.approx(wanted, rel=1e-4)
            assert found[0] > found[-1]


def test_all_losses_are_the_papers_in_its_order():
    from dynsparse.cli.learn import losses_of

    assert losses_of("all") == LOSSES
    assert losses_of("state-jacobian,state") == ("state", "state-jacobian")
