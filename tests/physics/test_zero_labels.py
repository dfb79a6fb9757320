"""Zero labels, on rows whose answer is written beside them."""

from __future__ import annotations

import numpy as np
import pytest

from dynsparse.physics.zero_labels import ZERO_LABELS, ZeroEvidence, is_real, label_zeros

KINDS = ("contact", "joint limit", "tendon limit")
CONTACT, LIMIT, TENDON = range(3)


def rows(*active: tuple[int, ...]) -> np.ndarray:
    found = np.zeros((len(active), len(KINDS)), dtype=bool)
    for row, which in enumerate(active):
        found[row, list(which)] = True
    return found


def labels(zero, path, active, *, open_path=None, symmetric=(), evidence=None, kinds=KINDS):
    """Label matrices of one output by several inputs: (n, columns) bool each."""
    zero, path = (np.asarray(x, dtype=bool)[:, None] for x in (zero, path))
    open_path = path if open_path is None else np.asarray(open_path, dtype=bool)[:, None]
    flags = np.isin(np.arange(zero.shape[2]), symmetric)
    evidence = evidence or ZeroEvidence(~zero, active)
    found = label_zeros(zero, path, open_path, active, kinds, flags, evidence)
    names = [[ZERO_LABELS[label] for label in row] for row in found.labels[:, 0]]
    return names, found.off[:, 0].tolist()


def test_without_a_constraint_the_path_and_the_symmetry_decide():
    # Columns: never a path; a path where numbers cancel; a path, and a shift that changes nothing; not zero.
    names, off = labels(
        [[1, 1, 1, 0]], [[0, 1, 1, 1]], rows(()), symmetric=(2, 3),
    )  # fmt: skip
    assert names == [["structural", "numerical", "symmetry", "none"]]
    assert off == [[-1, -1, -1, -1]]


def test_a_shift_does_not_make_its_own_coordinate_zero():
    names, _ = labels([[1, 1]], [[1, 1]], rows(()), symmetric=(0, 1))
    assert names == [["numerical", "symmetry"]]


def test_a_symmetry_is_no_cause_where_the_element_is_ever_non_zero():
    names, _ = labels([[1, 1], [1, 0]], [[1, 1], [1, 1]], rows((), ()), symmetric=(1,))
    assert names == [["numerical", "numerical"], ["numerical", "none"]]


def test_what_a_contact_switches_on_is_zero_because_the_contact_is_off():
    # Column 0 is never on, column 1 with the contact, column 2 always.
    names, off = labels([[1, 1, 0], [1, 0, 0]], [[0, 0, 1], [0, 1, 1]], rows((), (CONTACT,)))
    assert names == [["structural", "contact-off", "none"], ["structural", "none", "none"]]
    assert off == [[-1, CONTACT, -1], [-1, -1, -1]]


@pytest.mark.parametrize(("which", "label"), [(LIMIT, "limit-off"), (TENDON, "limit-off"), (CONTACT, "contact-off")])
def test_the_label_names_the_kind_of_constraint(which, label):
    names, off = labels([[1], [0]], [[0], [1]], rows((), (which,)))
    assert (names[0], off[0]) == ([label], [which])


def test_an_element_that_is_on_without_the_constraint_is_not_zero_because_it_is_off():
    # Row 2 is non-zero with nothing active: what makes row 0 zero is something else.
    names, _ = labels([[1], [0], [0]], [[0], [1], [1]], rows((), (CONTACT,), ()))
    assert names[0] == ["structural"]


def test_of_two_switches_the_one_that_tells_better_is_named():
    # The limit is active in a row that is zero all the same; the contact only where the element is on.
    active = rows((), (CONTACT, LIMIT), (LIMIT,), (CONTACT,))
    names, off = labels([[1], [0], [1], [0]], [[0], [1], [0], [1]], active)
    assert (names[0], off[0]) == (["contact-off"], [CONTACT])
    assert (names[2], off[2]) == (["contact-off"], [CONTACT])


def test_an_element_that_either_of_two_switches_on_is_zero_while_both_are_off():
    zero, active = np.array([1, 0, 0, 1], dtype=bool), rows((), (CONTACT,), (LIMIT,), (TENDON,))
    zero, path = zero[:, None, None], ~zero[:, None, None]
    found = label_zeros(zero, path, path, active, KINDS, np.zeros(1, dtype=bool), ZeroEvidence(~zero, active))
    assert ZERO_LABELS[found.labels[0, 0, 0]] in {"contact-off", "limit-off"}
    assert found.switched_by[0, 0].tolist() == [True, True, False]
    # The cable is taut in the last row, and both of the others are off there too.
    assert found.off[3, 0, 0] in (CONTACT, LIMIT)


def test_a_switch_that_is_on_is_not_what_is_off():
    # The contact switches column 0 on in row 1 alone; in row 2 it is on as well, and the program has no path.
    names, off = labels([[1], [0], [1]], [[0], [1], [0]], rows((), (CONTACT,), (CONTACT,)))
    assert names == [["contact-off"], ["none"], ["structural"]]
    assert off == [[CONTACT], [-1], [-1]]


def test_with_a_path_a_constraint_must_tell_in_half_of_its_rows():
    # Numbers cancel in rows 0 and 1.  The contact is active in three rows and the element on in one of them: chance.
    active = rows((), (CONTACT,), (CONTACT,), (CONTACT,))
    names, _ = labels([[1], [1], [1], [0]], [[1]] * 4, active)
    assert names[0] == ["numerical"]
    # Without a path in row 0, one such row is proof enough.
    names, _ = labels([[1], [1], [1], [0]], [[0], [1], [1], [1]], active)
    assert names[0] == ["contact-off"]


def test_a_limit_that_breaks_a_symmetry_is_the_cause_where_numbers_cancel():
    names, off = labels([[1, 1], [1, 0]], [[1, 1], [1, 1]], rows((), (LIMIT,)), symmetric=(1,))
    assert (names[0], off[0]) == (["numerical", "limit-off"], [-1, LIMIT])


def test_a_clamp_wins_over_a_coincidence():
    active = rows((), (CONTACT,), (CONTACT,), (CONTACT,))
    names, _ = labels([[1], [1], [1], [0]], [[0], [0], [0], [1]], active, open_path=[[1]] * 4)
    assert names[0] == ["clamped"]


def test_round_off_is_no_evidence():
    jacobian = np.array([[[1.0, 2e-15]], [[100.0, 1e-11]], [[1.0, 2e-12]]])
    assert is_real(jacobian)[:, 0].tolist() == [[True, False], [True, False], [True, True]]


def test_a_clamp_is_the_cause_where_opening_it_makes_a_path():
    names, _ = labels([[1, 1]], [[0, 0]], rows(()), open_path=[[0, 1]])
    assert names == [["structural", "clamped"]]


def test_further_rows_are_evidence_too():
    # No row of the data touches; one that was made for it does.
    more = ZeroEvidence(np.array([[[False, True]]]), rows((CONTACT,)))
    names, _ = labels([[1, 1]], [[0, 0]], rows(()), evidence=more)
    assert names == [["structural", "contact-off"]]


def test_a_model_without_constraints_has_none_that_is_off():
    names, off = labels([[1, 0]], [[0, 1]], np.zeros((1, 0), dtype=bool), kinds=())
    assert (names, off) == ([["structural", "none"]], [[-1, -1]])
