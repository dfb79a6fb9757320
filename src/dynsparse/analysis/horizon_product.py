"""Horizon product: Jacobians over k control steps as products of those of single steps.  No JAX.

All functions work on m windows of K rows that follow each other, and yield one array for each k from 1 to K: columns
are those of the state first and of the action after it, both of the window's first row.  In tangent coordinates nothing
differs: the tangent into which one row leads is the one from which the next row starts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dynsparse.errors import ArrayError

if TYPE_CHECKING:
    from dynsparse.physics.chain import CarriedJacobians

__all__ = ["carried_products", "k_step_products", "structural_products"]


def k_step_products(jac_state: NDArray[Any], jac_action: NDArray[Any]) -> Iterator[NDArray[np.float64]]:
    """Multiply one-step Jacobians: ``J(t+k-1) ... J(t)``, and ``J(t+k-1) ... J(t+1) B(t)`` for the action.

    Args:
        jac_state: (m, K, dt, dt) of K rows that follow each other.
        jac_action: (m, K, dt, da); only the first row's is used.

    Yields:
        (m, dt, dt + da) derivative of the state after k steps by state and action before the first.

    Raises:
        ArrayError: The shapes do not belong together.
    """
    _check(jac_state, jac_action)
    state = np.asarray(jac_state, dtype=np.float64)
    product = np.concatenate([state[:, 0], np.asarray(jac_action[:, 0], dtype=np.float64)], axis=2)
    yield product
    for k in range(1, state.shape[1]):
        product = state[:, k] @ product
        yield product


def structural_products(pattern_state: NDArray[np.bool_], pattern_action: NDArray[np.bool_]) -> Iterator[NDArray[Any]]:
    """Multiply patterns: whether any chain of non-zero one-step elements leads from an input to an output.

    Where none does, the product is zero whatever the numbers are; elsewhere it is zero only where terms cancel or
    are too small.

    Args:
        pattern_state: (m, K, dt, dt) true where an element of the one-step Jacobian is not zero.
        pattern_action: (m, K, dt, da).

    Yields:
        (m, dt, dt + da) true where a chain leads from the column to the row.

    Raises:
        ArrayError: The shapes do not belong together.
    """
    _check(pattern_state, pattern_action)
    # As numbers: NumPy has no fast product of truth values.  A count of paths in one step is at most dt.
    steps = pattern_state.astype(np.float32)
    reached = np.concatenate([pattern_state[:, 0], pattern_action[:, 0]], axis=2)
    yield reached
    for k in range(1, steps.shape[1]):
        reached = steps[:, k] @ reached.astype(np.float32) > 0
        yield reached


def carried_products(steps: CarriedJacobians) -> Iterator[NDArray[np.float64]]:
    """Multiply the Jacobians of state and warm start together: the derivative of the roll-out, warm start carried.

    With A, C the derivatives of next state and next warm start by the state, and B, D those by the warm start, the
    state's derivative S and the warm start's W go on as ``S' = A S + B W`` and ``W' = C S + D W``; the first row's warm
    start is held.  Where B is zero, S' is the plain product bit for bit.

    Args:
        steps: Fields (m, K, rows, columns), one control step each.

    Yields:
        (m, dt, dt + da) derivative of the state after k steps by state and action before the first.
    """
    state = np.concatenate([steps.state_by_state[:, 0], steps.state_by_action[:, 0]], axis=2)
    warmstart = np.concatenate([steps.warmstart_by_state[:, 0], steps.warmstart_by_action[:, 0]], axis=2)
    yield state
    for k in range(1, steps.state_by_state.shape[1]):
        state, warmstart = (
            steps.state_by_state[:, k] @ state + steps.state_by_warmstart[:, k] @ warmstart,
            steps.warmstart_by_state[:, k] @ state + steps.warmstart_by_warmstart[:, k] @ warmstart,
        )
        yield state


def _check(state: NDArray[Any], action: NDArray[Any]) -> None:
    fits = state.ndim == action.ndim == 4 and state.shape[:3] == action.shape[:3] and state.shape[2] == state.shape[3]
    if not fits or not state.shape[1]:
        raise ArrayError(
            "expected windows of shapes (m, K, dt, dt) and (m, K, dt, da) with K at least 1, "
            f"got {state.shape} and {action.shape}"
        )
