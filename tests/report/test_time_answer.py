from __future__ import annotations

import numpy as np
import pytest

from dynsparse.report.counted_numbers import count_numbers
from dynsparse.report.time_answer import answer_q3

from .invented_episodes import counted_twice, invented_episodes
from .switched import switched_report


def of_shorts(name, short, switches=None):
    report, count = switched_report(name), len(short)
    numbers = {"returns": [1.0] * count, "sparsity": [0.3] * count, "switches": switches or [0.1] * count}
    return count_numbers(report, invented_episodes(report, short=short, **numbers))


SAME = "A number without an interval, or reason why it has none, is the same in every episode that has such a number."


def test_q3_holds_the_paper_s_claims_against_each_environment():
    shorts = {"BallInCup": (9, 9, 10), "CheetahRun": (2, 0, 2), "FingerSpin": (4, 5, 6), "FingerTurnEasy": (9, 9)}
    rates = {"BallInCup": (0.1, 0.11, 0.1), "CheetahRun": (0.9, 0.89, 0.88), "FingerSpin": (0.49, 0.5, 0.51)}
    answer = answer_q3([of_shorts(name, short, rates.get(name)) for name, short in shorts.items()])
    # By hand of 999 pairs: 899, 889 and 879 switches; d = (10, 0, -10) / 999, so that the
    # standard error is 10 / 999 / sqrt(3), and t(0.975, 2) = 4.3027.
    rate, half = 889 / 999, 4.302653 * 10 / 999 / 3**0.5
    most = f"{1 / rate:.1f} [{1 / (rate + half):.1f}, {1 / (rate - half):.1f}] (CheetahRun)"
    assert answer.short == (
        "Changes are temporally sparse, in less than half of the steps, in 1 of 4 environments with local sparsity, "
        f"not so in 1, not told in 2: the pattern switches on average every {most} to 10.0, no interval of 2 episodes "
        "(FingerTurnEasy) control steps; zero stretches last 8.0 (BallInCup) to 8.0, no interval of 2 episodes "
        "(FingerTurnEasy) steps, non-zero ones 20.0 (BallInCup) to 20.0, no interval of 2 episodes (FingerTurnEasy) "
        "(zero: |x| < 1e-15)."
    )
    whole, stable, rare, dense, told_not, few, claim, shorter, not_most, unknown, too_few, censored, family, same = (
        answer.sentences
    )
    # 100 steps in 10 stretches each that are not of a whole episode.
    assert whole.endswith(
        "and non-zero ones are not; shorter non-zero ones last 10.0 (BallInCup) to 10.0, no interval "
        "of 2 episodes (FingerTurnEasy) steps."
    )
    assert "in a temporally sparse manner" in stable
    assert rare.startswith("The pattern switches in less than half of the steps in BallInCup (10.3 % [")
    assert dense.startswith("It switches in more than half of the steps in CheetahRun (89.0 % [")
    assert told_not.startswith("Its switch rate can not be told from one half in FingerSpin (50.0 % [")
    assert few == (
        "Whether it switches in more than half of the steps: not enough data in FingerTurnEasy (10.0 %, no interval of "
        "2 episodes)."
    )
    assert "fewer than 50 time steps" in claim
    # 28 of 30; d = (-1/3, -1/3, 2/3), so that the standard error is sqrt(3 / 2 * 2 / 3) / 30, and t(0.975, 2) = 4.3027.
    assert shorter == "Most zero stretches are shorter than 50 steps in BallInCup (93.3 % [79.0, 100])."
    assert not_most == "Most zero stretches last 50 steps or longer in CheetahRun (13.3 % [0, 42.0])."
    assert unknown == (
        "The share of zero stretches shorter than 50 steps can not be told from one half in FingerSpin "
        "(50.0 % [25.2, 74.8])."
    )
    assert too_few == (
        "Whether most zero stretches are shorter than 50 steps: not enough data in FingerTurnEasy "
        "(90.0 %, no interval of 2 episodes)."
    )
    # Two of ten are censored in each episode.
    assert "BallInCup 6 of 30 (" in censored and "without these" in censored
    assert family == (
        "These are 6 comparisons, none adjusted for the others: were there no difference anywhere, 0.3 of them would "
        "come out as one by chance."
    )
    assert same == SAME


