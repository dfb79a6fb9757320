from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dynsparse.report.cause_sentences import about_causes
from dynsparse.report.causes import explain

from .invented_causes import ROWS, SLIDE, cause_record, switched_causes
from .switched import switched_report

THREE = ("qpos a", "qvel a", "qvel b")


def test_a_symmetry_is_told_with_its_evidence():
    labels = {(1, 0): ("symmetry", ROWS), (2, 0): ("symmetry", ROWS)}
    assert about_causes(cause_record(labels, environment="Cart", names=THREE)) == (
        "2 of Cart's 2 always-zero state elements are translation of cart along x: shifting it changed nothing else in "
        "256 shifted steps (up to 4e-14).",
        "No action element of Cart is always zero.",
        "No element of Cart is zero because a contact or a limit is off.",
    )


def test_a_single_element_is_told_in_the_singular():
    record = switched_causes("Cart")
    first, _, contact = about_causes(record)
    assert first.startswith("Cart's only always-zero state element is translation of cart along x: ")
    # 8 of 48 pairs; one contact is all that there is.
    assert contact == "16.7 % of Cart's elements are zero because a contact is off, namely contact floor-foot."


def test_the_constraint_that_ends_a_symmetry_is_named():
    slide = replace(SLIDE, broken_by=("joint limit slider",), error=0.0)
    labels = {(row, 0): ("limit-off", ROWS, 1) for row in (1, 2)}
    record = cause_record(labels, environment="Cart", names=THREE, symmetries=(slide,))
    ending = "; until then the step commutes with translation of cart along x."
    state, _, share = about_causes(record)
    assert state == (f"2 of Cart's 2 always-zero state elements are zero as long as joint limit slider is off{ending}")
    assert share.endswith(f"namely joint limit slider{ending}")
    # Not where it is the cause of other columns' zeros too, or where the shift was not seen to hold.
    for other in (
        cause_record(labels | {(0, 3): ("limit-off", 1, 1)}, names=THREE, symmetries=(slide,)),
        cause_record(labels, names=THREE, symmetries=(replace(slide, holds=False),)),
    ):
        assert about_causes(other)[-1].endswith("namely joint limit slider.")
    several = cause_record(labels, names=THREE, constraints=("joint limit b", "joint limit slider"))
    assert about_causes(several)[-1].endswith("most often joint limit slider.")


def test_each_label_has_its_verb():
    labels = {
        (0, 1): ("structural", ROWS), (0, 2): ("structural", ROWS), (1, 1): ("numerical", ROWS),
        (1, 2): ("clamped", ROWS), (2, 3): ("structural", ROWS),
    }  # fmt: skip
    structural, clamped, numerical, action, _ = about_causes(cause_record(labels, names=THREE))
    assert structural == (
        "2 of Switched's 4 always-zero state elements have no path in the step's program from the input to the output."
    )
    assert clamped == "1 of Switched's 4 always-zero state elements is zero because a clamp holds."
    assert "1 of Switched's 4 always-zero state elements is below 1e-15 although" in numerical
    assert action.startswith("Switched's only always-zero action element has no path")


def test_many_constraints_share_a_sentence():
    names = tuple(f"contact floor-{i}" for i in range(5))
    labels = {(i, j): ("contact-off", ROWS, (i + j) % 5) for i in range(3) for j in range(3)}
    first, *_ = about_causes(cause_record(labels, names=THREE, constraints=names))
    assert first.startswith("9 of Switched's 9 always-zero state elements are zero as long as one of 5 contacts is off")
    assert "most often contact floor-2 and contact floor-" in first


def test_nothing_zero_and_no_constraint_are_told():
    assert about_causes(cause_record({}, constraints=())) == ("No element of Switched is always zero.",)


def test_always_zero_is_what_the_analysis_says():
    record = cause_record({(1, 0): ("symmetry", ROWS), (0, 1): ("contact-off", ROWS, 0)})
    masks = {"state": np.array([[False, False], [True, True]]), "action": np.zeros((2, 1), dtype=bool)}
    first, second, *_ = about_causes(record, masks)
    assert "1 of Switched's 2 always-zero state elements is translation" in first
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
        "CartpoleBalance, qpos slider (3 elements): zero as long as joint limit slider is off; until then the step "
        "commutes with translation of cart along x."
    )
    assert departure.kind == "departure" and "3 of them are zero only as long as a contact or a limit" in departure.text
    assert "on record" not in column.text + departure.text


def test_a_symmetry_that_ended_is_named(make_record):
    state = np.zeros((4, 4))
    state[1:, 0] = 0.9
    report = make_record(state=state)
    slide = replace(SLIDE, coordinate="qpos slider", broken_by=("joint limit slider",))
    labels = {(1, 0): ("limit-off", 3, 1)}
    measured = cause_record(labels, names=report.state_names, symmetries=(slide,))
    (found,) = explain(report, 0, measured)
    assert found.kind == "not seen"
    assert "as long as joint limit slider is off, and here something ended it" in found.text
    assert "90.0 % of the rows" in found.text


def test_single_elements_have_their_measured_cause():
    report = switched_report()
    state = report.global_sparsity.state.always_zero
    assert state.tolist() == [[False, False], [True, False]]
    (found,) = explain(report, None, switched_causes())
    assert (found.kind, found.column, found.elements) == ("measured", "qpos a", 1)
    # Its own element aside the column is one element long, so that it is a column.
    assert found.sentence.startswith("translation of cart along x")


@pytest.mark.parametrize("label", ["structural", "symmetry"])
def test_elements_of_several_causes_are_counted(make_record, label):
    state = np.zeros((4, 4))
    state[1:, 0] = 1.0
    report = make_record("Toy", state=state)
    labels = {(1, 0): ("symmetry", ROWS), (2, 0): ("symmetry", ROWS), (3, 0): (label, ROWS)}
    slide = replace(SLIDE, coordinate="qpos slider")
    (found,) = explain(report, None, cause_record(labels, names=report.state_names, symmetries=(slide,)))
    if label == "structural":
        assert found.sentence.startswith("1 has no path in the step's program from the input to the output; 2 are ")
    else:
        assert found.sentence.startswith("translation of cart along x: ")


def test_single_elements_are_named_up_to_four(make_record):
    names = tuple(f"x{i}" for i in range(8))
    state = np.zeros((8, 8))
    state[:6, 7] = state[:5, 6] = 1.0
    report = make_record("Toy", names, state, np.zeros((8, 1)))
    labels = {(row, 7): ("structural", ROWS) for row in range(6)} | {(row, 6): ("structural", ROWS) for row in range(5)}
    fewer, more = explain(report, None, cause_record(labels, names=names, symmetries=()))
    assert "single elements (next x0, x1, x2, x3, x4): no path" in fewer.text
    assert "single elements (next x0, x1, x2, x3 and 2 others): no path" in more.text
