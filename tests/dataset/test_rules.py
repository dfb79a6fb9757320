"""The rules that rows obey: commit refuses what breaks one, verify finds it where it was stored all the same."""

from __future__ import annotations

import re

import numpy as np
import pytest

from dynsparse.dataset import create_dataset, finite_rows, verify_dataset, writer
from dynsparse.dataset.rows import row_problems
from dynsparse.errors import ArrayError

from .toy import block_arrays, describe

TOY = describe(rows=16)  # blocks 0 and 1 hold rows 0 to 5 and 6 to 11, block 2 the rows 12 to 14 and 15 of episode 5


def put(name, row, value):
    def damage(arrays):
        arrays[name][row] = value

    return damage


def swap_rows(arrays):
    for name in ("state", "next_state"):
        arrays[name][[0, 1]] = arrays[name][[1, 0]]


def negative_zero(arrays):
    arrays["next_state"][1, 0], arrays["state"][2, 0] = -0.0, 0.0


BROKEN = {
    "episode": (put("episode", 4, 2), "row 10 of all: episode must be"),
    "t": (put("t", slice(1, 3), 0), r"row 7 of all: t must count .* \(and 1 more row\)"),
    "terminated": (put("terminated", 0, True), "row 6 of all: terminated must be false before"),
    "truncated": (put("truncated", 4, True), "row 10 of all: truncated must be false before"),
    "next_state": (put("next_state", (1, 2), 0.5), "row 7 of all: next_state must be bitwise"),
    "order of rows": (swap_rows, "row 6 of all: next_state must be bitwise"),
    "sign of zero": (negative_zero, "row 7 of all: next_state must be bitwise"),
    "NaN of the derivative": (put("jac_action", (2, 1, 1), np.nan), "row 8 of all: finite must say"),
    "infinity": (put("solver_residual", 5, np.inf), "row 11 of all: finite must say"),
    "finite": (put("finite", 3, False), "row 9 of all: finite must say"),
    "warm start": (put("warmstart", (3, 0), np.nan), "row 9 of all: warmstart must be finite where"),
    "action too low": (put("action", (1, 0), -1.01), "row 7 of all: action must lie inside"),
    "action too high": (put("action", (5, 0), 1.01), "row 11 of all: action must lie inside"),
    "constraint": (
        put("constraint_active_start", (2, 3), True),
        "row 8 of all: a constraint that is active at the first",
    ),
}


def broken(case):
    arrays = block_arrays(TOY, 1)
    arrays["constraint_active"][2, 3] = False
    BROKEN[case][0](arrays)
    return arrays


@pytest.mark.parametrize("case", BROKEN)
def test_commit_refuses_a_broken_rule_and_writes_nothing(tmp_path, case):
    with create_dataset(tmp_path / "data", TOY) as writer:
        with pytest.raises(ArrayError, match=f"block 1: .*{BROKEN[case][1]}"):
            writer.commit(1, broken(case))
        assert writer.missing == (0, 1, 2)
    assert not list((tmp_path / "data").glob("*/c/*"))


@pytest.mark.parametrize("case", BROKEN)
def test_verify_finds_a_broken_rule_whose_hashes_are_right(tmp_path, case, monkeypatch):
    monkeypatch.setattr(writer, "row_problems", lambda *args: [])
    with create_dataset(tmp_path / "data", TOY) as opened:
        for block in (0, 2):
            opened.commit(block, block_arrays(TOY, block))
        opened.commit(1, broken(case))
    report = verify_dataset(tmp_path / "data")
    assert not report.ok
    assert report.rows == 10
    assert any(re.search(BROKEN[case][1], problem) for problem in report.problems)
    assert all(problem.startswith("block 1: ") for problem in report.problems)


def test_number_of_rows_that_break_a_rule_is_told_in_words_of_that_number():
    for wrong, told in ((1, "must be the row divided by 3"), (2, "(and 1 more row)"), (3, "(and 2 more rows)")):
        arrays = block_arrays(TOY, 1)
        arrays["episode"][:wrong] = 9
        (problem,) = row_problems(TOY, 1, arrays)
        assert problem.endswith(told)


def test_sound_rows_break_no_rule():
    for block in range(TOY.blocks):
        assert row_problems(TOY, block, block_arrays(TOY, block)) == []


def test_episode_cut_short_by_the_end_of_the_rows_may_be_truncated_there():
    arrays = block_arrays(TOY, 2)
    assert arrays["truncated"].tolist() == [False, False, True, True]
    longer = describe(rows=17)
    arrays = {name: array[:4] for name, array in block_arrays(longer, 2).items()}
    arrays["truncated"][3] = True
    with pytest.raises(ValueError, match="broadcast"):
        row_problems(longer, 2, arrays)  # row 16 is missing


def test_states_that_became_infinite_are_kept_when_they_are_marked():
    arrays = block_arrays(TOY, 1)
    for name, rows in (("next_state", slice(1, 3)), ("state", 2), ("warmstart", 2)):
        arrays[name][rows] = np.nan
    arrays["finite"] = finite_rows(arrays)
    assert arrays["finite"].tolist() == [True, False, False, True, True, True]
    assert row_problems(TOY, 1, arrays) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: a.pop("reward"), "reward is missing; see .fields()"),
        (lambda a: a.update(rewards=a["reward"]), "rewards is unknown"),
        (
            lambda a: a.update(jac_action=a["jac_action"].swapaxes(1, 2)),
            r"jac_action must be float64 \(6, 3, 2\), got float64 \(6, 2, 3\)",
        ),
        (lambda a: a.update(t=a["t"].astype(np.int32)), r"t must be int64 \(6,\), got int32"),
        (lambda a: a.update(finite=a["finite"].astype(float)), "finite must be bool"),
        (lambda a: a.update(state=a["state"].astype(np.float32)), "state must be float64"),
        (lambda a: a.update(reward=a["reward"][:5]), r"reward must be float64 \(6,\), got float64 \(5,\)"),
    ],
)
def test_wrong_arrays_are_named(tmp_path, change, message):
    arrays = block_arrays(TOY, 1)
    change(arrays)
    with create_dataset(tmp_path / "data", TOY) as opened, pytest.raises(ArrayError, match=message):
        opened.commit(1, arrays)
