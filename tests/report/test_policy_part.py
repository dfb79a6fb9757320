"""The part on the data: which elements appear, and where, in sentences and tables."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest

from dynsparse.analysis.episode_sparsity import EpisodeSparsityCount
from dynsparse.analysis.policy_record import PolicyRecord, PolicyRows
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
        "Who acts is told to change the share of zeros (Q2) in none of 2 environments (each policy against the paper "
        "policy). The counts of always-zero elements (Q1) depend on the data in 2 of 2 environments: CartpoleBalance "
        "and Other."
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
    assert about_verdicts(many).startswith("0 of 10 tested comparisons of Q2 and Q3 tell a difference")
    wide = replace(nothing, change=replace(change, low=-0.6, high=0.8))
    few = replace(nothing, change=replace(change, low=None, high=None), chance=None)
    assert [one.verdict for one in corrected([wide, few])] == ["not enough data"] * 2
    assert replace(nothing, change=replace(change, low=-0.001, high=0.001), corrected=0.5).verdict == "within"


def of_one_step(whole, lost=0):
    """States that nobody chose: each row an episode of its own, the first ones of them not finite."""
    whole = whole.copy()
    whole[:lost] = np.nan
    rows = len(whole)
    count = EpisodeSparsityCount(2, 1, temporal=False)
    block = RowBlock.from_arrays(*split(whole), 1e-15, episode=np.arange(rows), t=np.zeros(rows, dtype=np.int64))
    count.update(block)
    none = np.zeros((rows, 1), dtype=np.int64)
    return PolicyRows("coverage", count.result(), np.full(rows, np.nan), none, none[:, 0], {"name": "coverage"})


def with_coverage(coverage, groups=()):
    paper = policy_rows("paper", stack(1), [0] * EPISODES)
    return replace(policies("Toy"), policies=(paper, coverage), groups=groups)


def differences(part):
    (table,) = (item for item in part.items if item.name == "policies-differences")
    rows = [dict(zip(table.csv_fields, row, strict=True)) for row in table.values]
    return {row["quantity"]: row for row in rows if row["policy"] == "coverage"}


def test_patterns_of_episodes_of_other_lengths_are_not_compared():
    varied = stack(1)
    varied[::2, 0, 1] = 0.0
    part = policy_part({"Toy": with_coverage(of_one_step(varied))})
    rows = differences(part)
    # One row has one pattern, ten have more or not: nothing that a policy did.
    assert (rows["patterns"]["verdict"], rows["patterns"]["chance"]) == ("other lengths", None)
    assert rows["patterns"]["difference"] is None and rows["patterns"]["mean"] == 1.0
    assert rows["combined"]["verdict"] == "more"
    assert not any("patterns an episode" in sentence for sentence in part.sentences)
    # 1 of 6 elements is zero under the paper policy, and one more in every second row.
    assert any(
        "Under coverage states more elements read as zero than by the paper policy in Toy (by 8.3 percentage points"
        in sentence and sentence.endswith("25.0 % against 16.7 %) (40 one-step episodes against 4).")
        for sentence in part.sentences
    )  # fmt: skip
    assert any(sentence.startswith("1 of 1 tested comparison of Q2") for sentence in part.sentences)


def test_what_is_the_same_in_every_episode_of_both_is_equal_however_many_they_are():
    part = policy_part({"Toy": with_coverage(of_one_step(stack(1)))})
    assert differences(part)["combined"]["verdict"] == "equal"
    assert (
        "Under coverage states the share of zeros is exactly that of the paper policy in Toy (40 one-step episodes "
        "against 4)." in part.sentences
    )


@pytest.mark.parametrize(("lost", "verdict"), [(20, "equal"), (21, "not enough data")])
def test_rows_that_are_not_finite_are_told_and_half_of_them_is_too_many(lost, verdict):
    part = policy_part({"Toy": with_coverage(of_one_step(stack(1), lost))})
    assert part.sentences[1] == (
        f"Rows that are not finite are left out, and what is left may be unlike the whole: {lost} of 40 rows of Toy "
        "under coverage states."
    )
    few = "Fewer than half of the rows are left of Toy under coverage states: not enough data to compare with, in Q1"
    assert any(sentence.startswith(few) for sentence in part.sentences) == (lost > 20)
    assert differences(part)["combined"]["verdict"] == verdict
    drawn = part.items[0]
    assert drawn.sentences[0] == (
        "Means over episodes with their 95 % intervals, of 40 rows in 4 episodes under paper, "
        f"{40 - lost} finite of 40 rows in one-step episodes under coverage (Toy)."
    )
    assert f"or {40 - lost} one-step episodes, bars their 95 % intervals" in drawn.draw().get_suptitle()


def test_counts_of_table_1_are_not_compared_with_few_rows():
    """More rows can only lower the counts: of 19 of 40 it is no wonder that an element more is always zero."""
    differing = replace(policies("Toy").groups[0], elements=((0, 1),), constraints=(), rows=(), largest=(1.0,),
                        nonzero={"paper": (40,), "coverage": (0,)}, active={}, both={})  # fmt: skip
    part = policy_part({"Toy": with_coverage(of_one_step(stack(2), 21), (differing,))})
    assert not any("always-zero elements" in sentence for sentence in part.sentences)
    assert part.sentences[0] == "There is not enough data to compare the data sets of any environment."


def test_a_difference_below_what_is_printed_is_not_told():
    mean = EpisodeMean(0.0893, None, None, 8)
    change = EpisodeMean(-0.00003, -0.00004, -0.00002, 8, (-1.0, 1.0))
    row = Compared("E", "random", QUANTITIES[0], mean, mean, change, chance=1e-6, corrected=1e-6)
    assert row.verdict == "within"
    assert replace(row, change=EpisodeMean(-0.0006, -0.0007, -0.0005, 8, (-1.0, 1.0))).verdict == "less"
    steps = EpisodeMean(999.96, None, None, 8)
    lasting = replace(row, quantity=QUANTITIES[3], mean=steps, reference=replace(steps, value=999.99))
    assert (lasting.verdict, replace(lasting, reference=replace(steps, value=1002.0)).verdict) == ("within", "less")


def test_episodes_that_differ_alike_are_no_difference_of_few():
    mean = EpisodeMean(0.5, 0.5, 0.5, 3)
    row = Compared("E", "random", QUANTITIES[0], mean, mean, EpisodeMean(0.1, 0.1, 0.1, 3), chance=0.1)
    assert corrected([row])[0].verdict == "not enough data"
    assert corrected([replace(row, chance=0.01)])[0].verdict == "more"


def test_the_headline_has_the_largest_range_with_its_intervals():
    def varied(policy, zeros):
        rows = stack(zeros)
        for episode, first in enumerate(range(0, EPISODES * STEPS, STEPS)):
            rows[first : first + episode, 1, 2] = 0.0  # 0 to 3 of ten rows have one zero more
        return policy_rows(policy, rows, [0] * EPISODES)

    near = replace(policies("Near"), policies=(varied("random", 1), varied("paper", 1)), groups=())
    random, paper = varied("random", 3), varied("paper", 1)
    group = policies("Far").groups[0]
    elements = ((0, 1), (0, 2))
    group = replace(group, elements=elements, constraints=(), rows=(), largest=(1.0, 1.0), active={}, both={},
                    nonzero={"random": (0, 0), "paper": (40, 40)})  # fmt: skip
    part = policy_part({"Near": near, "Far": replace(policies("Far"), policies=(random, paper), groups=(group,))})
    # (1 + 0.15) / 6 and (3 + 0.15) / 6, each with Student's interval of 0, 0.1, 0.2 and 0.3 of a sixth.
    half = 3.182446 * np.std([0.0, 0.1, 0.2, 0.3], ddof=1) / 2
    ends = [f"{100 * (zeros + 0.15 + side * half) / 6:.1f}" for zeros in (1, 3) for side in (-1, 1)]
    assert part.sentences[0].startswith(
        "Who acts changes the share of zeros (Q2) in 1 of 2 environments (each policy against the paper policy, "
        f"corrected by Holm's method), which is Far: 19.2 % [{ends[0]}, {ends[1]}] (paper) to 52.5 % [{ends[2]}, "
        f"{ends[3]}] (random)."
    )


def test_one_checkpoint_is_written_where_its_marker_would_be_and_durations_are_drawn_on_a_log_axis():
    record = replace(policies("Toy"), same_as={"expert": "paper"})
    expert = replace(policies("Other").policies[1], policy="expert")
    other = replace(policies("Other"), policies=(*policies("Other").policies, expert), groups=(replace(
        policies("Other").groups[0], nonzero={"random": (1,), "paper": (0,), "expert": (0,)},
        active={"random": 1, "paper": 0, "expert": 0}, both={"random": 1, "paper": 0, "expert": 0}),))  # fmt: skip
    figure = policy_part({"Toy": record, "Other": other}).items[0].draw()
    for axes in figure.axes:
        assert [text.get_text() for text in axes.texts if text.get_text()][:1] == ["= paper"]
    lasting = figure.axes[1]
    assert lasting.get_xscale() == "log" and lasting.get_xlim()[0] < 1.0 and lasting.get_xlim()[1] > 1000.0
    assert "mean over episodes of" in lasting.get_xlabel()
    assert figure.get_suptitle() == (
        "What changes with the data: zeros at |x| < 1e-15\nmeans over 4 episodes, bars their 95 % intervals"
    )


def test_equal_data_are_called_equal():
    record = replace(
        policies("Toy"), policies=(policy_rows("paper", stack(1), [0] * 4), policy_rows("expert", stack(1), [0] * 4)),
        groups=(),
    )  # fmt: skip
    text = "\n".join(policy_part({"Toy": record}).sentences)
    assert "The counts of always-zero elements (Q1) do not depend on the data in any of 1 environment: Toy." in text
    assert (
        "Under the expert policy the share of zeros is exactly that of the paper policy in Toy (4 episodes each)."
        in text
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
