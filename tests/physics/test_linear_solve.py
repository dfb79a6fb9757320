from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dynsparse.physics.linear_solve import solve_spd


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


def spd(seed, size=5):
    root = np.random.default_rng(seed).normal(size=(size, size))
    return root @ root.T + np.eye(size)


def symmetric(seed, size=5):
    root = np.random.default_rng(seed).normal(size=(size, size))
    return root + root.T


@pytest.mark.parametrize("shape", [(5,), (5, 3)])
def test_it_solves(shape):
    matrix, right = spd(0), np.random.default_rng(1).normal(size=shape)
    np.testing.assert_allclose(matrix @ solve_spd(matrix, right), right, rtol=1e-12, atol=1e-12)


def test_only_the_symmetric_part_of_the_matrix_counts():
    matrix, right = spd(0), np.arange(5.0)
    skew = np.triu(symmetric(2), 1)
    np.testing.assert_allclose(
        solve_spd(matrix + skew - skew.T, right), np.linalg.solve(matrix, right), rtol=1e-12, atol=1e-13
    )


def of_both(solve, matrix, right, d_matrix, d_right, t):
    return solve(matrix + t * d_matrix, right + t * d_right)


def of_matrix(solve, matrix, right, d_matrix, d_right, t):
    return solve(matrix + t * d_matrix, right)


def of_right(solve, matrix, right, d_matrix, d_right, t):
    return solve(matrix, right + t * d_right)


def general(matrix, right):
    """JAX's own solve, which knows nothing of symmetry."""
    return jnp.linalg.solve(matrix, right)


@pytest.mark.parametrize("moved", [of_both, of_matrix, of_right])
@pytest.mark.parametrize("shape", [(5,), (5, 3)])
def test_its_tangent_is_that_of_a_general_solve(moved, shape):
    rng = np.random.default_rng(3)
    data = spd(4), rng.normal(size=shape), symmetric(5), rng.normal(size=shape)
    ours, theirs = (jax.jacfwd(partial(moved, solve, *data))(0.3) for solve in (solve_spd, general))
    assert np.abs(theirs).max() > 1e-3
    np.testing.assert_allclose(ours, theirs, rtol=1e-11, atol=1e-12)


def test_it_has_no_slope_where_neither_argument_moves():
    found, slope = jax.jvp(lambda t: solve_spd(spd(0), np.ones(5)) + 0 * t, (1.0,), (1.0,))
    np.testing.assert_allclose(found, np.linalg.solve(spd(0), np.ones(5)), rtol=1e-12)
    np.testing.assert_array_equal(slope, 0.0)


def test_a_matrix_that_does_not_move_leaves_exact_zeros():
    # Two blocks: the right side of one moves nothing in the other, and must not by round-off either.
    matrix = np.zeros((5, 5))
    matrix[:2, :2], matrix[2:, 2:] = spd(6, 2), spd(7, 3)
    slope = jax.jacfwd(lambda right: solve_spd(matrix, right))(np.ones(5))
    np.testing.assert_array_equal(slope[:2, 2:], 0.0)
    np.testing.assert_array_equal(slope[2:, :2], 0.0)
    np.testing.assert_allclose(slope, np.linalg.inv(matrix), rtol=1e-12, atol=1e-13)


def test_its_tangent_holds_under_vmap():
    matrices = np.stack([spd(seed) for seed in range(4)])
    rights = np.random.default_rng(8).normal(size=(4, 5))

    def slope(solve):
        return jax.vmap(jax.jacfwd(lambda m, r: solve(0.5 * (m + m.T), r), argnums=(0, 1)))(matrices, rights)

    for ours, theirs in zip(slope(solve_spd), slope(general), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12)
