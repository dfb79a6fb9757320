"""The trace of whole functions: no slope without a path, what is refused, and how it is called."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dynsparse.errors import ArrayError, UnknownPrimitiveError
from dynsparse.physics.dependence import DependenceTrace
from dynsparse.physics.dependence.interpreter import RULES
from dynsparse.physics.dependence.sets import Traced
from dynsparse.physics.environment import float64_on_cpu

PIECES = (
    jnp.sin,
    lambda x: x * jnp.roll(x, 1),
    lambda x: jnp.where(x > 0, x, jnp.roll(x, 2) ** 2),
    lambda x: x.at[jnp.argmax(x)].add(x[0] * x[1]),
    lambda x: jnp.sort(x),
    lambda x: jnp.maximum(x, 0.3) - jax.nn.softplus(x),
    lambda x: jnp.cumsum(x) * (x > 0.2),
    lambda x: jnp.linalg.solve(jnp.eye(5) * 4 + jnp.outer(x * (x > 0), x), x),
    lambda x: jnp.concatenate([x[2:], x[:2] / (2 + x[3] ** 2)]),
    lambda x: x - jnp.floor(x) + jnp.arctan2(x, 2 + x[::-1] ** 2),
    lambda x: jnp.einsum("i,ij->j", x, jnp.diag(x) + jnp.eye(5, k=1)),
    lambda x: jax.lax.fori_loop(0, 3, lambda i, y: y.at[i].set(y[i] * y[i + 1]), x),
    lambda x: jnp.interp(x, jnp.arange(5.0) - 2.0, x),
    lambda x: x % 0.7,
)


@pytest.mark.parametrize("seed", range(8))
def test_where_there_is_a_slope_there_is_a_path(seed):
    rng = np.random.default_rng(seed)
    chosen = rng.choice(len(PIECES), 4, replace=False)

    def function(x):
        for k in chosen:
            x = PIECES[k](x)
        return x

    rows = np.round(rng.normal(size=(6, 5)), 1)  # some zeros and some ties
    found = DependenceTrace(function)(rows)
    with float64_on_cpu():
        values, jacobians = jax.vmap(function)(rows), np.asarray(jax.vmap(jax.jacfwd(function))(rows))
    # Where a rounding decides which side of a jump is taken, there is no slope to compare.
    sound = np.isclose(found.values, values, rtol=1e-10, atol=1e-12).all(axis=1)
    assert sound.sum() >= 3
    # JAX halves the slope of a tie and drops none, so nothing is excused but what is no number.
    assert not (np.isfinite(jacobians) & (np.abs(jacobians) > 1e-12) & ~found.pattern)[sound].any()
    assert (np.abs(jacobians) > 1e-12).any()


def test_a_dropped_path_would_be_seen(monkeypatch):
    """The check above, with a rule that is wrong."""
    monkeypatch.setitem(RULES, "sin", lambda _interpreter, _equation, a: Traced(np.sin(a.values)))
    found = DependenceTrace(jnp.sin)(np.ones((1, 2)))
    with float64_on_cpu():
        assert ((np.asarray(jax.jacfwd(jnp.sin)(jnp.ones(2))) != 0) & ~found.pattern[0]).any()


def test_a_tree_of_results_and_more_inputs_than_a_word_holds():
    def function(a, b):
        return {"sum": a.sum(), "last": (b[-1] * a[0],)}

    a, b = np.ones((3, 70)), np.ones((3, 80))
    b[1, -1] = 0.0
    found = DependenceTrace(function)(a, b)
    assert found["sum"].pattern.shape == (3, 150)
    np.testing.assert_array_equal(np.flatnonzero(found["sum"].pattern[2]), np.arange(70))
    np.testing.assert_array_equal(np.flatnonzero(found["last"][0].pattern[1]), [0, 149])
    # b is no input here, and where it is zero it stays so.
    only_a = DependenceTrace(function)(a, b, varying=[0])["last"][0].pattern
    assert only_a.shape == (3, 70)
    assert only_a[:, 0].tolist() == [True, False, True] and not only_a[:, 1:].any()


def test_seeds_carry_what_an_argument_depends_on_already():
    seeds = np.zeros((2, 2, 3), dtype=bool)
    seeds[0, 0, [0, 2]] = True  # in the first row alone
    seeds[:, 1, 1] = True
    found = DependenceTrace(lambda x, y: x[0] * y + x[1])(np.ones((2, 2)), np.ones((2, 1)), seeds={0: seeds})
    assert found.pattern[:, 0].tolist() == [[True, True, True], [False, True, False]]


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (lambda x: jnp.linalg.eigvalsh(jnp.outer(x, x)), "eigh"),
        (lambda x: jnp.convolve(x, x), "conv_general_dilated"),
        (lambda x: jnp.abs(x + 1j * x), "complex"),
        (lambda x: jnp.where(x > 0, jnp.linalg.svd(jnp.outer(x, x))[1], x), "svd"),
        (lambda x: x.at[0].apply(jnp.sin), "scatter"),
        (lambda x: jax.lax.bitcast_convert_type(x, jnp.int64).astype(float), "bitcast_convert_type"),
        (lambda x: jnp.frexp(x)[0], "bitcast_convert_type"),
        (lambda x: jnp.linalg.eigvalsh(jax.lax.stop_gradient(jnp.outer(x, x))), "eigh"),
        (lambda x: jax.pure_callback(lambda y: y, x, x, vmap_method="sequential"), "pure_callback"),
    ],
)
def test_an_unknown_primitive_is_refused_by_name(function, name):
    with pytest.raises(UnknownPrimitiveError, match=name) as caught:
        DependenceTrace(function)(np.ones((2, 3)))
    assert name in caught.value.primitive
    assert "jnp.linalg.solve" in str(caught.value)


def test_a_refusal_says_where_the_primitive_came_from():
    with pytest.raises(UnknownPrimitiveError, match=r"test_trace\.py"):
        DependenceTrace(lambda x: x.at[0].apply(jnp.sin))(np.ones((2, 3)))


def test_an_unknown_primitive_of_constants_is_a_constant():
    def function(x):
        return x * jnp.linalg.eigvalsh(jnp.array([[2.0, 1.0], [1.0, 2.0]]))

    found = DependenceTrace(function)(np.ones((1, 2)))
    np.testing.assert_allclose(found.values, [[1.0, 3.0]], atol=1e-12)
    np.testing.assert_array_equal(found.pattern[0], np.eye(2, dtype=bool))


@pytest.mark.parametrize(
    ("columns", "seeds"),
    [
        ((np.ones((2, 3)), np.ones((3, 3))), None),
        ((np.ones((0, 3)), np.ones((0, 3))), None),
        ((np.ones((2, 3)), np.float64(1.0)), None),
        ((np.ones((2, 3)), np.ones((2, 3))), {0: np.ones((2, 4, 5), dtype=bool)}),
        ((np.ones((2, 3)), np.ones((2, 3))), {7: np.ones((2, 3, 5), dtype=bool)}),
        ((np.ones((2, 3)), np.ones((2, 3))), {k: np.ones((1, 3, 5 + k), dtype=bool) for k in range(2)}),
    ],
)
def test_arguments_that_do_not_fit_are_refused(columns, seeds):
    with pytest.raises(ArrayError, match="expected"):
        DependenceTrace(lambda x, y: x + y)(*columns, seeds=seeds)