def test_a_rate_that_may_be_zero_has_no_longest_period():
    # One switch in the last of four episodes: its interval ends at 0.
    one = of_shorts("FingerSpin", (9,) * 4, (0.0, 0.0, 0.0, 0.01))
    rate = one.lead.switch_rate
    assert rate.low == 0.0
    said = f"every {1 / rate.value:.1f} [{1 / rate.high:.1f}, \N{INFINITY}] (FingerSpin) control steps; "
    assert said in answer_q3([one]).short
    never = of_shorts("CheetahRun", (9,) * 4, (0.0,) * 4)
    assert f"{said[:-2]}, never in CheetahRun; " in answer_q3([one, never]).short
    assert ": the pattern never switches in CheetahRun; " in answer_q3([never]).short


def few_zeros(name, **more):
    """As CartpoleBalance: 1 of 6,000 elements of each episode is zero beside the sixth that always is."""
    report = switched_report(name)
    numbers = {"returns": [1.0] * 4, "sparsity": [1 / 6 + 1 / 6000] * 4, "switches": [0.001] * 4, "short": [1] * 4}
    return count_numbers(report, invented_episodes(report, **numbers, stretches=np.ones(4, dtype=int), **more))


def test_what_is_local_in_next_to_no_row_is_no_end_of_a_range():
    ones = np.ones(4, dtype=int)
    hair = few_zeros("SwimmerSwimmer6", stretch_steps=ones, censored_stretches=ones, short_censored_stretches=ones)
    answer = answer_q3([of_shorts("BallInCup", (9, 8, 9), (0.1, 0.12, 0.11)), hair])
    assert answer.short.startswith("Changes are temporally sparse, in less than half of the steps, in ")
    assert "SwimmerSwimmer6" not in answer.short
    where = [said for said in answer.sentences if "SwimmerSwimmer6" in said]
    assert where == [
        "Left out, as their local sparsity is less than 0.05 %: SwimmerSwimmer6 (0.02 %, switches in 0.1 % of the "
        "steps, 4 zero stretches of 1.0 steps, all censored)."
    ]
    alone = answer_q3([hair])
    assert alone.short == (
        "SwimmerSwimmer6 has no local sparsity of 0.05 % or more that could change in time (zero: |x| < 1e-15)."
    )
    assert alone.sentences[0].startswith("What there is: SwimmerSwimmer6 (0.02 %, ")


def test_durations_that_were_all_cut_off_are_no_end_of_a_range():
    report, ten = switched_report("CheetahRun"), np.full(3, 10)
    numbers = {"returns": [1.0] * 3, "stretch_steps": ten, "short": ten, "switches": (0.1, 0.12, 0.11)}
    cut = invented_episodes(report, censored_stretches=ten, short_censored_stretches=ten, **numbers)
    answer = answer_q3([of_shorts("BallInCup", (9, 8, 9)), count_numbers(report, cut)])
    assert "; zero stretches last 8.0 (BallInCup) steps, non-zero ones 20.0 (BallInCup) to 20.0 (CheetahRun)" in (
        answer.short
    )
    assert (
        "Every zero stretch of CheetahRun (30) touches an end of its episode or a row that is not finite: nothing is "
        "said of how long they last."
    ) in answer.sentences
    assert not any("shorter than 50" in said and "CheetahRun" in said for said in answer.sentences)
    assert "; all zero stretches are censored, non-zero ones " in answer_q3([count_numbers(report, cut)]).short


def test_an_interval_of_almost_everything_is_not_enough_data():
    told = answer_q3([of_shorts("FingerSpin", (0, 5, 10))]).sentences
    assert any(
        said.startswith("Whether most zero stretches are shorter than 50 steps: not enough data") for said in told
    )


def test_censored_stretches_are_left_out_of_the_second_share():
    # Of 30, 24 are short; 6 are censored, 3 of them short, which leaves 21 of 24.
    told = answer_q3([of_shorts("FingerSpin", (8, 8, 8))]).sentences
    assert any(said.endswith("FingerSpin 6 of 30 (87.5 %).") for said in told)


