from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from dynsparse.analysis import Durations
from dynsparse.errors import InputError
from dynsparse.report.durations import draw_all_durations, draw_durations, draw_stretches, octaves
from dynsparse.report.figure import BLOCK_LOOKS

from .switched import switched_report


def test_octaves_by_hand():
    #                  length  0  1  2  3  4  5  6  7  8  9
    edges, sums = octaves(np.array([0, 5, 1, 2, 0, 0, 0, 7, 3, 1]))
    assert list(edges) == [1, 2, 4, 8, 10]
    assert list(sums) == [5, 3, 7, 4]


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 9), min_size=2, max_size=40))
def test_octaves_hold_every_stretch_once(counts):
    edges, sums = octaves(np.array([0, *counts]))
    expected = [
        sum(count for length, count in enumerate(counts, start=1) if low <= length < high)
        for low, high in pairwise(edges)
    ]
    assert list(sums) == expected
    assert sum(expected) == sum(counts)


def drawn(axes):
    heights = {(bar.get_x(), bar.get_x() + bar.get_width()): bar.get_height() for bar in axes.patches}
    return {octave: height for octave, height in heights.items() if np.isfinite(height)}


def marked(axes):
    return [line.get_xdata()[0] for line in axes.lines]


def test_bars_are_octaves_and_the_mean_is_marked():
    axes = Figure().add_subplot()
    counts, inside = np.array([0, 4, 0, 2, 0, 0, 0, 0, 1]), np.array([0, 4, 0, 1, 0, 0, 0, 0, 0])
    durations = Durations(counts, inside, np.zeros(9, dtype=np.int64), whole_episode_left_out=True)
    draw_stretches(axes, durations, BLOCK_LOOKS[0], "zero")
    assert drawn(axes) == {(1, 2): 4, (2, 4): 2, (8, 9): 1}
    assert marked(axes) == pytest.approx([(4 * 1 + 2 * 3 + 1 * 8) / 7])
    (lines,) = axes.collections  # seen from end to end
    assert [tuple(map(tuple, segment)) for segment in lines.get_segments()] == [((1, 4), (2, 4)), ((2, 1), (4, 1))]
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")


def test_no_stretch_has_no_mean_and_says_so():
    axes = Figure().add_subplot()
    nothing = np.zeros(9, dtype=np.int64)
    draw_stretches(axes, Durations(nothing, nothing, nothing, whole_episode_left_out=True), BLOCK_LOOKS[0], "zero")
    assert drawn(axes) == {} and marked(axes) == []
    assert [text.get_text() for text in axes.texts] == ["no such stretch"]


def test_zero_is_above_and_non_zero_below():
    zero, nonzero = draw_durations(switched_report()).axes
    assert drawn(zero) == {(8, 16): 16}
    assert drawn(nonzero) == {(8, 16): 16, (64, 65): 6}
    assert marked(zero) == pytest.approx([8.0])
    assert marked(nonzero) == pytest.approx([(16 * 8 + 6 * 64) / 22])
    assert zero.get_title(loc="left") == "stays zero (2 left out)"
    assert nonzero.get_title(loc="left") == "stays non-zero"
    assert zero.get_ylim() == nonzero.get_ylim()


def test_means_and_ticks_of_all_environments_are_of_one_form():
    figure = draw_all_durations([switched_report("One"), switched_report("Still", steps=8)])
    one, still = figure.axes
    mean = (16 * 8 + 6 * 64) / 22
    assert one.get_title(loc="left") == f"One\nzero: 8.0, non-zero: {mean:.1f}"
    assert still.get_title(loc="left") == "Still\nzero: none, non-zero: 8.0"
    write = one.yaxis.get_major_formatter()
    assert [write(value) for value in (1.0, 1e3, 1e5, 1e12)] == ["10\u2070", "10\u00b3", "10\u2075", "10\u00b9\u00b2"]
    # The means are named in the colours that they are drawn in.
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "stays zero",
        "stays non-zero",
        "means (above, in steps)",
    ]
    lines = [
        line for line in legend.findobj(Line2D) if line.get_linestyle() == ":" or line._dash_pattern[1] == [1.2, 1.2]
    ]
    assert {line.get_color() for line in lines} == {line.get_color() for line in one.lines}


def test_without_episodes_there_are_no_durations():
    with pytest.raises(InputError, match="no durations"):
        draw_durations(switched_report(states="coverage"))
