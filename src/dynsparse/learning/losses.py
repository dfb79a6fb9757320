"""Losses: the five variants of the paper's Section 5.4, on normalised rows."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from dynsparse.config import nearest_names
from dynsparse.errors import SettingError

__all__ = ["LOSSES", "check_loss", "jacobian_term", "needs_jacobian", "state_term"]

LOSSES = (
    "state",
    "state-jacobian",
    "state-jacobian-l1",
    "state-jacobian-l1-regularizer",
    "state-jacobian-l1-sparse-only",
)
"""Mean squared error of the next state alone, and with a second term: mean squared error of the Jacobian; its mean
absolute error; the mean absolute value of the predicted Jacobian; the same over elements that are zero in the truth."""


def check_loss(loss: str) -> str:
    """Return the name of a loss.

    Raises:
        SettingError: If there is none of that name; names the nearest ones.
    """
    if loss not in LOSSES:
        raise SettingError(f"there is no loss {loss!r}{nearest_names(loss, LOSSES)}")
    return loss


def needs_jacobian(loss: str) -> bool:
    """Whether a loss has a second term."""
    return check_loss(loss) != "state"


def state_term(predicted: jax.Array, truth: jax.Array) -> jax.Array:
    """Return the mean squared error of (n, ds) next states."""
    return jnp.mean((predicted - truth) ** 2)


def jacobian_term(loss: str, predicted: jax.Array, truth: jax.Array, zero: jax.Array) -> jax.Array:
    """Return the second term of a loss.

    Args:
        loss: One of ``LOSSES`` but ``"state"``.
        predicted: (n, ds, ds + da) Jacobians of the model.
        truth: (n, ds, ds + da) of the simulator.
        zero: (n, ds, ds + da), true where the simulator's element is zero, as decided before normalising.

    Returns:
        The term; 0 for ``"state-jacobian-l1-sparse-only"`` where no element is zero.

    Raises:
        SettingError: If the loss has no second term.
    """
    if loss == "state-jacobian":
        return jnp.mean((predicted - truth) ** 2)
    if loss == "state-jacobian-l1":
        return jnp.mean(jnp.abs(predicted - truth))
    if loss == "state-jacobian-l1-regularizer":
        return jnp.mean(jnp.abs(predicted))
    if loss == "state-jacobian-l1-sparse-only":
        # A mean over the elements that count, not over all: its size does not depend on how many these are.
        return jnp.sum(jnp.where(zero, jnp.abs(predicted), 0)) / jnp.maximum(jnp.sum(zero), 1)
    raise SettingError(f"loss {loss!r} has no term of the Jacobian; it needs none")
