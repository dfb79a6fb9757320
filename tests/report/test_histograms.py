from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from dynsparse.analysis import LocalBlock
from dynsparse.report.figure import BLOCK_LOOKS
from dynsparse.report.histograms import draw_histogram, draw_histograms

from .switched import switched_report


def bars(axes):
    """Return the height of each bar by the share that it stands for; the outermost ones are cut at theirs."""
    found = {}
    for bar in axes.patches:
        left, right = bar.get_x(), bar.get_x() + bar.get_width()
        share = left if left == 0.0 else right if right == 100.0 else (left + right) / 2
        found[round(share, 6)] = round(bar.get_height(), 6)
    return found


def marked(axes):
    (line,) = axes.lines
    return line.get_xdata()[0]


def test_a_bar_stands_over_each_sparsity_that_occurs():
    axes = Figure().add_subplot()
    draw_histogram(axes, LocalBlock.from_counts(np.array([6, 0, 3, 0, 1])), BLOCK_LOOKS[0])  # 0, 2 and 4 zeros of 4
    assert bars(axes) == {0.0: 60.0, 50.0: 30.0, 100.0: 10.0}
    assert marked(axes) == pytest.approx(100 * (3 * 2 + 1 * 4) / 40)
    assert axes.get_title(loc="right").endswith("mean 25.0 %")


def test_the_mean_s_mark_stands_above_the_axes_and_hides_no_bar():
    axes = Figure(dpi=100).add_subplot()
    draw_histogram(axes, LocalBlock.from_counts(np.array([0, 9, 0])), BLOCK_LOOKS[0])
    axes.figure.canvas.draw()
    (mark,), (bar,) = axes.lines, axes.patches
    assert (mark.get_marker(), mark.get_clip_on()) == ("v", False)
    box = mark.get_window_extent()
    assert box.y0 >= axes.bbox.y1 - 1 and bar.get_window_extent().y1 <= axes.bbox.y1
    assert (box.x0 + box.x1) / 2 == pytest.approx(axes.transData.transform((50.0, 0.0))[0], abs=0.5)


def test_all_bars_lie_inside_the_axis():
    axes = Figure().add_subplot()
    draw_histogram(axes, LocalBlock.from_counts(np.array([6, 0, 3, 0, 1])), BLOCK_LOOKS[0])
    low, high = axes.get_xlim()
    assert all(low <= bar.get_x() and bar.get_x() + bar.get_width() <= high for bar in axes.patches)
    # No bar reaches below none or above all, where no share can be.
    assert (low, high) == (0.0, 100.0)
    axes = Figure().add_subplot()
    draw_histogram(axes, LocalBlock.from_counts(np.array([6, 0, 3, 0, 0])), BLOCK_LOOKS[0], limit=50.0)
    ends = [bar.get_x() + bar.get_width() for bar in axes.patches]
    assert max(ends) <= axes.get_xlim()[1] + 1e-9  # rounding
    # 80 elements: the bar of none is seen beside the frame, with all of its width.
    axes = Figure().add_subplot()
    counts = np.zeros(81, dtype=np.int64)
    counts[[0, 40]] = 9, 1
    draw_histogram(axes, LocalBlock.from_counts(counts), BLOCK_LOOKS[0])
    none, half = axes.patches
    assert (none.get_x(), none.get_width()) == (0.0, 1.6)
    assert half.get_x() + half.get_width() / 2 == pytest.approx(50.0)


def test_a_bar_among_hundreds_can_be_seen():
    counts = np.zeros(433, dtype=np.int64)
    counts[[100, 102]] = 5
    axes = Figure().add_subplot()
    draw_histogram(axes, LocalBlock.from_counts(counts), BLOCK_LOOKS[2], limit=30.0)
    assert all(bar.get_width() >= 0.0079 * 30.0 for bar in axes.patches)


def test_the_figure_has_a_panel_for_each_block():
    figure = draw_histograms(switched_report())
    state, action, combined = figure.axes
    assert bars(state) == {25.0: 50.0, 50.0: 50.0}
    assert bars(action) == {0.0: 50.0, 50.0: 50.0}
    assert bars(combined) == {round(100 / 6, 6): 50.0, 50.0: 50.0}
    assert [marked(axes) for axes in figure.axes] == pytest.approx([37.5, 25.0, 100 / 3])
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["∂s'/∂s", "∂s'/∂a", "both"]
