from __future__ import annotations

import numpy as np

from dynsparse.report.causes import explain

REACHER = ("qpos shoulder", "qpos wrist", "qvel shoulder", "qvel wrist")


def column(index, size=4):
    state = np.zeros((size, size))
    state[:, index] = 1.0
    state[index, index] = 0.0
    return state


def test_a_measured_column_with_a_cause_on_record_gets_it(make_record):
    (cause,) = explain(make_record("ReacherHard", REACHER, column(0), action_names=("a",)), 3)
    assert (cause.kind, cause.column, cause.elements) == ("cause", "qpos shoulder", 3)
    assert "gravity" in cause.sentence


def test_cartpole_s_departure_from_the_paper_is_explained(make_record):
    slider, departure = explain(make_record(), 0)
    assert (slider.kind, slider.column) == ("cause", "qpos slider")
    assert (departure.kind, departure.column) == ("departure", "")
    assert "paper prints 0, we measure 3" in departure.sentence


def test_no_cause_is_given_for_what_was_not_measured(make_record):
    state = column(0)
    state[2, 0] = 0.999  # one row in a thousand sees the shoulder
    causes = explain(make_record("ReacherHard", REACHER, state, action_names=("a",)))
    assert [cause.kind for cause in causes] == ["unexplained", "not seen"]
    assert "99.90%" in causes[1].sentence


def test_a_column_without_a_cause_on_record_says_so(make_record):
    state_cause, action_cause = explain(
        make_record("FingerSpin", REACHER, column(2), np.ones((4, 1)), action_names=("a",), rows=77)
    )
    assert (state_cause.kind, state_cause.column, state_cause.elements) == ("unexplained", "qvel shoulder", 3)
    assert (action_cause.column, action_cause.elements) == ("a", 4)
    assert "77 rows" in state_cause.sentence
    assert "no cause on record" in action_cause.sentence


def test_single_elements_outside_columns_are_named(make_record):
    state = np.zeros((4, 4))
    state[3, 1] = 1.0
    (cause,) = explain(make_record("FingerSpin", REACHER, state, action_names=("a",)))
    assert (cause.column, cause.elements) == ("qpos wrist", 1)
    assert "next qvel wrist" in cause.sentence


def test_an_unknown_departure_is_not_explained_away(make_record):
    cause = explain(make_record("FingerSpin", REACHER, np.zeros((4, 4)), action_names=("a",)), 5)[-1]
    assert cause.kind == "departure"
    assert "paper prints 5, we measure 0" in cause.sentence
    assert "no cause on record" in cause.sentence


def test_nothing_is_said_where_nothing_is_zero(make_record):
    assert explain(make_record("FingerSpin", REACHER, np.zeros((4, 4)), action_names=("a",)), 0) == ()
