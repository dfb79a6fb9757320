from __future__ import annotations

import io

import numpy as np
from PIL import Image

from dynsparse.analysis.picture_record import PictureRecord
from dynsparse.report.environment_pictures import FIGURE_1, draw_pictures, pictures_part
from dynsparse.report.figure import render
from dynsparse.report.interaction_diagram import draw_interaction
from dynsparse.report.item import write_items


def pictured(name, missing=""):
    frame = np.full((0, 0, 3) if missing else (6, 8, 3), 90, dtype=np.uint8)
    return PictureRecord(name, "paper", 500, 0, 500, 0.02, frame, drawn_by="" if missing else "egl", missing=missing)


def test_environments_are_in_the_order_of_the_paper_and_others_behind():
    names = ("WalkerRun", "Mine", "BallInCup", "CheetahRun")
    figure = draw_pictures({name: pictured(name) for name in names}, FIGURE_1)
    assert [axes.get_title() for axes in figure.axes] == list(FIGURE_1)
    assert [bool(axes.images) for axes in figure.axes] == [name in names for name in FIGURE_1]
    part = pictures_part({name: pictured(name) for name in names})
    assert [item.name for item in part.items] == ["figure-1", "figure-2"]
    assert [item.source for item in part.items] == ["Figure 1", "Figure 2"]
    assert "BallInCup, CheetahRun, WalkerRun, Mine" in part.items[0].content
    assert part.sentences == ("There is a frame of each of 4 environments.",)
    assert "MuJoCo drew them with egl." in part.items[0].sentences[0]


def test_what_could_not_be_drawn_says_so(tmp_path):
    records = {"FingerSpin": pictured("FingerSpin"), "Mine": pictured("Mine", "Mine is a function: no model to draw")}
    part = pictures_part(records, ("FingerSpin", "ReacherHard"))
    assert part.sentences == (
        "There is a frame of 1 of 3 environments. There is none of ReacherHard: no picture on record. "
        "There is none of Mine: Mine is a function: no model to draw.",
    )
    figure = part.items[0].draw()
    said = [" ".join(text.get_text() for text in axes.texts).replace("\n", " ") for axes in figure.axes]
    assert "not drawn: no picture on record" in said[0] and figure.axes[0].get_title() == "ReacherHard"
    assert said[1] == "" and figure.axes[1].images
    assert "not drawn: Mine is a function: no model to draw" in said[2]
    assert {path.name for path in write_items(part.items, tmp_path)} == {
        "figure-1.png", "figure-1.pdf", "figure-2.png", "figure-2.pdf",
    }  # fmt: skip


def test_the_diagram_reads_formulas_and_nothing_is_cut():
    figure = draw_interaction()
    said = [text.get_text() for text in figure.axes[0].texts]
    for formula in ("$s_t$", "$s_{t+1}$", "$o_t$", "$a_t$", r"$\partial s_{t+1}/\partial s_t$"):
        assert formula in said
    assert any("qacc_warmstart" in words for words in said)
    assert all(t.get_parse_math() == t.get_text().startswith("$") for t in figure.axes[0].texts if "$" in t.get_text())
    (png,) = render(draw_interaction, ("png",))
    with Image.open(io.BytesIO(png)) as image:
        pixels = np.array(image.convert("L"))
    for rim in (pixels[:3], pixels[-3:], pixels[:, :3], pixels[:, -3:]):
        assert (rim == 255).all()
