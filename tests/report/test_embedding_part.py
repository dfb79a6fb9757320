from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import BoundaryNorm, rgb2hex
from PIL import Image

from dynsparse.report.embedding_figure import _APART, _CLEAR, _spread, draw_embedding
from dynsparse.report.embedding_part import embedding_part
from dynsparse.report.embedding_sentences import about_embedding, about_localities, local_side
from dynsparse.report.figure import render
from dynsparse.report.quantities import percent

from .invented_embedding import film, invented


def texts(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def test_sentences_hold_the_numbers():
    said = " ".join(about_embedding(invented()))
    assert (
        "Transitions of the random policy, all 80: 40 fitted by t-SNE (perplexity 10, KL divergence 0.50), 40 placed "
        "among them" in said
    )
    assert "Angles without limits (hinge) are compared by cosine and sine" in said
    # Four episodes of 0.76, 0.74, 0.76 and 0.74: Student's interval is 3.182 x 0.01155 / 2 wide on either side.
    assert "Of the 10 nearest neighbours in (s, a, s'), 75.0 % [73.2, 76.8] are so in the plane" in said
    assert "(75.0 % [73.2, 76.8] of one that was placed), 25.6 % by chance" in said
    assert "clusters may be read, distances between them may not" in said
    assert "in 90.0 % [88.2, 91.8] of the cases" in said and "50.0 % to 50.0 % if sparsity is shuffled" in said
    # Halfway to the mean of all: the error is a quarter of the variance.
    explained = "their mean explains 75.0 % of the variance of sparsity (of all points, no interval)"
    assert f"{explained}: sparsity is local in the plane." in said
    assert "sparsity 0 %, 0 %, 50.0 %, 0 %, 50.0 %, 50.0 %" in said
    assert "episode 0 from t = 0 on, 3 control steps (0.06 s)" in said
    assert "along which sparsity changes most, 3 of 5 times with 4 switches of the pattern." in said


@pytest.mark.parametrize(
    ("changes", "told", "side"),
    [
        ({"kept": 0.5}, "by chance: that can not be told from half; regions may be read", 1),
        ({"kept": 0.2}, "clusters may not", 1),
        ({"alike": 0.5}, "no interval): that can not be told from chance", 0),
        ({"alike": 0.3}, "no interval): that can not be told from chance", 0),
        ({"alike": 0.55, "apart": 0.1}, "no interval): that can not be told from chance", 0),
        ({"episodes": 2}, "not enough data for an interval", None),
        ({"episodes": 2}, "not enough data to tell.", None),
        ({"zeros": 3}, "All these rows have 3 zeros of 12 elements.", None),
        ({"strip": "no rows"}, "There are no frames: no episode is long enough for a strip.", 1),
        ({"strip": "none"}, "of the pattern. Frames are missing: nothing can draw here.", 1),
    ],
)
def test_sentences_claim_no_more_than_the_numbers(changes, told, side):
    record = invented(**changes)
    assert told in " ".join(about_embedding(record))
    assert local_side(record) == side


def test_the_answer_names_the_environments():
    records = {
        "A": invented("A"), "B": invented("B", alike=0.5), "C": invented("C", episodes=2), "D": invented("D", zeros=3),
        "E": invented("E"),
    }  # fmt: skip
    local, chance, few, constant, counted, _ = about_localities(records)
    assert counted.startswith(
        "These are 3 comparisons, none adjusted for the others"
    )  # not of C, which has two episodes
    assert local == (
        "Sparsity is local in (s, a, s'), as far as the plane shows it, in 2 environments (neighbours with as many "
        "zeros, against those if sparsity is shuffled): A 90.0 % [88.2, 91.8] against 50.0 %; E 90.0 % [88.2, 91.8] "
        "against 50.0 %."
    )
    assert "can not be told from chance in 1 environment" in chance and "B 50.0 %" in chance
    assert "Not enough data to tell in 1 environment" in few and "C 90.0 %" in few
    assert constant == "In all embedded rows of D the number of zeros is the same."


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {},
            "Sparsity is local in (s, a, s'), as far as the plane shows it, in A, the one embedding on record: "
            "neighbours have as many zeros in 90.0 % [88.2, 91.8] of the cases, in 50.0 % if sparsity is shuffled.",
        ),
        ({"alike": 0.5}, "Whether sparsity is local in (s, a, s') can not be told from chance in A, the one embedding"),
        (
            {"episodes": 2},
            "Whether sparsity is local in (s, a, s'): not enough data in A, the one embedding on record: ",
        ),
        ({"zeros": 3}, "In all embedded rows of A, the one embedding on record, the number of zeros is the same."),
    ],
)
def test_the_answer_names_the_only_embedding(changes, told):
    said, point = about_localities({"A": invented("A", **changes)})
    assert said.startswith(told) and point.startswith("A point is a transition")