def test_q3_leads_with_what_is_above_round_off_and_names_where_the_paper_s_threshold_differs():
    chosen, above = (0.70, 0.72, 0.69), (0.15, 0.16, 0.15)
    cheetah = counted_twice(switched_report("CheetahRun"), chosen=chosen, above=above, patterns=(113, 2))
    ball = counted_twice(switched_report("BallInCup"), chosen=(0.1, 0.12, 0.11), above=(0.1, 0.12, 0.11))
    answer = answer_q3([cheetah, ball])
    assert answer.short.startswith(
        "Changes are temporally sparse, in less than half of the steps, in 2 of 2 environments with local sparsity: "
        "the pattern switches on average every 6.5 [6.0, 7.2] (CheetahRun) to 9.1 [7.4, 11.7] (BallInCup) control "
        "steps; "
    )
    assert answer.short.endswith("(zero: |x| < 1e-12, above round-off).")
    _, beside, differing, *_ = answer.sentences
    assert beside.startswith("At the paper's 1e-15 it switches on average every 1.4 [1.3, 1.5] (CheetahRun) to 9.1 [")
    assert differing.startswith("At the paper's 1e-15 the pattern switches more often in CheetahRun (70.3 % [")
    assert differing.endswith(
        "] in place of 15.3 % [13.9, 16.8]): the difference may be round-off, which sums that cancel "
        "leave of that size."
    )
    # Less often than above round-off is no round-off.
    crossing = counted_twice(switched_report("CartpoleBalance"), chosen=above, above=chosen)
    told = answer_q3([crossing]).sentences[2]
    assert told.startswith("At the paper's 1e-15 it switches less often in CartpoleBalance (15.3 % [")
    assert told.endswith(": a slope that passes through zero may be why, as it counts as zero for longer at 1e-12.")
    assert answer_q3([ball]).sentences[2] == (
        "At the paper's 1e-15 switches are not told from those at 1e-12 in BallInCup."
    )


def test_environments_without_an_interval_are_not_said_to_agree():
    ball = counted_twice(switched_report("BallInCup"), chosen=(0.1, 0.12, 0.11), above=(0.1, 0.12, 0.11))
    few = counted_twice(switched_report("CheetahRun"), chosen=(0.7, 0.71), above=(0.1, 0.12))
    told = answer_q3([ball, few]).sentences
    assert told[2:4] == (
        "At the paper's 1e-15 switches are not told from those at 1e-12 in BallInCup.",
        "Whether it switches as often at the paper's 1e-15 as at 1e-12: not enough data in CheetahRun.",
    )
    again = counted_twice(switched_report("CheetahRun"), chosen=(0.1, 0.12, 0.11), above=(0.1, 0.12, 0.11))
    told = answer_q3([ball, again]).sentences
    assert told[2].endswith("are not told from those at 1e-12 in all 2 environments counted at both.")


def test_nothing_is_claimed_without_intervals_and_nothing_of_the_paper_elsewhere():
    alone = answer_q3([count_numbers(switched_report("Mine"))])
    assert alone.short.startswith(
        "Whether changes are temporally sparse, in less than half of the steps, can not be told in Mine: the pattern "
        "switches on average every 9.0, no interval (Mine) control steps; zero stretches last 8.0, no interval (Mine) "
    )
    assert len(alone.sentences) == 1 and alone.sentences[0].startswith("Zero stretches of a whole episode are left out")
    told = answer_q3([of_shorts("Mine", (9, 9, 10))]).sentences
    assert not any("paper" in said for said in told)


@pytest.mark.parametrize(
    ("rates", "verdict"),
    [
        ((0.1, 0.11, 0.1), "Changes are temporally sparse, in less than half of the steps, in Mine: "),
        ((0.9, 0.91, 0.9), "Changes are not temporally sparse, but in more than half of the steps, in Mine: "),
        ((0.5, 0.51, 0.49), "Whether changes are temporally sparse, in less than half of the steps, can not be told"),
    ],
)
def test_one_environment_has_one_verdict(rates, verdict):
    assert answer_q3([of_shorts("Mine", (9, 9, 10), rates)]).short.startswith(verdict)


def test_q3_without_time_and_without_stretches():
    answer = answer_q3([count_numbers(switched_report(states="coverage"))])
    assert answer.short == "Nothing can be said about time: no two rows follow each other."
    resting = answer_q3([count_numbers(switched_report(steps=8))])
    assert resting.sentences[-1] == "What there is: Switched (none, all rows have one pattern)."
    still = count_numbers(switched_report(), invented_episodes(
        switched_report(), returns=[1.0] * 4, sparsity=(0.3, 0.3, 0.4, 0.4), switches=(0.0,) * 4, short=(0,) * 4,
        **{name: np.zeros(4, dtype=int) for name in (
            "stretches", "stretch_steps", "censored_stretches", "short_censored_stretches",
        )},
    ))  # fmt: skip
    answer = answer_q3([still])
    assert ": the pattern never switches in Switched; no zero stretch is shorter than its episode, " in answer.short
    assert "No element changes within an episode in Switched: there is no such stretch." in answer.sentences
