"""Models on plain autodiff's Jacobians: trained where these differ, once, and again where it was otherwise."""

from __future__ import annotations

import dataclasses
from functools import partial
from types import SimpleNamespace

import pytest

from dynsparse.analysis.derivative_record import DerivativeRecord
from dynsparse.cli import main, relearning
from dynsparse.cli.learning_run import LearningPlan
from dynsparse.cli.relearning import relearn
from dynsparse.dataset import create_dataset
from dynsparse.executor import Answer, CheckedResult, Event, UnitStore, run_units
from dynsparse.learning.settings import LearnSettings

from ..report.invented_comparisons import derivatives, stack

NAMES = ("CartpoleBalance", "ReacherHard", "WalkerRun")
SETTINGS = LearnSettings(layer_width=4, layer_depth=1, batch_size=4, epochs=3, test_split=0.25)


class Canned:
    """Answers every training with an AUPRC of half a point a seed."""

    def __init__(self):
        self.ran, self.failing = [], set()

    def run(self, units, folder, on_event):
        for unit in units:
            name, settings = unit.arguments["environment"], unit.arguments["settings"]
            self.ran.append((name, settings["loss"], settings["seed"]))
            on_event(Event("started", unit))
            on_event(Event("progress", unit, settings["epochs"], settings["epochs"], ""))
            if name in self.failing:
                yield Answer(unit, None, "WorkerError: no memory")
                continue
            scores = {"schema": 1, "environment": name, "normalized": {"auprc": 0.5 * settings["seed"]}}
            yield Answer(unit, CheckedResult({"environment": name, "final": {"step": scores}, "initial": {}}))


@pytest.fixture
def out(lab, own_folder, monkeypatch):
    """A study's folder: three data sets, of which plain autodiff differs in two."""
    words = ["reproduce", "--only", "q1", "--out", "out", "--policy", "random", "--rows", "40", "--no-explore"]
    assert main([*words, "--envs", *NAMES]) == 0
    out = own_folder / "out"
    for name, zeros in zip(NAMES, (0, 2, 0), strict=True):
        record = derivatives(name, stack(zeros), stack(zeros))
        assert record.differs == (name != "ReacherHard")
        record.save(out / "analysis" / name)

    def twin(dataset, env, path, *, workers, on_rows):
        description = dataclasses.replace(dataset.description, derivative="autodiff")
        with create_dataset(path, description, resume=True) as writer:
            for block in dataset.blocks():
                if block.number in writer.missing:
                    writer.commit(block.number, block.arrays)
        on_rows(dataset.rows)

    monkeypatch.setattr("dynsparse.cli.derivative_learning.write_twin", twin)
    monkeypatch.setattr("dynsparse.learning.learn_data.refuse_too_small", lambda *_: None)
    monkeypatch.setattr(
        "dynsparse.cli.stored.environment_of", lambda dataset: SimpleNamespace(name=dataset.environment)
    )
    return out


@pytest.fixture
def learn(out):
    """Train in a study's folder."""
    datasets = {name: out / "data" / name for name in NAMES}
    return partial(relearn, datasets, out, workers=1)


def scores(out, name):
    return [(s.derivative, s.seed, s.metrics["normalized.auprc"]) for s in DerivativeRecord.load(out / name).scores]


def test_trained_where_plain_autodiff_differs_and_told(out, learn, capsys):
    executor = Canned()
    assert learn(SETTINGS, (1,), executor) == {}
    # Both losses on either derivative, of the two environments alone.
    assert [name for name, _, _ in executor.ran] == ["CartpoleBalance"] * 4 + ["WalkerRun"] * 4
    found = scores(out / "analysis", "WalkerRun")
    assert found == [("exact", 1, 0.5)] * 2 + [("autodiff", 1, 0.5)] * 2
    assert scores(out / "analysis", "ReacherHard") == []
    err = capsys.readouterr().err
    assert "CartpoleBalance: linearize" in err and "WalkerRun: learn" in err and "WalkerRun: 4 models" in err
    again = Canned()
    assert learn(SETTINGS, (1,), again) == {} and again.ran == []


def test_trained_again_where_it_was_trained_otherwise(out, learn, capsys):
    learn(SETTINGS, (1,), Canned())
    more = Canned()
    assert learn(SETTINGS, (1, 2), more) == {}
    # What is done of it is not repeated; the record has the new seeds too.
    assert {seed for _, _, seed in more.ran} == {2} and len(more.ran) == 8
    assert {seed for _, seed, _ in scores(out / "analysis", "WalkerRun")} == {1, 2}
    assert "trained again: WalkerRun: the models on record were trained otherwise" in capsys.readouterr().out
    longer = Canned()
    assert learn(dataclasses.replace(SETTINGS, epochs=5), (1, 2), longer) == {} and len(longer.ran) == 16


def test_one_that_fails_stops_no_other_and_keeps_its_record(out, learn):
    executor = Canned()
    executor.failing = {"CartpoleBalance"}
    failed = learn(SETTINGS, (1,), executor)
    assert list(failed) == ["CartpoleBalance, learning by either derivative"]
    assert "4 of 4 trainings of CartpoleBalance failed" in str(next(iter(failed.values())))
    assert scores(out / "analysis", "CartpoleBalance") == [] and len(scores(out / "analysis", "WalkerRun")) == 4


def test_what_q4_trained_is_not_trained_again(out, learn):
    plan = LearningPlan({"WalkerRun": out / "data/WalkerRun"}, ("state", "state-jacobian-l1"), (1,), SETTINGS)
    done = [unit for unit in plan.units() if unit.arguments["kind"] == "train"]
    store = UnitStore(out / "learning/units")
    assert run_units(done, store, Canned()).complete
    executor = Canned()
    assert learn(SETTINGS, (1,), executor, beside=store.folder) == {}
    # On the exact Jacobians it is the very unit of Q4; on the twin, and of another environment, it is not.
    assert [name for name, _, _ in executor.ran] == ["CartpoleBalance"] * 4 + ["WalkerRun"] * 2
    assert scores(out / "analysis", "WalkerRun") == [("exact", 1, 0.5)] * 2 + [("autodiff", 1, 0.5)] * 2


def test_where_nothing_was_compared_nothing_is_trained(out, learn, monkeypatch):
    monkeypatch.setattr(relearning, "holds_derivatives", lambda place: False)
    executor = Canned()
    assert learn(SETTINGS, (1,), executor) == {} and executor.ran == []
