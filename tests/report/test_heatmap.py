from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from dynsparse.report.figure import write_pair
from dynsparse.report.heatmap import draw_block, draw_heatmap


def block(frequency, rows=("a", "b"), columns=("x", "y", "z")):
    figure = Figure()
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    image = draw_block(axes, np.array(frequency), rows, columns)
    return axes, image


FREQUENCY = [[0.0, 0.005, 0.25], [1.0, 0.9999, 0.995]]


def test_rows_are_outputs_and_columns_inputs():
    axes, image = block(FREQUENCY)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["x", "y", "z"]
    assert np.array_equal(image.get_array(), np.array(FREQUENCY))
    assert image.get_clim() == (0.0, 1.0)


def test_only_always_zero_is_hatched():
    axes, _ = block(FREQUENCY)
    hatched = [patch for patch in axes.patches if isinstance(patch, Rectangle) and patch.get_hatch()]
    assert [patch.get_xy() for patch in hatched] == [(-0.5, 0.5)]  # column 0, row 1


def test_numbers_never_round_to_none_or_all():
    axes, _ = block(FREQUENCY)
    numbers = {(round(t.get_position()[1]), round(t.get_position()[0])): t.get_text() for t in axes.texts}
    assert numbers == {(0, 1): "<1", (0, 2): "25", (1, 1): ">99", (1, 2): ">99"}


def test_both_blocks_share_one_colour_bar(make_record):
    figure = draw_heatmap(make_record())
    state, action, bar = figure.axes
    assert state.get_yticklabels()[0].get_text() == "qpos slider"
    assert [label.get_text() for label in action.get_xticklabels()] == ["slide"]
    assert bar.get_title() == "rows at zero, %"
    assert "1,000 rows" in " ".join(text.get_text() for text in figure.texts)


@pytest.mark.parametrize("names", [("qpos a", "qvel a"), tuple(f"qvel right_ankle {index}" for index in range(18))])
def test_no_text_is_cut_off_or_covers_another(make_record, names):
    state = np.zeros((len(names), len(names)))
    figure = draw_heatmap(make_record("WalkerRun", names, state, action_names=tuple(names[: len(names) // 2])))
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    inside = figure.bbox
    texts = [*figure.texts, *figure.legends[0].texts]
    for axes in figure.axes:
        texts += [axes.title, axes.xaxis.label, axes.yaxis.label, *axes.get_xticklabels(), *axes.get_yticklabels()]
    boxes = [(text.get_text(), text.get_window_extent(renderer)) for text in texts if text.get_text()]
    for text, box in boxes:
        assert box.x0 >= inside.x0 and box.x1 <= inside.x1, text
        assert box.y0 >= inside.y0 and box.y1 <= inside.y1, text
    for index, (text, box) in enumerate(boxes):
        for other, covered in boxes[index + 1 :]:
            # Half a pixel of slack: neighbouring labels may touch.
            assert not box.padded(-0.5).overlaps(covered.padded(-0.5)), (text, other)


def write_heatmap(record, folder):
    """Write it as a report does."""
    return write_pair(lambda: draw_heatmap(record), folder, "it")


def test_the_same_record_gives_the_same_bytes(make_record, tmp_path):
    first = [path.read_bytes() for path in write_heatmap(make_record(), tmp_path / "one")]
    with matplotlib.rc_context({"font.size": 20.0, "image.cmap": "jet", "figure.facecolor": "red"}):
        second = [path.read_bytes() for path in write_heatmap(make_record(), tmp_path / "two")]
    assert [hashlib.sha256(data).hexdigest() for data in first] == [hashlib.sha256(data).hexdigest() for data in second]
    assert first[0].startswith(b"\x89PNG")
    assert first[1].startswith(b"%PDF")
    assert b"CreationDate" not in first[1]


def test_another_record_gives_another_picture(make_record, tmp_path):
    transposed = make_record(state=make_record().global_sparsity.state.zero_frequency.T)
    one, two = (write_heatmap(r, tmp_path / str(i))[0].read_bytes() for i, r in enumerate((make_record(), transposed)))
    assert one != two


def test_drawing_leaves_the_user_s_settings_alone_and_needs_no_jax(make_record, tmp_path):
    before = dict(matplotlib.rcParams)
    write_heatmap(make_record(), tmp_path)
    assert dict(matplotlib.rcParams) == before
    code = "import dynsparse.report.heatmap, sys; print(sorted({'jax', 'mujoco'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    assert done.stdout.strip() == "[]"
