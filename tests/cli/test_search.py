"""Search: the trainings of three searches, each with what the earlier ones chose; tables, resume, failures."""

from __future__ import annotations

import csv
import dataclasses
import json
import math
from collections import Counter

import pytest
from scipy.stats import rankdata

from dynsparse.cli import executors, main
from dynsparse.cli.search_plan import SearchPlan
from dynsparse.cli.search_run import run_search
from dynsparse.errors import ExecutorError
from dynsparse.executor import Answer, CheckedResult, Event, LocalExecutor
from dynsparse.learning import search_grid
from dynsparse.learning.search_grid import SearchGrid, SearchRange, search_preset
from dynsparse.learning.settings import LearnSettings

from ..learning.switched_rows import made_arrays, store

COMMAND = ["search", "--preset", "smoke", "--policy", "random", "--rows", "60", "--out", "out"]

# What each value adds to the loss: the lowest sum of each search is known, whatever else is fixed.
ADDS = {
    "learning_rate": {0.01: 5.0, 0.0001: 2.0, 0.001: 0.0},
    "layer_width": {32: 0.3, 128: 0.0, 512: 0.1, 1024: 0.05},
    "layer_depth": {2: 0.7, 3: 0.5, 4: 0.0, 6: 1.0},
    "dropout_rate": {0.1: 0.2, 0.3: 0.0, 0.5: 0.4},
    "weight_decay": {0.01: 0.0, 0.001: 0.02, 0.0: 0.03},
    "activation": {"elu": 0.01, "leaky-relu": 0.0},
}


def loss_of(settings):
    return sum(adds[settings[name]] for name, adds in ADDS.items()) + settings["seed"] / 1000


class FakeExecutor:
    """Answers at once, with a loss that depends on the settings alone; notes what it ran."""

    def __init__(self):
        self.ran, self.stop_after, self.error_of = [], None, lambda settings: ""

    def run(self, units, folder, on_event):
        for unit in units:
            if self.stop_after == len(self.ran):
                raise KeyboardInterrupt
            on_event(Event("started", unit))
            on_event(Event("progress", unit, 1, 2, "test error 9"))
            self.ran.append(unit)
            settings = unit.arguments["settings"]
            error = self.error_of(settings)
            curve = {"epoch": [0, 1, 2], f"test_{settings['split']}": [99.0, 9.0, loss_of(settings)]}
            record = {"environment": unit.arguments["environment"], "policy": "paper", "curve": curve}
            yield Answer(unit, None, error) if error else Answer(unit, CheckedResult(record))


@pytest.fixture
def executor(monkeypatch):
    made = FakeExecutor()
    monkeypatch.setattr(executors, "make_executor", lambda *_: made)
    return made


@pytest.fixture
def few(monkeypatch):
    """One seed in the first search, two in the others."""
    fewer = dataclasses.replace(search_preset("smoke"), seeds=(1, 2, 2))
    monkeypatch.setattr(search_grid, "SEARCH_PRESETS", {**search_grid.SEARCH_PRESETS, "smoke": fewer})


def summary(folder="out"):
    with open(f"{folder}/search.json") as file:
        return json.load(file)


