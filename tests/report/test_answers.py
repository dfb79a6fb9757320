from __future__ import annotations

import numpy as np
import pytest

from dynsparse.report.causes import explain
from dynsparse.report.global_answer import answer_q1
from dynsparse.report.learned_answer import answer_q4
from dynsparse.report.learning_records import read_learning_records
from dynsparse.report.learning_results import learning_results
from dynsparse.report.learning_table import make_learning_table
from dynsparse.report.score_metrics import figures

from .invented_learning import sweep_of, write

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
    assert "Table 1" not in " ".join(answer.sentences)
    assert answer.sentences[1] == "Elements of ∂s'/∂a that are zero in every row: ReacherHard (4)."
    alone = answer_q1([make_record("Mine", state=np.zeros((4, 4)))])
    assert alone.short == "No element of ∂s'/∂s is zero in every row of Mine."
    assert "paper" not in " ".join([alone.short, *alone.sentences])


def test_q1_says_itself_where_a_departure_comes_from(make_record):
    reports = (make_record(), make_record("ReacherHard", state=SHOULDER))
    reasons = [*explain(reports[0], 0), *explain(reports[1], 3)]
    departures = [cause.text for cause in reasons if cause.kind == "departure"]
    assert len(departures) == 1 and departures[0].startswith("CartpoleBalance: the paper prints 0, we measure 3, ")
    said = answer_q1(reports, reasons).sentences
    assert [one for one in said if one in {cause.text for cause in reasons}] == departures


@pytest.mark.parametrize(
    ("seeds", "told"),
    [
        (7, "Every loss is below the true sparsity: "),
        (3, "Not enough data to tell whether any loss reaches the true sparsity: "),
    ],
)
def test_q4_says_how_much_of_the_true_sparsity_there_is(tmp_path, seeds, told):
    records = sweep_of(("CheetahRun",), ("state", "state-jacobian-l1"), range(seeds), epochs=2, splits=("episode",))
    table = make_learning_table(read_learning_records(write(tmp_path, records)))
    results = learning_results(table, "episode", resamples=50)
    values = [results.sparsity.relative.score(loss).estimate.value for loss in results.losses]
    answer = answer_q4([results])
    assert (
        answer.short.startswith(f"{told}{figures(values[0])} [")
        and f"] (state), {figures(values[1])} [" in answer.short
    )
    assert "] (+ MAE(J)) times the simulator's, tested on unseen episodes. " in answer.short
