"""What is not a float64 number or a count: computed as JAX does, or left to XLA."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dynsparse.physics.environment import float64_on_cpu
from dynsparse.physics.native.tracing import UntraceableError, trace

from .test_tracing import native

X = np.array([[1.5, -2.5, 3.25, 0.5], [0.0, -1.0, 2.0, 0.0], [-0.0, -1.0, 3.0, 7.0]])


def whole(x):
    return jnp.floor(jnp.abs(x)).astype(jnp.int32)


def loops_of_a_batch(x):
    return jax.vmap(lambda one: jax.lax.while_loop(lambda c: c > 0.2, lambda c: c * 0.5, one))(x)


LEFT = {
    "a scatter with an update of its own": lambda x: x.at[1].apply(jnp.sin),
    "bitwise": lambda x: jax.lax.reduce_or(whole(x), (0,)),
    "bitwise ": lambda x: jnp.bitwise_and.reduce(whole(x)),
    "float16": lambda x: (x / 3).astype(jnp.float16).astype(float),
    "bfloat16": lambda x: (x / 3).astype(jnp.bfloat16).astype(float),
    "div gives numbers of type float32": lambda x: ((x > 0).astype(jnp.float32) / 3).astype(float),
    "float32": lambda x: (whole(x) + 16777217).astype(jnp.float32).astype(float),
    "convert_element_type gives numbers of type float16": lambda x: jnp.sum((x > 0).astype(jnp.float16) * 2000),
    "fewer bits": lambda x: jax.lax.reduce_precision(x / 3, 8, 7),
    "an axis that is not the last": lambda x: jax.lax.top_k(x.reshape(2, 2), 2, axis=0),
    "uint32": lambda x: x.astype(jnp.uint32) + 1,
    "sub gives numbers of type uint32": lambda x: ((x > 0).astype(jnp.uint32) - 3).astype(float),
    "uint8": lambda x: (whole(x) + 255).astype(jnp.uint8).astype(float),
    "int32": lambda x: whole(x)[0] * 0 + jnp.int32(2_000_000_000) * jnp.int32(x.size),
    "a loop over a batch": loops_of_a_batch,
}

MIRRORED = {
    "filling of integers": lambda x: (
        jnp.take(whole(x), whole(x[2]) + 2, mode="fill", fill_value=0),
        jnp.take(whole(x), whole(x[2]) + 2, mode="fill"),
        jnp.take(x > 9, whole(x[2]) + 2, mode="fill"),
        jnp.take(jnp.arange(3, dtype=jnp.uint32), jnp.array([1, 3]), mode="fill"),
    ),
    "integers at the ends of their range": lambda x: (x * 1e10 / x[3]).astype(jnp.int32),
    "integers divided by zero": lambda x: (5 // whole(x), jax.lax.rem(whole(x) + 5, whole(x))),
    "remainders by zero": lambda x: jax.lax.rem(x, x[::-1]),
    "sorted NaNs": lambda x: jnp.sort(jnp.arange(1.0, 5) / jnp.where(x > 0, x, jnp.nan)),
    "pairs sorted by a NaN": lambda x: jax.lax.sort((jnp.where(x > 0, x, jnp.nan), -x, x), num_keys=2),
    "first NaN": lambda x: (jnp.argmax(jnp.where(x > 2, jnp.nan, x)), jnp.argmin(jnp.where(x > 2, jnp.nan, x))),
    "largest NaN": lambda x: jax.lax.top_k(jnp.where(x > 2, jnp.nan, x), 3),
    "small whole float32": lambda x: jnp.dot((x > 0).astype(jnp.float32), jnp.arange(4, dtype=jnp.float32)),
    "known float32": lambda x: x + jnp.sqrt(jnp.arange(4, dtype=jnp.float32) / 3),
    "small whole uint8": lambda x: (x > 0).astype(jnp.uint8) * jnp.uint8(200) + jnp.uint8(55),
    "full precision": lambda x: jax.lax.reduce_precision(x * 0.3, 11, 52),
}


def both(function):
    with float64_on_cpu():
        run = native(function)
        found = run(X)
        return run, found, jax.tree.leaves(jax.vmap(function)(X))


@pytest.mark.parametrize("what", LEFT)
def test_what_would_be_rounded_or_wrap_around_is_left_to_xla(what):
    with float64_on_cpu(), pytest.raises(UntraceableError, match=what.strip()):
        trace(LEFT[what], [(4,)])
    run, found, wanted = both(LEFT[what])
    assert not run.is_native
    for got, one in zip(found, wanted, strict=True):
        np.testing.assert_allclose(got, one, rtol=1e-6)


@pytest.mark.parametrize("what", MIRRORED)
def test_ends_and_nans_are_as_jax_has_them(what):
    run, found, wanted = both(MIRRORED[what])
    assert run.is_native
    for got, one in zip(found, wanted, strict=True):
        assert got.dtype == one.dtype
        np.testing.assert_array_equal(got, one)


def test_a_division_whose_inverse_is_infinite_stays_one():
    with float64_on_cpu():
        (found,) = native(lambda x: (x * 2.0**-1000) / 2.0**-1030)(X)
    np.testing.assert_array_equal(found, X * 2.0**30)


def test_a_matrix_that_is_not_positive_definite_leaves_nothing_finite():
    def solved(x):
        factor = jax.scipy.linalg.cho_factor(
            jnp.array([[4.0, 1.0], [1.0, 0.25]]) + x[0] * jnp.array([[0, 0], [0, 1.0]])
        )
        return jax.scipy.linalg.cho_solve(factor, x[2:])

    with float64_on_cpu():
        run = native(solved)
        (found,) = run(np.array([[1.0, 0, 1, 2], [0.0, 0, 1, 2], [-1.0, 0, 1, 2]]))
    assert run.is_native
    np.testing.assert_array_equal(np.isfinite(found), [[True] * 2, [False] * 2, [False] * 2])
