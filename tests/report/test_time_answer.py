from __future__ import annotations

from dynsparse.report.counted_numbers import count_numbers
from dynsparse.report.time_answer import answer_q3

from .invented_episodes import counted_twice, invented_episodes
from .switched import switched_report


def of_shorts(name, short, switches=None):
    report, count = switched_report(name), len(short)
    numbers = {"returns": [1.0] * count, "sparsity": [0.3] * count, "switches": switches or [0.1] * count}
    return count_numbers(report, invented_episodes(report, short=short, **numbers))


def test_q3_holds_the_paper_s_claims_against_each_environment():
    shorts = {"BallInCup": (9, 9, 10), "CheetahRun": (2, 0, 2), "FingerSpin": (4, 5, 6), "FingerTurnEasy": (9, 9)}
    answer = answer_q3([of_shorts(name, short) for name, short in shorts.items()])
    assert answer.short == (
        "The pattern switches in 10.0 % (BallInCup) to 10.0 %, no interval of 2 episodes (FingerTurnEasy) of the "
        "control steps; an element that is not zero all along stays zero for 8.0 (BallInCup) to 8.0, no interval of 2 "
        "episodes (FingerTurnEasy) steps (zero: |x| < 1e-15)."
    )
    stable, rare, few, claim, most, not_most, unknown, too_few, censored, family, same = answer.sentences
    assert "in a temporally sparse manner" in stable
    assert rare == (
        "The pattern switches in less than half of the steps in BallInCup (10.0 %), CheetahRun (10.0 %) and FingerSpin "
        "(10.0 %)."
    )
    assert few.startswith("Whether it switches in more than half of the steps: not enough data in FingerTurnEasy")
    assert "fewer than 50 time steps" in claim
    # 28 of 30; d = (-1/3, -1/3, 2/3), so that the standard error is sqrt(3 / 2 * 2 / 3) / 30, and t(0.975, 2) = 4.3027.
    assert most == "Most zero stretches are shorter than 50 steps in BallInCup (93.3 % [79.0, 100])."
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
    assert same == "A number without an interval is the same in every episode."


def test_an_interval_of_almost_everything_is_not_enough_data():
    told = answer_q3([of_shorts("FingerSpin", (0, 5, 10))]).sentences
    assert any(
        said.startswith("Whether most zero stretches are shorter than 50 steps: not enough data") for said in told
    )


def test_censored_stretches_are_left_out_of_the_second_share():
    # Of 30, 24 are short; 6 are censored, 3 of them short, which leaves 21 of 24.
    told = answer_q3([of_shorts("FingerSpin", (8, 8, 8))]).sentences
    assert "FingerSpin 6 of 30 (87.5 %)." in told[-3]


def test_q3_leads_with_what_is_above_round_off_and_names_where_the_paper_s_threshold_differs():
    chosen, above = (0.70, 0.72, 0.69), (0.15, 0.16, 0.15)
    cheetah = counted_twice(switched_report("CheetahRun"), chosen=chosen, above=above, patterns=(113, 2))
    ball = counted_twice(switched_report("BallInCup"), chosen=(0.1, 0.12, 0.11), above=(0.1, 0.12, 0.11))
    answer = answer_q3([cheetah, ball])
    assert answer.short.startswith(
        "The pattern switches in 11.0 % [8.5, 13.5] (BallInCup) to 15.3 % [13.9, 16.8] (CheetahRun) of the control "
        "steps; "
    )
    assert answer.short.endswith("(zero: |x| < 1e-12, above round-off).")
    beside, differing, *_ = answer.sentences
    assert beside.startswith("At the paper's 1e-15 it switches in 11.0 % [8.5, 13.5] (BallInCup) to 70.3 % [")
    assert differing.startswith("At the paper's 1e-15 the pattern switches more often in CheetahRun (70.3 % [")
    assert differing.endswith("] in place of 15.3 % [13.9, 16.8]): sums that cancel leave round-off of that size.")
    # Less often than above round-off is no round-off.
    crossing = counted_twice(switched_report("CartpoleBalance"), chosen=above, above=chosen)
    assert "the pattern switches" not in answer_q3([crossing]).sentences[1]
    assert (
        answer_q3([crossing])
        .sentences[1]
        .startswith("At the paper's 1e-15 it switches less often in CartpoleBalance (15.3 % [")
    )
    assert answer_q3([ball]).sentences[1] == (
        "At the paper's 1e-15 switches are not told from those at 1e-12 in BallInCup."
    )


def test_nothing_is_claimed_without_intervals_and_nothing_of_the_paper_elsewhere():
    alone = answer_q3([count_numbers(switched_report("Mine"))])
    assert alone.short.startswith("The pattern switches in 11.1 %, no interval (Mine) of the control steps; ")
    assert alone.sentences == ()
    told = answer_q3([of_shorts("Mine", (9, 9, 10))]).sentences
    assert not any("paper" in said for said in told)


def test_q3_without_time_and_without_stretches():
    answer = answer_q3([count_numbers(switched_report(states="coverage"))])
    assert answer.short == "Nothing can be said about time: no two rows follow each other."
    resting = answer_q3([count_numbers(switched_report(steps=8))])
    assert resting.sentences == ("No element changes within an episode in Switched: there is no such stretch.",)
    assert "; no element that is zero at times stays so for less than an episode (zero: " in resting.short
