from __future__ import annotations

import dataclasses

import pytest

from dynsparse.errors import InputError
from dynsparse.report.thresholds import draw_thresholds

from .switched import switched_report


def test_shares_stand_over_their_thresholds_and_the_chosen_one_is_marked():
    (axes,) = draw_thresholds(switched_report()).axes
    zero, always, chosen = axes.lines
    assert list(zero.get_xdata()) == [float(f"1e{exponent}") for exponent in range(-20, -2)]
    # The element of 1e-6 is below 1e-5 and not below 1e-6 itself: the last three thresholds.
    assert zero.get_ydata() == pytest.approx([100 / 3] * 15 + [50.0] * 3)
    assert always.get_ydata() == pytest.approx([100 / 6] * 15 + [100 / 3] * 3)
    assert list(chosen.get_xdata()) == [1e-15, 1e-15]
    assert axes.get_xscale() == "log"
    assert axes.get_title(loc="right").endswith("chosen 1e-15")


def test_in_grey_the_lines_differ_by_style_and_marker():
    (axes,) = draw_thresholds(switched_report()).axes
    zero, always, _ = axes.lines
    assert zero.get_linestyle() != always.get_linestyle()
    assert zero.get_marker() != always.get_marker()


def test_one_threshold_is_no_sweep():
    report = switched_report()
    sparsity = dataclasses.replace(report.global_sparsity, threshold_sweep=())
    with pytest.raises(InputError, match="threshold sweep"):
        draw_thresholds(dataclasses.replace(report, global_sparsity=sparsity))
