from __future__ import annotations

import pytest

from dynsparse.report.quantities import number, percent, steps_long


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
