"""Trainer: one world model on its way through the epochs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from dynsparse.errors import SettingError
from dynsparse.learning.epoch import Recipe, Strengths, TrainData, chunk_rows, run_epoch, start
from dynsparse.learning.losses import needs_jacobian, needs_zero
from dynsparse.learning.network import Params, activation, init_network, outputs, with_jacobian
from dynsparse.learning.settings import LearnSettings

__all__ = ["TrainRows", "Trainer", "epoch_order"]

_EVALUATED_ROWS = 256
"""Rows of a batch outside training: their Jacobians' products stay in the cache, as in ``epoch``."""


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


class Trainer:
    """A model and its optimiser.

    Each epoch, all rows in a new order, is one call of compiled code; trainers of equal shapes, loss, activation and
    batch share it, whatever their seeds and rates.

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
        if needs_jacobian(settings.loss) and (rows.jacobians is None or rows.zero is None):
            raise SettingError(f"loss {settings.loss!r} needs the Jacobians of the rows, got none; load them")
        compared = needs_jacobian(settings.loss) and settings.loss != "state-jacobian-l1-regularizer"
        self._dtype = np.dtype(settings.precision)
        with self._precision():
            self._data = TrainData(
                jnp.asarray(rows.inputs, self._dtype),
                jnp.asarray(rows.outputs, self._dtype),
                jnp.asarray(rows.jacobians, self._dtype) if compared else None,
                jnp.asarray(rows.zero) if needs_zero(settings.loss) else None,
            )
            hidden = [settings.layer_width] * settings.layer_depth
            sizes = (rows.inputs.shape[1], *hidden, rows.outputs.shape[1])
            key, own = jax.random.split(jax.random.PRNGKey(settings.seed))
            self._progress = start(init_network(own, sizes, self._dtype), key)
        side = settings.jacobian_directions or min(sizes[0], sizes[-1])
        whole = settings.loss == "state"
        self._recipe = Recipe(
            loss=settings.loss,
            activation=settings.activation,
            dropout=settings.dropout_rate > 0,
            directions=settings.jacobian_directions,
            chunk=settings.batch_size if whole else chunk_rows(settings.batch_size, side),
        )
        self._strengths = Strengths(
            settings.learning_rate, settings.weight_decay, settings.dropout_rate, settings.jacobian_weight
        )
        self._order = np.random.default_rng([settings.seed, 1])

    @property
    def params(self) -> Params:
        """The network as it is now."""
        return self._progress.params

    def epoch(self) -> NDArray[np.floating]:
        """Use every row once, in a new order, but for those that are left over and fill no batch.

        Returns:
            (steps, 2) both terms of the loss of each batch, before the gradient step on it; the second is 0 where the
            loss has none.
        """
        order = epoch_order(self._order, self._count, self._settings.batch_size)
        with self._precision():
            self._progress, terms = run_epoch(self._recipe, self._progress, self._strengths, self._data, order)
            return np.asarray(terms)

    def predict(self, inputs: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return (m, ds) normalised next states of (m, ds + da) normalised inputs, without dropout."""
        return self._evaluated(_outputs, inputs)[0]

    def jacobians(self, inputs: NDArray[np.floating]) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
        """Return (m, ds) outputs and (m, ds, ds + da) Jacobians, normalised, without dropout."""
        found = self._evaluated(_with_jacobian, inputs)
        return found[0], found[1]

    def _evaluated(self, function: Any, inputs: NDArray[np.floating]) -> list[NDArray[np.floating]]:
        """Apply a compiled function of rows, in batches of one size."""
        parts: list[Sequence[NDArray[np.floating]]] = []
        size = _EVALUATED_ROWS
        with self._precision():
            for first in range(0, len(inputs), size):
                given = inputs[first : first + size]
                padded = np.zeros((size, inputs.shape[1]), self._dtype)
                padded[: len(given)] = given
                found = jax.tree.leaves(function(self._settings.activation, self.params, padded))
                parts.append([np.asarray(x)[: len(given)] for x in found])
        return [np.concatenate(part) for part in zip(*parts, strict=True)]

    def _precision(self) -> Any:
        return jax.enable_x64(self._dtype == np.float64)


def epoch_order(rng: np.random.Generator, rows: int, batch: int) -> NDArray[np.int32]:
    """Draw the rows of each batch of an epoch.

    Args:
        rng: What they are drawn from.
        rows: n.
        batch: Rows of a batch.

    Returns:
        (steps, batch) places, none twice; those that fill no batch are left out.
    """
    steps = rows // batch
    return rng.permutation(rows)[: steps * batch].reshape(steps, batch).astype(np.int32)


@partial(jax.jit, static_argnums=0)
def _outputs(act: str, params: Params, inputs: jax.Array) -> jax.Array:
    return outputs(params, activation(act), inputs)


@partial(jax.jit, static_argnums=0)
def _with_jacobian(act: str, params: Params, inputs: jax.Array) -> tuple[jax.Array, jax.Array]:
    return with_jacobian(params, activation(act), inputs)
