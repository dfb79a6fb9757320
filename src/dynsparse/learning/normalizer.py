"""Normaliser: z-scores of states and actions, and what they do to a Jacobian (Appendix A2.2 of the paper)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dynsparse.errors import ArrayError, SettingError
from dynsparse.physics.state_space import StateSpace

__all__ = ["EPSILON", "FACTORS", "Normalizer"]

Array = NDArray[np.float64]

EPSILON = 1e-8
"""Added to every standard deviation, so that a constant variable is not divided by 0."""

FACTORS = ("derived", "printed")
"""Which factor turns a Jacobian into that of the normalised mapping: the one that follows from the definition of that
mapping, or the one that the paper prints, which is its inverse."""


@dataclass(frozen=True, eq=False)
class Normalizer:
    """Mean and standard deviation of a model's inputs (state, then action) and outputs (next state).

    Attributes:
        input_mean: (ds + da,).
        input_std: (ds + da,) at least 0.
        output_mean: (ds,).
        output_std: (ds,) at least 0.
        epsilon: Added to every standard deviation.
    """

    input_mean: Array
    input_std: Array
    output_mean: Array
    output_std: Array
    epsilon: float = EPSILON

    def __post_init__(self) -> None:
        """Check that the parts fit each other.

        Raises:
            ArrayError: If shapes do not fit, or a number is NaN, infinite or a negative standard deviation.
            SettingError: If epsilon is not a finite number above 0.
        """
        if not (math.isfinite(self.epsilon) and self.epsilon > 0):
            raise SettingError(f"epsilon must be a finite number above 0, got {self.epsilon!r}; try {EPSILON:g}")
        for what in ("input", "output"):
            mean, std = getattr(self, f"{what}_mean"), getattr(self, f"{what}_std")
            if mean.ndim != 1 or mean.shape != std.shape:
                raise ArrayError(f"expected {what} mean and std of one shape (d,), got {mean.shape} and {std.shape}")
            if not (np.isfinite(mean).all() and np.isfinite(std).all() and (std >= 0).all()):
                raise ArrayError(f"expected finite {what} means and standard deviations of at least 0; leave rows out")

    @classmethod
    def fit(cls, blocks: Iterable[Mapping[str, NDArray[np.floating]]], *, epsilon: float = EPSILON) -> Normalizer:
        """Measure mean and standard deviation (of the rows there are, not of a population) over blocks of rows.

        Args:
            blocks: Each with ``state`` (n, ds), ``action`` (n, da) and ``next_state`` (n, ds); one is in use at a time.
            epsilon: Added to every standard deviation.

        Returns:
            The normaliser.

        Raises:
            ArrayError: If there is no row, or one is not finite.
        """
        inputs, outputs = _Moments(), _Moments()
        for block in blocks:
            inputs.add(np.concatenate([block["state"], block["action"]], axis=1))
            outputs.add(block["next_state"])
        return cls(*inputs.found(), *outputs.found(), epsilon)

    @property
    def state_dim(self) -> int:
        """Length of a state, ds."""
        return len(self.output_mean)

    def inputs(self, state: NDArray[np.floating], action: NDArray[np.floating]) -> Array:
        """Return (n, ds + da) normalised inputs of (n, ds) states and (n, da) actions."""
        given = np.concatenate([state, action], axis=1)
        return (given - self.input_mean) / (self.input_std + self.epsilon)

    def outputs(self, next_state: NDArray[np.floating]) -> Array:
        """Return (n, ds) normalised next states."""
        return (next_state - self.output_mean) / (self.output_std + self.epsilon)

    def next_states(self, outputs: NDArray[np.floating]) -> Array:
        """Undo ``outputs``."""
        return outputs * (self.output_std + self.epsilon) + self.output_mean

    def jacobian_factor(self, factor: str = "derived") -> Array:
        """Return what a Jacobian's elements are multiplied by to be those of the normalised mapping.

        The normalised mapping is ``x -> (f(x * (std_in + eps) + mean_in) - mean_out) / (std_out + eps)``, so that its
        Jacobian is ``J_ij (std_in_j + eps) / (std_out_i + eps)``.  The paper prints the inverse of this factor.

        Args:
            factor: One of ``FACTORS``.

        Returns:
            (ds, ds + da), row = output, column = input.

        Raises:
            SettingError: If there is no such factor.
        """
        if factor not in FACTORS:
            raise SettingError(f"factor must be one of {', '.join(FACTORS)}, got {factor!r}; try derived")
        derived = (self.input_std + self.epsilon)[None, :] / (self.output_std + self.epsilon)[:, None]
        return derived if factor == "derived" else 1 / derived

    def tangent_factor(self, space: StateSpace) -> Array:
        """Return what the elements of a Jacobian of tangents are multiplied by, to compare their sizes.

        What is no rotation is divided by its standard deviation, as in ``jacobian_factor``.  All three numbers of a
        rotation vector are divided by ``2 sqrt((v_w + v_x + v_y + v_z) / 3)`` with the variances of the quaternion's
        four numbers: for small rotations, where the quaternion is about ``(1, r / 2)`` in the frame of its mean, this
        is the root mean square of the vector's numbers; and it is the same in every frame.

        Args:
            space: Which numbers of the state are quaternions.

        Returns:
            (tangent_dim, tangent_dim + da), row = output, column = input; ``jacobian_factor()`` where there are none.
        """
        if space.is_flat:
            return self.jacobian_factor()
        size = self.state_dim
        before = np.concatenate([_tangent_std(self.input_std[:size], space), self.input_std[size:]]) + self.epsilon
        return before[None, :] / (_tangent_std(self.output_std, space) + self.epsilon)[:, None]

    def jacobians(
        self, jac_state: NDArray[np.floating], jac_action: NDArray[np.floating], factor: str = "derived"
    ) -> Array:
        """Return the Jacobians of the normalised mapping.

        Args:
            jac_state: (n, ds, ds).
            jac_action: (n, ds, da).
            factor: One of ``FACTORS``.

        Returns:
            (n, ds, ds + da).
        """
        return np.concatenate([jac_state, jac_action], axis=2) * self.jacobian_factor(factor)

    def raw_jacobians(self, jacobians: NDArray[np.floating]) -> Array:
        """Return Jacobians of the mapping itself from (n, ds, ds + da) of the normalised one (derived factor)."""
        return jacobians / self.jacobian_factor()


def _tangent_std(std: Array, space: StateSpace) -> Array:
    """Return (tangent_dim,) scales of a tangent's numbers from (ds,) standard deviations of the state's."""
    found = std.copy()
    for start in reversed(space.quaternions):
        rotation = 2 * np.sqrt((std[start : start + 4] ** 2).sum() / 3)
        found = np.concatenate([found[:start], np.full(3, rotation), found[start + 4 :]])
    return found


class _Moments:
    """Mean and standard deviation of rows that arrive in blocks, by Chan's update, which does not cancel."""

    def __init__(self) -> None:
        self._count = 0
        self._mean: Array = np.zeros(0)
        self._squares: Array = np.zeros(0)

    def add(self, rows: NDArray[np.floating]) -> None:
        rows = np.asarray(rows, dtype=np.float64)
        bad = ~np.isfinite(rows).all(axis=1)
        if bad.any():
            raise ArrayError(
                f"expected finite rows to normalise by, got {int(bad.sum())} that are not; leave them out by 'finite'"
            )
        if not len(rows):
            return
        mean = rows.mean(axis=0)
        squares = ((rows - mean) ** 2).sum(axis=0)
        if not self._count:
            self._count, self._mean, self._squares = len(rows), mean, squares
            return
        count = self._count + len(rows)
        step = mean - self._mean
        self._mean = self._mean + step * (len(rows) / count)
        self._squares = self._squares + squares + step**2 * (self._count * len(rows) / count)
        self._count = count

    def found(self) -> tuple[Array, Array]:
        if not self._count:
            raise ArrayError("expected rows to normalise by, got none; collect some")
        return self._mean, np.sqrt(self._squares / self._count)
