"""Source of rows: what an analysis needs of a data set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from dynsparse.physics.state_space import StateSpace

__all__ = ["ArrayRows", "RowArrays", "RowDescription", "RowSource"]


class Description(Protocol):
    """What the rows are; ``dynsparse.dataset`` has it for a stored data set, ``RowDescription`` for arrays."""

    @property
    def environment(self) -> str:
        """Name of the environment."""

    @property
    def tangent_names(self) -> tuple[str, ...]:
        """(tangent_dim,) names of a Jacobian's rows: the state's, those of a quaternion replaced by its rotation's."""

    @property
    def space(self) -> StateSpace:
        """What a small change of a state is."""

    @property
    def action_names(self) -> tuple[str, ...]:
        """(da,) names of the actions."""

    @property
    def policy(self) -> Mapping[str, Any]:
        """Who chose the actions; its entry ``"name"`` is used."""

    @property
    def derivative(self) -> str:
        """Which transition Jacobian: exact, autodiff or finite-difference."""

    @property
    def episode_steps(self) -> int:
        """Control steps of an episode."""

    @property
    def states(self) -> str:
        """``"rollout"``, or ``"coverage"`` for one-step episodes that say nothing about time."""

    def to_dict(self) -> dict[str, Any]:
        """Return the whole description as plain JSON values."""


class RowArrays(Protocol):
    """One block of rows: a whole number of episodes."""

    @property
    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """Arrays by the name of their field, rows first."""


class RowSource(Protocol):
    """Rows in blocks, so that all of them need not be in memory at once."""

    @property
    def description(self) -> Description:
        """What the rows are."""

    @property
    def rows(self) -> int:
        """Number of rows."""

    @property
    def episodes(self) -> int:
        """Number of episodes."""

    def blocks(self, names: Sequence[str], /) -> Iterable[RowArrays]:
        """Return the blocks in order, each with the named fields."""


@dataclass(frozen=True)
class RowDescription:
    """What rows are that were not read from a data set.

    Attributes:
        environment: Name of the environment.
        state_names: (ds,) names of the state variables.
        action_names: (da,) names of the actions.
        policy: Who chose the actions; holds at least ``"name"``.
        derivative: Which transition Jacobian.
        episode_steps: Control steps of an episode.
        states: ``"rollout"`` or ``"coverage"``.
        quaternions: Where in the state each unit quaternion starts; Jacobians are then those of tangents.
    """

    environment: str
    state_names: tuple[str, ...]
    action_names: tuple[str, ...]
    policy: Mapping[str, Any]
    derivative: str
    episode_steps: int
    states: str = "rollout"
    quaternions: tuple[int, ...] = ()

    @property
    def space(self) -> StateSpace:
        """What a small change of a state is."""
        return StateSpace(len(self.state_names), self.quaternions)

    @property
    def tangent_names(self) -> tuple[str, ...]:
        """(tangent_dim,) names of a Jacobian's rows."""
        return self.space.tangent_names(self.state_names)

    def to_dict(self) -> dict[str, Any]:
        """Return the description as plain JSON values; ``quaternions`` only where there are any."""
        lists = {"state_names": list(self.state_names), "action_names": list(self.action_names)}
        values = {**asdict(self), "policy": dict(self.policy), **lists}
        quaternions = values.pop("quaternions")
        return values | ({"quaternions": list(quaternions)} if quaternions else {})


@dataclass(frozen=True, eq=False)
class ArrayRows:
    """Rows that are in memory already: one block.

    Attributes:
        description: What they are.
        arrays: ``jac_state`` (n, ds, ds) and ``jac_action`` (n, ds, da), with tangent_dim in place of ds where there
            are quaternions; ``finite``, ``episode`` and ``t``, each (n,).
    """

    description: RowDescription
    arrays: Mapping[str, NDArray[Any]]

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.arrays["episode"])

    @property
    def episodes(self) -> int:
        """Number of episodes."""
        return len(np.unique(self.arrays["episode"]))

    def blocks(self, names: Sequence[str], /) -> Iterator[ArrayRows]:
        """Return all rows as one block.

        Args:
            names: Fields to hand out; the block holds them all in any case.

        Returns:
            One block.
        """
        yield self
