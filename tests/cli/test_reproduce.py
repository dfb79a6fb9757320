from __future__ import annotations

import csv
import json
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from dynsparse.cli import main, reproduction, study
from dynsparse.cli.section_run import SectionOutcome
from dynsparse.dataset import verify_dataset
from dynsparse.errors import WorkerError
from dynsparse.learning.presets import LearningPreset
from dynsparse.learning.settings import LearnSettings
from dynsparse.report import document
from dynsparse.report.study_command import read_command

# No policy: the system stands in for every environment, and has the observations of none.
RANDOM = ["--policy", "random"]
COMMAND = ["reproduce", "--preset", "smoke", "--only", "q1", "--out", "out", *RANDOM]
TWO = [*COMMAND, "--envs", "CartpoleBalance", "ReacherHard"]


def test_table_figures_and_analyses_are_written(lab, published, capsys, own_folder):
    assert main([*TWO, "--rows", "20"]) == 0
    out = own_folder / "out"
    with (out / "tables/table-1.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert [line["environment"] for line in table] == ["CartpoleBalance", "ReacherHard"]
    assert [line["always_zero_state"] for line in table] == ["3", "3"]
    assert [line["paper_always_zero_state"] for line in table] == ["0", "3"]
    assert [line["equals_paper"] for line in table] == ["False", "True"]
    for name in ("CartpoleBalance", "ReacherHard"):
        found = json.loads((out / "analysis" / name / "analysis.json").read_text())
        assert found["rows"] == 20
        assert found["provenance"]["extra"]["settings"]["action_hold"] >= 1
        assert found["provenance"]["seed"] == 0
        assert found["audit"]["clean"] is True
        assert found["audit"]["rows"] == 20
        drawn = {path.name.removesuffix(f"-{name}.pdf") for path in (out / "figures").glob(f"*-{name}.pdf")}
        assert drawn == {"figure-a3-1", "thresholds"} | ({"figure-3"} if name == "ReacherHard" else set())
        assert all(path.with_suffix(".png").exists() for path in (out / "figures").glob("*.pdf"))
        assert verify_dataset(out / "data" / name).ok
    page = (out / "report.html").read_text()
    assert "CartpoleBalance" in page
    assert "ReacherHard" in page
    printed = capsys.readouterr().out
    assert "3 (18.75 %)" in printed
    assert "paper prints 0, we measure 3" in " ".join(printed.split())
    assert "out/tables" in printed
    assert "out/report.html" in printed
    assert sorted(lab.closed) == ["CartpoleBalance", "ReacherHard"]


def test_finished_environments_are_not_repeated(lab, capsys):
    assert main([*COMMAND, "--envs", "CartpoleBalance"]) == 0
    assert main(TWO) == 0
    assert lab.started == ["CartpoleBalance", "ReacherHard"]
    assert "already finished, not repeated: CartpoleBalance" in capsys.readouterr().out
    assert main(TWO) == 0
    assert lab.started == ["CartpoleBalance", "ReacherHard"]


def test_a_lost_figure_is_drawn_again_without_computing(lab, published, own_folder):
    words = [*COMMAND, "--envs", "ReacherHard", "--rows", "20"]
    main(words)
    figure = own_folder / "out" / "figures" / "figure-3-ReacherHard.pdf"
    before = figure.read_bytes()
    figure.unlink()
    assert main(words) == 0
    assert figure.read_bytes() == before
    assert lab.started == ["ReacherHard"]


def test_the_longest_to_compile_starts_first(lab):
    assert main([*COMMAND, "--envs", "CartpoleBalance,ReacherHard,WalkerRun", "--workers", "1"]) == 0
    assert lab.started == ["WalkerRun", "ReacherHard", "CartpoleBalance"]


def test_the_seed_reaches_the_actions(lab):
    main([*COMMAND, "--envs", "CartpoleBalance", "--seed", "0"])
    first = lab.actions["CartpoleBalance"]
    assert main([*COMMAND, "--out", "other", "--envs", "CartpoleBalance", "--seed", "1"]) == 0
    assert not np.array_equal(first, lab.actions["CartpoleBalance"])


def test_nonfinite_rows_are_counted_and_shown(lab, published, capsys, own_folder):
    lab.nonfinite = (2, 5, 6)
    assert main([*COMMAND, "--envs", "ReacherHard"]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "(18.75 %)" in line]
    assert line.split()[-2:] == ["4,000", "3"]
    found = json.loads((own_folder / "out/analysis/ReacherHard/analysis.json").read_text())
    assert (found["rows"], found["nonfinite_rows"]) == (4000, 3)


def test_a_failed_environment_is_named_and_the_others_go_on(lab, capsys, own_folder):
    lab.failing.add("WalkerRun")
    assert main([*COMMAND, "--envs", "WalkerRun", "ReacherHard", "--workers", "1"]) == 1
    captured = capsys.readouterr()
    assert captured.err.splitlines()[-1] == "dynsparse: WalkerRun: worker 7 was killed by SIGKILL while it started"
    assert "Traceback" not in captured.err
    assert (own_folder / "out/analysis/ReacherHard/analysis.json").exists()
    assert not (own_folder / "out/analysis/WalkerRun").exists()
    assert "WalkerRun" not in captured.out
    assert sorted(lab.closed) == ["ReacherHard", "WalkerRun"]
    lab.failing.clear()
    assert main([*COMMAND, "--envs", "WalkerRun", "ReacherHard"]) == 0
    assert lab.started == ["WalkerRun", "ReacherHard", "WalkerRun"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_ends_its_workers_and_can_go_on(lab, capsys, own_folder, number):
    lab.blocking.add("ReacherHard")
    worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    lab.worker = worker  # what the fake waits for, as a real call waits for its worker's answer

    def interrupt():
        lab.blocked.wait(10)
        os.kill(os.getpid(), number)

    sender = threading.Thread(target=interrupt)
    sender.start()
    began = time.monotonic()
    assert main([*COMMAND, "--envs", "CartpoleBalance", "ReacherHard", "--workers", "2"]) == 130
    assert time.monotonic() - began < 10
    sender.join()
    assert worker.wait(5) == -signal.SIGKILL
    last = capsys.readouterr().err.splitlines()[-1]
    assert last == "dynsparse: interrupted; run the same command again to continue"
    assert "ReacherHard" in lab.closed
    assert not (own_folder / "out/analysis/ReacherHard").exists()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("reproduce")]
    lab.blocking.clear()
    assert main([*COMMAND, "--envs", "CartpoleBalance", "ReacherHard"]) == 0
    assert (own_folder / "out/analysis/ReacherHard").exists()


def test_other_settings_in_the_same_folder_are_refused(lab, capsys):
    main([*COMMAND, "--envs", "ReacherHard"])
    assert main([*COMMAND, "--envs", "ReacherHard", "--seed", "5"]) == 2
    assert "seed is 0 there and 5 here" in capsys.readouterr().err
    assert lab.started == ["ReacherHard"]


def test_the_command_that_a_page_names_goes_on_with_the_folder(lab):
    own = [
        "--preset",
        "small",
        "--rows",
        "20",
        "--seed",
        "3",
        "--atol",
        "1e-12",
        "--only",
        "q1",
        "--out",
        "out",
        *RANDOM,
    ]
    assert main(["reproduce", *own, "--no-explore", "--envs", "ReacherHard"]) == 0
    assert main(["reproduce", *own, "--no-explore", "--envs", "CartpoleBalance"]) == 0
    lab.started.clear()
    lab.planned.clear()
    words = shlex.split(read_command(Path("out")).to_make("--only horizon", "out"))
    assert words[:4] == ["dynsparse", "reproduce", "--preset", "small"]
    assert main([*words[1:], "--no-explore"]) == 0
    assert lab.started == [] and lab.planned == [("horizon", "ReacherHard"), ("horizon", "CartpoleBalance")]
    # Without them it would be refused, or would begin with the other six.
    assert main(["reproduce", "--only", "horizon", "--out", "out"]) == 2


def test_q2_and_q3_are_drawn_and_told_where_they_are_asked_for(lab, published, capsys, own_folder):
    words = ["reproduce", "--only", "q3,q2", "--out", "out", *RANDOM, "--envs", "ReacherHard", "--rows", "2500"]
    assert main(words) == 0
    drawn = {path.stem for path in (own_folder / "out/figures").glob("*.png")}
    assert {"figure-5", "figure-a3-2-ReacherHard", "figure-7", "figure-a3-3"} <= drawn
    assert not [name for name in drawn if name.startswith(("figure-3", "figure-a3-1"))]
    printed = capsys.readouterr().out
    assert "Table 1" not in printed
    (line,) = [line for line in printed.splitlines() if line.strip().startswith("ReacherHard")]
    # 3 of 20 elements are zero in every row: one pattern, and no stretch that begins or ends.
    assert line.split()[:4] == ["ReacherHard", "15.0", "%", "1"]
    assert "clean" in line
    found = json.loads((own_folder / "out/analysis/ReacherHard/analysis.json").read_text())
    assert found["temporal"]["always_zero_left_out"] == 3 * 3
    assert found["episodes"] == 3


def test_what_a_dying_worker_left_committed_is_not_computed_again(lab, own_folder):
    lab.dying.add("ReacherHard")
    # More than a block of rows: the first is committed before the worker dies.
    command = ["reproduce", "--only", "q1,q2,q3", "--out", "out", *RANDOM, "--envs", "ReacherHard", "--rows", "80000"]
    assert main(command) == 1
    assert lab.committed == [("ReacherHard", 0)]
    lab.dying.clear()
    assert main(command) == 0
    assert [number for _, number in lab.committed] == list(range(len(lab.committed)))
    assert len(lab.committed) > 1


def test_a_damaged_data_set_stops_its_environment(lab, capsys, own_folder):
    lab.dying.add("ReacherHard")
    command = ["reproduce", "--only", "q1,q2,q3", "--out", "out", *RANDOM, "--envs", "ReacherHard", "--rows", "80000"]
    main(command)
    chunk = own_folder / "out/data/ReacherHard/state/c/0/0"
    chunk.write_bytes(chunk.read_bytes()[:-1])
    lab.dying.clear()
    assert main(command) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert "out/data/ReacherHard is damaged" in last
    assert "state" in last
    assert not (own_folder / "out/analysis/ReacherHard").exists()


def test_an_environment_named_twice_is_computed_once(lab):
    assert main([*COMMAND, "--envs", "ReacherHard", "ReacherHard"]) == 0
    assert lab.started == ["ReacherHard"]


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--rows", "0"], 2, "rows must be a whole number of at least 1, got 0"),
        (["--rows=-3"], 2, "rows must be a whole number of at least 1, got -3"),
        (["--atol=-1e-15"], 2, "atol must be a finite number above 0, got -1e-15"),
        (["--atol", "nan"], 2, "atol must be a finite number above 0, got nan"),
        (["--envs", "ChetahRun"], 2, "CheetahRun"),
        (["--seed=-1"], 2, "seed must be"),
        (["--workers=-1"], 2, "workers"),
        (["--only", "q1,q5"], 2, "got 'q5'"),
        (["--only", "q4", "--address", "a:1"], 2, "address is of --executor ray"),
        (["--only", "table"], 2, "got 'table'"),
        (["--only", ""], 2, "got ''"),
        (["--envs", "ReacherHard", "--embed", "WalkerRun"], 2, "embed must name environments of the study, got Walker"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_computed(lab, capsys, own_folder, options, code, message):
    assert main([*COMMAND, *options]) == code
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
    assert lab.started == []
    assert not (own_folder / "out").exists()


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_place_that_can_not_be_written_is_refused_before_computing(lab, capsys, own_folder, place):
    (own_folder / "file").write_text("mine")
    assert main(["reproduce", "--out", place]) == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert place in err
    assert lab.started == []
    assert (own_folder / "file").read_text() == "mine"


def test_an_output_that_exists_is_refused(lab, capsys, own_folder):
    (own_folder / "out").mkdir()
    (own_folder / "out" / "paper.pdf").write_text("mine")
    assert main(COMMAND) == 2
    assert "paper.pdf" in capsys.readouterr().err
    assert lab.started == []


def test_an_unknown_preset_is_bad_usage(lab, capsys):
    assert main(["reproduce", "--preset", "huge", "--out", "out"]) == 2
    assert "smoke" in capsys.readouterr().err


def test_q4_trains_on_the_data_sets_and_goes_on_where_it_was(lab, here, published, monkeypatch, own_folder, capsys):
    settings = LearnSettings(layer_width=4, batch_size=16, epochs=1, test_split=0.25)
    monkeypatch.setattr("dynsparse.learning.presets.LEARNING_PRESETS", {"smoke": LearningPreset(1, settings)})
    monkeypatch.setattr("dynsparse.learning.losses.LOSSES", ("state", "state-jacobian-l1"))
    monkeypatch.setattr(document, "write_items", lambda *_, **__: ())
    words = [*COMMAND, "--only", "q4", "--envs", "ReacherHard", "CartpoleBalance", "--rows", "4000"]
    here.stopping = ("train", "state-jacobian-l1", 1)
    assert main(words) == 130
    assert here.ran == [("referees", "state", 1), ("train", "state", 1)]
    here.stopping, here.ran = None, []
    assert main(words) == 0
    assert here.ran[0] == ("train", "state-jacobian-l1", 1)
    assert len(here.ran) == 2 * 3 - 2
    assert sorted(lab.started) == ["CartpoleBalance", "ReacherHard"]
    assert len(list((own_folder / "out/learning/units").glob("*.json"))) == 6
    assert "state-jacobian-l1" in (own_folder / "out/report.html").read_text()
    printed = capsys.readouterr().out
    assert "already finished, not repeated" in printed and "2 of 6 units were done before" in printed
    assert "Tested on unseen episodes" in printed


def test_q4_is_answered_for_the_others_where_one_fails(lab, here, monkeypatch, own_folder, capsys):
    settings = LearnSettings(layer_width=4, batch_size=16, epochs=1, test_split=0.25)
    monkeypatch.setattr("dynsparse.learning.presets.LEARNING_PRESETS", {"smoke": LearningPreset(1, settings)})
    monkeypatch.setattr("dynsparse.learning.losses.LOSSES", ("state",))
    lab.failing = {"ReacherHard"}
    words = [*COMMAND, "--only", "q4", "--envs", "ReacherHard", "CartpoleBalance", "--rows", "4000"]
    assert main(words) == 1
    assert here.ran == [("referees", "state", 1), ("train", "state", 1)]
    assert "ReacherHard: worker 7 was killed" in capsys.readouterr().err


def test_the_policy_that_was_asked_for_acts(lab, monkeypatch, capsys):
    asked = []

    def collect(env, settings, *_args, **_more):
        asked.append(settings.policy)
        raise WorkerError("that is enough")

    monkeypatch.setattr(reproduction, "fill_dataset", collect)
    assert main([*COMMAND, "--envs", "ReacherHard", "--policy", "paper"]) == 1
    assert main([*COMMAND[:-2], "--envs", "CartpoleBalance"]) == 1
    # The default is the paper's: data of agents as good as its own.
    assert asked == ["paper", "paper"]
    assert "that is enough" in capsys.readouterr().err


def test_sections_are_measured_where_they_were_asked_for(lab, monkeypatch):
    envs = ["--rows", "20", "--envs", "CartpoleBalance", "ReacherHard"]
    assert main(["reproduce", *RANDOM, "--out", "a", "--only", "horizon", "--no-explore", *envs]) == 0
    assert lab.planned == [("horizon", "ReacherHard"), ("horizon", "CartpoleBalance")]
    lab.planned.clear()
    assert main([*COMMAND[:5], *RANDOM, "--out", "b", "--causes", "--embed", "CartpoleBalance", *envs]) == 0
    assert lab.planned == [
        ("pictures", "ReacherHard"),
        ("causes", "ReacherHard"),
        ("pictures", "CartpoleBalance"),
        ("embedding", "CartpoleBalance"),
        ("causes", "CartpoleBalance"),
        ("explore", ""),
    ]


def test_a_section_that_fails_is_told_at_the_end_and_the_exit_code(lab, monkeypatch, capsys):
    found = {"ReacherHard, horizon": "WorkerError: no memory", "ReacherHard, pictures": "RenderError: no OpenGL"}
    monkeypatch.setattr(study, "run_sections", lambda *_, **__: SectionOutcome(found, ()))
    monkeypatch.setattr(study.Study, "publish", lambda *_: print("published"))
    assert main([*COMMAND, "--envs", "ReacherHard", "--rows", "20"]) == 1
    told = capsys.readouterr()
    assert "published" in told.out and "time: data" in told.out
    assert told.err.splitlines()[-2:] == [
        "failed: ReacherHard, horizon: WorkerError: no memory",
        "dynsparse: ReacherHard, pictures: RenderError: no OpenGL",
    ]
