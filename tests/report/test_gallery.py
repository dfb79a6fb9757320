from __future__ import annotations

import matplotlib
import pytest
from matplotlib.text import Text

from dynsparse.report.counted_numbers import count_numbers
from dynsparse.report.figure import STYLE, new_panels, render
from dynsparse.report.gallery import GALLERY, environment_item, figure_3, shared_items
from dynsparse.report.item import write_items

from .switched import switched_report

NAMES = ["figure-a3-1", "figure-a3-2", "timeline", "durations", "thresholds"]


def items_of(counted):
    """Figures of one environment, of what it has numbers of."""
    return [environment_item(drawing, counted) for drawing in GALLERY if drawing.can_draw(counted.report)]


def test_every_figure_is_written_as_png_and_pdf(tmp_path):
    paths = write_items(items_of(count_numbers(switched_report("Walker"))), tmp_path)
    assert [path.name for path in paths] == [f"{name}-Walker.{kind}" for name in NAMES for kind in ("png", "pdf")]
    assert all(path.read_bytes()[:4] in (b"\x89PNG", b"%PDF") for path in paths)


def test_without_episodes_the_figures_along_time_are_left_out(tmp_path):
    counted = count_numbers(switched_report("BallInCup", states="coverage"))
    assert {item.name for item in items_of(counted)} == {
        "figure-a3-1-BallInCup", "figure-a3-2-BallInCup", "thresholds-BallInCup"
    }  # fmt: skip
    assert [item.name for item in shared_items([counted])] == ["figure-5"]


def test_figures_of_all_environments_are_named_after_the_paper_s():
    names = ("FingerTurnEasy", "CheetahRun", "BallInCup", "ReacherHard")
    reports = [count_numbers(switched_report(name)) for name in names]
    items = shared_items(reports)
    assert [item.name for item in items] == ["figure-5", "figure-6", "figure-a3-3", "figure-7"]
    assert [item.name for item in figure_3(reports)] == ["figure-3-ReacherHard", "figure-3-FingerTurnEasy"]
    pair = items[1].draw()
    assert [axes.get_title(loc="left") for axes in pair.axes[:2]] == ["BallInCup, ∂s'/∂s", "CheetahRun, ∂s'/∂s"]
    assert [item.name for item in shared_items(reports[1:2], ("q2",))] == ["figure-5"]
    assert "figure-6" not in {item.name for item in shared_items(reports[:1])}
    assert figure_3(reports[1:3]) == ()


@pytest.mark.parametrize("count", [1, 2, 8])
def test_figures_of_all_environments_fit_a_column_or_both(count, monkeypatch):
    names = ("SwimmerSwimmer6", "CartpoleBalance", "CheetahRun", "FingerTurnEasy", "BallInCup", "A", "B", "C")[:count]
    for item in shared_items([count_numbers(switched_report(name)) for name in names]):
        boxes = texts_drawn(item.draw, monkeypatch)
        assert collisions(boxes) == [], item.name
        width = item.draw().get_size_inches()[0]
        assert width == (3.4 if count == 1 or (item.name == "figure-6" and count < 8) else 7.0)


def test_panels_of_all_environments_hold_each_one_s_own_numbers():
    reports = [switched_report("One"), switched_report("Two", missing=(3, 4, 5))]
    figures = {item.name: item.draw() for item in shared_items([count_numbers(report) for report in reports])}
    titles = [figures[name].get_suptitle() for name in ("figure-5", "figure-a3-3", "figure-7")]
    assert all(title.endswith(", zero: |x| < 1e-15") for title in titles)
    for axes, report in zip(figures["figure-5"].axes, reports, strict=True):
        mean = 100 * report.local.combined.sparsity_mean
        assert axes.get_title(loc="left") == f"{report.environment}\n\N{BLACK DOWN-POINTING TRIANGLE} mean {mean:.1f} %"
        heights = {round(bar.get_height(), 6) for bar in axes.patches}
        counts = report.local.combined.histogram_counts
        assert heights == {round(100 * count / counts.sum(), 6) for count in counts if count}
    # Zero stretches of 8 steps, and non-zero ones of 8 and 64.
    assert figures["figure-7"].axes[0].get_title(loc="left").startswith("One\nzero: 8.0, non-zero: ")
    (state,), (action,) = (axes.patches for axes in (figures["figure-a3-3"].axes[i] for i in (0, 2)))
    assert state.get_data().values[[0, 8]].tolist() == [50.0, 25.0]
    assert action.get_data().values[[0, 8]].tolist() == [50.0, 0.0]


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
