"""Machine code computes what JAX computes, primitive by primitive."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dynsparse.physics.environment import float64_on_cpu
from dynsparse.physics.native.function import RowFunction
from dynsparse.physics.native.tracing import UntraceableError, trace

ROWS = 13  # one vector, and a part of one


def spd(x):
    matrix = x[:16].reshape(4, 4)
    return matrix @ matrix.T + 4.0 * jnp.eye(4)


def solve(matrix, right, **options):
    return jax.lax.linalg.triangular_solve(matrix, right, **options)


def newton(x):
    """A loop inside a loop, of lengths that the row decides; a flag and numbers that no turn changes ride along."""

    def outer(carry):
        i, y, seen, fixed, total = carry

        def inner(pair):
            k, z = pair
            return k + 1, z - (z * z * z - y - fixed) / (3 * z * z + 1.0)

        _, root = jax.lax.while_loop(lambda pair: (pair[0] < 5) & (jnp.abs(pair[1]) > 0.3), inner, (0, y))
        return i + 1, 0.5 * y + 0.1 * root, seen | (root > 0.5), fixed, total + root

    start = (0, x[0], x[1] > 5.0, x[2], 0.0)
    return jax.lax.while_loop(lambda carry: (jnp.abs(carry[1]) > 0.2) & (carry[0] < 7), outer, start)


def loop_in_condition(x):
    def unfinished(pair):
        _, length = jax.lax.while_loop(
            lambda inner: inner[0] < 3, lambda inner: (inner[0] + 1, inner[1] + pair[1] ** 2), (0, 0.0)
        )
        return length > 0.1

    return jax.lax.while_loop(unfinished, lambda pair: (pair[0] + 1, pair[1] * x[3] * 0.1), (0, x[0]))


def swapping(x):
    """What a loop carries changes places: all is read before any of it is written."""
    return jax.lax.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, c[2], c[1], c[2] + c[1]), (0, x[0], x[1], x[2]))


def index(x):
    return jnp.clip(jnp.floor(jnp.abs(x[0]) * 3), 0, 4).astype(jnp.int32)


FUNCTIONS = {
    "arithmetic": lambda x: (x + x[::-1], x - 2.0, -x * x[0], x / (1.0 + x * x), 3.0 / x),
    "powers": lambda x: (x**2, x**-3, x**7, x**0, jnp.abs(x) ** x[0], jax.lax.rsqrt(jnp.abs(x)), jnp.square(x)),
    "functions": lambda x: (jnp.sin(x), jnp.cos(x), jnp.tan(x), jnp.exp(x), jnp.tanh(x), jnp.arctan2(x, x[::-1])),
    "log1p": lambda x: (jnp.log1p(jnp.abs(x)), jnp.log1p(x * 1e-9), jnp.log1p(0 * x), jnp.log1p(jnp.inf + x)),
    "inverses": lambda x: (jnp.arcsin(x / 9), jnp.arccos(x / 9), jnp.arctan(x), jnp.log(jnp.abs(x)), jnp.sqrt(x * x)),
    "rounding": lambda x: (
        jnp.floor(x),
        jnp.ceil(x),
        jnp.sign(x),
        jnp.trunc(x),
        jnp.round(2 * x),
        x.astype(jnp.int32),
        jnp.abs(x),
    ),
    "limits": lambda x: (jnp.maximum(x, 0.5), jnp.minimum(x, x[0]), jnp.clip(x, -1.0, 1.0), jnp.isfinite(1 / (x * 0))),
    "comparisons": lambda x: (x < 0, x <= x[0], x > 1, x >= x[1], x == x[2], x != x[2], (x > 0) == (x[::-1] > 0)),
    "remainders": lambda x: (x % 0.7, index(x) % 3, jnp.fmod(x, x[::-1]), jnp.floor(x * 9).astype(jnp.int32) // 4),
    "logic": lambda x: (
        (x > 0) & (x < 1),
        (x > 0) | (x[0] > 1),
        ~(x > 0),
        (x > 0) ^ True,
        jnp.where(x > 0, x > 1, x < -1),
    ),
    "flags": lambda x: (
        (x > 0).astype(float) * x,
        (x > 0).astype(jnp.int32).sum(),
        (x > 0).sum(),
        (x * 0 + 1).astype(bool),
    ),
    "selection": lambda x: (jnp.where(x > 0, x, 2.0), jax.lax.select_n(index(x) % 1 + (index(x) > 2), x, -x)),
    "sums": lambda x: (x.sum(), x.reshape(4, 5).sum(0), x.prod(), x.max(), x.min(), (x > 9).any(), (x < 9).all()),
    "running": lambda x: (jnp.cumsum(x), jax.lax.cumsum(x.reshape(4, 5), axis=1, reverse=True)),
    "places": lambda x: (jnp.argmax(x), jnp.argmin(x.reshape(4, 5), axis=0)),
    "products": lambda x: (
        x[:16].reshape(4, 4) @ x[4:20].reshape(4, 4),
        x @ x,
        jnp.einsum("abc,abd->acd", *(x[:8].reshape(2, 2, 2),) * 2),
    ),
    "cholesky": lambda x: (
        jnp.linalg.cholesky(spd(x)),
        jax.scipy.linalg.cho_solve(jax.scipy.linalg.cho_factor(spd(x)), x[:4]),
    ),
    "triangles": lambda x: [
        solve(
            spd(x),
            x[:8].reshape((4, 2) if left else (2, 4)),
            left_side=left,
            lower=lower,
            transpose_a=turned,
            unit_diagonal=unit,
        )
        for left in (True, False)
        for lower in (True, False)
        for turned in (True, False)
        for unit in (True, False)
    ],
    "shapes": lambda x: (
        x.reshape(2, 10).T,
        jnp.flip(x),
        x[3:11:2],
        jnp.concatenate([x, x]),
        jnp.stack([x, x], 1),
        jnp.tile(x, 2),
        jnp.pad(x, 2),
        jax.lax.pad(x, 0.0, [(-1, 2, 1)]),
        jnp.broadcast_to(x, (2, 20)),
        jnp.squeeze(x[None]),
        jnp.arange(4.0) * x[0],
        jnp.split(x, 4),
    ),
    "gather": lambda x: (
        x[jnp.array([3, 1, 1])],
        x[index(x)],
        x.reshape(5, 4)[index(x), 1:3],
        x.reshape(5, 4)[:, index(x) % 1 + 2],
        jnp.take(x, index(x) + 18, mode="fill"),
        jnp.take(x, index(x) + 18, mode="clip"),
        x.reshape(5, 4)[index(x), jnp.minimum(index(x), 3)],
    ),
    "scatter": lambda x: (
        x.at[2].set(9.0),
        x.at[index(x)].add(x[1]),
        x.at[jnp.array([1, 1, 4])].add(x[:3]),
        x.at[index(x)].multiply(2.0),
        x.reshape(5, 4).at[index(x)].set(x[:4]),
        x.at[index(x) + 17].set(0.0, mode="drop"),
    ),
    "windows": lambda x: (
        jax.lax.dynamic_slice(x, (index(x) + 12,), (6,)),
        jax.lax.dynamic_update_slice(x, x[:3], (index(x),)),
        jax.lax.dynamic_update_slice(x, x[:3], (2,)),
    ),
    "sorting": lambda x: (
        jnp.sort(x),
        jnp.argsort(x[:6]),
        jax.lax.sort((jnp.round(x[:7]).astype(jnp.int32), x[:7], x[7:14]), num_keys=2),
        jax.lax.top_k(x.reshape(4, 5), 2),
    ),
    "cond": lambda x: (jax.lax.cond(x[0] > 0, jnp.sin, jnp.cos, x), jax.lax.cond(True, jnp.sin, jnp.cos, x)),
    "scan": lambda x: jax.lax.scan(lambda c, y: (c * 0.5 + y, (c, y > c)), x[0], x[:6], reverse=True),
    "fori": lambda x: jax.lax.fori_loop(0, 4, lambda i, c: c * x[1] + i, x[0]),
    "loops": newton,
    "loop in a condition": loop_in_condition,
    "swapping": swapping,
    "slopes": lambda x: jax.jacfwd(lambda y: newton(y)[1] * y)(x[:4]),
    "calls": lambda x: (jax.jit(jnp.sin)(x), jax.checkpoint(jnp.cos)(x), jax.nn.relu(x), jax.lax.stop_gradient(x)),
    "constants alone": lambda x: (
        jnp.sin(jnp.arange(3.0)) ** 2,
        jnp.linalg.cholesky(jnp.eye(2) * 4),
        jnp.array([True, False]),
    ),
    "nothing": lambda x: (x[:0], x[:0].sum(), jnp.zeros((0, 3))),
}


def rows(seed=0, count=ROWS):
    return np.random.default_rng(seed).uniform(-3.0, 3.0, (count, 20))


def native(function, name="function", **settings):
    return RowFunction(lambda x: jax.tree.leaves(function(x)), name, lambda arrays: arrays, rows=4, **settings)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_what_jax_says(name):
    function, x = FUNCTIONS[name], rows()
    with float64_on_cpu():
        run = native(function)
        found = run(x)
        wanted = jax.tree.leaves(jax.vmap(function)(x))
    assert run.is_native
    for got, one in zip(found, wanted, strict=True):
        assert got.dtype == one.dtype
        np.testing.assert_allclose(got, one, rtol=1e-13, atol=1e-13)


UNARY = (
    jnp.sin,
    jnp.abs,
    jnp.negative,
    jnp.exp,
    lambda a: a * 0.0,
    lambda a: a + 0.0,
    lambda a: 1.0 * a,
    lambda a: a / 4.0,
)
BINARY = (jnp.add, jnp.subtract, jnp.multiply, jnp.maximum, jnp.minimum, lambda a, b: jnp.where(a < b, a, -b))


WHICH = st.integers(0, len(UNARY) + len(BINARY) - 1)


@settings(max_examples=40, deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.integers(0, len(UNARY) + len(BINARY) - 1), st.integers(0, 99), st.integers(0, 99)),
        min_size=1,
        max_size=25,
    ),
    fixed=st.sampled_from([0.0, 1.0, -1.0, 0.5, 3.0]),
)
def test_folding_changes_nothing(steps, fixed):
    """Any program of sums, products, choices and constants gives what it gives without folding."""

    def program(x):
        known = [x[0], x[1], x[2], jnp.asarray(fixed), jnp.asarray(0.0)]
        for which, a, b in steps:
            first, second = known[a % len(known)], known[b % len(known)]
            known.append(UNARY[which](first) if which < len(UNARY) else BINARY[which - len(UNARY)](first, second))
            known[-1] = jnp.clip(known[-1], -50.0, 50.0)
        return known

    x = rows()
    with float64_on_cpu():
        found = native(program)(x)
        wanted = program(x.T)
    for got, one in zip(found, wanted, strict=True):
        np.testing.assert_allclose(got, np.broadcast_to(one, (ROWS,)), rtol=1e-12, atol=1e-12)


def test_a_product_minus_its_equal_is_zero():
    """No operation is fused with another: what cancels on paper in two equal products cancels in the result."""
    with float64_on_cpu():
        (found,) = native(lambda x: x[0] * x[1] - x[2] * x[3])(rows()[:, [0, 1, 0, 1, *range(16)]])
    assert (found == 0).all()


def test_a_structural_zero_costs_nothing():
    def function(x):
        return jax.jacfwd(lambda y: jnp.stack([y[0] * y[1], y[2], jnp.sin(y[2])]))(x)

    with float64_on_cpu():
        graph, (result,) = trace(function, [(4,)])
    values = np.array([graph.constants[node] is not None for node in result.nodes.reshape(-1)]).reshape(3, 4)
    np.testing.assert_array_equal(values, [[0, 0, 1, 1], [1, 1, 1, 1], [1, 1, 0, 1]])
    needed = graph.needed(result.nodes.reshape(-1).tolist())
    assert sorted(graph.operations[node] for node in needed if graph.operations[node] != "constant") == [
        "cos",
        *["input"] * 3,
    ]


@pytest.mark.parametrize(
    ("function", "what"),
    [
        (lambda x: jax.lax.switch(index(x), [jnp.sin, jnp.cos, jnp.tan], x), "3 branches"),
        (lambda x: jnp.fft.fft(x).real, "complex128"),
        (lambda x: x.astype(jnp.float32), "float32"),
        (lambda x: index(x) & 3, "bitwise"),
    ],
)
def test_what_can_not_be_traced_is_left_to_xla(function, what):
    x = rows()
    with float64_on_cpu():
        with pytest.raises(UntraceableError, match=what):
            trace(function, [(20,)])
        run = native(function)
        (found,) = run(x)
        np.testing.assert_allclose(found, jax.vmap(function)(x), rtol=1e-6)
    assert not run.is_native


def test_too_long_a_function_is_left_to_xla(monkeypatch):
    monkeypatch.setattr("dynsparse.physics.native.tracing.MOST_NODES", 30)
    with float64_on_cpu():
        run = native(lambda x: jnp.cumsum(jnp.sin(x)))
        (found,) = run(rows())
    assert not run.is_native
    np.testing.assert_allclose(found, np.cumsum(np.sin(rows()), axis=1), rtol=1e-13)
