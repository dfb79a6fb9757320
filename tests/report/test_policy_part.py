"""The part on the data: which elements appear, and where, in sentences and tables."""

from __future__ import annotations

import csv
from dataclasses import replace

import pytest

from dynsparse.analysis.policy_record import PolicyRecord
from dynsparse.errors import ArrayError
from dynsparse.report.item import write_items
from dynsparse.report.policy_part import policy_part

from .invented_comparisons import policies, policy_rows, stack


def test_the_row_that_makes_the_difference_is_named():
    part = policy_part({"CartpoleBalance": policies("CartpoleBalance"), "Other": policies("Other")})
    text = "\n".join(part.sentences)
    assert (
        "CartpoleBalance has always-zero elements of ∂s'/∂s by the data: 1 under paper, 0 under random; "
        "the paper prints 0." in text
    )
    assert "Other has always-zero elements of ∂s'/∂s by the data: 1 under paper, 0 under random." in text
    assert (
        "Other: d next qpos slider / d qpos slider is always zero under paper, and non-zero only where joint limit "
        "slider is active: in every one of 1 such row (1 of 40 rows of random; never of paper); first under random in "
        "episode 3 at step 9, where d next qpos slider / d qpos slider is -3 at qpos slider 1.81." in text
    )
    # One element of six in one row of ten of one episode: 0.4 points of shares, which four episodes can not tell.
    assert "Not enough data to tell whether under the random policy more or fewer elements read as zero" in text
    assert "-0.4 percentage points [-1.7, 0.9]" in text


def test_equal_data_are_called_equal():
    record = replace(
        policies("Toy"), policies=(policy_rows("paper", stack(1), [0] * 4), policy_rows("expert", stack(1), [0] * 4)),
        groups=(),
    )  # fmt: skip
    text = "\n".join(policy_part({"Toy": record}).sentences)
    assert "The counts of always-zero elements (Q1) are the same in every data set of Toy." in text
    assert (
        "Under the expert policy the share of zeros is exactly that of the paper policy in every episode: Toy." in text
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
    assert [(row["policy"], row["non-zero rows"], row["active rows"], row["first row"]) for row in rows] == [
        ("random", "1", "1", "episode 3, t 9"),
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
