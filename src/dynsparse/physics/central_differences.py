"""Jacobians of control steps by central differences in tangent coordinates."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dynsparse.physics.state_space import StateSpace

__all__ = ["HALF_WIDTH", "central_jacobians"]

HALF_WIDTH = 1e-6
"""Half width of a central difference: the error is 1e-12 from curvature and 1e-10 from round-off."""


def central_jacobians(
    step: Callable[[np.ndarray, np.ndarray], np.ndarray], states: np.ndarray, actions: np.ndarray, space: StateSpace
) -> tuple[np.ndarray, np.ndarray]:
    """Difference a step in every tangent of the state and every action.

    Args:
        step: (n, ds) states and (n, da) actions to (n, ds) next states.
        states: (n, ds).
        actions: (n, da).
        space: where the state holds quaternions.

    Returns:
        (n, dt, dt) and (n, dt, da).
    """
    inputs = np.concatenate([states, actions], axis=1)
    of_inputs = StateSpace(inputs.shape[1], space.quaternions)
    columns = []
    for unit in np.eye(of_inputs.tangent_dim):
        ends = []
        for sign in (1.0, -1.0):
            moved = of_inputs.integrate(inputs, sign * HALF_WIDTH * unit)
            ends.append(step(moved[:, : space.state_dim], moved[:, space.state_dim :]))
        columns.append(space.difference(ends[1], ends[0]) / (2 * HALF_WIDTH))
    jacobian = np.stack(columns, axis=2)
    return jacobian[:, :, : space.tangent_dim], jacobian[:, :, space.tangent_dim :]