def test_three_searches_choose_one_after_the_other(lab, executor, capsys, own_folder):
    assert main(COMMAND) == 0
    found = summary()
    first, second, third = found["searches"]
    assert (found["complete"], found["split"]) == (True, "step")
    # By hand from ADDS: of the second search's values 1024, 3 and 0.01 add least, of the third's leaky-relu.
    assert first["choices"] == {"learning-rate": 0.001, "layer-width": 128, "layer-depth": 4, "dropout-rate": 0.3}
    assert second["choices"] == {"layer-width": 1024, "layer-depth": 3, "weight-decay": 0.01}
    assert third["choices"] == {"activation-function": "leaky-relu"}
    assert found["choices"] == {**first["choices"], **second["choices"], **third["choices"]}
    assert [(one["ranked"], one["mean_of_ranks"], one["expected_mean"]) for one in found["searches"]] == [
        ({"CartpoleBalance": 162}, 81.5, 81.5),
        ({"CartpoleBalance": 16}, 8.5, 8.5),
        ({"CartpoleBalance": 4}, 2.5, 2.5),
    ]
    # What later searches do not try is what earlier ones chose, or what all began with.
    assert {name: second["fixed"][name] for name in ("learning_rate", "dropout_rate", "activation", "batch_size")} == {
        "learning_rate": 0.001, "dropout_rate": 0.3, "activation": "elu", "batch_size": 256
    }  # fmt: skip
    assert {name: third["fixed"][name] for name in ("learning_rate", "layer_width", "layer_depth", "weight_decay")} == {
        "learning_rate": 0.001, "layer_width": 1024, "layer_depth": 3, "weight_decay": 0.01
    }  # fmt: skip
    for search in found["searches"]:
        assert search["seeds"] == [1, 2]
        losses = [run["loss"] for run in search["runs"]]
        assert [run["rank"] for run in search["runs"]] == list(rankdata(losses))
    assert found["provenance"]["command"] == "dynsparse search --preset smoke --policy random --rows 60"
    assert found["provenance"]["extra"]["settings"]["weight_decay"] == 1e-3
    # The first search has run one configuration of the second already (512, 2, 0.001), the second one of the third.
    assert len(executor.ran) == 162 + 14 + 2
    for unit in executor.ran:
        assert unit.function == "dynsparse.learning.unit:run_unit"
        assert unit.context["dataset"] == str(own_folder / "out/data/CartpoleBalance")
        assert unit.arguments["kind"] == "curve"
        assert (unit.arguments["settings"]["loss"], unit.arguments["settings"]["split"]) == ("state", "step")
    assert lab.committed == [("CartpoleBalance", 0)]
    tables = {path.name for path in (own_folder / "out/tables").iterdir()}
    assert tables == {f"table-a2-{n}{kind}" for n in range(2, 14) for kind in (".csv", ".md", ".tex")}
    printed = capsys.readouterr().out
    assert "81 configurations x 2 seeds x 1 environment = 162 trainings" in printed
    assert (
        "N = 162 runs ranked in CartpoleBalance; the mean of all ranks is 81.50, and (N + 1) / 2 is 81.50." in printed
    )
    assert "Run: 1 environment, 60 rows in each, 2 epochs, 2 seeds; the paper: 8, 1,000,000, 100 and 10." in printed
    assert "Chosen: layer-depth 4, the lowest mean rank (the paper: 2)." in printed
    assert "Table A2.2 has layer widths 512 and 1024, Table A2.4 ranks 32, 128 and 512" in printed


