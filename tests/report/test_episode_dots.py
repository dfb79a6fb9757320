"""Episode dots: intervals end where the number can not go, and a number that did not vary has none."""

from __future__ import annotations

from dynsparse.report.episode_dots import DotLook, DotPanel, draw_episode_dots
from dynsparse.report.episode_statistics import STEPS_LONG, EpisodeMean

LOOKS = (DotLook("one", "One", "#000000", "o"), DotLook("two", "Two", "#0072B2", "s"))


def test_intervals_end_where_numbers_do():
    shares = {("A", "one"): EpisodeMean(0.9, 0.7, 1.1, 4), ("A", "two"): EpisodeMean(1.0, 1.0, 1.0, 4)}
    steps = {("A", "one"): EpisodeMean(1.5, 0.2, 2.8, 4), ("A", "two"): EpisodeMean(3.0, None, None, 2)}
    panels = (DotPanel("share, %", shares, is_share=True), DotPanel("steps", steps, bounds=STEPS_LONG))
    figure = draw_episode_dots("Title", ("A",), LOOKS, panels)
    drawn = [[[float(x) for x in line.get_xdata()] for line in axes.lines] for axes in figure.axes]
    # An interval and its mean, then a mean alone: it did not vary, or there are too few episodes.
    assert drawn == [[[70.0, 100.0], [90.0], [100.0]], [[1.0, 2.8], [1.5], [3.0]]]


def test_what_there_is_none_of_is_written_and_durations_stand_on_a_log_axis():
    steps = {("A", "one"): EpisodeMean(2.0, 1.0, 4.0, 4), ("B", "two"): EpisodeMean(2000.0, None, None, 4)}
    panels = (DotPanel("steps", steps, bounds=STEPS_LONG, log_ends=(1.0, 1000.0)),)
    (axes,) = draw_episode_dots("Title", ("A", "B"), LOOKS, panels, {("A", "two"): "= one"}).axes
    # Of the two that lack, one is told of.
    assert [text.get_text() for text in axes.texts if text.get_text()] == ["= one"]
    assert axes.get_xscale() == "log"
    low, high = axes.get_xlim()
    assert low < 1.0 and high > 2000.0


def test_a_legend_is_as_many_lines_as_its_names_fill():
    panels = (DotPanel("share, %", {}, is_share=True),)
    for label, rows in (("short", 1), ("a name of many words, of which there are some", 2)):
        looks = [DotLook(str(place), label, "#000000", "o") for place in range(4)]
        (legend,) = draw_episode_dots("Title", ("A",), looks, panels).legends
        assert -(-4 // legend._ncols) == rows
