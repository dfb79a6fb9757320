"""Element groups: which constraints cover the rows in which an element appears, against all subsets by brute force."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from dynsparse.analysis.element_groups import ElementGroup, ElementRow, covering, group_elements

# Rows by constraint: left limit, right limit, friction that always acts.
ACTIVE = np.array([[1, 0, 1], [1, 0, 1], [0, 1, 1], [0, 0, 1], [0, 0, 1], [0, 0, 1]], dtype=bool)


def rows(*places):
    return np.isin(np.arange(6), places)


@pytest.mark.parametrize(
    ("nonzero", "expected"),
    [
        (rows(0, 1), (0,)),
        (rows(1), (0,)),
        (rows(2), (1,)),
        (rows(0, 2), (0, 1)),  # neither alone, and friction, which covers both, is on where the element is zero too
        (rows(0, 3), ()),  # a row in which no limit is on
        (rows(), ()),
    ],
)
def test_covering_by_hand(nonzero, expected):
    found = covering(nonzero, ACTIVE[:, :2])
    assert found == expected


def test_what_is_always_on_explains_nothing():
    assert covering(rows(0, 3), ACTIVE) == ()
    # It is on in every row, and so it is where the element is zero.
    assert covering(rows(3), ACTIVE[:, 2:]) == ()


def test_covers_are_covers_and_single_ones_are_the_rarest():
    rng = np.random.default_rng(0)
    found = 0
    for _ in range(200):
        active, nonzero = rng.random((30, 5)) < 0.2, rng.random(30) < 0.1
        chosen = covering(nonzero, active)
        covers = [
            pick
            for size in range(1, 6)
            for pick in combinations(range(5), size)
            if active[nonzero][:, list(pick)].any(axis=1).all()
        ]
        if chosen:
            found += 1
            assert chosen in covers
            singles = [pick for pick in covers if len(pick) == 1]
            if singles:
                assert len(chosen) == 1
                assert active[:, chosen[0]].sum() == min(active[:, pick[0]].sum() for pick in singles)
        elif nonzero.any():
            assert not covers or all(active[~nonzero][:, list(pick)].any(axis=1).mean() > 0.0 for pick in covers)
    assert found > 20


def test_groups_by_hand():
    sizes = {"random": np.array([[2.0, 3.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 5.0]]), "paper": np.zeros((3, 3))}
    active = {"random": np.array([[1, 0], [1, 0], [0, 1]], dtype=bool), "paper": np.zeros((3, 2), dtype=bool)}
    left, right = group_elements([(0, 0), (1, 0), (1, 2)], sizes, active, ("left", "right"), atol=1e-15)
    assert (left.elements, left.constraints, left.nonzero) == (
        ((0, 0), (1, 0)), ("left",), {"random": (2, 1), "paper": (0, 0)},
    )  # fmt: skip
    assert (left.active, left.both, left.largest) == ({"random": 2, "paper": 0}, {"random": 2, "paper": 0}, (2.0, 3.0))
    assert (right.elements, right.constraints, right.zero_in) == (((1, 2),), ("right",), ("paper",))


def test_plain_values_come_back():
    row = ElementRow("random", 3, 7, (0.5, 1.0), (2.0,), ("left",))
    group = ElementGroup(((0, 0),), ("left",), {"random": (1,)}, {"random": 1}, {"random": 1}, (2.0,), (row,))
    assert ElementGroup.from_dict(group.to_dict()) == group
