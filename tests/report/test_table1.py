from __future__ import annotations

import csv
import dataclasses
import json

import numpy as np
import pytest

from dynsparse.analysis.global_sparsity import ThresholdPoint
from dynsparse.errors import OutputError
from dynsparse.report.item import write_items
from dynsparse.report.table1 import about_thresholds, in_paper, make_table1, paper_table1
from dynsparse.report.table1_item import table1_item, write_table1


def test_the_paper_s_table_is_the_one_typed_from_the_paper(checkout):
    with (checkout / "tests/reference/table1.csv").open(newline="") as file:
        typed = list(csv.DictReader(file))
    packaged = paper_table1()
    assert list(packaged) == [line["environment"] for line in typed]
    for line in typed:
        row = packaged[line["environment"]]
        assert (row.state_dim, row.action_dim) == (int(line["state_dim"]), int(line["action_dim"]))
        assert (row.always_zero_state, row.always_zero_action) == (int(line["state_zeros"]), int(line["action_zeros"]))
        # The percentage is printed too, and rests on the dimensions: a check on both.
        assert float(line["state_percent"]) == pytest.approx(100 * row.always_zero_state / row.state_dim**2, abs=0.005)


def test_measured_counts_stand_beside_the_paper_s(make_record):
    reacher = np.zeros((4, 4))
    reacher[1:, 0] = 1.0
    (cartpole, arm), _ = make_table1([make_record(), make_record("ReacherHard", state=reacher)])
    assert (cartpole.always_zero_state, cartpole.paper_always_zero_state, cartpole.equals_paper) == (3, 0, False)
    assert cartpole.always_zero_state_fraction == 3 / 16
    assert (arm.always_zero_state, arm.paper_always_zero_state, arm.equals_paper) == (3, 3, True)


def test_one_action_element_too_many_is_not_equal(make_record):
    record = make_record("ReacherHard", action=[[1.0], [0.0], [0.0], [0.0]])
    (row,), _ = make_table1([record])
    assert (row.always_zero_action, row.paper_always_zero_action, row.equals_paper) == (1, 0, False)


def test_an_environment_outside_the_paper_is_compared_with_nothing(make_record):
    (row,), _ = make_table1([make_record("PendulumSwingup")])
    assert (row.paper_always_zero_state, row.equals_paper) == (None, None)
    both, _ = make_table1([make_record("PendulumSwingup"), make_record()])
    assert not in_paper([row]) and in_paper(both)


def test_the_range_of_thresholds_with_the_same_count_is_found(make_record):
    def sweep(*counts):
        return tuple(ThresholdPoint(10.0 ** (-17 + i), 0.0, count, 0) for i, count in enumerate(counts))

    record = make_record("ReacherHard")
    for counts, expected in [
        ((0, 1, 3, 3, 3, 5), (1e-15, 1e-13)),
        ((3, 3, 3, 7), (1e-17, 1e-15)),
        ((), (1e-15, 1e-15)),
    ]:
        sparsity = dataclasses.replace(record.global_sparsity, threshold_sweep=sweep(*counts))
        (row,), _ = make_table1([dataclasses.replace(record, global_sparsity=sparsity)])
        assert (row.same_count_from_atol, row.same_count_to_atol) == pytest.approx(expected)
        said = about_thresholds([row])
        assert bool(said) == (expected[0] == expected[1])
    assert said == ("ReacherHard: this count of ∂s'/∂s depends on round-off; look at it with --atol 1e-12.",)
    assert about_thresholds([dataclasses.replace(row, atol=1e-9)]) == ()


def test_csv_and_json_hold_the_same_table(make_record, tmp_path):
    rows, causes = make_table1([make_record()])
    csv_path, *_ = write_items([table1_item(rows, causes, [])], tmp_path / "new")
    json_path = write_table1(tmp_path / "new", rows, causes, {"seed": 0})
    with csv_path.open(newline="") as file:
        (line,) = csv.DictReader(file)
    content = json.loads(json_path.read_text())
    assert {key: str(value) for key, value in content["table"][0].items()} == line
    assert line["always_zero_state_fraction"] == "0.1875"
    assert content["causes"][0]["column"] == "qpos slider"
    assert (content["schema"], content["provenance"]) == (2, {"seed": 0})


def test_a_missing_environment_has_what_the_paper_prints_and_nothing_else(make_record):
    rows, causes = make_table1([make_record()])
    item = table1_item(rows, causes, ["WalkerRun", "Mine"])
    assert item.cells[1] == (
        "WalkerRun", "18", "6", "missing: not analysed", "17", "-", "0", "-", "-", "-", "-", "-",
    )  # fmt: skip
    values = dict(zip(item.fields, item.values[1], strict=True))
    assert {name: value for name, value in values.items() if value is not None} == {
        "environment": "WalkerRun", "state_dim": 18, "action_dim": 6, "paper_always_zero_state": 17,
        "paper_always_zero_action": 0,
    }  # fmt: skip
    assert item.cells[2][:4] == ("Mine", "-", "-", "missing: not analysed")


def test_a_place_that_can_not_be_written_is_a_typed_error(make_record, tmp_path):
    (tmp_path / "file").write_text("")
    rows, causes = make_table1([make_record()])
    with pytest.raises(OutputError, match="expected to write"):
        write_table1(tmp_path / "file" / "sub", rows, causes, {})
