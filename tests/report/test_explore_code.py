"""What the page's codes keep of numbers, read back by plain Python."""

from __future__ import annotations

import base64

import numpy as np
import pytest

from dynsparse.errors import ArrayError
from dynsparse.report.explore_code import MagnitudeScale, bits, encoded, nibbles


def test_bits_and_nibbles_begin_at_the_lowest():
    # By hand: 1 + 8 + 128, then 1; 3 + 16 * 1, 0 + 16 * 15, 6.
    flags = np.array([[1, 0, 0], [1, 0, 0], [0, 1, 1]], dtype=bool)
    assert list(bits(flags)) == [1 + 8 + 128, 1]
    assert list(nibbles(np.array([[3, 1, 0], [15, 6, 0]]).reshape(-1)[:5])) == [0x13, 0xF0, 0x06]
    assert base64.b64decode(encoded(bits(flags))) == bytes([137, 1])
    assert bits(np.zeros((0, 4), dtype=bool)) == b"" == nibbles(np.zeros(0, dtype=int))


@pytest.mark.parametrize("strange", [16, -1])
def test_a_label_of_more_than_four_bits_is_refused(strange):
    with pytest.raises(ArrayError, match="from 0 to 15"):
        nibbles(np.array([1, strange]))


def test_ends_and_middle_of_a_scale():
    scale = MagnitudeScale(-15.0, 2.0)
    values = np.array([1e-15, 1e2, -1e2, 1e-20, 1e9, 10 ** (-15 + 17 * 127 / 254), 0.0, np.nan])
    kept = np.array([1, 1, 1, 1, 1, 1, 0, 0], dtype=bool)
    assert scale.encode(values, kept).tolist() == [1, 255, 255, 1, 255, 128, 0, 0]
    assert scale.decode(np.array([0, 1, 255], dtype=np.uint8)) == pytest.approx([0, 1e-15, 100])


def test_a_magnitude_is_known_to_half_a_step():
    scale = MagnitudeScale.over(1e-15, 173.0)
    assert (scale.low, scale.high) == (-15.0, 3.0)
    values = 10 ** np.random.default_rng(0).uniform(-15, 3, size=4000)
    found = scale.decode(scale.encode(values, np.ones(4000, dtype=bool)))
    worst = np.abs(np.log10(found) - np.log10(values)).max()
    assert 0.9 * 18 / 254 / 2 < worst <= 18 / 254 / 2 + 1e-12
    assert scale.error == pytest.approx(10 ** (18 / 508) - 1) and scale.error < 0.09


def test_a_scale_of_nothing_is_still_one():
    assert MagnitudeScale.over(1e-8, 0.0) == MagnitudeScale(-8.0, -7.0)
    for ends in ((1.0, 1.0), (np.nan, 1.0), (0.0, np.inf)):
        with pytest.raises(ArrayError, match="increasing order"):
            MagnitudeScale(*ends)
