from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dynsparse.report.cause_sentences import about_causes
from dynsparse.report.cause_switches import while_off
from dynsparse.report.causes import explain

from .invented_causes import ROWS, SLIDE, cause_record, switched_causes
from .switched import switched_report

THREE = ("qpos a", "qvel a", "qvel b")


BY_SYMMETRY = (
    "zero by symmetry: translation of cart along x, by up to 10 m, changed nothing else in 256 shifted steps from 32 "
    "states (up to 4e-14)"
)


def test_a_symmetry_is_told_with_its_evidence():
    labels = {(1, 0): ("symmetry", ROWS), (2, 0): ("symmetry", ROWS)}
    assert about_causes(cause_record(labels, environment="Cart", names=THREE, active_rows=(0, 0))) == (
        f"2 of Cart's 2 always-zero state elements are {BY_SYMMETRY}.",
        "No action element of Cart is always zero.",
        "No element of Cart is zero because a contact or a limit is off.",
        "8 rows of Cart were looked at: 8 that are explained, 0 more of the data set, and 0 made near contacts and "
        "limits.",
        "Never on were contact foot-world and joint limit slider: what they would switch on is not known.",
    )


def test_a_single_element_is_told_in_the_singular():
    first, _, contact, *_ = about_causes(switched_causes("Cart"))
    assert first.startswith("Cart's only always-zero state element is zero by symmetry: translation of cart along x")
    # 8 of 48 pairs; one contact is all that there is.
    assert contact == (
        "16.7 % of Cart's elements are zero while no contact joins foot and the world (8 rows looked at)."
    )


def test_each_switch_is_told_with_the_rows_in_which_it_was_on():
    record = cause_record({}, evidence_rows=548, evidence_stored=292, active_rows=(12, 0))
    assert about_causes(record)[-4:] == (
        "556 rows of Switched were looked at: 8 that are explained, 292 more of the data set, and 256 made near "
        "contacts and limits.",
        "Contact foot-world was on in 12 of 556 rows.",
        "Contact foot-world was on in fewer than 30 rows: not enough data to tell all that it switches on.",
        "Never on was joint limit slider: what it would switch on is not known.",
    )
    both = cause_record({}, evidence_rows=548, active_rows=(12, 1300 - 1000))
    assert about_causes(both)[-2] == "Joint limit slider was on in 300 of 556 rows and contact foot-world in 12."
    enough = cause_record({}, evidence_rows=548, active_rows=(30, 300))
    assert about_causes(enough)[-1] == "Joint limit slider was on in 300 of 556 rows and contact foot-world in 30."


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["contact arm-box"], "while no contact joins arm and box"),
        (["contact base-world"], "while no contact joins base and the world"),
        (["contact torso-torso"], "while no contact joins parts of torso"),
        (["contact left-arm-box"], "while contact left-arm-box is off"),
        (["joint limit slider"], "while joint limit slider is off"),
        (["contact a-box", "contact b-world"], "while none of contact a-box and contact b-world is on"),
        ([f"joint limit {k}" for k in "abcdefgh"], "while none of joint limit a, joint limit b, joint limit c, joint "
         "limit d, joint limit e, joint limit f and 2 more is on"),
    ],
)  # fmt: skip
def test_switches_that_are_off_are_named(names, said):
    assert while_off(names) == said


def test_the_constraint_that_ends_a_symmetry_is_named():
    slide = replace(SLIDE, broken_by=("joint limit slider",), error=0.0)
    labels = {(row, 0): ("limit-off", ROWS, 1) for row in (1, 2)}
    record = cause_record(labels, environment="Cart", names=THREE, symmetries=(slide,))
    ending = "; until then the step commutes with translation of cart along x."
    state, _, share, *_ = about_causes(record)
    assert state == (
        f"2 of Cart's 2 always-zero state elements are zero while joint limit slider is off (8 rows looked at){ending}"
    )
    assert share == f"16.7 % of Cart's elements are zero while joint limit slider is off (8 rows looked at){ending}"
    # Not where it is the cause of other columns' zeros too, or where the shift was not seen to hold.
    for other, place in (
        (cause_record(labels | {(0, 3): ("limit-off", 1, 1)}, names=THREE, symmetries=(slide,)), 2),
        (cause_record(labels, names=THREE, symmetries=(replace(slide, holds=False),)), 2),
    ):
        assert about_causes(other)[place].endswith(
            "elements are zero while joint limit slider is off (8 rows looked at)."
        )


