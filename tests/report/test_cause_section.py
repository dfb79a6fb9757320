"""The figures of causes and their section of the page."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from dynsparse.errors import InputError
from dynsparse.report.cause_bars import draw_cause_bars
from dynsparse.report.cause_heatmap import draw_cause_heatmap
from dynsparse.report.cause_looks import LOOKS, look_of_cause
from dynsparse.report.cause_section import cause_items, cause_section
from dynsparse.report.figure import render
from dynsparse.report.item import write_items

from .invented_causes import ROWS, cause_record, switched_causes
from .page_checks import read_page
from .switched import switched_report
from .written import write_page


def luminance(colour):
    return float(np.dot(to_rgb(colour), (0.299, 0.587, 0.114)))


def test_looks_are_told_apart_without_colour():
    assert len({look.hatch for look in LOOKS}) == len({look.letter for look in LOOKS}) == len(LOOKS)
    for look in LOOKS:
        assert look.letter.isupper() and len(look.letter) == 1
        # What is written on a colour is at least three times as light, or as dark (WCAG, large letters).
        light, dark = sorted((luminance(look.colour) + 0.05, luminance(look.ink) + 0.05), reverse=True)
        assert light / dark > 2


def test_bars_are_the_shares():
    record = cause_record({(1, 0): ("symmetry", ROWS), (0, 1): ("contact-off", 4, 0)})
    figure = draw_cause_bars([record, switched_causes("Other")])
    (axes,) = figure.axes
    widths = {look.name: [bar.get_width() for bar in bars] for look, bars in zip(LOOKS, axes.containers, strict=True)}
    assert widths["symmetry"] == pytest.approx([100 * 8 / 48, 100 * 8 / 48])
    assert widths["contact-off"] == pytest.approx([100 * 4 / 48, 100 * 8 / 48])
    assert widths["structural"] == [0.0, 0.0]
    assert [text.get_text() for text in axes.texts] == ["25.0 %", "33.3 %"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["Switched", "Other"]
    assert axes.yaxis_inverted()


def test_the_heat_map_has_the_colour_of_the_most_frequent_cause():
    record = cause_record({(1, 0): ("symmetry", ROWS), (0, 1): ("contact-off", 4, 0), (1, 2): ("clamped", 1)})
    state, action = draw_cause_heatmap(record).axes
    colours = np.asarray(state.images[0].get_array())
    assert colours[1, 0] == pytest.approx(to_rgb(look_of_cause("symmetry").colour))
    pale = colours[0, 1]
    assert (pale > np.array(to_rgb(look_of_cause("contact-off").colour))).all() and (pale < 1).all()
    assert np.ptp(colours[0, 0]) == 0  # never zero: no colour
    # A letter in each cell that is ever zero, larger where it always is.
    letters = [(line.get_xdata().tolist(), line.get_ydata().tolist()) for line in state.lines]
    assert letters == [([0], [1]), ([1], [0])]
    assert state.lines[0].get_markersize() > state.lines[1].get_markersize()
    assert [(line.get_xdata().tolist(), line.get_ydata().tolist()) for line in action.lines] == [([0], [1])]


def test_every_size_can_be_drawn():
    for count, actions in ((1, ()), (18, ("a",)), (54, tuple(f"a{i}" for i in range(21)))):
        names = tuple(f"qvel right_ankle_{i}" for i in range(count))
        labels = {(0, i): ("structural", ROWS) for i in range(count)}
        record = cause_record(labels, names=names, actions=actions, symmetries=())
        (png,) = render(lambda record=record: draw_cause_heatmap(record), ("png",))
        assert png.startswith(b"\x89PNG")


def test_files_have_the_same_bytes_every_time(tmp_path):
    for folder in ("a", "b"):
        paths = write_items(cause_items([switched_causes("One"), switched_causes("Two")]), tmp_path / folder)
    names = [path.name for path in paths]
    assert names == [f"causes{of}.{kind}" for of in ("", "-One", "-Two") for kind in ("png", "pdf")]
    for name in names:
        one, two = (tmp_path / folder / "figures" / name for folder in ("a", "b"))
        assert one.read_bytes() == two.read_bytes()
    assert cause_items([]) == ()


def test_the_page_has_the_section(tmp_path):
    reports = [switched_report("One"), switched_report("Two")]
    causes = {"One": switched_causes("One")}
    page = write_page(reports, tmp_path / "r.html", expected=["One", "Two"], causes=causes)
    reader = read_page(page.read_text(encoding="utf-8"))
    assert reader.faults == [] and "#causes" in reader.links
    assert "One's only always-zero state element is zero by symmetry: translation of cart along x" in reader.text
    assert "There is no record of causes of Two: dynsparse causes DATASET --out DIR makes it" in reader.text
    assert [image["alt"] for image in reader.images if "cause" in image["alt"]] == [
        "bars of One: the share of elements that are zero, stacked by cause",
        "One: heat map of the most frequent cause of each element's zeros",
    ]
    # What the labels mean, in the order in which they are tried; how often each switch was on.
    order = [
        reader.text.index(word)
        for word in ("no contact joins two bodies", "a clamp holds, without", "output in this row")
    ]
    assert order == sorted(order) and "a velocity at rest" in reader.text
    assert "1 of 8" in reader.text and "Contact foot-world was on in 1 of 8 rows" in reader.text
    # Table 1's list too: what was measured, and that the other was not.
    assert "One, qpos a (1 element): zero by symmetry: translation of cart along x" in reader.text
    assert "Two, qpos a (1 element): measured always zero in 128 rows; there is no cause on record" in reader.text


def test_without_records_there_is_one_line_and_no_figure():
    section = cause_section([switched_report("One"), switched_report("Two")], {})
    assert "no record of causes of One and Two" in section
    assert "<table" not in section and "<img" not in section


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"atol": 1e-12}, "at |x| < 1e-15, as its analysis, got them at 1e-12"),
        ({"state_names": ("p", "q"), "symmetries": ()}, "make them again"),
    ],
)
def test_causes_of_something_else_are_refused(tmp_path, change, message):
    causes = {"One": replace(switched_causes("One"), **change)}
    with pytest.raises(InputError, match=message.replace("|", r"\|")):
        write_page([switched_report("One")], tmp_path / "r.html", causes=causes)
    assert not (tmp_path / "r.html").exists()
