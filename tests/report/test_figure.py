from __future__ import annotations

import matplotlib
import pytest
from matplotlib.figure import Figure

from dynsparse.errors import InputError
from dynsparse.report.figure import BLOCK_LOOKS, mark, new_panels, render, write_pair


def simple():
    figure, (upper, lower) = new_panels("A $title^{", 2, height=2.0)
    upper.plot([0, 1], [1, 0])
    mark(lower, 0.25, "here")
    return figure


def test_a_mark_is_at_its_place_and_named_above():
    axes = Figure().add_subplot()
    mark(axes, 0.25, "mean 25 %")
    (line,) = axes.lines
    assert list(line.get_xdata()) == [0.25, 0.25]
    assert axes.get_title(loc="right").endswith("mean 25 %")


def test_blocks_differ_in_colour_line_and_hatch():
    for part in ("colour", "line", "hatch", "label"):
        assert len({getattr(look, part) for look in BLOCK_LOOKS}) == 3
    # In grey as well: luminance by ITU-R BT.601.
    greys = sorted(
        sum(w * c for w, c in zip((0.299, 0.587, 0.114), matplotlib.colors.to_rgb(look.colour), strict=True))
        for look in BLOCK_LOOKS
    )
    assert greys[1] - greys[0] > 0.05 and greys[2] - greys[1] > 0.05


def test_the_same_figure_has_the_same_bytes_whatever_the_user_set():
    formats = ("png", "pdf", "svg")
    first = render(simple, formats)
    with matplotlib.rc_context({"font.size": 20.0, "figure.facecolor": "red", "svg.fonttype": "none"}):
        before = dict(matplotlib.rcParams)
        assert render(simple, formats) == first
        assert dict(matplotlib.rcParams) == before
    assert [content[:4] for content in first] == [b"\x89PNG", b"%PDF", b"<?xm"]
    assert b"CreationDate" not in first[1]
    assert b"dc:date" not in first[2]


def test_fonts_are_in_the_pdf_as_truetype():
    (pdf,) = render(simple, ("pdf",))
    assert b"/Type3" not in pdf
    assert b"/FontFile2" in pdf


def test_a_name_that_leads_out_of_the_folder_is_refused(tmp_path):
    for name in ("../out", "a/b", "", ".hidden", "a b", "-x", "a\n"):
        with pytest.raises(InputError, match="expected a file name"):
            write_pair(simple, tmp_path / "in", name)
    assert not (tmp_path / "in").exists()
    paths = write_pair(simple, tmp_path / "in", "Walker-v1.2_x")
    assert [path.name for path in paths] == ["Walker-v1.2_x.png", "Walker-v1.2_x.pdf"]
