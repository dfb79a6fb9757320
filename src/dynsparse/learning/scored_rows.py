"""Scored rows: the rows of a data set that models are scored on, with all that the scores need of the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynsparse.config import check_atol
from dynsparse.errors import ArrayError
from dynsparse.learning.normalizer import Normalizer
from dynsparse.learning.windows import Windows, window_places
from dynsparse.physics.state_space import StateSpace

__all__ = ["ZERO_ATOL", "ScoredRows"]

Array = NDArray[np.float64]

ZERO_ATOL = 1e-12
"""The paper's threshold for a zero of the simulator's Jacobian where models are judged by it."""

_STEPS = ("state", "action", "next_state")
_JACOBIANS = ("jac_state", "jac_action")


@dataclass(frozen=True, eq=False)
class ScoredRows:
    """Rows to score models on.

    Where the state holds quaternions, Jacobians are those of tangents, and dt below is the length of a tangent; else
    dt is ds.

    Attributes:
        environment: Name of the environment.
        policy: Name of the policy.
        index: (m,) place of each row in the data set, increasing.
        dataset_rows: How many rows the data set has.
        nonfinite_rows: How many of these are not finite; none of them is scored.
        state: (m, ds).
        action: (m, da).
        next_state: (m, ds).
        jacobian: (m, dt, dt + da) of the simulator, row = next state, column = state, then action.
        zero: (m, dt, dt + da) true where that is below ``zero_atol``.
        contact: (m,) true where any constraint exerted force.
        changing: (dt, dt + da) true where an element is zero in some rows of the data set and not in others.
        training_zero_frequency: (dt, dt + da) share of the training rows in which an element is zero.
        normalizer: What makes z-scores of states and actions.
        windows: Where models are rolled forward.
        zero_atol: Zero threshold of the simulator's Jacobian.
        quaternions: Where in the state each unit quaternion starts.
    """

    environment: str
    policy: str
    index: NDArray[np.int64]
    dataset_rows: int
    nonfinite_rows: int
    state: Array
    action: Array
    next_state: Array
    jacobian: Array
    zero: NDArray[np.bool_]
    contact: NDArray[np.bool_]
    changing: NDArray[np.bool_]
    training_zero_frequency: Array
    normalizer: Normalizer
    windows: Windows
    zero_atol: float
    quaternions: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Check what comes from elsewhere.

        Raises:
            ArrayError: If the Jacobians do not fit the states, or the normaliser or what is known of all rows does not
                fit either.
        """
        shape = self.jacobian.shape[1:]
        for name in ("changing", "training_zero_frequency"):
            if getattr(self, name).shape != shape:
                raise ArrayError(f"expected {name} of shape {shape}, got {getattr(self, name).shape}")
        if self.normalizer.jacobian_factor().shape != (self.state_dim, self.state_dim + self.action_dim):
            raise ArrayError(
                f"expected a normaliser of {self.state_dim} state variables and {self.action_dim} actions, got one of "
                f"{len(self.normalizer.input_mean)} inputs and {self.normalizer.state_dim} outputs; fit one"
            )
        size = self.space.tangent_dim
        if shape != (size, size + self.action_dim):
            raise ArrayError(
                f"expected Jacobians of shapes {(size, size)} and {(size, self.action_dim)} for states of "
                f"{self.state_dim} numbers with quaternions at {list(self.quaternions)}, got {shape} side by side"
            )

    @property
    def state_dim(self) -> int:
        """Number of state variables, ds."""
        return int(self.state.shape[1])

    @property
    def space(self) -> StateSpace:
        """What a small change of a state is."""
        return StateSpace(self.state_dim, self.quaternions)

    @property
    def jacobian_factor(self) -> Array:
        """(dt, dt + da) what makes Jacobians those of z-scores."""
        return self.normalizer.tangent_factor(self.space)

    @property
    def action_dim(self) -> int:
        """Number of actions, da."""
        return int(self.action.shape[1])

    def __len__(self) -> int:
        return len(self.index)

    @classmethod
    def from_arrays(
        cls,
        arrays: Mapping[str, NDArray[Any]],
        index: NDArray[np.integer],
        *,
        normalizer: Normalizer,
        training_zero_frequency: NDArray[np.floating],
        changing: NDArray[np.bool_],
        environment: str,
        policy: str,
        zero_atol: float = ZERO_ATOL,
        quaternions: tuple[int, ...] = (),
    ) -> ScoredRows:
        """Take rows of a data set that is in memory.

        Args:
            arrays: Fields of the whole data set, n rows each: ``state``, ``action``, ``next_state``, ``jac_state``,
                ``jac_action``, ``constraint_active``, ``episode``, ``t`` and ``finite``.
            index: (m,) places of the rows to score, increasing.
            normalizer: What makes z-scores, measured on the training rows.
            training_zero_frequency: (dt, dt + da) share of the training rows in which an element is zero.
            changing: (dt, dt + da) true where an element is zero in some rows of the data set and not in others.
            environment: Name of the environment.
            policy: Name of the policy.
            zero_atol: Zero threshold of the simulator's Jacobian.
            quaternions: Where in the state each unit quaternion starts.

        Returns:
            The rows.

        Raises:
            ArrayError: If there is no row to score, one is out of range or not finite, or they are not in order.
            SettingError: If the threshold is not above 0.
        """
        finite = np.asarray(arrays["finite"], dtype=bool)
        chosen = _checked_index(index, finite)
        places = window_places(chosen, arrays["episode"], arrays["t"], finite)
        around = places.rows
        jacobian = np.concatenate([arrays[name][chosen] for name in _JACOBIANS], axis=2, dtype=np.float64)
        return cls(
            environment=environment,
            policy=policy,
            index=chosen,
            dataset_rows=len(finite),
            nonfinite_rows=int(np.count_nonzero(~finite)),
            state=np.asarray(arrays["state"][chosen], dtype=np.float64),
            action=np.asarray(arrays["action"][chosen], dtype=np.float64),
            next_state=np.asarray(arrays["next_state"][chosen], dtype=np.float64),
            jacobian=jacobian,
            zero=np.abs(jacobian) < check_atol(zero_atol),
            contact=np.asarray(arrays["constraint_active"][chosen].any(axis=1)),
            changing=changing,
            training_zero_frequency=np.asarray(training_zero_frequency, dtype=np.float64),
            normalizer=normalizer,
            windows=Windows.gather({name: arrays[name][around] for name in _STEPS}, places),
            zero_atol=zero_atol,
            quaternions=quaternions,
        )


def _checked_index(index: NDArray[np.integer], finite: NDArray[np.bool_]) -> NDArray[np.int64]:
    chosen = np.asarray(index)
    if chosen.ndim != 1 or chosen.dtype.kind not in "iu" or not len(chosen):
        raise ArrayError(
            f"expected places of rows to score, (m,) whole numbers, got {chosen.dtype} of shape {chosen.shape}"
        )
    if chosen[0] < 0 or chosen[-1] >= len(finite) or not (np.diff(chosen) > 0).all():
        raise ArrayError(f"expected places of rows that increase from 0 to at most {len(finite) - 1}; sort them")
    bad = chosen[~finite[chosen]]
    if bad.size:
        raise ArrayError(f"expected finite rows to score, row {bad[0]} is not ({bad.size} in all); leave them out")
    return chosen.astype(np.int64)
