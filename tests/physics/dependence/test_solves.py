"""Paths through solves that a function brings along: by hand, also where an iteration ends at once."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from dynsparse.physics.dependence import DependenceTrace
from dynsparse.physics.environment import float64_on_cpu

BLOCKS = np.array([[2.0, 1.0, 0.0], [1.0, 3.0, 0.0], [0.0, 0.0, 4.0]])
"""Two components, {0, 1} and {2}."""

OF_BLOCKS = [[1, 1, 0], [1, 1, 0], [0, 0, 1]]


def conjugate(product, right):
    """Conjugate gradients that stop as soon as nothing is left: at a right-hand side of zero without a turn."""

    def turn(state):
        x, rest, way, count = state
        moved = product(way)
        length = (rest @ rest) / (way @ moved)
        left = rest - length * moved
        return x + length * way, left, left + (left @ left) / (rest @ rest) * way, count + 1

    begin = jnp.zeros_like(right), right, right, 0
    return lax.while_loop(lambda state: (state[1] @ state[1] > 1e-24) & (state[3] < 10), turn, begin)[0]


def own(matrix, right, solve=conjugate):
    return lax.custom_linear_solve(lambda v: matrix @ v, right, solve, symmetric=True)


def pattern(function, *rows):
    return DependenceTrace(function)(np.array(rows, dtype=float)).pattern.astype(int)


def test_an_iteration_that_ends_at_once_passes_on_what_the_matrix_couples():
    found = pattern(lambda x: own(BLOCKS, x), [0.0, 0.0, 0.0], [0.0, 0.0, 5.0], [1.0, 2.0, 3.0])
    assert found[0].tolist() == OF_BLOCKS
    # The line search counts as it was run, and meets everything.
    assert found[1:].all()
    with float64_on_cpu():
        jacobian = jax.jacfwd(lambda x: own(BLOCKS, x))(jnp.zeros(3))
    np.testing.assert_array_equal(np.asarray(jacobian) != 0, np.array(OF_BLOCKS, dtype=bool))


def test_what_the_matrix_depends_on_enters_by_the_solution():
    def function(x):
        return own(jnp.array(BLOCKS).at[0, 0].add(x[3]).at[2, 2].add(x[4]), x[:3])

    rest, moved = pattern(function, [0.0] * 5, [1.0, 2.0, 0.0, 0.0, 0.0])
    # A solution of zero does not move with its matrix, but for what a product of two zeros may hold.
    np.testing.assert_array_equal(rest[:, :3], OF_BLOCKS)
    assert not rest[:2, 4].any() and not rest[2, 3].any()
    assert moved[:2, 3].all()


def test_a_zero_of_the_matrix_that_may_move_is_an_edge():
    found = pattern(lambda x: own(jnp.array(BLOCKS).at[1, 2].set(x[3]).at[2, 1].set(x[3]), x[:3]), [0.0] * 4)
    assert found[0, :, :3].all()


def test_more_unknowns_than_are_followed_at_once():
    band = jnp.diag(jnp.full(40, 2.0)).at[0, 39].set(1.0).at[39, 0].set(1.0)
    found = pattern(lambda x: own(band, x), *np.zeros((60, 40)))  # 2,400 unknowns
    expected = np.eye(40, dtype=int)
    expected[0, 39] = expected[39, 0] = 1
    assert (found == expected).all()


def test_a_tree_of_unknowns():
    def function(x):
        right = {"a": x[:2], "b": x[2:]}
        zero = jax.tree.map(jnp.zeros_like, right)
        found = lax.custom_linear_solve(
            lambda v: {"a": v["a"] * 2.0, "b": v["b"] + v["a"][:1]},
            right,
            lambda _product, b: lax.cond(b["a"][0] == 0, lambda: zero, lambda: {"a": b["a"] / 2, "b": b["b"]}),
        )
        return jnp.concatenate([found["a"], found["b"]])

    assert pattern(function, [0.0, 0.0, 0.0])[0].tolist() == [[1, 0, 1], [0, 1, 0], [1, 0, 1]]


def test_a_direct_solve_keeps_the_order_of_its_substitutions():
    lower = np.array([[2.0, 0.0], [1.0, 3.0]])
    found = pattern(
        lambda x: jnp.linalg.solve(jnp.array(lower).at[0, 0].add(x[2]), x[:2]), [0.0, 0.0, 0.0], [0.0, 1.0, 0.0]
    )
    assert found[0][:, :2].tolist() == [[1, 0], [1, 1]]


@pytest.mark.parametrize("name", ["cg", "bicgstab", "gmres"])
@pytest.mark.parametrize("right", [(0.0, 0.0, 0.0), (1.0, 0.0, 0.0)])
def test_solvers_of_jax_lose_no_slope(name, right):
    def function(x):
        return getattr(jax.scipy.sparse.linalg, name)(lambda v: BLOCKS @ v, x)[0]

    found = pattern(function, right)[0]
    with float64_on_cpu():
        jacobian = np.asarray(jax.jacfwd(function)(jnp.array(right)))
    assert not ((np.abs(jacobian) > 1e-12) & (found == 0)).any()
    assert np.array_equal(found, OF_BLOCKS) or any(right)