def test_what_is_off_is_told_by_the_sets_of_what_would_do():
    labels = {(0, 1): ("contact-off", 6, 0), (0, 2): ("contact-off", 2, 0), (1, 0): ("limit-off", 3, 1)}
    record = cause_record(labels, switched={(0, 1): (0, 1)})
    # By hand: 11 of 48 pairs.
    assert about_causes(record)[1] == (
        "22.9 % of Switched's elements are zero because contacts or limits are off: 12.5 % while none of contact "
        "foot-world and joint limit slider is on, 6.2 % while joint limit slider is off, 4.2 % while no contact joins "
        "foot and the world (8 rows looked at)."
    )


def test_each_label_has_its_verb():
    labels = {
        (0, 1): ("structural", ROWS), (0, 2): ("structural", ROWS), (1, 1): ("numerical", ROWS),
        (1, 2): ("clamped", ROWS), (2, 3): ("structural", ROWS),
    }  # fmt: skip
    structural, clamped, numerical, action, *_ = about_causes(cause_record(labels, names=THREE))
    assert structural == (
        "2 of Switched's 4 always-zero state elements have no path in the step's program from the input to the output."
    )
    assert clamped == "1 of Switched's 4 always-zero state elements is zero because a clamp holds."
    assert numerical == (
        "1 of Switched's 4 always-zero state elements is below 1e-15 all the same: a factor that is zero at this "
        "state, such as a velocity at rest, or numbers that cancel."
    )
    assert action.startswith("Switched's only always-zero action element has no path")


def test_elements_are_grouped_by_the_set_of_their_switches():
    names = tuple(f"contact {body}-world" for body in "abcde")
    # One of two would do for the first row; the one named most often is not the same for all of it.
    labels = {(0, j): ("contact-off", ROWS, j % 2) for j in range(3)} | {(1, 0): ("contact-off", ROWS, 4)}
    switched = {(0, j): (0, 1) for j in range(3)}
    first, second, *_ = about_causes(cause_record(labels, names=THREE, constraints=names, switched=switched))
    assert first == (
        "3 of Switched's 4 always-zero state elements are zero while none of contact a-world and contact b-world is on "
        "(8 rows looked at)."
    )
    assert second.endswith("1 of Switched's 4 always-zero state elements is zero while no contact joins e and the "
                           "world (8 rows looked at).")  # fmt: skip


def test_many_sets_of_switches_share_a_sentence():
    names = tuple(f"contact {body}-world" for body in "abcde")
    labels = {(i, j): ("contact-off", ROWS, (3 * i + j) % 5) for i in range(3) for j in range(3)}
    *_, last, none = about_causes(cause_record(labels, names=THREE, constraints=names))[:5]
    assert last.startswith("3 of Switched's 9 always-zero state elements are zero while all of a set of contacts and ")
    assert last.endswith("are off (2 more such sets, of contact a-world and contact e-world; 8 rows looked at).")
    assert none == "No action element of Switched is always zero."


def test_nothing_zero_and_no_constraint_are_told():
    labels = {(1, 0): ("symmetry", ROWS)}
    assert len(about_causes(cause_record(labels, constraints=()))) == 2
    assert about_causes(cause_record({}, constraints=(), symmetries=())) == ("No element of Switched is always zero.",)


def test_always_zero_is_what_the_analysis_says():
    record = cause_record({(1, 0): ("symmetry", ROWS), (0, 1): ("contact-off", ROWS, 0)})
    masks = {"state": np.array([[False, False], [True, True]]), "action": np.zeros((2, 1), dtype=bool)}
    first, second, *_ = about_causes(record, masks)
    assert "1 of Switched's 2 always-zero state elements is zero by symmetry" in first
    assert "is not zero in any of the 8 rows that were explained, which must be of other data" in second


def test_measured_causes_replace_those_on_record(make_record):
    report = make_record()  # CartpoleBalance with its slider's column always zero
    slide = replace(SLIDE, coordinate="qpos slider", broken_by=("joint limit slider",))
    names = report.state_names
    labels = {(row, 0): ("limit-off", ROWS, 1) for row in (1, 2, 3)}
    measured = cause_record(
        labels, environment=report.environment, names=names, actions=("slide",), symmetries=(slide,)
    )
    on_record, _ = explain(report, 0)
    assert on_record.kind == "cause" and "on record, not measured here" in on_record.text
    column, departure = explain(report, 0, measured)
    assert column.text == (
        "CartpoleBalance, qpos slider (3 elements): zero while joint limit slider is off (8 rows looked at); until "
        "then the step commutes with translation of cart along x."
    )
    assert departure.kind == "departure" and "3 of them are zero only while contacts or limits" in departure.text
    assert "on record" not in column.text + departure.text


