from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from dynsparse.rollout.training.curve import COLUMNS, Point, curve_csv, mean_interval


@pytest.mark.parametrize("count", [2, 3, 32])
def test_the_interval_is_students(count):
    returns = np.random.default_rng(count).normal(500, 80, count)
    mean, low, high = mean_interval(returns)
    expected = stats.t.interval(0.95, count - 1, loc=returns.mean(), scale=stats.sem(returns))
    np.testing.assert_allclose((mean, low, high), (returns.mean(), *expected), rtol=1e-12)
    assert low < mean < high


def test_one_episode_has_no_interval():
    mean, low, high = mean_interval(np.array([7.5]))
    assert mean == 7.5
    assert math.isnan(low) and math.isnan(high)


def test_a_curve_is_a_table():
    points = [
        Point(4096, 1.25, 3.0004, 2.5, 3.5, 4, math.nan, 12345.6789),
        Point(8192, 2.5, 10.0, math.nan, math.nan, 1, 9.0, 1e4),
    ]
    assert curve_csv(points).decode().splitlines() == [
        "steps,seconds,mean_return,return_low,return_high,episodes,training_return,steps_per_s",
        "4096,1.250,3.000,2.500,3.500,4,nan,12345.679",
        "8192,2.500,10.000,nan,nan,1,9.000,10000.000",
    ]
    assert curve_csv([]).decode() == ",".join(COLUMNS) + "\n"
