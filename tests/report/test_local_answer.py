from __future__ import annotations

import dataclasses

import pytest

from dynsparse.report.counted_numbers import count_numbers
from dynsparse.report.episode_statistics import mean_over_episodes
from dynsparse.report.horizon_numbers import LEAST_LOCAL
from dynsparse.report.local_answer import answer_q2
from dynsparse.report.local_environments import has_local, local_sparsity

from .invented_episodes import counted_twice, invented_episodes
from .switched import switched_report


def of_episodes(sparsity, **more):
    """FingerSpin: 3 and 1 of 6 zeros, half of the rows each; one element always; episodes of equal length."""
    report, count = switched_report("FingerSpin"), len(sparsity)
    numbers = {"switches": [0.1] * count, "short": [9] * count, "returns": [1.0] * count} | more
    return count_numbers(report, invented_episodes(report, sparsity=sparsity, **numbers))


def test_q2_gives_means_with_intervals_over_episodes():
    # Episodes are of equal length: the ratio and its interval are the mean over episodes and Student's.
    expected = mean_over_episodes([0.30, 0.34, 0.36])
    answer = answer_q2([of_episodes((0.30, 0.34, 0.36))])
    low, high = (100 * (end - 1 / 6) for end in (expected.low, expected.high))  # one of six is always zero
    assert answer.short == (
        "Which elements are zero depends on the state in FingerSpin: beyond those that always are, a row has "
        f"16.7 % [{low:.1f}, {high:.1f}] (FingerSpin) zeros (zero: |x| < 1e-15)."
    )
    assert answer.sentences[0] == (
        f"In the mean a row has 33.3 % [{100 * expected.low:.1f}, {100 * expected.high:.1f}] (FingerSpin) zeros, in 2 "
        "patterns."
    )
    assert "A row has more zeros in the mean than the elements that are always zero in FingerSpin." in answer.sentences


@pytest.mark.parametrize(
    ("sparsity", "told"),
    [
        (
            (0.1, 0.17, 0.25),
            "Their number can not be told from that of the elements that are always zero in FingerSpin.",
        ),
        (
            (0.31, 0.3),
            "Whether a row has more zeros than those that are always there: not enough data in FingerSpin.",
        ),
        # An interval that holds all there can be tells nothing.
        (
            (0.0, 0.1, 0.6),
            "Whether a row has more zeros than those that are always there: not enough data in FingerSpin.",
        ),
    ],
)
def test_q2_says_where_intervals_do_not_separate(sparsity, told):
    assert told in answer_q2([of_episodes(sparsity)]).sentences
    # Without episodes there is no interval, and nothing is claimed.
    alone = answer_q2([count_numbers(switched_report("FingerSpin"))])
    assert "a row has 16.7 %, no interval (FingerSpin) zeros" in alone.short
    assert not [said for said in alone.sentences if "always" in said]


def test_what_is_local_in_next_to_no_row_is_named_apart(make_record):
    """Of 6,000 elements an episode 1 and 2 more are zero than the sixth that always is: 0.00025 of all in the mean."""
    some = of_episodes((0.3, 0.31, 0.32))
    few = of_episodes((1 / 6 + 1 / 6000, 1 / 6 + 1 / 6000, 1 / 6 + 2 / 6000))
    few = dataclasses.replace(few, report=dataclasses.replace(few.report, environment="CartpoleBalance"))
    none = count_numbers(make_record("ReacherHard"))
    share = few.lead.sparsity.value - 1 / 6
    assert 0 < share < LEAST_LOCAL and [has_local(one) for one in (some, few, none)] == [True, False, False]
    assert local_sparsity(none.lead).value == 0.0
    answer = answer_q2([some, few, none])
    assert answer.short.startswith("Which elements are zero depends on the state in 1 of 3 environments: beyond ")
    assert (
        f"zeros; less than 0.05 % in CartpoleBalance ({100 * share:.1g} %), none in ReacherHard (zero" in answer.short
    )
    assert not [said for said in answer.sentences if said.startswith("A row has") and "CartpoleBalance" in said]
    assert answer_q2([few, none]).short == (
        "Which elements are zero hardly depends on the state in 2 environments: beyond those that always are, less "
        f"than 0.05 % in CartpoleBalance ({100 * share:.1g} %), none in ReacherHard (zero: |x| < 1e-15)."
    )


