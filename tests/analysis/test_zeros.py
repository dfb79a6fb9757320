from __future__ import annotations

import math

import numpy as np
import pytest

from dynsparse.analysis.zeros import is_zero, sparsity
from dynsparse.errors import SettingError


def test_the_threshold_itself_is_not_zero():
    values = np.array([0.0, -0.0, 1e-16, -1e-16, 1e-15, -1e-15, np.nextafter(1e-15, 0.0), 1.0])
    expected = [True, True, True, True, False, False, True, False]
    assert is_zero(values, 1e-15).tolist() == expected


def test_nan_and_infinity_are_never_zero():
    assert not is_zero(np.array([np.nan, np.inf, -np.inf]), 1e300).any()


@pytest.mark.parametrize("atol", [0.0, -1.0, math.nan, math.inf])
def test_threshold_without_a_meaning_is_refused(atol):
    with pytest.raises(SettingError, match="atol"):
        is_zero(np.zeros(3), atol)


def test_sparsity_is_zeros_over_elements():
    zeros = np.array([[True, False, False], [True, True, False]])
    assert sparsity(zeros) == 3 / 6
    assert sparsity(np.zeros((4, 0), dtype=bool)) == 0.0
