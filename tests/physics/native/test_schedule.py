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


def chained(x):
    """A condition of two loops, the second of which starts where the first ends."""

    def unfinished(pair):
        _, a = jax.lax.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, c[1] * 0.9 + pair[1]), (0, pair[1]))
        _, b = jax.lax.while_loop(lambda c: c[0] < 2, lambda c: (c[0] + 1, c[1] * 0.5), (0, a))
        return b > 0.1

    return jax.lax.while_loop(unfinished, lambda pair: (pair[0] + 1, pair[1] * 0.5), (0, x[0]))


def added(x):
    """The second loop reads in every turn what the first has found."""

    def unfinished(pair):
        _, a = jax.lax.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, c[1] * 0.9 + pair[1]), (0, pair[1]))
        _, b = jax.lax.while_loop(lambda c: c[0] < 2, lambda c: (c[0] + 1, c[1] * 0.5 + a), (0, 1.0))
        return (b > 2.0) & (pair[0] < 9)  # what is read too late must not run for ever

    return jax.lax.while_loop(unfinished, lambda pair: (pair[0] + 1, pair[1] * 0.5), (0, x[0]))


@pytest.mark.parametrize("size", [1, 400])
@pytest.mark.parametrize("function", [chained, added])
def test_a_loop_in_a_condition_comes_after_the_loop_that_it_reads(function, size, monkeypatch):
    monkeypatch.setattr(schedule, "PIECE_NODES", size)
    x = np.array([[1.5], [0.3], [2.0]])
    with float64_on_cpu():
        run = native(function)
        turns, left = run(x)
        wanted_turns, wanted = jax.vmap(function)(x)
    assert run.is_native and len(set(turns.tolist())) > 1
    np.testing.assert_array_equal(turns, wanted_turns)
    np.testing.assert_allclose(left, wanted, rtol=1e-13)
