from __future__ import annotations

import pytest

from dynsparse.report.counted_numbers import count_numbers
from dynsparse.report.episode_statistics import mean_over_episodes
from dynsparse.report.local_answer import answer_q2

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
    assert answer.short == (
        "Which elements are zero depends on the state in FingerSpin; in the mean a row has "
        f"33.3 % [{100 * expected.low:.1f}, {100 * expected.high:.1f}] (FingerSpin) zeros, in 2 patterns "
        "(zero: |x| < 1e-15)."
    )
    assert "A row has more zeros in the mean than the elements that are always zero in FingerSpin." in answer.sentences


@pytest.mark.parametrize(
    ("sparsity", "told"),
    [
        (
            (0.1, 0.15, 0.25),
            "Their number can not be told from that of the elements that are always zero in FingerSpin.",
        ),
        (
            (0.3, 0.3),
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
    assert "33.3 %, no interval (FingerSpin) zeros" in alone.short
    assert not [said for said in alone.sentences if "always" in said]


def test_q2_of_one_pattern_does_not_depend_on_the_state(make_record):
    answer = answer_q2([count_numbers(make_record("One")), count_numbers(make_record("Two"))])
    assert answer.short.startswith("Which elements are zero does not depend on the state in 2 environments; in the")
    assert answer.short.endswith("zeros, in 1 pattern (zero: |x| < 1e-15).")
    assert "Every row has just the zeros that are always there in One and Two." in answer.sentences


def test_q2_leads_with_what_is_above_round_off_and_names_where_the_paper_s_threshold_differs():
    rates = {"chosen": (0.7, 0.7, 0.7), "above": (0.1, 0.1, 0.1)}
    cheetah = counted_twice(switched_report("CheetahRun"), **rates, patterns=(113, 2))
    ball = counted_twice(switched_report("BallInCup"), chosen=(0.1,) * 3, above=(0.1,) * 3)
    answer = answer_q2([cheetah, ball])
    assert answer.short == (
        "Which elements are zero depends on the state in 2 of 2 environments; in the mean a row has 30.0 % (BallInCup) "
        "to 30.0 % (CheetahRun) zeros, in 2 patterns (zero: |x| < 1e-12, above round-off)."
    )
    assert answer.sentences[:2] == (
        "At the paper's 1e-15 a row has 30.0 % (BallInCup) to 30.0 % (CheetahRun) zeros, in 2 to 113 patterns.",
        "At the paper's 1e-15 there are more patterns in CheetahRun (113 in place of 2): sums that cancel leave "
        "round-off of that size.",
    )
    assert answer.sentences[-1] == "A number without an interval is the same in every episode."
    # A slope that passes through zero is no round-off: the higher threshold finds the pattern that the lower one lacks.
    crossing = counted_twice(switched_report("CartpoleBalance"), chosen=(0.0,) * 3, above=(0.1,) * 3, patterns=(1, 2))
    assert answer_q2([cheetah, crossing]).sentences[2] == (
        "At the paper's 1e-15 there are fewer in CartpoleBalance (1 in place of 2): a slope that passes through zero "
        "counts as one longer at 1e-12."
    )
    assert answer_q2([ball]).sentences[1] == (
        "At the paper's 1e-15 there are as many patterns as at 1e-12 in BallInCup."
    )
    # One pattern above round-off depends on no state, whatever round-off makes of it.
    one = counted_twice(switched_report("CheetahRun"), **rates, patterns=(113, 1))
    assert answer_q2([one]).short.startswith("Which elements are zero does not depend on the state in CheetahRun; ")


def test_q2_says_which_environment_was_counted_at_the_chosen_threshold_only():
    both = counted_twice(switched_report("CheetahRun"), chosen=(0.1,) * 3, above=(0.1,) * 3)
    answer = answer_q2([both, of_episodes((0.3, 0.34, 0.36))])
    assert answer.short.endswith("(zero: |x| < 1e-12, above round-off, but 1e-15 in FingerSpin).")
    assert answer.sentences[0] == "At the paper's 1e-15 a row has 30.0 % (CheetahRun) zeros, in 2 patterns."


def test_patterns_of_first_rows_are_told():
    told = "Patterns that no row but the first of an episode has, after the reset: FingerSpin (1 of 2)."
    assert told in answer_q2([of_episodes((0.3, 0.31, 0.32), later_patterns=1)]).sentences
