"""Policy network: a trained multilayer perceptron that chooses actions, in NumPy and in the float32 of its training."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynsparse.errors import PolicyError
from dynsparse.rollout.policy_weights import ACTIVATIONS, PolicyWeights, check_shape

__all__ = ["NetworkPolicy"]

Float32 = NDArray[np.float32]

_ROWS_AT_ONCE = 16
"""Rows whose products with a kernel are held at once: 256 KiB for a layer of 64 x 64."""


class NetworkPolicy:
    """A policy that a network computes; see ``Policy`` for what it can do.

    Args:
        weights: The network.
        action_low: (da,) lower control bounds.
        action_high: (da,) upper control bounds.
        observation_dim: Length of the environment's observation.

    Raises:
        PolicyError: If the network does not fit the environment; gives both shapes.
    """

    def __init__(
        self,
        weights: PolicyWeights,
        action_low: NDArray[np.float64],
        action_high: NDArray[np.float64],
        observation_dim: int,
    ) -> None:
        self.weights = weights
        self._low = np.array(action_low, dtype=np.float64)
        self._high = np.array(action_high, dtype=np.float64)
        self._activate = ACTIVATIONS[weights.activation]
        # A transposed view would be added up in another order than the same numbers read from a file.
        self._layers = [tuple(np.ascontiguousarray(part) for part in layer) for layer in weights.layers]
        if weights.observation_dim != observation_dim or self._low.shape != (weights.action_dim,):
            raise PolicyError(
                f"expected a policy of {observation_dim} observations and {len(self._low)} actions, got one of "
                f"{weights.observation_dim} and {weights.action_dim} (layers {weights.layer_sizes}); was it trained on "
                f"another environment than {weights.environment}?"
            )
        if weights.family == "tanh-normal":
            self._check_range()
        self.fingerprint = weights.fingerprint

    @property
    def name(self) -> str:
        """How files and messages call the policy."""
        return self.weights.name

    @property
    def family(self) -> str:
        """One of ``FAMILIES``."""
        return self.weights.family

    @property
    def observation_dim(self) -> int:
        """Length of an observation, do."""
        return self.weights.observation_dim

    @property
    def action_dim(self) -> int:
        """Number of actions, da."""
        return self.weights.action_dim

    def act(
        self, observation: NDArray[np.floating[Any]], noise: Float32 | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Choose the actions of one control step.

        Args:
            observation: (e, do), one row for each episode.
            noise: (e, da) standard normal numbers; None for the distribution's mode.

        Returns:
            (e, da) ``action_raw`` as sampled and (e, da) ``action`` as applied, inside the control range.

        Raises:
            PolicyError: If an array has another shape, or an output is NaN or infinite; ``row`` says where.
        """
        check_shape("observation", observation, (len(observation), self.observation_dim))
        if noise is not None:
            check_shape("noise", noise, (len(observation), self.action_dim))
        # NaN and overflow are looked for below.
        with np.errstate(all="ignore"):
            raw, scale = self.distribution(observation)
            if noise is not None:
                raw = raw + scale * noise.astype(np.float32)
        self._check_finite(observation, raw)
        return raw.astype(np.float64), self.apply(raw)

    def distribution(self, observation: NDArray[np.floating[Any]]) -> tuple[Float32, Float32]:
        """Return the normal distributions that ``action_raw`` is drawn from.

        Args:
            observation: (e, do), one row for each episode.

        Returns:
            (e, da) location and (e, da) standard deviation.
        """
        weights = self.weights
        x: Float32 = np.ascontiguousarray(observation, dtype=np.float32)
        if weights.mean is not None and weights.std is not None:
            x = (x - weights.mean) / weights.std
        if weights.observation_clip is not None:
            x = np.clip(x, -np.float32(weights.observation_clip), np.float32(weights.observation_clip))
        for kernel, bias in self._layers[:-1]:
            x = self._activate(_affine(x, kernel, bias))
        x = _affine(x, *self._layers[-1])
        if weights.log_std is not None:
            return x, np.broadcast_to(np.exp(weights.log_std), x.shape)
        location, parameter = np.split(x, 2, axis=1)
        return location, np.logaddexp(parameter, np.float32(0)) + np.float32(weights.min_std)

    def apply(self, action_raw: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Squash or clip actions as sampled into the control range.

        Args:
            action_raw: (..., da).

        Returns:
            (..., da) actions as applied, in float64: float32 rounds tanh to 1 from 9 on, and to the bound with it.
        """
        action = np.asarray(action_raw, dtype=np.float64)
        if self.family == "tanh-normal":
            action = np.tanh(action)
            if self.weights.action_scaling == "range":
                action = self._low + (self._high - self._low) * (action + 1.0) / 2.0
        # After scaling too: low + (high - low) can round to the number above high.
        return np.clip(action, self._low, self._high)

    def _check_range(self) -> None:
        low, high = self._low, self._high
        if self.weights.action_scaling == "range" and not np.isfinite([low, high]).all():
            raise PolicyError(f"action_scaling 'range' needs a bounded control range, got {low} to {high}; try 'none'")
        if self.weights.action_scaling == "none" and ((low > -1).any() or (high < 1).any()):
            raise PolicyError(
                f"actions from -1 to 1 do not fit into the control range {low} to {high}; try action_scaling 'range'"
            )

    def _check_finite(self, observation: NDArray[np.floating[Any]], raw: Float32) -> None:
        rows = np.flatnonzero(~np.isfinite(raw).all(axis=1))
        if len(rows):
            row = int(rows[0])
            at_fault = "its weights" if np.isfinite(observation[row]).all() else "its observation was not finite either"
            raise PolicyError(
                f"expected finite actions of policy {self.name!r}, got {raw[row]} in row {row} of the batch "
                f"({len(rows)} such rows); look at {at_fault}",
                row,
            )


def _affine(x: Float32, kernel: Float32, bias: Float32) -> Float32:
    """Multiply (e, in) by (in, out) and add (out,), each row as if it were alone."""
    # Not a matrix product of BLAS: that adds in an order which the number of rows and of threads decides, and an
    # episode must not depend, bit for bit, on which others it is rolled out with.
    blocks = [
        np.sum(x[start : start + _ROWS_AT_ONCE, :, None] * kernel, axis=1, dtype=np.float32)
        for start in range(0, len(x), _ROWS_AT_ONCE)
    ]
    result: Float32 = np.concatenate([np.empty((0, len(bias)), np.float32), *blocks]) + bias
    return result