def test_a_local_share_that_is_not_known_is_no_reason_to_say_none():
    one = counted_twice(switched_report("CheetahRun"), chosen=(0.1,) * 3, above=(0.1,) * 3)
    unknown = dataclasses.replace(one, above=dataclasses.replace(one.above, always=None))
    assert has_local(unknown)
    assert answer_q2([unknown]).short == (
        "Which elements are zero depends on the state in CheetahRun (zero: |x| < 1e-12, above round-off)."
    )


def test_q2_of_one_pattern_does_not_depend_on_the_state(make_record):
    answer = answer_q2([count_numbers(make_record("One")), count_numbers(make_record("Two"))])
    assert answer.short == (
        "Which elements are zero does not depend on the state in 2 environments (zero: |x| < 1e-15)."
    )
    assert answer.sentences[0].endswith(" zeros, in 1 pattern.")


def test_q2_leads_with_what_is_above_round_off_and_names_where_the_paper_s_threshold_differs():
    rates = {"chosen": (0.7, 0.7, 0.7), "above": (0.1, 0.1, 0.1)}
    cheetah = counted_twice(switched_report("CheetahRun"), **rates, patterns=(113, 2))
    ball = counted_twice(switched_report("BallInCup"), chosen=(0.1,) * 3, above=(0.1,) * 3)
    answer = answer_q2([cheetah, ball])
    assert answer.short == (
        "Which elements are zero depends on the state in 2 of 2 environments: beyond those that always are, a row has "
        "13.3 % (BallInCup) to 13.3 % (CheetahRun) zeros (zero: |x| < 1e-12, above round-off)."
    )
    assert answer.sentences[:3] == (
        "In the mean a row has 30.0 % (BallInCup) to 30.0 % (CheetahRun) zeros, in 2 patterns.",
        "At the paper's 1e-15 a row has 30.0 % (BallInCup) to 30.0 % (CheetahRun) zeros, in 2 to 113 patterns.",
        "At the paper's 1e-15 there are more patterns in CheetahRun (113 in place of 2): the difference may be "
        "round-off, which sums that cancel leave of that size.",
    )
    assert answer.sentences[-1] == (
        "A number without an interval, or reason why it has none, is the same in every episode that has such a number."
    )
    # A slope that passes through zero may be why: the higher threshold finds the pattern that the lower one lacks.
    crossing = counted_twice(switched_report("CartpoleBalance"), chosen=(0.0,) * 3, above=(0.1,) * 3, patterns=(1, 2))
    assert answer_q2([cheetah, crossing]).sentences[3] == (
        "At the paper's 1e-15 there are fewer in CartpoleBalance (1 in place of 2): a slope that passes through zero "
        "may be why, as it counts as zero for longer at 1e-12."
    )
    assert answer_q2([ball]).sentences[2] == (
        "At the paper's 1e-15 there are as many patterns as at 1e-12 in BallInCup."
    )
    # One pattern above round-off depends on no state, whatever round-off makes of it.
    one = counted_twice(switched_report("CheetahRun"), **rates, patterns=(113, 1))
    assert answer_q2([one]).short.startswith("Which elements are zero does not depend on the state in CheetahRun (")


def test_q2_says_which_environment_was_counted_at_the_chosen_threshold_only():
    both = counted_twice(switched_report("CheetahRun"), chosen=(0.1,) * 3, above=(0.1,) * 3)
    answer = answer_q2([both, of_episodes((0.3, 0.34, 0.36))])
    assert answer.short.endswith("(zero: |x| < 1e-12, above round-off, but 1e-15 in FingerSpin).")
    assert answer.sentences[1] == "At the paper's 1e-15 a row has 30.0 % (CheetahRun) zeros, in 2 patterns."


def test_patterns_of_first_rows_are_told():
    told = "Patterns that no row but the first of an episode has, after the reset: FingerSpin (1 of 2)."
    assert told in answer_q2([of_episodes((0.3, 0.31, 0.32), later_patterns=1)]).sentences
