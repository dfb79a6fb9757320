"""The logarithmic axis with a place for 0."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from dynsparse.report.zero_axis import tick_name, zero_axis

VALUES = st.lists(st.one_of(st.just(0.0), st.floats(1e-12, 1e6)), min_size=1, max_size=8)


@given(VALUES)
def test_every_value_is_inside_and_in_its_order(values):
    axis = zero_axis(values)
    places = axis.place(np.array(values))
    assert (places > axis.low).all() and (places < axis.high).all()
    order = np.argsort(values, kind="stable")
    assert (np.diff(places[order]) >= 0).all()
    if 0.0 in values:
        assert (places[np.array(values) == 0.0] < axis.border).all()
        assert (places[np.array(values) > 0.0] > axis.border).all()
    else:
        assert axis.zero is None and axis.border is None


@given(VALUES)
def test_ticks_are_few_inside_and_0_has_one(values):
    axis = zero_axis(values)
    axes = Figure().add_subplot()
    axis.dress(axes, "x")
    names = [axes.xaxis.get_major_formatter()(place) for place in axes.get_xticks()]
    assert 2 <= len(names) <= 6 and "" not in names and len(set(names)) == len(names)
    assert ("0" in names) == (0.0 in values)
    assert all(axis.low <= place <= axis.high for place in axes.get_xticks())


def test_names_say_the_place_they_stand_at():
    axis = zero_axis([3e-7, 0.2])
    axes = Figure().add_subplot()
    axis.dress(axes, "y")
    for place in axes.get_yticks():
        assert float(axes.yaxis.get_major_formatter()(place)) == pytest.approx(place)
    assert axes.get_yscale() == "log"


def test_zero_is_set_apart_by_a_strip():
    axes = Figure().add_subplot()
    axis = zero_axis([0.0, 1e-4])
    axis.dress(axes, "x")
    (strip,) = axes.patches
    assert strip.get_x() == axis.low and strip.get_x() + strip.get_width() == pytest.approx(axis.border)
    plain = Figure().add_subplot()
    zero_axis([1e-4, 1e-2]).dress(plain, "x")
    assert not plain.patches


def test_an_axis_of_nothing_names_nothing():
    axes = Figure().add_subplot()
    zero_axis([None, float("nan")]).dress(axes, "x")
    assert list(axes.get_xticks()) == []


@pytest.mark.parametrize(
    ("place", "name"),
    [(1e-6, "1e-6"), (1e-3, "1e-3"), (0.01, "0.01"), (0.2, "0.2"), (1, "1"), (500, "500"), (1e4, "1e4")],
)
def test_names_are_short(place, name):
    assert tick_name(place) == name