def test_a_value_s_mean_rank_is_the_mean_over_its_runs(lab, executor, few, own_folder):
    assert main(COMMAND) == 0
    runs = summary()["searches"][0]["runs"]
    ranks = rankdata([loss_of(settings) for settings in (u.arguments["settings"] for u in executor.ran[:81])])
    by_key = dict(zip((unit.key for unit in executor.ran), ranks, strict=False))
    assert {run["key"]: run["rank"] for run in runs} == by_key
    with (own_folder / "out/tables/table-a2-5.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    for line in lines:
        own = [run["rank"] for run in runs if run["values"]["layer-depth"] == int(line["value"])]
        assert len(own) == int(line["runs"]) == 27
        assert float(line["mean_rank"]) == pytest.approx(math.fsum(own) / 27, rel=1e-12)
    assert [line["value"] for line in lines] == ["4", "2", "6"]
    assert {line["value"]: line["paper_mean_rank"] for line in lines} == {"2": "245.32", "4": "437.56", "6": "533.62"}


def test_stopped_anywhere_it_goes_on_without_repeating(lab, executor, few, capsys):
    executor.stop_after = 30
    assert main(COMMAND) == 130
    assert "run the same command again to continue" in capsys.readouterr().err
    executor.stop_after = 90
    assert main(COMMAND) == 130
    assert summary()["complete"] is False
    assert len(summary()["searches"]) == 1
    executor.stop_after = None
    assert main(COMMAND) == 0
    assert summary()["complete"] is True
    assert max(Counter(unit.key for unit in executor.ran).values()) == 1
    assert len(executor.ran) == 81 + 15 + 2  # as above, but one seed less in the first search
    whole = summary()["searches"]
    assert main(COMMAND) == 0
    assert len(executor.ran) == 81 + 15 + 2
    assert summary()["searches"] == whole
    assert lab.started == ["CartpoleBalance"]
    assert "81 of 81 trainings were done before, and are not repeated" in capsys.readouterr().out


def test_a_diverged_run_ranks_last_and_a_lost_one_is_missing_until_it_is_run(lab, executor, few, capsys, own_folder):
    def error_of(settings):
        if settings["learning_rate"] == 0.01 and settings["layer_depth"] == 6:
            return "DivergenceError: the loss state with seed 1 diverged in epoch 1 of 2"
        one = tuple(settings[name] for name in ("learning_rate", "layer_width", "layer_depth", "dropout_rate")) == (
            0.0001,
            32,
            2,
            0.1,
        )
        return "its process was lost 2 times: killed" if one and lost else ""

    executor.error_of, lost = error_of, True
    assert main(COMMAND) == 1
    captured = capsys.readouterr()
    (failed,) = [line for line in captured.err.splitlines() if line.startswith("failed: ")]
    assert failed == (
        "failed: CartpoleBalance, learning-rate 0.0001, layer-width 32, layer-depth 2, dropout-rate 0.1, seed 1: its "
        "process was lost 2 times: killed"
    )
    assert "the same command tries again what did not diverge" in captured.err
    first = summary()["searches"][0]
    status = Counter(run["status"] for run in first["runs"])
    assert status == {"done": 71, "diverged": 9, "missing": 1}
    # 80 are ranked; nine diverged share 72 to 80.
    assert first["ranked"] == {"CartpoleBalance": 80}
    assert {run["rank"] for run in first["runs"] if run["status"] == "diverged"} == {76.0}
    assert {run["rank"] for run in first["runs"] if run["status"] == "missing"} == {None}
    with (own_folder / "out/tables/table-a2-3.csv").open(newline="") as file:
        lines = {line["value"]: line for line in csv.DictReader(file)}
    assert [lines[value]["diverged"] for value in ("0.01", "0.001", "0.0001")] == ["9", "0", "0"]
    assert [lines[value]["missing"] for value in ("0.01", "0.001", "0.0001")] == ["0", "0", "1"]
    assert [lines[value]["runs"] for value in ("0.01", "0.001", "0.0001")] == ["27", "27", "26"]
    assert "1 of 81 runs have no result: they are missing, and not ranked." in captured.out
    before, lost = len(executor.ran), False
    assert main(COMMAND) == 0
    assert len(executor.ran) == before + 1  # neither what is done nor what diverged
    assert Counter(run["status"] for run in summary()["searches"][0]["runs"]) == {"done": 72, "diverged": 9}


def test_without_any_run_there_is_nothing_to_go_on_with(lab, executor, few, capsys):
    executor.error_of = lambda settings: "WorkerError: no memory"
    assert main(COMMAND) == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("[")]
    assert len([line for line in lines if line.startswith("failed: ")]) == 10
    assert lines[-2] == "and 71 more; the same command tries again what did not diverge"
    assert lines[-1].startswith("dynsparse: expected runs of search 1 to choose by, all 81 are missing (WorkerError")
    assert len(executor.ran) == 81


def test_data_are_of_agents_as_good_as_the_paper_s_by_default(lab, executor, own_folder, only_line):
    # The environment of these tests is none that the agents have learned on.
    assert main(["search", "--out", "out"]) == 2
    assert "CartpoleBalance-paper.safetensors" in only_line()
    settings = json.loads((own_folder / "out/settings.json").read_text())["settings"]
    assert (settings["policy"], settings["rows"]) == ("paper", 4000)
    assert executor.ran == []


def test_data_of_another_folder_are_used(lab, executor, few, capsys):
    assert (
        main(
            [
                "reproduce",
                "--policy",
                "random",
                "--only",
                "q1",
                "--rows",
                "60",
                "--envs",
                "CartpoleBalance",
                "--out",
                "made",
            ]
        )
        == 0
    )
    more = ["search", "--data", "made", "--out", "found", "--split", "episode", "--width-table", "a2.2"]
    assert main([*more, "--decay-table", "a2.11"]) == 0
    found = summary("found")
    assert lab.started == ["CartpoleBalance"]
    assert executor.ran[0].context["dataset"].endswith("made/data/CartpoleBalance")
    assert found["searches"][0]["tried"]["layer-width"] == [512, 1024]
    assert found["searches"][1]["tried"]["weight-decay"] == [0.0, 0.01]
    assert found["followed"] == {"width_table": "a2.2", "decay_table": "a2.11"}
    assert found["split"] == "episode"
    wanted = "--split episode --data made"
    assert found["provenance"]["command"] == (
        f"dynsparse search --preset smoke --width-table a2.2 --decay-table a2.11 {wanted}"
    )
    assert "it also ranks layer-width 128 (399.47), 32 (420.80)" in capsys.readouterr().out