def test_items_are_named_after_the_paper_and_its_environment_comes_first():
    part = embedding_part({"CheetahRun": invented("CheetahRun"), "FingerSpin": invented("FingerSpin", zeros=3)})
    assert [item.name for item in part.items] == ["figure-4-FingerSpin", "figure-4-CheetahRun", "embedding"]
    assert {item.source for item in part.items[:2]} == {"Figure 4"}
    table = part.items[2]
    assert table.cells[0] == (
        "CheetahRun", "80", "40", "0.50", *["75.0 % [73.2, 76.8]"] * 2, *["90.0 % [88.2, 91.8]"] * 2, "50.0 %",
        "75.0 %", "100 %",
    )  # fmt: skip
    assert table.cells[1][-2:] == ("-", "-")  # nothing varies
    values = dict(zip(table.csv_fields, table.values[0], strict=True))
    half = 3.182446 * np.sqrt(0.01**2 * 4 / 3) / 2
    assert values["kept_fitted_low"] == pytest.approx(0.75 - half, abs=1e-6)
    assert values["alike_plane_high"] == pytest.approx(0.9 + half, abs=1e-6)


def test_a_figure_shows_frames_with_their_sparsity_and_their_place():
    record = invented()
    figure = draw_embedding(record)
    assert figure.get_size_inches()[0] == 7.0
    shown = [axes for axes in figure.axes if axes.images]
    assert len(shown) == 6
    for number, (axes, frame) in enumerate(zip(shown, film(6), strict=True)):
        np.testing.assert_array_equal(axes.images[0].get_array(), frame)
        assert axes.get_title("left").startswith(f"{number + 1}: ")
        assert axes.get_title("right") == f"t = {3 * number}"
    plane = figure.axes[0]
    assert [text.get_text() for text in plane.texts] == list("123456")
    np.testing.assert_allclose(plane.lines[0].get_xydata(), record.points[record.strip_places], rtol=1e-6)
    drawn = np.asarray(plane.collections[0].get_offsets())
    assert sorted(map(tuple, drawn.round(5))) == sorted(map(tuple, record.points.astype(float).round(5)))


def bar_names(figure):
    (bar,) = (axes for axes in figure.axes if axes.get_xlabel().startswith("combined sparsity"))
    figure.draw_without_rendering()
    return [text.get_text() for text in bar.get_xticklabels()]


@pytest.mark.parametrize("many", [1, 3, 8])
def test_few_values_have_a_colour_and_a_name_each(many):
    record = invented()
    record = replace(record, zeros=np.arange(len(record.rows)) % many)
    figure = draw_embedding(record)
    assert bar_names(figure) == [percent(place / 12) for place in range(many)]
    points = figure.axes[0].collections[0]
    points.update_scalarmappable()
    colours = {tuple(colour) for colour in points.get_facecolors()}
    assert len(colours) == many
    # A frame's rim has the colour of its value: that of the points which have as many zeros.
    shown = [axes for axes in figure.axes if axes.images][:2]
    rims = [rgb2hex(axes.spines["left"].get_edgecolor()) for axes in shown]
    by_value = {
        float(value): rgb2hex(colour) for value, colour in zip(points.get_array(), points.get_facecolors(), strict=True)
    }
    assert rims == [by_value[float(record.sparsity[place])] for place in record.strip_places[:2]]


def test_many_values_have_a_continuous_bar():
    record = invented()
    record = replace(record, zeros=np.arange(len(record.rows)) % 9)
    points = draw_embedding(record).axes[0].collections[0]
    assert not isinstance(points.norm, BoundaryNorm)


def test_a_figure_says_what_it_lacks():
    figure = draw_embedding(invented(strip="none"))
    assert texts(figure).count("no frame") == 6
    assert "No frames: nothing can draw here" in texts(figure)
    figure = draw_embedding(invented(strip="no rows"))
    assert texts(figure) == ["No frames: no episode is long enough for a strip."]
    long = invented(strip="none")
    long = replace(long, strip=replace(long.strip, missing="x " * 300))
    assert texts(draw_embedding(long))[-1].endswith("…")


@pytest.mark.parametrize("strip", ["frames", "none"])
def test_no_letter_leaves_the_figure(strip):
    (png,) = render(lambda: draw_embedding(invented(strip=strip)), ("png",))
    with Image.open(io.BytesIO(png)) as image:
        pixels = np.array(image.convert("L"))
    rim = np.concatenate([pixels[:2].ravel(), pixels[-2:].ravel(), pixels[:, :2].ravel(), pixels[:, -2:].ravel()])
    assert pixels.shape == (740, 1400) and (rim == 255).all()


def test_the_same_record_gives_the_same_bytes():
    record = invented(strip="no rows")
    assert render(lambda: draw_embedding(record), ("png",)) == render(lambda: draw_embedding(record), ("png",))


@pytest.mark.parametrize(
    "path",
    [np.zeros((6, 2)), np.stack([np.arange(6) * 0.02, np.zeros(6)], axis=1), np.random.default_rng(0).random((6, 2))],
    ids=["one place", "close together", "anywhere"],
)
def test_numbers_cover_neither_each_other_nor_a_point(path):
    labels = _spread(path)
    gaps = np.linalg.norm(labels[:, None] - labels, axis=2) + 9 * np.eye(6)
    assert gaps.min() > 0.9 * _APART
    assert np.linalg.norm(labels[:, None] - path, axis=2).min() > 0.9 * _CLEAR
    assert np.linalg.norm(labels - path, axis=1).max() < 0.6  # and stay near their own
