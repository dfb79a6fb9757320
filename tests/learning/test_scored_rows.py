"""Rows to score, from arrays in memory and from a stored data set, against NumPy on the whole."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from dynsparse.dataset import open_dataset
from dynsparse.errors import ArrayError, SettingError
from dynsparse.learning.normalizer import Normalizer
from dynsparse.learning.row_sample import draw_rows
from dynsparse.learning.windows import Windows

from .switched_rows import CHANGING, made_arrays, scored, store

BAD = (7, 33)


@pytest.fixture(scope="module")
def arrays():
    return made_arrays(nonfinite=BAD)


@pytest.fixture(scope="module")
def dataset(arrays, tmp_path_factory):
    path = tmp_path_factory.mktemp("toy") / "data"
    store(path, arrays)
    return open_dataset(path)


def assert_same(one, other):
    """Every number of two objects is equal, parts of parts too."""
    for field in dataclasses.fields(one):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if isinstance(a, Windows | Normalizer):
            assert_same(a, b)
        elif field.name.startswith(("input_", "output_")):
            np.testing.assert_allclose(a, b, rtol=1e-12)  # summed block by block
        else:
            np.testing.assert_array_equal(a, b)


def test_rows_of_arrays_are_those_asked_for(arrays):
    rows = scored(arrays, [0, 1, 40, 119])
    np.testing.assert_array_equal(rows.state, arrays["state"][[0, 1, 40, 119]])
    np.testing.assert_array_equal(rows.jacobian[2, :, 3:], arrays["jac_action"][40])
    np.testing.assert_array_equal(rows.zero, rows.jacobian == 0)
    np.testing.assert_array_equal(rows.contact, arrays["state"][[0, 1, 40, 119], 0] > 0)
    np.testing.assert_array_equal(rows.windows.length, [7, 6, 20, 1])
    np.testing.assert_array_equal(rows.changing, CHANGING)
    assert (len(rows), rows.dataset_rows, rows.nonfinite_rows) == (4, 120, 2)
    assert (rows.state_dim, rows.action_dim) == (3, 2)


def test_zeros_are_decided_on_the_raw_jacobian_by_the_threshold(arrays):
    small = {**arrays, "jac_state": arrays["jac_state"].copy()}
    small["jac_state"][0, 1, 0], small["jac_state"][0, 2, 0] = -1e-13, 1e-11
    rows = scored(small, [0])
    assert rows.zero[0, 1, 0]
    assert not rows.zero[0, 2, 0]
    assert scored(small, [0], zero_atol=1e-10).zero[0, 2, 0]


def test_a_whole_data_set_is_scored_where_it_is_small(arrays, dataset):
    rows = draw_rows(dataset)
    finite = np.setdiff1d(np.arange(120), BAD)
    np.testing.assert_array_equal(rows.index, finite)
    assert_same(rows, scored(arrays, finite))


def test_drawn_rows_are_in_order_and_the_others_train(arrays, dataset):
    rows = draw_rows(dataset, rows=50, seed=3)
    assert (len(rows), len(np.unique(rows.index)), rows.nonfinite_rows) == (50, 50, 2)
    assert not set(rows.index) & set(BAD)
    others = np.setdiff1d(np.arange(120), [*rows.index, *BAD])
    zero = np.concatenate([arrays["jac_state"], arrays["jac_action"]], axis=2)[others] == 0
    assert_same(rows, scored(arrays, rows.index, training_zero_frequency=zero.mean(axis=0)))
    np.testing.assert_array_equal(draw_rows(dataset, rows=50, seed=3).index, rows.index)
    assert (draw_rows(dataset, rows=50, seed=4).index != rows.index).any()


def test_rows_are_drawn_among_those_that_a_model_knows(dataset):
    np.testing.assert_array_equal(draw_rows(dataset, among=np.array([2, 7, 90])).index, [2, 90])
    with pytest.raises(ArrayError, match=r"expected finite rows to score among 2 rows of .*, got none"):
        draw_rows(dataset, among=np.array(BAD))
    with pytest.raises(SettingError, match="rows must be a whole number of at least 1, got 0"):
        draw_rows(dataset, rows=0)


def test_a_data_set_without_a_finite_row_is_refused(tmp_path):
    store(tmp_path / "data", made_arrays(2, 3, nonfinite=tuple(range(6))))
    with pytest.raises(ArrayError, match="got none; collect more"):
        draw_rows(open_dataset(tmp_path / "data"))


def test_indices_that_can_not_be_scored_are_refused(arrays):
    for index, told in (
        ([3, 2], "increase from 0 to at most 119; sort them"),
        ([0, 120], "increase from 0 to at most 119"),
        ([6, 7], r"expected finite rows to score, row 7 is not \(1 in all\)"),
        ([], "expected places of rows to score"),
        ([0.5], "whole numbers, got float64"),
    ):
        with pytest.raises(ArrayError, match=told):
            scored(arrays, index)


def test_parts_of_another_environment_are_refused(arrays):
    other = Normalizer(np.zeros(4), np.ones(4), np.zeros(3), np.ones(3))
    with pytest.raises(ArrayError, match="a normaliser of 3 state variables and 2 actions, got one of 4 inputs"):
        scored(arrays, normalizer=other)
    with pytest.raises(ArrayError, match=r"changing of shape \(3, 5\), got \(5, 3\)"):
        scored(arrays, changing=CHANGING.T)
