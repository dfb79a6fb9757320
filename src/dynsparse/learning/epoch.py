"""Epoch: gradient steps over all rows in a given order, as one call of compiled code that many trainings share."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from dynsparse.learning.losses import jacobian_sum, needs_jacobian, state_sum
from dynsparse.learning.network import Params, activation, along, dropout_masks, outputs, with_jacobian

__all__ = ["Progress", "Recipe", "Strengths", "TrainData", "chunk_rows", "run_epoch", "start"]

_CHUNK_JACOBIAN_ROWS = 640
"""Rows of a product of matrices: 640 of 512 float32 numbers are 1.3 MB, so that what one product leaves is still in a
core's cache when the next one reads it.  Whole batches go to memory and back at each of some ten passes, and take 1.6
times as long."""


class Recipe(NamedTuple):
    """What the compiled code is made for; trainings that share it are compiled once.

    Attributes:
        loss: One of ``LOSSES``.
        activation: One of ``ACTIVATIONS``.
        dropout: Whether units are dropped.
        directions: 0, or how many random directions of each row stand for its Jacobian.
        chunk: Rows that are worked off at a time; divides the batch.
    """

    loss: str
    activation: str
    dropout: bool
    directions: int
    chunk: int


class Strengths(NamedTuple):
    """Numbers that the compiled code is told.

    Attributes:
        learning_rate: Of AdamW.
        weight_decay: Of AdamW.
        dropout_rate: Share of hidden units that is dropped.
        jacobian_weight: Of the second term.
    """

    learning_rate: float
    weight_decay: float
    dropout_rate: float
    jacobian_weight: float


class TrainData(NamedTuple):
    """Normalised rows.

    Attributes:
        inputs: (n, ds + da).
        outputs: (n, ds).
        jacobians: (n, ds, ds + da), or None.
        zero: (n, ds, ds + da), or None.
    """

    inputs: jax.Array
    outputs: jax.Array
    jacobians: jax.Array | None
    zero: jax.Array | None


class Progress(NamedTuple):
    """A training between two epochs.

    Attributes:
        params: The network.
        moments: What the optimiser remembers.
        key: What dropout and directions are drawn from.
    """

    params: Params
    moments: Any
    key: jax.Array


def start(params: Params, key: jax.Array) -> Progress:
    """Return a training before its first step."""
    return Progress(params, optax.scale_by_adam().init(params), key)


def chunk_rows(batch: int, side: int) -> int:
    """Return how many rows are worked off at a time.

    Args:
        batch: Rows of a gradient step.
        side: Length of the smaller side of a Jacobian, which each row multiplies matrices with.

    Returns:
        The largest divisor of the batch that leaves products in the cache; the whole batch if it has none that is
        worth it.
    """
    fitting = [rows for rows in range(1, batch + 1) if batch % rows == 0 and rows * side <= _CHUNK_JACOBIAN_ROWS]
    best = max(fitting, default=batch)
    # A few rows at a time cost more in calls than they save in memory.
    return best if best * side * 4 >= _CHUNK_JACOBIAN_ROWS else batch


@partial(jax.jit, static_argnums=0, donate_argnums=1)
def run_epoch(
    recipe: Recipe, progress: Progress, strengths: Strengths, data: TrainData, order: jax.Array
) -> tuple[Progress, jax.Array]:
    """Make a gradient step of AdamW for each batch.

    Args:
        recipe: What is compiled for.
        progress: The training; its memory is used again.
        strengths: Numbers.
        data: All rows.
        order: (steps, batch) places of the rows of each batch.

    Returns:
        The training afterwards, and (steps, 2) both terms of the loss of each batch, before its step.
    """
    optimizer = optax.chain(
        optax.scale_by_adam(),
        optax.add_decayed_weights(strengths.weight_decay),
        optax.scale_by_learning_rate(strengths.learning_rate),
    )
    # Both other parts of the chain remember nothing.
    rest = optimizer.init(progress.params)[1:]

    def step(progress: Progress, rows: jax.Array) -> tuple[Progress, jax.Array]:
        key, own = jax.random.split(progress.key)
        batch = jax.tree.map(lambda x: x[rows], data)
        terms, slope = _terms_and_slope(recipe, strengths, batch, own, progress.params)
        change, (moments, *_) = optimizer.update(slope, (progress.moments, *rest), progress.params)
        return Progress(optax.apply_updates(progress.params, change), moments, key), terms

    return jax.lax.scan(step, progress, order)


def _terms_and_slope(
    recipe: Recipe, strengths: Strengths, batch: TrainData, key: jax.Array, params: Params
) -> tuple[jax.Array, Params]:
    """Return both terms of a batch's loss, and the loss's slope, a chunk of rows at a time."""
    rows, dtype = len(batch.inputs), batch.inputs.dtype
    dropping, turning = jax.random.split(key)
    masks = dropout_masks(dropping, params, rows, strengths.dropout_rate) if recipe.dropout else ()
    directions = None
    if recipe.directions:
        shape = (rows, recipe.directions, batch.inputs.shape[1])
        directions = jax.random.rademacher(turning, shape, dtype)
    scale = jnp.stack([1 / jnp.asarray(batch.outputs.size, dtype), 1 / _counted(recipe, batch)])
    weights = jnp.stack([jnp.ones((), dtype), jnp.asarray(strengths.jacobian_weight, dtype)])

    def loss(params: Params, part: Any) -> tuple[jax.Array, jax.Array]:
        terms = jnp.stack(_sums(recipe, params, *part)) * scale
        return jnp.sum(terms * weights), terms

    both = jax.value_and_grad(loss, has_aux=True)
    parts = (batch, masks, directions)
    if recipe.chunk == rows:
        (_, terms), slope = both(params, parts)
        return terms, slope
    cut = jax.tree.map(lambda x: x.reshape(-1, recipe.chunk, *x.shape[1:]), parts)

    def add(total: tuple[jax.Array, Params], part: Any) -> tuple[tuple[jax.Array, Params], None]:
        (_, terms), slope = both(params, part)
        return jax.tree.map(jnp.add, total, (terms, slope)), None

    nothing = (jnp.zeros(2, dtype), jax.tree.map(jnp.zeros_like, params))
    return jax.lax.scan(add, nothing, cut)[0]


def _counted(recipe: Recipe, batch: TrainData) -> jax.Array:
    """Return how many elements of a batch the second term is a mean over."""
    dtype = batch.inputs.dtype
    if batch.zero is not None:
        return jnp.maximum(jnp.sum(batch.zero, dtype=dtype), 1)
    elements = batch.outputs.size * batch.inputs.shape[1]
    # The mean over random signs v of |J v|^2 is |J|^2 (Hutchinson 1990), so that each direction stands for a Jacobian.
    return jnp.asarray(elements * max(recipe.directions, 1), dtype)


def _sums(
    recipe: Recipe, params: Params, part: TrainData, masks: tuple[jax.Array, ...], directions: jax.Array | None
) -> tuple[jax.Array, jax.Array]:
    act = activation(recipe.activation)
    if not needs_jacobian(recipe.loss):
        found = state_sum(outputs(params, act, part.inputs, masks), part.outputs)
        return found, jnp.zeros_like(found)
    if directions is not None:
        found, moved = along(params, act, part.inputs, directions, masks)
        truth = jnp.einsum("noi,nri->nro", part.jacobians, directions)
        return state_sum(found, part.outputs), jacobian_sum(recipe.loss, moved, truth)
    found, jacobians = with_jacobian(params, act, part.inputs, masks)
    truth = jnp.zeros_like(jacobians) if part.jacobians is None else part.jacobians
    return state_sum(found, part.outputs), jacobian_sum(recipe.loss, jacobians, truth, part.zero)
