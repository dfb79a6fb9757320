"""Losses: the five variants of the paper's Section 5.4, on normalised rows."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from dynsparse.config import nearest_names
from dynsparse.errors import SettingError

__all__ = ["LOSSES", "check_loss", "jacobian_sum", "needs_jacobian", "needs_zero", "state_sum"]

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


def needs_zero(loss: str) -> bool:
    """Whether a loss asks which elements are zero in the truth."""
    return check_loss(loss) == "state-jacobian-l1-sparse-only"


def state_sum(predicted: jax.Array, truth: jax.Array) -> jax.Array:
    """Return the sum of squared errors of (n, ds) next states, whose mean is the first term of every loss."""
    return jnp.sum((predicted - truth) ** 2)


def jacobian_sum(loss: str, predicted: jax.Array, truth: jax.Array, zero: jax.Array | None = None) -> jax.Array:
    """Return the sum whose mean over the elements that count is the second term of a loss.

    A sum, not a mean, so that the rows of a batch can be worked off a few at a time.  All elements count, but for
    ``"state-jacobian-l1-sparse-only"``, where only those count that are zero in the truth: the size of that term does
    not depend on how many these are.

    Args:
        loss: One of ``LOSSES`` but ``"state"``.
        predicted: (n, ds, ds + da) Jacobians of the model, or (n, r, ds) of it along r directions.
        truth: The same of the simulator.
        zero: (n, ds, ds + da), true where the simulator's element is zero, as decided before normalising; for the loss
            that needs it.

    Returns:
        The sum.

    Raises:
        SettingError: If the loss has no second term, or needs ``zero``.
    """
    if loss == "state-jacobian":
        return jnp.sum((predicted - truth) ** 2)
    if loss == "state-jacobian-l1":
        return jnp.sum(jnp.abs(predicted - truth))
    if loss == "state-jacobian-l1-regularizer":
        return jnp.sum(jnp.abs(predicted))
    if loss == "state-jacobian-l1-sparse-only" and zero is not None:
        return jnp.sum(jnp.where(zero, jnp.abs(predicted), 0))
    raise SettingError(f"loss {loss!r} has no term of the Jacobian, or was not told which elements are zero")
