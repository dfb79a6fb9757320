from __future__ import annotations

import numpy as np
import pytest

from dynsparse.report.data_answer import about_data
from dynsparse.report.episode_statistics import mean_over_episodes
from dynsparse.report.global_answer import answer_q1
from dynsparse.report.learned_answer import answer_q4
from dynsparse.report.learning_records import read_learning_records
from dynsparse.report.learning_results import learning_results
from dynsparse.report.learning_table import make_learning_table
from dynsparse.report.local_answer import answer_q2
from dynsparse.report.time_answer import answer_q3

from .invented_episodes import invented_episodes
from .invented_learning import sweep_of, write
from .switched import switched_report

SHOULDER = np.vstack([np.zeros(4), np.tile([1.0, 0.0, 0.0, 0.0], (3, 1))])


def test_q1_counts_environments_beside_the_paper_s(make_record):
    reacher = make_record("ReacherHard", state=SHOULDER)
    cheetah_names = tuple(f"q{i}" for i in range(18))
    column = np.zeros((18, 18))
    column[1:, 0] = 1.0
    cheetah = make_record("CheetahRun", cheetah_names, column, action_names=("a",))
    none = make_record("BallInCup", state=np.zeros((4, 4)))
    answer = answer_q1([reacher, cheetah, none])
    assert answer.short == (
        "2 of 3 environments have elements of ∂s'/∂s that are zero in every row, 5.25 to 18.75 % of the block; "
        "the paper says 4 of 8, 5.25 to 18.75 %."
    )
    assert answer.sentences[0] == "Both counts are the paper's in 3 of 3 of its environments."
    assert answer.sentences[1] == "No element of ∂s'/∂a is zero in every row."


def test_q1_names_what_is_not_the_paper_s_and_says_nothing_of_it_elsewhere(make_record):
    action = np.ones((4, 1))
    answer = answer_q1([make_record(), make_record("ReacherHard", state=SHOULDER, action=action)])
    assert (
        "Both counts are the paper's in 0 of 2 of its environments; not in CartpoleBalance (3 and 0, the paper 0 "
        in (answer.sentences[0])
    )
    assert answer.sentences[1] == "Elements of ∂s'/∂a that are zero in every row: ReacherHard (4)."
    alone = answer_q1([make_record("Mine", state=np.zeros((4, 4)))])
    assert alone.short == "No element of ∂s'/∂s is zero in every row of Mine."
    assert "paper" not in " ".join([alone.short, *alone.sentences])


def test_q2_gives_means_with_intervals_over_episodes():
    report = switched_report("FingerSpin")  # 3 and 1 of 6 zeros, half of the rows each; one element always
    values = (0.30, 0.34, 0.36)
    episodes = {"FingerSpin": invented_episodes(report, returns=(1, 2, 3), sparsity=values)}
    found = mean_over_episodes(episodes["FingerSpin"].sparsity)
    answer = answer_q2([report], episodes)
    assert answer.short == (
        f"Which elements are zero depends on the state in FingerSpin; in the mean a row has 33.3 % (FingerSpin, "
        f"[{100 * found.low:.1f} %, {100 * found.high:.1f} %]) zeros, in 2 patterns."
    )
    assert "A row has more zeros in the mean than the elements that are always zero in FingerSpin." in answer.sentences


@pytest.mark.parametrize(
    ("sparsity", "told"),
    [
        ((0.1, 0.3, 0.5), "It can not be told to have more than these in FingerSpin."),
        ((0.3, 0.3), "For more than that there is not enough data in FingerSpin: fewer than 3 episodes."),
    ],
)
def test_q2_says_where_intervals_do_not_separate(sparsity, told):
    report = switched_report("FingerSpin")
    more = {"switches": [0.1] * len(sparsity), "short": [9] * len(sparsity)}
    episodes = {"FingerSpin": invented_episodes(report, returns=[1.0] * len(sparsity), sparsity=sparsity, **more)}
    assert told in answer_q2([report], episodes).sentences
    # Without episodes there is no interval, and nothing is claimed.
    assert not [said for said in answer_q2([report], {}).sentences if "always zero" in said]


