"""Stored model: a world model that ``dynsparse learn`` trained, as a function of one row again."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from dynsparse.errors import DynsparseError, ModelError
from dynsparse.learning.network import Activation, Layer, Params, activation, outputs
from dynsparse.learning.normalizer import Normalizer
from dynsparse.learning.settings import LearnSettings

__all__ = ["StoredModel", "load_world_model"]

_PARTS = ("input_mean", "input_std", "output_mean", "output_std")


@dataclass(frozen=True, eq=False)
class StoredModel:
    """A JAX function of one row, ``(state (ds,), action (da,)) -> next_state (ds,)``, in the units of the data set.

    Attributes:
        settings: What it was trained with.
        environment: Name of the environment.
        params: The network.
        normalizer: Mean and standard deviation of the rows that it was trained on.
    """

    settings: LearnSettings
    environment: str
    params: Params
    normalizer: Normalizer

    def __call__(self, state: jax.Array, action: jax.Array) -> jax.Array:
        """Return the next state."""
        own, act = self.normalizer, self._activation
        given = (jnp.concatenate([state, action]) - own.input_mean) / (own.input_std + own.epsilon)
        found = outputs(self.params, act, given[None].astype(self.params[0].kernel.dtype))[0]
        return found * (own.output_std + own.epsilon) + own.output_mean

    @property
    def _activation(self) -> Activation:
        return activation(self.settings.activation)


def load_world_model(record: str | os.PathLike[str]) -> StoredModel:
    """Read a model back.

    Args:
        record: ``units/KEY.json`` of a training that is done; ``KEY.safetensors`` lies beside it.

    Returns:
        The model.

    Raises:
        ModelError: If it is no record of such a training, or the network does not belong to it.
    """
    path = Path(record)
    try:
        told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if told["unit"]["kind"] != "train" or told["status"] != "done":
            raise ValueError(f"a unit of kind {told['unit']['kind']!r} that is {told['status']!r}")
        settings = LearnSettings(**told["unit"]["settings"])
        arrays = load_file(path.with_suffix(".safetensors"))
        layers = tuple(
            Layer(jnp.asarray(arrays[f"layer_{i}_kernel"]), jnp.asarray(arrays[f"layer_{i}_bias"]))
            for i in range(settings.layer_depth + 1)
        )
        mean_in, std_in, mean_out, std_out = (np.asarray(arrays[f"normalizer_{part}"], np.float64) for part in _PARTS)
        return StoredModel(
            settings, str(told["unit"]["environment"]), layers, Normalizer(mean_in, std_in, mean_out, std_out)
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, SafetensorError, DynsparseError) as error:
        raise ModelError(
            f"expected the record of a training that is done, with its network beside it, in {path}, got "
            f"{type(error).__name__}: {error}; name units/KEY.json of dynsparse learn"
        ) from error
