from __future__ import annotations

import numpy as np
import pytest

from dynsparse.physics.batch import BatchFunction


def combine(matrix, vector):
    return {"product": matrix @ vector, "sum": vector.sum()}


def columns(rows):
    rng = np.random.default_rng(rows)
    return rng.normal(size=(rows, 3, 2)).astype(np.float32), rng.normal(size=(rows, 2)).astype(np.float32)


@pytest.mark.parametrize("rows", [1, 3, 4, 5, 8, 11])
def test_any_number_of_rows_gives_one_answer_a_row(rows):
    matrices, vectors = columns(rows)
    found = BatchFunction(combine, 4)(matrices, vectors)
    assert found["product"].shape == (rows, 3)
    assert found["sum"].shape == (rows,)
    for row in range(rows):
        np.testing.assert_allclose(found["product"][row], matrices[row] @ vectors[row], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(found["sum"][row], vectors[row].sum(), rtol=1e-5, atol=1e-6)
    assert all(isinstance(array, np.ndarray) for array in found.values())


def test_it_is_traced_once_for_all_numbers_of_rows():
    traced = []

    def function(x):
        traced.append(x.shape)
        return 2 * x

    batch = BatchFunction(function, 4)
    for rows in (1, 4, 9):
        np.testing.assert_array_equal(batch(np.ones((rows, 3), np.float32)), np.full((rows, 3), 2.0))
    assert traced == [(3,)]


def test_padding_repeats_a_row_of_the_batch_and_is_cut_off():
    # 1/x of a row of zeros would be infinite: a padded row is one that the caller passed.
    batch = BatchFunction(lambda x: 1 / x, 4)
    found = batch(np.array([2.0, 4.0, 8.0, 2.0, 0.5], np.float32))
    np.testing.assert_array_equal(found, [0.5, 0.25, 0.125, 0.5, 2.0])


def test_a_row_that_is_not_finite_leaves_its_neighbours_alone():
    matrices, vectors = columns(6)
    clean = BatchFunction(combine, 4)(matrices, vectors)
    matrices[2] = np.nan
    spoilt = BatchFunction(combine, 4)(matrices, vectors)
    assert np.isnan(spoilt["product"][2]).all()
    others = [0, 1, 3, 4, 5]
    np.testing.assert_array_equal(spoilt["product"][others], clean["product"][others])
