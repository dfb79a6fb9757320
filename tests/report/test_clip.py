from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from dynsparse.errors import ArrayError
from dynsparse.report.clip import draw_strip, encode_gif
from dynsparse.report.figure import render

HEIGHT, WIDTH = 24, 40


def film(count):
    """A square that wanders over a ground that grows brighter to the right."""
    frames = np.empty((count, HEIGHT, WIDTH, 3), dtype=np.uint8)
    frames[:] = np.linspace(20, 200, WIDTH).astype(np.uint8)[:, None] * np.array([1.0, 0.8, 0.5])
    for i, frame in enumerate(frames):
        frame[8:16, i : i + 8] = (250, 30, 30)
    return frames


def read(content):
    """Frames of a GIF, how long each is shown (ms), and how often all are."""
    with Image.open(io.BytesIO(content)) as image:
        assert image.format == "GIF"
        frames, shown = [], []
        for number in range(image.n_frames):
            image.seek(number)
            frames.append(np.array(image.convert("RGB")))
            shown.append(image.info["duration"])
        return np.stack(frames), shown, image.info["loop"]


def test_a_clip_holds_the_frames():
    frames = film(20)
    found, shown, loop = read(encode_gif(frames, 0.04))
    assert found.shape == frames.shape
    assert (shown, loop) == ([40] * 20, 0)  # 0: for ever
    # The palette has room for all 41 colours; PIL looks them up in boxes that are a few of the 256 steps wide.
    assert np.abs(found.astype(int) - frames).max() <= 8


@pytest.mark.parametrize(("seconds", "shown"), [(0.02, 20), (0.044, 40), (0.046, 50), (0.5, 500), (0.001, 20)])
def test_time_is_rounded_to_hundredths_and_no_shorter_than_browsers_show(seconds, shown):
    assert read(encode_gif(film(3), seconds))[1] == [shown] * 3


def test_a_still_picture_is_shown_as_long_as_a_moving_one():
    assert sum(read(encode_gif(np.repeat(film(1), 5, axis=0), 0.04))[1]) == 200


def test_the_same_frames_are_the_same_bytes():
    assert encode_gif(film(4), 0.04) == encode_gif(film(4), 0.04)
    assert encode_gif(film(4), 0.04) != encode_gif(film(4)[::-1], 0.04)


@pytest.mark.parametrize("count", [1, 3, 8])
def test_a_strip_shows_every_frame_with_its_label(count):
    frames, labels = film(count), [f"{i} s" for i in range(count)]
    figure = draw_strip(frames, labels, "Toy, random policy", columns=4)
    assert figure.get_suptitle() == "Toy, random policy"
    drawn = [axes for axes in figure.axes if axes.images]
    assert len(drawn) == count
    for axes, frame, label in zip(drawn, frames, labels, strict=True):
        np.testing.assert_array_equal(axes.images[0].get_array(), frame)
        assert [text.get_text() for text in axes.texts] == [label]
    (png,) = render(lambda: draw_strip(frames, labels, "Toy", columns=4), ("png",))
    with Image.open(io.BytesIO(png)) as image:
        assert image.width == 1400  # 7 inches of 200 dots


@pytest.mark.parametrize(
    "frames", [film(2)[0], film(2)[..., :2], film(2).astype(np.float32), film(2)[:0]], ids=["one", "two", "float", "no"]
)
def test_what_are_no_frames_is_refused(frames):
    for use in (lambda: encode_gif(frames, 0.04), lambda: draw_strip(frames, ["a", "b"], "Toy")):
        with pytest.raises(ArrayError, match=r"expected frames \(n, height, width, 3\) of uint8 .*, got \("):
            use()