def not_zero_in_the_sliders_column(make_record, sizes, **changes):
    state = np.zeros((4, 4))
    state[1:, 0] = 0.9
    report = make_record(state=state)
    slide = replace(SLIDE, coordinate="qpos slider", broken_by=("joint limit slider",))
    made = cause_record({}, names=report.state_names, symmetries=(slide,), sizes=sizes, data_rows=200, **changes)
    (found,) = explain(report, 0, made)
    assert found.kind == "not seen"
    return found.text


def test_a_symmetry_that_ended_is_named(make_record):
    sizes = {(1, 0): (0.5, 20), (2, 0): (0.25, 3), (3, 0): (0.1, 1)}
    assert not_zero_in_the_sliders_column(make_record, sizes) == (
        "CartpoleBalance, qpos slider: the step commutes with translation of cart along x; 3 elements of its column "
        "are not zero in up to 10.0 % of 200 rows: joint limit slider ends it."
    )


def test_round_off_ends_no_symmetry(make_record):
    sizes = {(1, 0): (2.7e-15, 0), (2, 0): (2e-15, 0), (3, 0): (1.1e-15, 0)}
    noise = "3 elements of its column are round-off above 1e-15 (up to 2.7e-15)"
    assert not_zero_in_the_sliders_column(make_record, sizes) == (
        f"CartpoleBalance, qpos slider: the step commutes with translation of cart along x; {noise}."
    )
    both = not_zero_in_the_sliders_column(make_record, sizes | {(3, 0): (0.1, 1)})
    assert (
        "2 elements of its column are round-off" in both
        and "1 element of its column is not zero in up to 0.5 %" in both
    )


def test_a_column_is_one_element_where_its_own_is_the_other():
    report = switched_report()
    assert report.global_sparsity.state.always_zero.tolist() == [[False, False], [True, False]]
    (found,) = explain(report, None, switched_causes())
    assert (found.kind, found.column, found.elements) == ("measured", "qpos a", 1)
    assert found.sentence == BY_SYMMETRY


@pytest.mark.parametrize("label", ["structural", "symmetry"])
def test_elements_of_several_causes_have_a_sentence_each(make_record, label):
    state = np.zeros((4, 4))
    state[1:, 0] = 1.0
    report = make_record("Toy", state=state)
    labels = {(1, 0): ("symmetry", ROWS), (2, 0): ("symmetry", ROWS), (3, 0): (label, ROWS)}
    slide = replace(SLIDE, coordinate="qpos slider")
    first, *others = explain(report, None, cause_record(labels, names=report.state_names, symmetries=(slide,)))
    if label == "structural":
        assert first.sentence == f"next qpos hinge_1 and qvel slider: {BY_SYMMETRY}" and first.elements == 2
        assert others[0].text == (
            "Toy, qpos slider (1 element): next qvel hinge_1: no path in the step's program from the input to the "
            "output."
        )
    else:
        assert first.sentence == BY_SYMMETRY and not others


def test_columns_of_one_cause_share_a_sentence(make_record):
    names = (*(f"qvel box_{axis}" for axis in "abc"), *(f"qvel arm {k}" for k in range(9)))
    state = np.zeros((12, 12))
    state[:3, 3:] = 1.0
    report = make_record("Toy", names, state, np.zeros((12, 1)))
    labels = {(i, j): ("contact-off", ROWS, 0) for i in range(3) for j in range(3, 12)}
    (found,) = explain(report, None, cause_record(labels, names=names, symmetries=(), constraints=("contact arm-box",)))
    assert found.text == (
        "Toy, 9 arm columns (27 elements): next qvel box_a, qvel box_b and qvel box_c: zero while no contact joins arm "
        "and box (8 rows looked at)."
    )


def test_there_are_six_sentences_at_most(make_record):
    names = tuple(f"x{i}" for i in range(10))
    state = np.zeros((10, 10))
    state[0, 1:] = 1.0
    constraints = tuple(f"joint limit {k}" for k in range(9))
    report = make_record("Toy", names, state, np.zeros((10, 1)))
    labels = {(0, j): ("limit-off", ROWS, j - 1) for j in range(1, 10)}
    found = explain(report, None, cause_record(labels, names=names, symmetries=(), constraints=constraints))
    assert len(found) <= 6 and sum(cause.elements for cause in found) == 9
    for cause in found:
        assert cause.sentence.count("x") < 8
