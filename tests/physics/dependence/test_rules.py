"""Rule by rule: small functions, and by hand on what each of their results depends."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from dynsparse.physics.dependence import DependenceTrace
from dynsparse.physics.environment import float64_on_cpu

# One case: a function of one row of numbers, the row, and for each result the inputs on which it depends there.
Case = tuple[Callable[..., Any], list[float], list[set[int]]]


def patterns(function: Callable[..., Any], row: list[float], **options: Any) -> list[set[int]]:
    found = DependenceTrace(function, **options)(np.array([row]))
    rows = found.pattern[0].reshape(-1, len(row))
    return [set(np.flatnonzero(one).tolist()) for one in rows]


def same_values(function: Callable[..., Any], row: list[float]) -> None:
    found = DependenceTrace(function)(np.array([row])).values[0]
    with float64_on_cpu():
        expected = np.asarray(function(jnp.array(row)))
    np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-14)  # libm and XLA differ by roundings


ELEMENTWISE: dict[str, Case] = {
    # Each result its own input: nothing mixes.
    "smooth": (lambda x: jnp.exp(jnp.sin(x)) + lax.erf(x), [0.1, 0.0], [{0}, {1}]),
    "sum and difference": (lambda x: jnp.stack([x[0] + x[1], x[2] - x[0]]), [0.0, 1.0, 2.0], [{0, 1}, {0, 2}]),
    # A zero that may move multiplies like any number.
    "product with a zero that may move": (lambda x: (x[0] * x[1])[None], [0.0, 2.0], [{0, 1}]),
    # A mask that is off stays off.
    "product with an inert zero": (lambda x: (x[0] * (x[1] > 3.0))[None], [5.0, 2.0], [set()]),
    "product with a mask that is on": (lambda x: (x[0] * (x[1] > 1.0))[None], [5.0, 2.0], [{0}]),
    "quotient of an inert zero": (lambda x: ((x[1] > 3.0) / x[0])[None], [5.0, 2.0], [set()]),
    "quotient": (lambda x: (x[0] / x[1])[None], [0.0, 2.0, 9.0], [{0, 1}]),
    "comparison, sign, floor": (
        lambda x: jnp.stack([(x[0] < x[1]) * 1.0, jnp.sign(x[0]), jnp.floor(x[1]), jnp.round(x[0])]),
        [0.3, 1.2],
        [set(), set(), set(), set()],
    ),
    "integer and back": (lambda x: x.astype(int).astype(float), [0.3, 1.2], [set(), set()]),
    # The step moves with what its derivative leaves out.
    "held": (lambda x: x[0] * lax.stop_gradient(x[1:]), [2.0, 3.0, 0.0], [{0, 1}, {0, 2}]),
    "sign off the bits": (lambda x: jnp.copysign(x[0], x[1:]), [2.0, 3.0, -1.0], [{0}, {0}]),
    # Of the square's two sides only the second slopes here; the cube of nothing is flat, its root is not.
    "powers": (lambda x: x ** jnp.array([2, 2, 0]), [0.0, 3.0, 4.0], [set(), {1}, set()]),
    "whole powers": (lambda x: jnp.stack([x[0] ** 3, x[1] ** 3, x[0] ** 0.5]), [0.0, 3.0], [set(), {1}, {0}]),
    "squares": (jnp.square, [0.0, 3.0], [set(), {1}]),
    # 0**y is 0 and stays 0; x**y moves with both.
    "power of two numbers": (
        lambda x: jnp.stack([x[0] ** x[1], ((x[0] > 9) * 1.0) ** x[1]]),
        [3.0, 2.0],
        [{0, 1}, set()],
    ),
    "remainder": (lambda x: jnp.stack([lax.rem(x[0], x[1]), lax.rem(x[1], x[0])]), [1.0, 2.5], [{0}, {0, 1}]),
    # A vector along an axis that it can not leave keeps its angle.
    "angle": (
        lambda x: jnp.stack([jnp.arctan2(x[0], x[1]), jnp.arctan2(0.0 * x[0], x[1])]),
        [1.0, 2.0],
        [{0, 1}, set()],
    ),
    "choice": (
        lambda x: jnp.where(x[:2] > 0, x[2], jnp.stack([x[0], x[1] + x[0]])),
        [1.0, -1.0, 5.0],
        [{2}, {0, 1}],
    ),
    "larger": (lambda x: jnp.maximum(x[:3], x[3]), [1.0, 3.0, 2.0, 2.0], [{3}, {1}, {2, 3}]),
    "smaller": (lambda x: jnp.minimum(x[:2], x[2]), [1.0, 3.0, 2.0], [{0}, {2}]),
    "rectified": (jax.nn.relu, [-1.0, 0.0, 1.0], [set(), {1}, {2}]),
    # Inside, at and beyond bounds, one of which is an input.
    "clamped": (
        lambda x: lax.clamp(-1.0, x[:4], x[4]),
        [-2.0, 0.0, 1.0, 3.0, 1.0],
        [set(), {1}, {2, 4}, {4}],
    ),
}

SHAPES: dict[str, Case] = {
    "permuted": (lambda x: x.reshape(2, 3).T.reshape(-1)[::-1], [1.0] * 6, [{5}, {2}, {4}, {1}, {3}, {0}]),
    "broadcast": (lambda x: jnp.broadcast_to(x[:2, None], (2, 2)), [1.0, 2.0, 3.0], [{0}, {0}, {1}, {1}]),
    "padded": (
        lambda x: lax.pad(x[:2], x[2], ((1, 0, 1),)),
        [1.0, 2.0, 3.0],
        [{2}, {0}, {2}, {1}],
    ),
    "joined": (lambda x: jnp.concatenate([x[1:], jnp.zeros(1), x[:1]]), [1.0, 2.0, 3.0], [{1}, {2}, set(), {0}]),
    "repeated": (lambda x: jnp.tile(x, 2), [1.0, 2.0], [{0}, {1}, {0}, {1}]),
    "split": (lambda x: jnp.split(x, [1])[1], [1.0, 2.0, 3.0], [{1}, {2}]),
}

REDUCTIONS: dict[str, Case] = {
    "sum": (lambda x: x.reshape(2, 2).sum(0), [1.0] * 4, [{0, 2}, {1, 3}]),
    "largest": (lambda x: x.reshape(2, 2).max(1), [1.0, 2.0, 3.0, 3.0], [{1}, {2, 3}]),
    "smallest": (lambda x: x.min()[None], [1.0, 2.0, np.nan], [{0, 1, 2}]),  # of a NaN nothing is known
    "product": (lambda x: x.prod()[None], [0.0, 2.0, 3.0], [{0, 1, 2}]),
    "product with an inert zero": (lambda x: (x * jnp.array([0.0, 1.0])).prod()[None], [1.0, 2.0], [set()]),
    "place of the largest": (lambda x: x[jnp.argmax(x)][None], [1.0, 5.0, 3.0], [{1}]),
    "running sum": (jnp.cumsum, [1.0, 2.0, 3.0], [{0}, {0, 1}, {0, 1, 2}]),
    "running sum from behind": (lambda x: lax.cumsum(x, reverse=True), [1.0, 2.0], [{0, 1}, {1}]),
    # The second factor is off for good, and so is every product that holds it.
    "running product": (
        lambda x: jnp.cumprod(x * jnp.array([1.0, 0.0, 1.0])),
        [1.0, 2.0, 3.0],
        [{0}, set(), set()],
    ),
    "running largest": (lax.cummax, [1.0, 3.0, 2.0], [{0}, {1}, {1}]),
    "sorted": (lambda x: jnp.sort(x), [3.0, 1.0, 2.0], [{1}, {2}, {0}]),
    # A tie's order is anybody's, also that of what is carried along.
    "sorted with ties": (jnp.sort, [2.0, 1.0, 2.0, 1.0, 3.0], [{1, 3}, {1, 3}, {0, 2}, {0, 2}, {4}]),
    "carried by ties": (
        lambda x: lax.sort((jnp.round(x[:3]), x[:3], x[3:]), num_keys=2)[2],
        [1.1, 1.1, 0.9, 4.0, 5.0, 6.0],  # of two keys; the first alone ties all three
        [{5}, {3, 4}, {3, 4}],
    ),
    "sorted along the first axis": (
        lambda x: jnp.sort(x.reshape(2, 2), axis=0).reshape(-1),
        [1.0, 5.0, 1.0, 4.0],
        [{0, 2}, {3}, {0, 2}, {1}],
    ),
    "largest two of three that tie": (lambda x: lax.top_k(x, 2)[0], [3.0, 3.0, 3.0, 1.0], [{0, 1, 2}, {0, 1, 2}]),
    "largest two": (lambda x: lax.top_k(x, 2)[0], [3.0, 1.0, 4.0], [{2}, {0}]),
    "norm": (lambda x: jnp.linalg.norm(x[:2])[None], [3.0, 4.0, 5.0], [{0, 1}]),
    "cross product": (
        lambda x: jnp.cross(x, jnp.array([0.0, 0.0, 1.0])),
        [1.0, 2.0, 3.0],
        [{1}, {0}, set()],  # (y, -x, 0)
    ),
}

INDICES: dict[str, Case] = {
    "picked": (lambda x: x[jnp.array([2, 0, 2])], [1.0, 2.0, 3.0], [{2}, {0}, {2}]),
    "picked by value": (lambda x: x[1 + x[0].astype(int)][None], [1.0, 2.0, 3.0], [{2}]),
    "picked outside": (lambda x: x.at[jnp.array([1, 7])].get(mode="fill", fill_value=0.0), [1.0, 2.0], [{1}, set()]),
    "window": (lambda x: lax.dynamic_slice(x, (x[0].astype(int),), (2,)), [1.0, 2.0, 3.0], [{1}, {2}]),
    "written window": (
        lambda x: lax.dynamic_update_slice(x, 2.0 * x[:1], (x[0].astype(int),)),
        [1.0, 2.0, 3.0],
        [{0}, {0}, {2}],
    ),
    "written": (lambda x: x.at[1].set(x[2]), [1.0, 2.0, 3.0], [{0}, {2}, {2}]),
    # Both land in the first place, whose old value stays.
    "added twice": (lambda x: x[:2].at[jnp.array([0, 0])].add(x[2:]), [1.0, 2.0, 3.0, 4.0], [{0, 2, 3}, {1}]),
    "multiplied": (lambda x: x.at[0].multiply(x[1] > 9), [1.0, 2.0], [set(), {1}]),
    "written outside": (lambda x: x.at[5].set(x[0]), [1.0, 2.0], [{0}, {1}]),
    # By hand: between (0, 10) and (1, 11) both ordinates and the abscissa count.
    "interpolated": (lambda x: jnp.interp(x[0], jnp.arange(3.0), x[1:])[None], [0.5, 10.0, 11.0, 12.0], [{0, 1, 2}]),
}


@jax.custom_jvp
def _rounded(x: Any) -> Any:
    return jnp.round(x)


_rounded.defjvps(lambda tangent, _ans, _x: tangent)


@jax.custom_jvp
def _half_seen(x: Any) -> Any:
    return (x[0] * x[1])[None]


_half_seen.defjvp(lambda primals, tangents: (_half_seen(*primals), (tangents[0][0] * primals[0][1])[None]))


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _scaled(power: int, x: Any, y: Any) -> Any:
    return x**power * y


@_scaled.defjvp
def _of_scaled(power: int, primals: Any, tangents: Any) -> Any:
    (x, y), (dx, dy) = primals, tangents
    return _scaled(power, x, y), power * x ** (power - 1) * (y + 1) * dx + x**power * dy


def _bisected(f: Any, start: Any) -> Any:
    """Find a root between -10 and 10 by comparisons alone, which pass no slope on."""

    def half(_: Any, ends: Any) -> Any:
        middle = ends.mean()
        return jnp.where(f(middle) > 0, ends.at[1].set(middle), ends.at[0].set(middle))

    return lax.fori_loop(0, 60, half, jnp.array([-10.0, 10.0]))[0] + 0.0 * start


CONTROL: dict[str, Case] = {
    "branch": (
        lambda x: lax.cond(x[0] > 0, lambda y: y[1:2], lambda y: y[2:], x),
        [1.0, 2.0, 3.0],
        [{1}],
    ),
    "as often as the value says": (
        lambda x: lax.while_loop(lambda y: y[0] < 3.0, lambda y: jnp.roll(y + 1.0, 1), x),
        [1.0, 0.0, 2.0],  # two turns of one place each: (1, 0, 2), (3, 2, 1): stops after the first
        [{2}, {0}, {1}],
    ),
    "carried": (
        lambda x: lax.scan(lambda c, y: (c + y, c), x[0], x[1:])[1],
        [1.0, 2.0, 3.0],
        [{0}, {0, 1}],
    ),
    "remainder of a function": (lambda x: jax.checkpoint(jnp.sin)(x), [1.0, 2.0], [{0}, {1}]),
    # JAX follows the rule, differences the value.
    "custom derivative that sees more": (_rounded, [1.2, 2.4], [{0}, {1}]),
    "custom derivative that sees less": (_half_seen, [2.0, 3.0], [{0, 1}]),
    "custom derivative of some arguments": (lambda x: _scaled(3, x[0], x[1:]), [2.0, 0.0, 3.0], [{0, 1}, {0, 2}]),
    "root": (
        lambda x: lax.custom_root(lambda y: y**3 - x[0] * x[1] - 1, jnp.array(1.0), _bisected, lambda g, y: y / g(1.0))[
            None
        ],
        [2.0, 3.0, 5.0],
        [{0, 1}],
    ),
    "device": (lambda x: jax.device_put(x), [1.0, 2.0], [{0}, {1}]),
    "random": (
        lambda x: (
            x * jax.random.normal(jax.random.split(jax.random.key(3))[1], (2,))
            + jax.random.uniform(jax.random.PRNGKey(jnp.floor(x[0]).astype(int)))
        ),
        [1.2, 2.0],
        [{0}, {1}],
    ),
    "random in a loop": (
        lambda x: lax.scan(
            lambda c, key: (c + x[0] * jax.random.normal(key), c), x[1], jax.random.split(jax.random.key(0), 2)
        )[1],
        [1.2, 2.0],
        [{1}, {0, 1}],
    ),
    "custom derivative": (lambda x: jax.nn.softplus(x), [1.0, 2.0], [{0}, {1}]),
}


def _two_blocks(x: Any) -> Any:
    """A 3 x 3 matrix of two blocks, {0, 1} and {2}; its last input is on no place."""
    return (
        jnp.zeros((3, 3)).at[0, 0].set(x[0]).at[0, 1].set(x[1]).at[1, 0].set(x[1]).at[1, 1].set(3.0).at[2, 2].set(x[2])
    )


MATRICES: dict[str, Case] = {
    # The middle column of the matrix is held, and zero: x[1] meets nothing.
    "product": (
        lambda x: jnp.array([[1.0, 0.0, 2.0], [0.0, 0.0, 3.0]]) @ x,
        [0.0, 1.0, 2.0],
        [{0, 2}, {2}],
    ),
    "product of two": (
        lambda x: jnp.einsum("ij,j->i", x[:4].reshape(2, 2), x[4:]),
        [1.0, 2.0, 3.0, 0.0, 5.0, 6.0],
        [{0, 1, 4, 5}, {2, 3, 4, 5}],
    ),
    "factor": (
        lambda x: jnp.linalg.cholesky(_two_blocks(x)).reshape(-1),
        [2.0, 1.0, 4.0],
        [{0, 1}, set(), set(), {0, 1}, {0, 1}, set(), set(), set(), {2}],
    ),
    # Of the matrix as it is, the value reads the lower half and the derivative both.
    "factor of a matrix that is not symmetric": (
        lambda x: lax.linalg.cholesky(
            jnp.array([[4.0, x[0], 0.0], [0.5, 3.0 + x[1], 0.0], [0.0, 0.0, 5.0]]), symmetrize_input=False
        ).reshape(-1),
        [0.0, 0.0, 7.0],
        [{0, 1}, set(), set(), {0, 1}, {0, 1}, set(), set(), set(), set()],
    ),
    # The right-hand side is zero for good in the second block, so its matrix does not matter.
    "solve of two blocks": (
        lambda x: jax.scipy.linalg.cho_solve(jax.scipy.linalg.cho_factor(_two_blocks(x)), jnp.array([0.0, x[3], 0.0])),
        [2.0, 1.0, 4.0, 5.0],
        [{0, 1, 3}, {0, 1, 3}, set()],
    ),
    "general solve of two blocks": (
        lambda x: jnp.linalg.solve(_two_blocks(x), jnp.array([0.0, 1.0, x[3]])),
        [2.0, 1.0, 4.0, 5.0],
        [{0, 1}, {0, 1}, {2, 3}],
    ),
    # The rows are exchanged by the pivots: x[2] and x[3] make a block of rows {0, 2} and columns {0, 1}.
    "inverse of a matrix that needs pivots": (
        lambda x: jnp.linalg.inv(jnp.array([[0.0, x[0], 0.0], [0.0, 0.0, x[1]], [x[2], 0.0, 0.0]])).reshape(-1),
        [2.0, 3.0, 4.0],
        # The inverse holds 1/x[2] at (0, 2), 1/x[0] at (1, 0) and 1/x[1] at (2, 1).
        [set(), set(), {2}, {0}, set(), set(), set(), {1}, set()],
    ),
    # Forward substitution: the first unknown sees the first right-hand side alone.
    "triangular solve": (
        lambda x: jax.scipy.linalg.solve_triangular(jnp.array([[2.0, 0.0], [x[0], 3.0]]), x[1:], lower=True),
        [1.0, 2.0, 3.0],
        [{1}, {0, 1, 2}],
    ),
    # Columns of a right-hand side do not meet.
    "columns": (
        lambda x: jnp.linalg.solve(jnp.array([[2.0, 1.0], [1.0, 3.0]]), x.reshape(2, 2)).reshape(-1),
        [1.0, 2.0, 3.0, 4.0],
        [{0, 2}, {1, 3}, {0, 2}, {1, 3}],
    ),
}

CASES = pytest.mark.parametrize("cases", [ELEMENTWISE, SHAPES, REDUCTIONS, INDICES, CONTROL, MATRICES])


@CASES
def test_patterns_are_those_written_by_hand(cases):
    found = {name: patterns(function, row) for name, (function, row, _) in cases.items()}
    assert found == {name: expected for name, (_, _, expected) in cases.items()}


@CASES
def test_values_are_those_of_jax(cases):
    for function, row, _ in cases.values():
        same_values(function, row)


def test_a_clamp_that_is_open_passes_on_all_of_its_operands():
    def function(x):
        return jnp.stack([lax.clamp(x[0], x[1], 2.0), jnp.maximum(x[2], x[3]), jnp.clip(x[1], -1.0, 1.0), x.max()])

    row = [0.0, 5.0, 3.0, 4.0]
    assert patterns(function, row) == [set(), {3}, set(), {1}]
    assert patterns(function, row, open_clamps=True) == [{0, 1}, {2, 3}, {1}, {0, 1, 2, 3}]


def test_matrices_without_numbers_break_nothing():
    row = [np.nan, np.inf, -1.0, 0.0]  # no factor exists, and the pivots mean nothing

    def function(x):
        matrix = x.reshape(2, 2)
        solved = jnp.linalg.solve(matrix, x[:2])
        factor = jnp.linalg.cholesky(matrix)
        return jnp.concatenate([solved, factor.reshape(-1)])

    found = DependenceTrace(function)(np.array([row, [0.0] * 4, [2.0, 1.0, 1.0, 2.0]]))
    assert np.isnan(found.values[0]).any() and np.isnan(found.values[1]).any()
    assert np.isfinite(found.values[2]).all()
    assert found.pattern[2, :2].all()
