"""The table of runs: every one is there, and every one that lacks is counted as what it is."""

from __future__ import annotations

import pytest

from dynsparse.errors import InputError
from dynsparse.report.learning_records import LearningRecords, read_learning_records
from dynsparse.report.learning_table import ExpectedRuns, make_learning_table

from .invented_learning import ENVIRONMENTS, LOSSES, REFEREES, referees, sweep_of, training, write


def table_of(folder, records, expected=None):
    return make_learning_table(read_learning_records(write(folder, records)), expected)


def test_a_whole_sweep_has_a_row_for_each_run_and_test_set(tmp_path):
    table = table_of(tmp_path, sweep_of())
    assert len(table.rows) == 2 * (8 * 5 * 3 + 8 * 5)
    assert set(table.environments) == set(ENVIRONMENTS) and table.losses == LOSSES
    assert table.referees == REFEREES and table.seeds == (0, 1, 2) and table.splits == ("step", "episode")
    assert table.missing == () and table.left_out == 0
    assert table.settings == {"learning_rate": 0.002, "epochs": 100, "atol": 1e-12}
    assert table.sizes["CheetahRun"] == {"train": 16000, "step": 2000, "episode": 2000}


def test_environments_stand_as_in_the_paper_and_others_after_them(tmp_path):
    table = table_of(tmp_path, [training(name, "state", 0) for name in ("Zebra", "WalkerRun", "BallInCup", "Ant")])
    assert table.environments == ("BallInCup", "WalkerRun", "Ant", "Zebra")


def test_every_run_is_counted_once(tmp_path):
    runs = [("CartpoleBalance", "state", seed) for seed in range(4)]
    records = [
        training(*runs[0]),
        training(*runs[1], failed=True),
        training(*runs[3], splits=("step",)),
        training("CheetahRun", "state", 0),
    ]
    table = table_of(tmp_path, records, ExpectedRuns(("CartpoleBalance", "CheetahRun"), ("state",), (0, 1, 2, 3)))
    for split, values, absent in (("step", [0, 3], 1), ("episode", [0], 2)):
        found = table.values("prediction.mse", split, "state")
        assert list(found.by_seed["CartpoleBalance"]) == values
        assert (found.failed["CartpoleBalance"], found.absent["CartpoleBalance"]) == (1, absent)
        assert (found.failed["CheetahRun"], found.absent["CheetahRun"]) == (0, 3)
        # The environment has no changing element: undefined, never 0.
        changing = table.values("normalized.auprc_changing", split, "state")
        assert changing.by_seed["CartpoleBalance"] == {}
        assert changing.undefined["CartpoleBalance"] == len(values)
    states = [(row.environment, row.seed, row.split, row.status) for row in table.missing]
    assert states == [
        ("CartpoleBalance", 1, "step", "failed"),
        ("CartpoleBalance", 2, "step", "absent"),
        ("CartpoleBalance", 3, "episode", "absent"),
        *(("CheetahRun", seed, "step", "absent") for seed in (1, 2, 3)),
    ]


def test_what_is_not_expected_is_left_out_and_counted(tmp_path):
    table = table_of(tmp_path, sweep_of(), ExpectedRuns(("CheetahRun",), ("state",), (0, 1)))
    assert table.left_out == 8 * 5 * 3 - 2
    assert {row.environment for row in table.rows} == {"CheetahRun"}


def test_runs_of_an_earlier_command_stand_beside_those_asked_for_now(tmp_path):
    """Two losses were asked for with two seeds, then one of them with three: nobody asked for seed 2 of the other."""
    runs = [("CheetahRun", LOSSES[0], seed) for seed in range(3)] + [("CheetahRun", LOSSES[1], seed) for seed in (0, 1)]
    records = read_learning_records(write(tmp_path, [training(*run, failed=run == runs[-1]) for run in runs]))
    table = make_learning_table(records, ExpectedRuns(("CheetahRun",), (LOSSES[0],), (0, 1, 2), frozenset(runs)))
    assert (table.losses, table.seeds, table.trainings, table.left_out) == (LOSSES[:2], (0, 1, 2), 5, 0)
    assert sorted((row.environment, row.label, row.seed) for row in table.rows if row.split == "step") == sorted(runs)
    assert [(row.label, row.seed, row.status) for row in table.missing] == [(LOSSES[1], 1, "failed")]
    assert table.seeds_of("CheetahRun", LOSSES[1:2]) == (0, 1)
    assert table.seeds_of("CheetahRun", LOSSES) == (0, 1, 2)
    values = table.values("prediction.mse", "step", LOSSES[1])
    assert (values.expected("CheetahRun"), values.absent["CheetahRun"]) == (2, 0)


