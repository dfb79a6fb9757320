from __future__ import annotations

import matplotlib
import pytest
from matplotlib.text import Text

from dynsparse.report.figure import STYLE, new_panels, render
from dynsparse.report.gallery import GALLERY, write_figures

from .switched import switched_report

NAMES = ["heatmap", "histograms", "timeline", "timeline-50", "durations", "thresholds"]


def test_every_figure_is_written_as_png_and_pdf(tmp_path):
    paths = write_figures(switched_report("Walker"), tmp_path / "figures")
    assert [path.name for path in paths] == [f"Walker-{name}.{kind}" for name in NAMES for kind in ("png", "pdf")]
    assert all(path.read_bytes()[:4] in (b"\x89PNG", b"%PDF") for path in paths)


def test_without_episodes_the_figures_along_time_are_left_out(tmp_path):
    paths = write_figures(switched_report("Walker", states="coverage"), tmp_path)
    assert {path.stem for path in paths} == {"Walker-heatmap", "Walker-histograms", "Walker-thresholds"}


@pytest.mark.parametrize("drawing", GALLERY, ids=lambda drawing: drawing.name)
def test_the_same_report_gives_the_same_bytes_and_another_gives_others(drawing):
    one, two, other = (
        render(lambda report=report: drawing.draw(report), ("svg",))
        for report in (switched_report(), switched_report(), switched_report(missing=(1, 9, 10), steps=32))
    )
    assert one == two != other


@pytest.mark.parametrize("drawing", GALLERY, ids=lambda drawing: drawing.name)
def test_a_name_is_text_and_no_formula(drawing):
    report = switched_report("Cart $\\frac{", names=("qpos $x_{", "qvel a^b"))
    (svg,) = render(lambda: drawing.draw(report), ("svg",))
    assert b"<svg" in svg


@pytest.mark.parametrize("drawing", GALLERY, ids=lambda drawing: drawing.name)
@pytest.mark.parametrize("missing", [(), (1, 40)], ids=["finite", "not finite"])
def test_no_text_is_cut_off_or_covers_another(drawing, missing, monkeypatch):
    boxes = texts_drawn(lambda: drawing.draw(switched_report("SwimmerSwimmer6", missing=missing)), monkeypatch)
    assert len(boxes) > 6
    assert collisions(boxes) == []


def test_planted_collision_and_cut_text_are_found(monkeypatch):
    def make():
        figure, (axes,) = new_panels("a title", 1, height=2.0)
        axes.set_xticks([0.0, 0.01], ["a long label", "another one"])
        figure.text(0.99, 0.5, "beyond")
        return figure

    found = collisions(texts_drawn(make, monkeypatch))
    assert ("a long label", "another one") in found
    assert ("beyond", "the frame") in found


def texts_drawn(make, monkeypatch):
    """Return text and box of all that is drawn; hidden tick labels exist too, but are not."""
    drawn = {}
    with matplotlib.style.context(["default", STYLE]):
        figure = make()
        figure.canvas.draw()  # lays it out
        original = Text.draw

        def recorded(text, renderer, *args, **kwargs):
            if text.get_visible() and text.get_text().strip():
                drawn[text] = text.get_window_extent(renderer).frozen()
            return original(text, renderer, *args, **kwargs)

        with monkeypatch.context() as patch:
            patch.setattr(Text, "draw", recorded)
            figure.canvas.draw()
    return [(text.get_text(), box, figure.bbox) for text, box in drawn.items()]


def collisions(boxes):
    """Return pairs of texts that overlap, and texts that leave the figure."""
    found = []
    for index, (text, box, frame) in enumerate(boxes):
        # A pixel of slack: the layout engine rounds.
        if box.x0 < -1 or box.y0 < -1 or box.x1 > frame.x1 + 1 or box.y1 > frame.y1 + 1:
            found.append((text, "the frame"))
        found += [(text, other) for other, covered, _ in boxes[index + 1 :] if box.padded(-0.5).overlaps(covered)]
    return found
