"""Memory between pieces: nothing is overwritten while it is still needed, however short the pieces are."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from dynsparse.physics.environment import float64_on_cpu
from dynsparse.physics.native import schedule

from .test_tracing import FUNCTIONS, native, rows


@pytest.mark.parametrize("size", [1, 3, 10])
@pytest.mark.parametrize("name", ["loops", "slopes", "loop in a condition", "cholesky", "swapping", "sorting"])
def test_short_pieces_give_the_same_bits(name, size, monkeypatch):
    with float64_on_cpu():
        whole = native(FUNCTIONS[name])(rows())
        monkeypatch.setattr(schedule, "PIECE_NODES", size)
        pieces = native(FUNCTIONS[name])(rows())
    for one, other in zip(whole, pieces, strict=True):
        np.testing.assert_array_equal(one, other)


def test_memory_is_used_again():
    def chain(x):
        for _ in range(200):
            x = jax.numpy.sin(x) * x[::-1]
        return x

    with float64_on_cpu():
        run = native(chain)
        run(rows())
    assert run.memory_slots <= 200  # 8,000 operations
