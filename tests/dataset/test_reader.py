"""Some rows of a data set, read without the others."""

from __future__ import annotations

import numpy as np
import pytest

from dynsparse.dataset import open_dataset
from dynsparse.errors import DatasetError, SettingError

from . import toy


@pytest.fixture
def stored(tmp_path):
    description = toy.describe()
    toy.collect(tmp_path / "data", description)
    return tmp_path / "data", description


def test_taken_rows_are_the_loaded_ones(stored):
    path, description = stored
    dataset = open_dataset(path)
    everything = toy.all_rows(description)
    indices = [0, 1, description.rows_per_block - 1, description.rows_per_block, description.rows - 1]
    taken = dataset.take(indices)
    assert set(taken) == set(dataset.fields)
    for name, array in taken.items():
        np.testing.assert_array_equal(array, everything[name][indices])
    assert set(dataset.take([2], ["t"])) == {"t"}
    assert dataset.take([])["state"].shape == (0, len(description.state_names))


def test_blocks_without_a_wanted_row_are_not_read(stored):
    path, description = stored
    dataset = open_dataset(path)
    (path / "state" / "c" / "1" / "0").unlink()
    dataset.take([0])
    with pytest.raises(DatasetError, match="state/c/1/0"):
        dataset.take([description.rows_per_block])


@pytest.mark.parametrize("indices", [[-1], [3, 2], [2, 2], [10**6], [[0, 1]]])
def test_indices_that_can_not_be_are_refused(stored, indices):
    with pytest.raises(SettingError, match="indices must increase"):
        open_dataset(stored[0]).take(indices)