def test_a_folder_of_other_settings_is_refused(lab, executor, few, only_line, capsys):
    assert main(COMMAND) == 0
    ran = len(executor.ran)
    capsys.readouterr()
    assert main([*COMMAND, "--split", "episode"]) == 2
    assert "split is 'step' there and 'episode' here" in only_line()
    assert main([*COMMAND, "--width-table", "a2.2"]) == 2
    assert "width_table is 'a2.4' there and 'a2.2' here" in only_line()
    assert main([*COMMAND, "--policy", "novice"]) == 2
    assert "policy is 'random' there and 'novice' here" in only_line()
    assert len(executor.ran) == ran


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--data", "none"], 1, "expected none/data to hold data sets of CartpoleBalance"),
        (["--data", "none", "--rows", "60"], 2, "got --data too"),
        (["--data", "none", "--policy", "random"], 2, "got --data too"),
        (["--rows", "0"], 2, "rows must be a whole number of at least 1, got 0"),
        (["--envs", "CartpoleBalence"], 2, "CartpoleBalance"),
        (["--seed", "-1"], 2, "seed must be a whole number"),
        (["--address", "head:6379"], 2, "add --executor ray"),
    ],
)
def test_bad_usage_is_one_line(lab, own_folder, only_line, options, code, message):
    assert main(["search", "--out", "out", *options]) == code
    assert message in only_line()
    assert not (own_folder / "out").exists()


def test_a_data_set_of_another_environment_is_refused(own_folder, only_line):
    store(own_folder / "made/data/CartpoleBalance", made_arrays(episodes=2))
    assert main(["search", "--out", "out", "--data", "made"]) == 1
    assert "to be a data set of CartpoleBalance, it is one of Toy" in only_line()


def test_help_has_examples(capsys):
    assert main(["search", "--help"]) == 0
    assert "dynsparse search --preset smoke --out out/search" in capsys.readouterr().out


# --- real trainings ---------------------------------------------------------------------------------------------


def tiny_plan(path, **changed):
    """Three searches of tiny networks on a toy system."""
    grids = (
        SearchGrid(1, (SearchRange("learning_rate", (0.01, 1e30)), SearchRange("layer_depth", (1,))), 2),
        SearchGrid(2, (SearchRange("layer_width", (4, 8)),), 2),
        SearchGrid(3, (SearchRange("activation", ("elu", "leaky-relu")),), 2),
    )
    settings = LearnSettings(layer_width=4, batch_size=16, epochs=2, split="step", test_split=0.2)
    return SearchPlan({"Toy": path}, grids, dataclasses.replace(settings, **changed), 1, {})


def test_real_trainings_rank_by_their_last_test_error(own_folder, capsys):
    path = own_folder / "data"
    store(path, made_arrays(episodes=6))
    executor = LocalExecutor(1)
    assert run_search(tiny_plan(path), own_folder / "out", executor, "test") == 0
    first, second, third = summary()["searches"]
    # A learning rate of 1e30 diverges, which is a result.
    rate = first["hyperparameters"][0]
    assert [(row["value"], row["diverged"], row["mean_rank"]) for row in rate["values"]] == [
        *((0.01, 0, 1.5), (1e30, 2, 3.5))
    ]
    assert first["choices"]["learning-rate"] == 0.01
    for search in (second, third):
        assert len(search["runs"]) == 4
        for run in search["runs"]:
            record = json.loads((own_folder / f"out/units/{run['key']}.json").read_text())
            assert record["result"]["curve"]["test_step"][-1] == run["loss"]
            assert record["unit"]["settings"]["learning_rate"] == 0.01
            assert record["arrays"] is None
    assert third["fixed"]["layer_width"] == second["choices"]["layer-width"]
    before = {file: file.stat().st_mtime_ns for file in (own_folder / "out/units").glob("*.json")}
    capsys.readouterr()
    assert run_search(tiny_plan(path), own_folder / "out", executor, "test") == 0
    assert {file: file.stat().st_mtime_ns for file in (own_folder / "out/units").glob("*.json")} == before
    assert summary()["searches"] == [first, second, third]


def test_data_too_small_to_split_leave_every_run_missing(own_folder, capsys):
    path = own_folder / "data"
    store(path, made_arrays(episodes=2))
    with pytest.raises(ExecutorError, match=r"all 4 are missing \(SettingError: a test split of 0.2 of 2 episodes"):
        run_search(tiny_plan(path, split="episode"), own_folder / "out", LocalExecutor(1), "test")
    assert "failed: Toy, learning-rate 0.01, layer-depth 1, seed 1" in capsys.readouterr().err
