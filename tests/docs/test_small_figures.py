"""Figures of the small preset for README and docs: what is there is made small, what is not is named."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from PIL import Image

from .page import PAGES, load_script


@pytest.fixture
def script():
    return load_script("small_figures")


def png(pixels):
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()


def test_a_tiny_folder(script, own_folder):
    (own_folder / "figures").mkdir()
    plain = np.full((60, 90, 4), [10, 20, 30, 255], dtype=np.uint8)
    plain[:, 45:, 3] = 0  # transparent becomes paper
    (own_folder / "figures" / "figure-1.png").write_bytes(png(plain))
    steps = np.linspace(0, 255, 3000).astype(np.uint8)
    wide = np.broadcast_to(steps[None, :, None], (1500, 3000, 3)).copy()
    (own_folder / "figures" / "figure-7.png").write_bytes(png(wide))
    (own_folder / "figures" / "other.png").write_bytes(png(wide))
    missing = script.ship(own_folder, own_folder / "pictures")
    assert sorted(path.name for path in (own_folder / "pictures").iterdir()) == ["figure-1.png", "figure-7.png"]
    assert missing == [name for name in script.FIGURES if name not in ("figure-1", "figure-7")]
    with Image.open(own_folder / "pictures" / "figure-1.png") as small:
        assert small.size == (90, 60)  # never enlarged
        assert small.convert("RGB").getpixel((0, 0)) == (10, 20, 30)
        assert small.convert("RGB").getpixel((89, 0)) == (255, 255, 255)
    with Image.open(own_folder / "pictures" / "figure-7.png") as small:
        assert small.size == (1400, 700)
        assert abs(small.convert("RGB").getpixel((700, 350))[0] - 127) <= 2


def test_a_picture_that_is_too_large_gets_smaller_until_it_fits(script):
    noise = np.random.default_rng(0).integers(0, 256, (900, 1600, 3), dtype=np.uint8)
    made = script.shrink(png(noise))
    assert len(made) < 200 * 1024
    with Image.open(io.BytesIO(made)) as small:
        assert small.width / small.height == pytest.approx(16 / 9, rel=0.01) and small.width >= 480


def test_figures_that_pages_show_of_the_small_preset_are_made_by_it_and_light(script):
    shown = {
        name
        for page in PAGES
        for name in re.findall(r"\]\([^)]*images/small/([^)]+)\.png\)", page.read_text(encoding="utf-8"))
    }
    assert shown <= set(script.FIGURES)
    for path in script.PICTURES.glob("*"):
        assert path.stem in script.FIGURES and path.stat().st_size < 200 * 1024, path.name
