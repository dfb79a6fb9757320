from __future__ import annotations

import pytest

from dynsparse.report.episode_statistics import EpisodeMean
from dynsparse.report.quantities import number, percent, share_with_interval, steps_long, steps_with_interval


@pytest.mark.parametrize(
    ("share", "written"),
    [
        (0.0, "0 %"),
        (1.0, "100 %"),
        (0.0004, "<0.1 %"),
        (0.9996, ">99.9 %"),
        (0.0006, "0.1 %"),
        (0.0525, "5.2 %"),
        (1 / 3, "33.3 %"),
    ],
)
def test_a_share_never_rounds_to_none_or_all(share, written):
    assert percent(share) == written


def test_one_has_a_singular():
    assert [number(count, "row") for count in (0, 1, 2000)] == ["0 rows", "1 row", "2,000 rows"]
    assert number(2, "step is", "steps are") == "2 steps are"


def test_a_mean_of_nothing_says_so():
    assert steps_long(1234.56) == "1,234.6 control steps"
    assert steps_long(None) == "no steps (there is none)"


@pytest.mark.parametrize(
    ("mean", "written", "in_a_table"),
    [
        (EpisodeMean(0.031, 0.028, 0.0345, 4), "3.1 % [2.8, 3.5]", "3.1 % [2.8, 3.5]"),
        (EpisodeMean(0.9, -0.2, 1.2, 4), "90.0 % [0, 100]", "90.0 % [0, 100]"),
        (EpisodeMean(0.0002, 0.0001, 0.002, 4), "<0.1 % [<0.1, 0.2]", "<0.1 % [<0.1, 0.2]"),
        (EpisodeMean(1.0, 1.0, 1.0, 4), "100 %, did not vary in 4 episodes", "100 %"),
        (EpisodeMean(0.5, None, None, 1), "50.0 %, no interval of 1 episode", "50.0 %"),
        (EpisodeMean(0.5, None, None, 0), "50.0 %, no interval", "50.0 %"),
        (EpisodeMean(None, None, None, 0), "-", "-"),
    ],
)
def test_a_share_has_its_interval_or_the_reason_why_there_is_none(mean, written, in_a_table):
    assert share_with_interval(mean) == written
    assert share_with_interval(mean, reason=False) == in_a_table


def test_a_duration_has_its_interval():
    assert steps_with_interval(EpisodeMean(1234.56, 1200.0, 1269.12, 5)) == "1,234.6 [1,200.0, 1,269.1]"
