"""The part on the data: which elements appear, and where, in sentences and tables."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest

from dynsparse.analysis.episode_sparsity import EpisodeSparsityCount
from dynsparse.analysis.policy_record import PolicyRecord
from dynsparse.analysis.rows import RowBlock
from dynsparse.errors import ArrayError
from dynsparse.report.compared_numbers import QUANTITIES, Compared, about_verdicts, corrected
from dynsparse.report.episode_statistics import EpisodeMean
from dynsparse.report.item import write_items
from dynsparse.report.policy_part import policy_part

from .invented_comparisons import EPISODES, NUMBER, STEPS, T, policies, policy_rows, split, stack


def test_the_row_that_makes_the_difference_is_named():
    part = policy_part({"CartpoleBalance": policies("CartpoleBalance"), "Other": policies("Other")})
    text = "\n".join(part.sentences)
    assert (
        "CartpoleBalance has always-zero elements of ∂s'/∂s by the data: 1 under paper, 0 under random; "
        "the paper prints 0, that under random." in text
    )
    assert "Other has always-zero elements of ∂s'/∂s by the data: 1 under paper, 0 under random." in text
    # One row shows that the element is not always zero, and not what it is that switches it on.
    assert (
        "Other: d next qpos slider / d qpos slider is always zero under paper, and not in 1 of 40 rows of random, "
        "where joint limit slider is active; first under random in episode 3 at step 9, where d next qpos slider / d "
        "qpos slider is -3 at qpos slider 1.81. Not enough data to say that this is what switches it on: 1 active row "
        "in 1 episode, of 30 in 3 that it takes." in text
    )
    assert part.sentences[0] == (
        "The counts of always-zero elements (Q1) depend on the data in 2 of 2 environments: CartpoleBalance and Other."
    )
    # One element of six in one row of ten of one episode: 0.4 points of shares, which four episodes can not tell.
    assert (
        "Under the random policy the share of zeros can not be told from that of the paper policy in CartpoleBalance "
        "and Other (4 episodes each)." in text
    )


def test_a_constraint_is_said_to_switch_elements_on_where_rows_enough_show_it():
    """Thirty-two rows of all four episodes: eight of each, in which the limit is on and the element is not zero."""
    moved = stack(1)
    on = np.tile(np.arange(STEPS) < 8, EPISODES)
    moved[on, 0, 0] = -3.0
    rows = (policy_rows("random", moved, [8] * EPISODES), policy_rows("paper", stack(1), [0] * EPISODES))
    record = policies("CartpoleBalance")
    (group,) = record.groups
    group = replace(
        group, nonzero={"random": (32,), "paper": (0,)}, active={"random": 32, "paper": 0},
        both={"random": 32, "paper": 0}, rows=(),
    )  # fmt: skip
    text = "\n".join(policy_part({"CartpoleBalance": replace(record, policies=rows, groups=(group,))}).sentences)
    assert (
        "CartpoleBalance: d next qpos slider / d qpos slider is always zero under paper, and non-zero only where joint "
        "limit slider is active: in all of 32 such rows, in 4 episodes (32 of 40 rows of random; never of paper)."
        in text
    )


def test_one_checkpoint_under_two_names_is_said_to_be_one_and_never_compared():
    record = replace(policies("Toy"), same_as={"expert": "paper"})
    part = policy_part({"Toy": record, "Other": replace(policies("Other"), same_as={"expert": "paper"})})
    assert "In Toy and Other paper and expert are one checkpoint: measured once, and not compared." in part.sentences
    assert not any("Under the expert policy" in sentence for sentence in part.sentences)
    (table,) = (item for item in part.items if item.name == "policies")
    assert [cells[1] for cells in table.cells] == ["random", "paper = expert"] * 2
    values = [dict(zip(table.csv_fields, row, strict=True)) for row in table.values]
    assert [(row["policy"], row["same_as"]) for row in values[:2]] == [("random", None), ("paper", "expert")]


def test_only_full_episodes_have_a_return_and_short_ones_are_not_the_papers():
    record = policies("Toy")
    whole = stack(1)[:-4]  # the last episode is cut short by the number of rows
    count = EpisodeSparsityCount(2, 1, temporal=True)
    count.update(RowBlock.from_arrays(*split(whole), 1e-15, episode=NUMBER[:-4], t=T[:-4]))
    cut = replace(record.policies[1], sparsity=count.result(), returns=np.array([3.0, 4.0, 8.0, 1.0]))
    record = replace(record, policies=(cut,), groups=())
    np.testing.assert_array_equal(record.full_returns(cut), [3.0, 4.0, 8.0])
    (table,) = (item for item in policy_part({"Toy": record}).items if item.name == "policies")
    (row,) = [dict(zip(table.csv_fields, line, strict=True)) for line in table.values]
    assert (row["return"], row["full_episodes"], row["episodes"], row["episode_steps"]) == (5.0, 3, 4, 10)
    assert table.notes[-1] == (
        "Returns of episodes of 10 control steps are not to be held against the paper's, which are of 1,000."
    )


def test_verdicts_count_how_many_comparisons_there_are():
    mean, change = EpisodeMean(0.5, 0.4, 0.6, 4), EpisodeMean(0.1, 0.02, 0.18, 4, (-1.0, 1.0))
    row = Compared("E", "random", QUANTITIES[0], mean, mean, change, chance=0.01)
    nothing = replace(row, chance=0.5, change=replace(change, low=-0.4))
    (alone,) = corrected([row])
    assert (alone.verdict, alone.corrected) == ("more", 0.01)
    # Holm: 0.01 x 10, though its own interval leaves zero out.  What is equal in every episode is not counted.
    many = corrected([row, *[nothing] * 9, replace(row, is_equal=True, chance=None)])
    assert [(one.verdict, one.corrected) for one in (many[0], many[-1])] == [("not told", 0.1), ("equal", None)]
    assert about_verdicts(many).startswith("0 of 10 comparisons of Q2 and Q3 tell a difference")
    wide = replace(nothing, change=replace(change, low=-0.6, high=0.8))
    few = replace(nothing, change=replace(change, low=None, high=None), chance=None)
    assert [one.verdict for one in corrected([wide, few])] == ["not enough data"] * 2
    assert replace(nothing, change=replace(change, low=-0.001, high=0.001), corrected=0.5).verdict == "within"


def test_equal_data_are_called_equal():
    record = replace(
        policies("Toy"), policies=(policy_rows("paper", stack(1), [0] * 4), policy_rows("expert", stack(1), [0] * 4)),
        groups=(),
    )  # fmt: skip
    text = "\n".join(policy_part({"Toy": record}).sentences)
    assert "The counts of always-zero elements (Q1) do not depend on the data in any of 1 environment: Toy." in text
    assert (
        "Under the expert policy the share of zeros is exactly that of the paper policy in every episode in Toy (4 "
        "episodes each)." in text
    )


def test_what_no_constraint_explains_and_round_off():
    record = policies("Toy")
    (group,) = record.groups
    text = "\n".join(policy_part({"Toy": replace(record, groups=(replace(group, constraints=(), rows=()),))}).sentences)
    assert "and not in 1 of 40 rows of random; no few constraints are active in all of these." in text
    tiny = replace(group, constraints=(), largest=(3e-14,), rows=())
    text = "\n".join(policy_part({"Toy": replace(record, groups=(tiny,))}).sentences)
    assert "and elsewhere at most 3e-14, which is round-off." in text


def test_policies_that_there_are_none_of_are_named():
    part = policy_part({"Toy": policies("Toy", {"expert": "there is none"})})
    assert part.sentences[-1] == "Not measured under expert, which there is none of: Toy."


def test_files(tmp_path):
    part = policy_part({"Toy": policies("Toy")})
    assert [item.name for item in part.items] == [
        "policies-by-environment",
        "policies",
        "policies-differences",
        "policies-elements",
    ]
    write_items(part.items, tmp_path)
    rows = list(csv.DictReader((tmp_path / "tables" / "policies-elements.csv").read_text().splitlines()))
    assert [(row["policy"], row["nonzero_rows"], row["active_rows"], row["first_t"]) for row in rows] == [
        ("random", "1", "1", "9"),
        ("paper", "0", "0", ""),
    ]
    assert (tmp_path / "figures" / "policies-by-environment.pdf").exists()


def test_records_come_back_and_others_are_refused(tmp_path):
    record = policies("Toy", {"expert": "there is none"})
    record.save(tmp_path)
    assert PolicyRecord.load(tmp_path).to_dict() == record.to_dict()
    with pytest.raises(ArrayError, match="elements that differ in groups"):
        replace(record, groups=())
    (group,) = record.groups
    with pytest.raises(ArrayError, match="as its zeros say"):
        replace(record, groups=(replace(group, nonzero={"random": (2,), "paper": (0,)}),))
    with pytest.raises(ArrayError, match="each policy once"):
        replace(record, policies=record.policies[:1] * 2)
    with pytest.raises(ArrayError, match="constraints by the names"):
        replace(record, constraint_names=())


def test_without_records_it_says_so():
    assert policy_part({}).sentences == ("No policies were compared.",)