def test_q2_of_one_pattern_does_not_depend_on_the_state(make_record):
    answer = answer_q2([make_record("One"), make_record("Two")], {})
    assert answer.short.startswith("Which elements are zero does not depend on the state in 2 environments; in the")
    assert answer.short.endswith("zeros, in 1 pattern.")
    assert "Every row has just the zeros that are always there in One and Two." in answer.sentences


def test_q3_holds_the_paper_s_claim_against_each_environment():
    names = ("BallInCup", "CheetahRun", "FingerSpin", "FingerTurnEasy")
    reports = [switched_report(name) for name in names]
    shorts = ((9, 9, 10), (1, 0, 1), (1, 5, 9), (9, 9))
    episodes = {
        report.environment: invented_episodes(
            report, returns=[1.0] * len(short), short=short, sparsity=[0.3] * len(short), switches=[0.1] * len(short)
        )
        for report, short in zip(reports, shorts, strict=True)
    }
    answer = answer_q3(reports, episodes)
    assert answer.short.startswith("The pattern switches in 11.1 % (BallInCup, [")
    assert answer.short.endswith("an element that is not zero all along stays zero for 8.0 steps.")
    claim, most, not_most, unknown, too_few = answer.sentences
    assert "fewer than 50 time steps" in claim
    assert most.startswith("Most zero stretches are shorter than 50 steps in BallInCup (93.3 %, [")
    assert not_most.startswith("Most zero stretches last 50 steps or longer in CheetahRun (6.7 %, [0 %, ")
    assert unknown.startswith("Whether most are shorter than 50 steps can not be told in FingerSpin (50.0 %, [")
    assert too_few == "Whether most are shorter than 50 steps: not enough data in FingerTurnEasy (90.0 %)."


def test_q3_without_time():
    answer = answer_q3([switched_report(states="coverage")], {})
    assert answer.short == "Nothing can be said about time: no two rows follow each other."


def test_the_data_s_returns_are_held_against_the_paper_s():
    returns = {"BallInCup": (959.0, 960.0, 962.0), "CheetahRun": (100.0, 101.0, 99.0), "WalkerRun": (900.0, 901.0)}
    reports = [switched_report(name) for name in returns]
    episodes = {
        report.environment: invented_episodes(
            report, returns=values, sparsity=[0.3] * len(values), switches=[0.1] * len(values), short=[9] * len(values)
        )
        for report, values in zip(reports, returns.values(), strict=True)
    }
    answer = about_data(reports, episodes)
    assert answer.short == "384 rows of 3 environments, random policy, exact derivative."
    assert answer.sentences[1:] == (
        "The mean return can not be told from that of the paper's agents in BallInCup.",
        "The mean return is below that of the paper's agents in CheetahRun.",
        "The mean return can not be held against the paper's: not enough data, fewer than 3 full episodes in "
        "WalkerRun.",
    )
    assert about_data([switched_report("Mine")], {}).sentences == ()


@pytest.mark.parametrize(
    ("seeds", "told"), [(7, "and that is less than it"), (3, "not enough data to hold that against it")]
)
def test_q4_says_how_much_of_the_true_sparsity_there_is(tmp_path, seeds, told):
    records = sweep_of(("CheetahRun",), ("state", "state-jacobian-l1"), range(seeds), epochs=2, splits=("episode",))
    table = make_learning_table(read_learning_records(write(tmp_path, records)))
    results = learning_results(table, "episode", resamples=50)
    best = max(results.sparsity.relative.score(loss).estimate.value for loss in results.losses)
    answer = answer_q4([results])
    assert answer.short.startswith(f"Trained models have at most {best:.3g} [")
    assert answer.short.endswith(f"] times the true sparsity (+ MAE(J), unseen episodes), {told}.")
    assert answer.sentences[0].startswith("Tested on unseen episodes: ")
    assert answer_q4([]).short == "Nothing was trained."
