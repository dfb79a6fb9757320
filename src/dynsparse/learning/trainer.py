"""Trainer: one world model on its way through the epochs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from numpy.typing import NDArray

from dynsparse.errors import SettingError
from dynsparse.learning.losses import jacobian_term, needs_jacobian, state_term
from dynsparse.learning.network import Params, activation, dropout_masks, init_network, outputs, with_jacobian
from dynsparse.learning.settings import LearnSettings

__all__ = ["TrainRows", "Trainer"]

_EVALUATED_ROWS = 4096
"""Rows of a batch outside training."""


@dataclass(frozen=True, eq=False)
class TrainRows:
    """Normalised rows.

    Attributes:
        inputs: (n, ds + da).
        outputs: (n, ds).
        jacobians: (n, ds, ds + da) of the normalised mapping; None where the loss needs none.
        zero: (n, ds, ds + da) true where the simulator's element is zero; None likewise.
    """

    inputs: NDArray[np.floating]
    outputs: NDArray[np.floating]
    jacobians: NDArray[np.floating] | None = None
    zero: NDArray[np.bool_] | None = None


class _Data(NamedTuple):
    inputs: jax.Array
    outputs: jax.Array
    jacobians: jax.Array | None
    zero: jax.Array | None


class Trainer:
    """A model and its optimiser.

    Each epoch, all rows in a new order, is one call of compiled code.

    Args:
        settings: How it is trained.
        rows: What it is trained on.

    Raises:
        SettingError: If there are fewer rows than a batch has, or the loss needs Jacobians that are not there.
    """

    def __init__(self, settings: LearnSettings, rows: TrainRows) -> None:
        self._settings = settings
        self._count = len(rows.inputs)
        if self._count < settings.batch_size:
            raise SettingError(
                f"expected at least {settings.batch_size} rows to train on (one batch), got {self._count}; "
                "collect more, or choose a smaller batch_size"
            )
        with_terms = needs_jacobian(settings.loss)
        if with_terms and (rows.jacobians is None or rows.zero is None):
            raise SettingError(f"loss {settings.loss!r} needs the Jacobians of the rows, got none; load them")
        self._dtype = np.dtype(settings.precision)
        with self._precision():
            self._data = _Data(
                jnp.asarray(rows.inputs, self._dtype),
                jnp.asarray(rows.outputs, self._dtype),
                jnp.asarray(rows.jacobians, self._dtype) if with_terms else None,
                jnp.asarray(rows.zero) if with_terms else None,
            )
            hidden = [settings.layer_width] * settings.layer_depth
            sizes = (rows.inputs.shape[1], *hidden, rows.outputs.shape[1])
            self._key, own = jax.random.split(jax.random.PRNGKey(settings.seed))
            self._params = init_network(own, sizes, self._dtype)
            self._optimizer = optax.adamw(settings.learning_rate, weight_decay=settings.weight_decay)
            self._state = self._optimizer.init(self._params)
            self._epoch = jax.jit(self._one_epoch, donate_argnums=(0, 1))
            self._act = activation(settings.activation)
            self._outputs = jax.jit(lambda params, x: outputs(params, self._act, x))
            self._with_jacobian = jax.jit(lambda params, x: with_jacobian(params, self._act, x))
        self._order = np.random.default_rng([settings.seed, 1])

    @property
    def params(self) -> Params:
        """The network as it is now."""
        return self._params

    def epoch(self) -> NDArray[np.floating]:
        """Use every row once, in a new order.

        Returns:
            (steps, 2) both terms of the loss of each batch, before the gradient step on it; the second is 0 where the
            loss has none.
        """
        size = self._settings.batch_size
        steps = self._count // size
        order = self._order.permutation(self._count)[: steps * size].reshape(steps, size)
        with self._precision():
            self._params, self._state, self._key, terms = self._epoch(
                self._params, self._state, self._key, self._data, order
            )
            return np.asarray(terms)

    def predict(self, inputs: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return (m, ds) normalised next states of (m, ds + da) normalised inputs, without dropout."""
        return self._evaluated(self._outputs, inputs)[0]

    def jacobians(self, inputs: NDArray[np.floating]) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
        """Return (m, ds) outputs and (m, ds, ds + da) Jacobians, normalised, without dropout."""
        found = self._evaluated(self._with_jacobian, inputs)
        return found[0], found[1]

    def _evaluated(self, function: Any, inputs: NDArray[np.floating]) -> list[NDArray[np.floating]]:
        """Apply a compiled function of rows, in batches of one size."""
        parts: list[Sequence[NDArray[np.floating]]] = []
        size = min(_EVALUATED_ROWS, max(1, len(inputs)))
        with self._precision():
            for first in range(0, len(inputs), size):
                given = inputs[first : first + size]
                padded = np.zeros((size, inputs.shape[1]), self._dtype)
                padded[: len(given)] = given
                found = jax.tree.leaves(function(self._params, padded))
                parts.append([np.asarray(x)[: len(given)] for x in found])
        return [np.concatenate(part) for part in zip(*parts, strict=True)]

    def _one_epoch(self, params: Params, state: Any, key: jax.Array, data: _Data, order: jax.Array) -> tuple[Any, ...]:
        def step(carry: tuple[Params, Any, jax.Array], rows: jax.Array) -> tuple[Any, jax.Array]:
            params, state, key = carry
            key, own = jax.random.split(key)
            batch = jax.tree.map(lambda x: x[rows], data)
            terms, slope = jax.value_and_grad(partial(self._loss, own, batch), has_aux=True)(params)
            change, state = self._optimizer.update(slope, state, params)
            return (optax.apply_updates(params, change), state, key), terms[1]

        (params, state, key), terms = jax.lax.scan(step, (params, state, key), order)
        return params, state, key, terms

    def _loss(self, key: jax.Array, batch: _Data, params: Params) -> tuple[jax.Array, jax.Array]:
        settings = self._settings
        masks = dropout_masks(key, params, len(batch.inputs), settings.dropout_rate)
        if batch.jacobians is None or batch.zero is None:
            first = state_term(outputs(params, self._act, batch.inputs, masks), batch.outputs)
            return first, jnp.stack([first, jnp.zeros_like(first)])
        found, jacobians = with_jacobian(params, self._act, batch.inputs, masks)
        first = state_term(found, batch.outputs)
        second = jacobian_term(settings.loss, jacobians, batch.jacobians, batch.zero)
        return first + settings.jacobian_weight * second, jnp.stack([first, second])

    def _precision(self) -> Any:
        return jax.enable_x64(self._dtype == np.float64)
