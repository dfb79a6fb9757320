"""Report of states that hold quaternions: names are the tangents', and the page says what they are."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import pytest

from dynsparse.analysis import ArrayRows, RowDescription, analyze
from dynsparse.report.counted_numbers import count_numbers
from dynsparse.report.gallery import GALLERY, environment_item
from dynsparse.report.heatmap import draw_heatmap
from dynsparse.report.item import write_items
from dynsparse.report.sentences import TANGENT, about_rows

from .written import write_page

ROOT = tuple(f"qpos root {part}" for part in ("x", "y", "z", "qw", "qx", "qy", "qz"))


def free_body(joints=(), actions=("thruster",), steps=8):
    """Analyse a free body with joints: a position enters nothing but itself, all else in half of the rows."""
    names = (*ROOT, *(f"qpos {joint}" for joint in joints), *(f"qvel root {axis}" for axis in ("x", "y", "z")))
    names += (*(f"qvel root r{axis}" for axis in "xyz"), *(f"qvel {joint}" for joint in joints))
    size, t = len(names) - 1, np.tile(np.arange(steps), 2)
    jac_state = np.tile(np.eye(size), (len(t), 1, 1))
    jac_state[t % 2 == 1, :, 3:] += 0.25
    jac_action = np.ones((len(t), size, len(actions)))
    arrays = {"jac_state": jac_state, "jac_action": jac_action, "finite": np.ones(len(t), dtype=bool)}
    arrays |= {"episode": np.repeat([0, 1], steps), "t": t}
    description = RowDescription("Free", names, tuple(actions), {"name": "random"}, "exact", steps, "rollout", (3,))
    return analyze(ArrayRows(description, arrays), provenance={"seed": 0})


def humanoid():
    joints = tuple(f"right_shoulder_{number}" for number in range(21))
    return free_body(joints, joints)


def test_heat_map_is_labelled_by_the_tangent():
    state, action, _ = draw_heatmap(free_body()).axes
    labels = [label.get_text() for label in state.get_yticklabels()]
    assert labels[:6] == [f"qpos root {part}" for part in ("x", "y", "z", "rx", "ry", "rz")]
    assert [label.get_text() for label in state.get_xticklabels()] == labels
    assert [label.get_text() for label in action.get_xticklabels()] == ["thruster"]


@pytest.mark.parametrize("make", [free_body, humanoid])
def test_no_text_of_the_heat_map_is_cut_off_and_no_name_covers_another(make):
    figure = draw_heatmap(make())
    renderer = figure.canvas.get_renderer()
    figure.draw(renderer)
    width, height = figure.get_size_inches() * figure.dpi
    for axes in figure.axes:
        box = axes.get_tightbbox(renderer)
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height
    for text in figure.texts:
        box = text.get_window_extent(renderer)
        assert box.x0 >= 0 and box.x1 <= width, text.get_text()
    rows = [label.get_window_extent(renderer) for label in figure.axes[0].get_yticklabels()]
    columns = [label.get_window_extent(renderer) for label in figure.axes[0].get_xticklabels()]
    for boxes in (rows, columns):
        assert not any(a.overlaps(b) for a, b in pairwise(boxes))


def test_many_elements_have_names_of_a_readable_size_on_a_page_and_no_numbers():
    figure = draw_heatmap(humanoid())
    state = figure.axes[0]
    assert len(state.get_yticklabels()) == 54
    assert min(label.get_fontsize() for label in state.get_yticklabels()) >= 6
    assert figure.get_size_inches()[0] < 14
    assert list(state.texts) == []
    assert "numbers" not in " ".join(text.get_text() for text in figure.legends[0].get_texts())


def test_sentence_says_what_the_coordinates_are():
    assert f"12 tangent coordinates ({TANGENT}), 1 action" in about_rows(free_body())


def test_page_says_what_rotations_are_and_draws_every_figure(tmp_path):
    report = free_body()
    page = write_page([report], tmp_path / "report.html", expected=("Free",)).read_text()
    words = re.sub(r"<[^>]+>", "", page)
    assert "The states of Free hold quaternions" in words
    assert "rotations are rotation vectors in the body" in words
    assert "qpos root x" in words  # a column that is always zero, by the tangent's name
    items = [environment_item(drawing, count_numbers(report)) for drawing in GALLERY]
    assert len(write_items(items, tmp_path)) == 2 * 5
