from __future__ import annotations

import numpy as np
import pytest

from dynsparse.errors import InputError
from dynsparse.report.figure import render
from dynsparse.report.learning_curve import draw_learning_curve

NAN = np.nan


def curve(count=3, low=(5.0, 90.0, 180.0), training=(NAN, 80.0, 150.0)):
    columns = {
        "steps": (1e6, 2e6, 4e6),
        "mean_return": (10.0, 100.0, 200.0),
        "return_low": low,
        "return_high": (15.0, 110.0, 220.0),
        "training_return": training,
    }
    return {name: np.array(values[:count], dtype=np.float64) for name, values in columns.items()}


def texts(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_lines_and_band_hold_the_curve():
    (axes,) = draw_learning_curve("Toy", curve()).axes
    training, evaluation = axes.lines
    assert list(evaluation.get_xdata()) == [1.0, 2.0, 4.0]
    assert list(evaluation.get_ydata()) == [10.0, 100.0, 200.0]
    np.testing.assert_array_equal(training.get_ydata(), [NAN, 80.0, 150.0])
    (band,) = axes.collections
    corners = {tuple(corner) for corner in band.get_paths()[0].vertices}
    assert {(1.0, 5.0), (2.0, 90.0), (4.0, 180.0), (1.0, 15.0), (2.0, 110.0), (4.0, 220.0)} == corners
    assert axes.figure.get_suptitle() == "Toy: return while learning"
    assert texts(axes) == ["its 95 % interval", "episodes it learned from", "evaluation"]
    assert (axes.get_xlim(), axes.get_ylim()[0]) == ((0.0, 4.0), 0.0)


def test_a_target_is_a_line_at_its_return_with_its_name():
    (axes,) = draw_learning_curve("Toy", curve(), target_return=1234.4).axes
    assert [list(line.get_ydata()) for line in axes.lines[2:]] == [[1234.4, 1234.4]]
    assert [text.get_text() for text in axes.texts] == ["target 1,234"]


def test_one_point_of_one_episode_is_drawn_without_an_interval_and_seen():
    columns = curve(1, low=(NAN,)) | {"return_high": np.array([NAN])}
    (axes,) = draw_learning_curve("Toy", columns).axes
    assert axes.lines[1].get_marker() == "."
    assert texts(axes) == ["its 95 % interval", "evaluation"]  # no episode it learned from has ended
    (png,) = render(lambda: draw_learning_curve("Toy", columns), ("png",))  # and no warning, which would be an error
    assert png[:4] == b"\x89PNG"


def test_returns_below_zero_are_not_cut_off():
    (axes,) = draw_learning_curve("Toy", curve(low=(-40.0, 90.0, 180.0))).axes
    assert axes.get_ylim()[0] == -40.0


def test_a_curve_without_points_is_refused():
    with pytest.raises(InputError, match="expected a curve of at least one point, got none"):
        draw_learning_curve("Toy", curve(0))