def test_an_earlier_command_may_have_asked_for_other_environments(tmp_path):
    run = ("WalkerRun", "state", 0)
    expected = ExpectedRuns(("CheetahRun",), ("state-jacobian",), (1,), frozenset({run}))
    assert expected.runs == {run, ("CheetahRun", "state-jacobian", 1)}
    table = table_of(tmp_path, [training(*run), training("CheetahRun", "state-jacobian", 1)], expected)
    assert table.environments == ("CheetahRun", "WalkerRun") and table.missing == () and table.trainings == 2


def test_expected_runs_without_any_record_are_missing(tmp_path):
    table = table_of(tmp_path, [training("CheetahRun", "state", 0)], ExpectedRuns(("WalkerRun",), ("state",), (0,)))
    assert [(row.environment, row.status) for row in table.missing] == [("WalkerRun", "absent")]
    assert table.settings == {} and table.left_out == 1 and table.splits == ("step",)


def test_all_runs_failed_is_a_table_of_failures():
    table = make_learning_table(LearningRecords((), ()), ExpectedRuns(("CheetahRun",), ("state",), (0,)))
    assert len(table.missing) == 1 and not table.has("prediction.mse", "step")


def test_failed_referees_are_missing_ones(tmp_path):
    records = [training(name, "state", 0) for name in ("CheetahRun", "WalkerRun", "BallInCup")]
    table = table_of(tmp_path, [*records, referees("CheetahRun"), referees("WalkerRun", failed=True)])
    found = table.values("normalized.auprc", "step", "truth")
    assert found.by_seed == {"CheetahRun": {0: 1.0}, "WalkerRun": {}, "BallInCup": {}}
    assert (found.failed["WalkerRun"], found.absent["BallInCup"]) == (1, 1)


def test_a_run_counts_only_if_it_has_other_metrics_too(tmp_path):
    table = table_of(tmp_path, sweep_of(("CartpoleBalance", "CheetahRun"), ("state",)))
    found = table.values("normalized.auprc", "step", "state", ["normalized.auprc_changing"])
    assert {name: len(by_seed) for name, by_seed in found.by_seed.items()} == {"CartpoleBalance": 0, "CheetahRun": 3}
    assert found.undefined == {"CartpoleBalance": 3, "CheetahRun": 0}


@pytest.mark.parametrize("environment", ["CheetahRun", "WalkerRun"])
def test_trainings_with_other_settings_are_not_averaged(tmp_path, environment):
    records = [training("CheetahRun", "state", 0), training(environment, "state-jacobian", 1, learning_rate=0.1)]
    with pytest.raises(InputError, match=r"same settings .* got learning_rate = 0\.002 in .* and 0\.1 in"):
        table_of(tmp_path, records)


def test_settings_of_the_second_term_may_differ_between_losses_only(tmp_path):
    same = [training("CheetahRun", "state", 0, jacobian_directions=0)]
    same += [training("CheetahRun", "state-jacobian", seed, jacobian_directions=4) for seed in (0, 1)]
    table = table_of(tmp_path / "same", same)
    assert table.loss_settings == {"state": {"jacobian_directions": 0}, "state-jacobian": {"jacobian_directions": 4}}
    assert "jacobian_directions" not in table.settings
    with pytest.raises(InputError, match=r"jacobian_directions = 4 in .* and 8 in"):
        table_of(tmp_path / "other", [*same, training("CheetahRun", "state-jacobian", 2, jacobian_directions=8)])


def test_trainings_on_other_data_are_not_averaged(tmp_path):
    other = training("CheetahRun", "state", 1)
    other["unit"]["dataset"]["rows"] = 7
    with pytest.raises(InputError, match=r"same data .* got rows = 20000 in .* and 7 in"):
        table_of(tmp_path, [training("CheetahRun", "state", 0), other])
