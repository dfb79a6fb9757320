from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from dynsparse.errors import InputError
from dynsparse.report.figure import BLOCK_LOOKS
from dynsparse.report.timelines import draw_first_steps, draw_pair, draw_timeline, draw_timelines

from .switched import switched_report


def drawn(axes):
    (steps,) = axes.patches
    return steps.get_data()


def test_each_step_has_its_level_in_percent():
    axes = Figure().add_subplot()
    draw_timeline(axes, np.array([0.1, np.nan, 0.3]), BLOCK_LOOKS[0])
    values, edges, _ = drawn(axes)
    assert values == pytest.approx([10.0, np.nan, 30.0], nan_ok=True)
    assert list(edges) == [-0.5, 0.5, 1.5, 2.5]
    low, high = axes.get_ylim()
    assert low < 10.0 and high > 30.0


def test_a_row_that_is_not_finite_has_a_cross_and_no_level():
    axes = Figure().add_subplot()
    draw_timeline(axes, np.array([0.1, np.nan, 0.3]), BLOCK_LOOKS[0])
    (crosses,) = axes.lines
    assert list(crosses.get_xdata()) == [1]
    assert axes.get_title(loc="right").endswith("not finite (1)")


@pytest.mark.parametrize("values", [[0.0, 0.0], [1.0, 1.0], [np.nan, np.nan], [0.5]])
def test_a_flat_line_is_not_on_the_frame(values):
    axes = Figure().add_subplot()
    draw_timeline(axes, np.array(values), BLOCK_LOOKS[0])
    low, high = axes.get_ylim()
    assert high - low >= 1.0
    assert not np.nanmax([100 * v for v in values if v == v] or [50.0]) >= high


def test_no_zeros_at_all_are_said_on_an_axis_to_ten_percent():
    for values, told in (([0.0, 0.0, np.nan], ["0 % throughout"]), ([0.0, 0.01], []), ([np.nan], [])):
        axes = Figure().add_subplot()
        draw_timeline(axes, np.array(values), BLOCK_LOOKS[1])
        assert [text.get_text() for text in axes.texts] == told
        assert (axes.get_ylim()[1] == 10.0) == bool(told)


def test_a_level_that_is_not_zero_does_not_look_like_zero_in_figure_6():
    figure = draw_pair([switched_report()])
    for axes in figure.axes:
        values = drawn(axes)[0]
        low, high = axes.get_ylim()
        # Just below 0, so that a line there is off the frame.
        assert -0.1 * high < low < 0.0 and values.max() < high
    # Alone it may begin above 0.
    assert draw_timelines(switched_report()).axes[0].get_ylim()[0] > 10.0
    assert "zero: |x| < 1e-15" in figure.get_suptitle()


def test_the_panels_are_state_action_and_both():
    report = switched_report()
    figure = draw_timelines(report)
    levels = [drawn(axes)[0] for axes in figure.axes]
    # Mode A at step 0, mode B at step 8.
    assert [level[0] for level in levels] == pytest.approx([50.0, 50.0, 50.0])
    assert [level[8] for level in levels] == pytest.approx([25.0, 0.0, 100 / 6])
    assert [len(level) for level in levels] == [64] * 3
    assert [len(drawn(axes)[0]) for axes in draw_timelines(report, 50).axes] == [50] * 3


def test_without_episodes_there_is_no_timeline():
    with pytest.raises(InputError, match="no timeline"):
        draw_timelines(switched_report(states="coverage"))


def test_a_share_that_moves_by_one_of_hundreds_is_seen_to_move():
    axes = Figure().add_subplot()
    draw_timeline(axes, np.array([100.0, 101.0, 100.0]) / 324, BLOCK_LOOKS[0])
    low, high = axes.get_ylim()
    assert 0.3 * (high - low) < 100 / 324  # 0.31 percentage points


@pytest.mark.parametrize(("count", "panels"), [(1, 2), (2, 4), (5, 10), (8, 16)])
def test_each_block_of_each_environment_has_an_axis_of_its_own(count, panels):
    figure = draw_first_steps([switched_report(f"E{index}") for index in range(count)])
    assert len(figure.axes) == panels
    named = [axes for axes in figure.axes if axes.get_title(loc="left")]
    assert [axes.get_title(loc="left") for axes in named] == [f"E{index}" for index in range(count)]
    for axes in figure.axes:
        values = drawn(axes)[0]
        low, high = axes.get_ylim()
        assert low < values.min() and values.max() < high and np.ptp(values) > 0.7 * (high - low)
    labelled = [axes for axes in figure.axes if axes.get_xlabel()]
    assert len(labelled) == min(count, 3 if count == 5 else 4)
